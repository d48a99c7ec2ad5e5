"""Machines against the catalog: sold in the zones that are asked for, and within the quotas that are given."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from polysilicon.catalog import Catalog
from polysilicon.errors import UserError, one_of
from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.identifiers import named
from polysilicon.rehearsal.model import Call, Problem, Tally
from polysilicon.rehearsal.remains import is_broken
from polysilicon.rehearsal.values import UNKNOWN, Properties, at, every
from polysilicon.rehearsal.wording import told


@dataclass(frozen=True)
class User:
    """A row of `users`: how one type asks for machines."""

    type: str
    machines: tuple[str, ...]
    zones: tuple[str, ...]
    absent: str
    over: str
    count: tuple[str, ...] = ()
    each_zone: bool = False
    in_total: tuple[str, ...] = ()
    spot: Mapping[str, Any] = field(default_factory=dict)
    unlimited: Mapping[str, Any] = field(default_factory=dict)

    def terms(self, inputs: Properties) -> str:
        """`spot` or `on_demand`."""
        return "spot" if _matches(self.spot, inputs) else "on_demand"

    def nodes(self, inputs: Properties, zones: int) -> int:
        """How many machines start at once; one where nothing says more."""
        for path in self.count:
            value = at(inputs, path)
            if isinstance(value, int):
                return value * (max(zones, 1) if self.each_zone and path not in self.in_total else 1)
        return 0 if self.count else 1


@dataclass(frozen=True)
class Quota:
    """A row of `quotas`: which machines count against it, and what of them."""

    cloud: str
    machines: str
    on_demand: str
    spot: str
    unit: str = "vcpus"


class Machines:
    """Judges what machines something is made of; see the module.

    Args:
        catalog: Machines and the zones that sell them. A machine that it does not have is not judged.
        quotas: The most that may run at once, by quota code or metric; without one there is no limit.

    Raises:
        UserError: A quota of a name that nobody knows.
    """

    name = "machines"

    def __init__(self, catalog: Catalog, quotas: Mapping[str, float] | None = None) -> None:
        self.tally = Tally()
        self._catalog, self._quotas = catalog, dict(quotas or {})
        known = sorted({name for row in _table().quotas for name in (row.on_demand, row.spot)})
        for name in self._quotas:
            if name not in known:
                raise UserError(f"quota: got {name!r}, which no machine counts against\n  fix: {one_of(known, name)}")

    def judge(self, call: Call, accounts: Accounts) -> Iterator[Problem]:
        """The problems of `call`."""
        user = _table().users.get(call.type)
        if user is None or call.operation not in ("create", "update") or call.preview:
            return
        zones = _found(user.zones, call.package, call.inputs, accounts)
        for machine in _found(user.machines, call.package, call.inputs, accounts):
            if machine not in self._catalog.machines:
                self.tally.unjudged[f"machine {machine}: not in the catalog"] += 1
                continue
            self.tally.inputs += 1
            yield from self._absent(user, call, machine, zones)
            yield from self._over(user, call, machine, len(zones), accounts)

    def _absent(self, user: User, call: Call, machine: str, zones: list[str]) -> Iterator[Problem]:
        regions = self._catalog.regions_of(machine)
        region = _region(call, zones)
        offered = self._catalog.zones(machine, region)
        if not regions or not region or not zones:
            return
        wrong = [zone for zone in zones if zone not in offered]
        # A group of several zones lives in those that have the machine (eksctl issue 636); Google wants it in each.
        if wrong and (user.each_zone or len(wrong) == len(zones)):
            choice = ", ".join(offered) or f"a region that has it: {', '.join(regions)}"
            text = told(call, user.absent, machine=machine, zones=", ".join(wrong), offered=choice)
            yield Problem(text if choice in text else f"{text} (sold in: {choice})")

    def _over(self, user: User, call: Call, machine: str, zones: int, accounts: Accounts) -> Iterator[Problem]:
        quota = _quota_of(call.package, machine)
        if quota is None or _matches(user.unlimited, call.inputs):
            return
        terms = user.terms(call.inputs)
        name = getattr(quota, terms)
        if name not in self._quotas:
            return
        allowed, wanted = self._quotas[name], self._units(quota, machine) * user.nodes(call.inputs, zones)
        used = self._used(quota, terms, call, accounts)
        if used + wanted > allowed:
            free = max(int(allowed - used), 0)
            facts = {"allowed": int(allowed), "wanted": wanted, "used": used, "free": free, "short": wanted - free}
            limit = _table().wording[call.package].format(name=name, **facts)
            yield Problem(told(call, user.over, limit=limit, terms="Spot" if terms == "spot" else "On-Demand"))

    def _used(self, quota: Quota, terms: str, call: Call, accounts: Accounts) -> int:
        """What others of the same account and region have running already."""
        total = 0
        own = call.record.key if call.record else None
        for record in accounts.of_types(_table().users.__contains__):
            user = _table().users[record.type]
            elsewhere = record.scope != call.scope or user.terms(record.inputs) != terms
            if record.key == own or elsewhere or is_broken(record):  # nobody knows what a broken one still runs
                continue
            zones = len(_found(user.zones, record.package, record.inputs, accounts))
            for machine in _found(user.machines, record.package, record.inputs, accounts)[:1]:
                if _quota_of(record.package, machine) == quota and machine in self._catalog.machines:
                    total += self._units(quota, machine) * user.nodes(record.inputs, zones)
        return total

    def _units(self, quota: Quota, machine: str) -> int:
        return int(getattr(self._catalog.machines[machine], quota.unit))


def _region(call: Call, zones: list[str]) -> str:
    """A Google zone is its region with a letter behind; on AWS the place is the region."""
    return zones[0].rsplit("-", 1)[0] if call.package == "gcp" and zones else call.scope.place


def _found(paths: tuple[str, ...], package: str, inputs: Properties, accounts: Accounts) -> list[str]:
    """The values at some paths; after a `>` a property of the resource that the value names."""
    texts: list[str] = []
    for path in paths:
        start, _, hop = path.partition(">")
        for _, value in every(inputs, start):
            if isinstance(value, str) and value != UNKNOWN:
                texts += _beyond(package, value, hop, accounts) if hop else [value]
    return texts


def _beyond(package: str, name: str, hop: str, accounts: Accounts) -> list[str]:
    called = named(accounts, package, name)
    value = at(called[-1].outputs, hop) if called else None
    return [value] if isinstance(value, str) and value else []


def _matches(condition: Mapping[str, Any], inputs: Properties) -> bool:
    return bool(condition) and all(at(inputs, path) == value for path, value in condition.items())


@dataclass(frozen=True)
class _Table:
    users: Mapping[str, User]
    quotas: tuple[Quota, ...]
    wording: Mapping[str, str]


@functools.cache
def _table() -> _Table:
    file = resources.files("polysilicon.rehearsal") / "data" / "machines.toml"
    rows = tomllib.loads(file.read_text(encoding="utf-8"))
    lists = ("machines", "zones", "count", "in_total")
    users = [User(**{**row, **{name: tuple(row[name]) for name in lists if name in row}}) for row in rows["users"]]
    return _Table({user.type: user for user in users}, tuple(Quota(**row) for row in rows["quotas"]), rows["wording"])


@functools.cache
def _quota_of(cloud: str, machine: str) -> Quota | None:
    return next((q for q in _table().quotas if q.cloud == cloud and re.match(q.machines, machine)), None)
