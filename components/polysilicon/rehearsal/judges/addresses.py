"""Address ranges: well-formed, inside what they are part of, and apart from each other. The rows are in a table."""

from __future__ import annotations

import functools
import ipaddress
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, TypeAlias

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.identifiers import named
from polysilicon.rehearsal.model import Call, Fault, Problem, Record, Tally
from polysilicon.rehearsal.values import UNKNOWN, Path, at, every, shown
from polysilicon.rehearsal.wording import told

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Neighbour:
    """Other resources' ranges in the same space; without a `place` the space is the resource itself."""

    type: str
    property: str
    place: str = ""


@dataclass(frozen=True)
class Range:
    """A row of `ranges` in the table."""

    type: str
    property: str
    strict: bool = False
    prefix: tuple[int, int] = (0, 128)
    size: str = ""
    within: tuple[str, ...] = ()
    foreign: str = ""
    place: str = ""
    inside: tuple[Neighbour, ...] = ()
    outside: str = ""
    apart: tuple[Neighbour, ...] = ()
    overlap: str = ""


@dataclass(frozen=True)
class Held:
    """A range that somebody has already."""

    network: Network
    owner: str
    place: str


@dataclass(frozen=True)
class Space:
    """What ranges share: a resource of the accounts, or the name of one that is elsewhere."""

    name: str
    record: Record | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """By what others refer to it."""
        return self.record.names if self.record else (self.name,)


class Addresses:
    """Judges the form of ranges when inputs are checked, their neighbours when something is made; see the module."""

    name = "addresses"

    def __init__(self) -> None:
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterator[Problem]:
        """The problems of `call`."""
        if call.operation == "check":
            yield from self._forms(call)
        elif call.operation in ("create", "update") and not call.preview:
            for row in _table().ranges.get(call.type, ()):
                yield from self._neighbours(row, call, accounts)
            if call.operation == "create":
                yield from _doubles(call, accounts)
            yield from _unnamed(call, accounts)

    def _forms(self, call: Call) -> Iterator[Problem]:
        for row in _table().ranges.get(call.type, ()):
            for path, text in _texts(call.inputs, row.property):
                self.tally.inputs += 1
                yield from (Problem(problem, shown(path)) for problem in _ill_formed(row, text))

    def _neighbours(self, row: Range, call: Call, accounts: Accounts) -> Iterator[Problem]:
        space = _space(row.place, call, accounts) if row.place else None
        if space is None:
            return
        own = call.record.key if call.record else None
        for path, text in _texts(call.inputs, row.property):
            network = parsed(text)
            if network is None:
                continue
            around = [held.network for held in _held(row.inside, space, accounts, own)]
            if around and not any(_contains(outer, network) for outer in around):
                yield Problem(told(call, row.outside, cidr=text), shown(path))
            met = next((h for h in self._others(row, call, space, accounts, path) if _meet(h.network, network)), None)
            if met is not None:
                more = {"cidr": text, "other": met.network, "owner": met.owner, "place": met.place}
                yield Problem(told(call, row.overlap, **more), shown(path), Fault.EXISTS)

    @staticmethod
    def _others(row: Range, call: Call, space: Space, accounts: Accounts, path: Path) -> Iterator[Held]:
        yield from _held(row.apart, space, accounts, call.record.key if call.record else None)
        for neighbour in (n for n in row.apart if n.type == call.type):
            for other, text in _texts(call.inputs, neighbour.property):
                network = parsed(text)
                if other != path and network is not None:
                    yield Held(network, call.name, call.scope.place)


def parsed(text: str) -> Network | None:
    """A range, whatever bits its address has beyond its prefix."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _ill_formed(row: Range, text: str) -> Iterator[str]:
    network = parsed(text)
    name = row.property.rsplit(".", 1)[-1].strip("*") or row.property.split(".")[-2]
    if network is None:
        yield f'"{name}": "{text}" is not a valid CIDR block: address, slash and prefix length, as in 10.0.0.0/16'
    elif row.strict and str(network) != text:
        yield f'"{name}": "{text}" is not a valid CIDR block; did you mean "{network}"?'
    elif network.version == 4 and not row.prefix[0] <= network.prefixlen <= row.prefix[1]:
        least, most = row.prefix
        allowed = f"/{least}" if least == most else f"/{least} to /{most}"
        yield f"{row.size.format(cidr=text)} (allowed: {allowed})"
    elif row.within and not any(_contains(ipaddress.ip_network(outer), network) for outer in row.within):
        yield row.foreign.format(cidr=text)


def _contains(outer: Network, inner: Network) -> bool:
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _meet(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _texts(inputs: Mapping[str, Any], path: str) -> Iterator[tuple[Path, str]]:
    found = every(inputs, path)
    return ((steps, text) for steps, text in found if isinstance(text, str) and text and text != UNKNOWN)


def _space(place: str, call: Call, accounts: Accounts) -> Space | None:
    start, *hops = place.split(">")
    value = at(call.inputs, start)
    for hop in hops:
        record = _called(accounts, call.package, value)
        value = at(record.outputs, hop) if record else None
    if not isinstance(value, str) or not value or value == UNKNOWN:
        return None
    return Space(value, _called(accounts, call.package, value))


def _called(accounts: Accounts, package: str, name: Any) -> Record | None:
    found = named(accounts, package, name)
    return found[0] if found else None


def _held(neighbours: Iterable[Neighbour], space: Space, accounts: Accounts, own: int | None) -> Iterator[Held]:
    for neighbour in neighbours:
        for record in _in_space(neighbour, space, accounts):
            for _, text in _texts(record.inputs, neighbour.property):
                network = parsed(text)
                if network is not None and record.key != own:
                    place = str(record.outputs.get("region") or record.scope.place)
                    yield Held(network, str(record.outputs.get("name") or record.id), place)


def _in_space(neighbour: Neighbour, space: Space, accounts: Accounts) -> list[Record]:
    if not neighbour.place:
        return [space.record] if space.record is not None and space.record.type == neighbour.type else []
    found = {record.key: record for name in space.names for record in accounts.mentioning(name)}
    return [r for r in found.values() if r.type == neighbour.type and at(r.inputs, neighbour.place) in space.names]


def _doubles(call: Call, accounts: Accounts) -> Iterator[Problem]:
    """Something else has the values that only one can have."""
    for row in _table().single.get(call.type, ()):
        values = {name: at(call.inputs, name) for name in row["by"]}
        if any(not isinstance(value, str) or value == UNKNOWN for value in values.values()):
            continue
        rivals = accounts.mentioning(next(iter(values.values())))
        if any(r.type == call.type and all(r.inputs.get(k) == v for k, v in values.items()) for r in rivals):
            given = {name: value for name, value in call.inputs.items() if f"{{{name}}}" in row["message"]}
            yield Problem(told(call, row["message"], **given), row["by"][-1], Fault.EXISTS)


def _unnamed(call: Call, accounts: Accounts) -> Iterator[Problem]:
    """A name that the resource which should hold it does not have."""
    for row in _table().named.get(call.type, ()):
        name, holder = at(call.inputs, row["property"]), _called(accounts, call.package, at(call.inputs, row["holder"]))
        if holder is None or not isinstance(name, str) or name == UNKNOWN:
            continue
        known = [text for _, text in _texts(holder.inputs, row["among"])]
        if name not in known:
            given = {"network": call.inputs.get("network", ""), row["holder"]: holder.outputs.get("name", holder.id)}
            text = told(call, row["message"], **{**given, "name": name})
            yield Problem(f"{text} (it has: {', '.join(known) or 'none'})", row["property"], Fault.NOT_FOUND)


@dataclass(frozen=True)
class _Table:
    ranges: Mapping[str, list[Range]] = field(default_factory=lambda: defaultdict(list))
    single: Mapping[str, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    named: Mapping[str, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))


@functools.cache
def _table() -> _Table:
    file = resources.files("polysilicon.rehearsal") / "data" / "addresses.toml"
    read, rows = _Table(), tomllib.loads(file.read_text(encoding="utf-8"))
    for row in rows["ranges"]:
        near = {name: tuple(Neighbour(**n) for n in row.get(name, ())) for name in ("inside", "apart")}
        listed = {name: tuple(row[name]) for name in ("prefix", "within") if name in row}
        read.ranges[row["type"]].append(Range(**{**row, **near, **listed}))
    for kind in ("single", "named"):
        for row in rows[kind]:
            getattr(read, kind)[row["type"]].append(row)
    return read
