"""The first judge: what does not exist cannot be referred to, and what is referred to cannot be deleted.

A reference is a whole value: an id, an ARN, a path or a self link of a form that this account gives out, or a name in a
property that the tables list (`clusterName`, `role`, `network` …). Text inside documents is not looked at.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from polysilicon.rehearsal.accounts import LONGEST_NAME, Accounts
from polysilicon.rehearsal.forms import service_of, table
from polysilicon.rehearsal.identifiers import is_identifier, named, normal
from polysilicon.rehearsal.judges.identifier_kinds import of_another_kind
from polysilicon.rehearsal.model import Call, Fault, Problem, Record, Tally
from polysilicon.rehearsal.provenance import told_of
from polysilicon.rehearsal.values import UNKNOWN, Path, at, shown, strings
from polysilicon.rehearsal.wording import told


@dataclass(frozen=True)
class NamedReference:
    """A property that names another resource: a row of `references` in a table."""

    types: tuple[str, ...]
    property: str
    target: str
    message: str
    given: frozenset[str] = frozenset()
    unless: str = ""

    def applies(self, call: Call) -> bool:
        """Whether calls for this type are looked at."""
        return _matches(call.type, self.types) and not at(call.inputs, self.unless or " ")

    def value(self, inputs: Mapping[str, Any]) -> str:
        """The name given, if it is known."""
        value = at(inputs, self.property)
        return value if isinstance(value, str) and value != UNKNOWN and value not in self.given else ""


class References:
    """Judges references; see the module."""

    name = "references"

    def __init__(self) -> None:
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """What is of another kind in a check, missing targets of a change, users of what is deleted."""
        if call.operation == "delete":
            return self._users(call, accounts)
        if call.operation in ("create", "update"):
            return self._missing(call, accounts)
        return of_another_kind(call, accounts, self.tally)

    def _missing(self, call: Call, accounts: Accounts) -> Iterator[Problem]:
        named = {row.property: row for row in _named_rows(call.package) if row.applies(call)}
        for path, text in strings(call.inputs):
            row = named.pop(".".join(map(str, path)), None)
            if row is not None and row.value(call.inputs):
                # The engine previews before anything exists: a name may be that of what is about to be made.
                if not call.preview:
                    self.tally.inputs += 1
                    yield from self._unless_named(call, accounts, row, path, text)
            elif is_reference(call.package, path, text):
                yield from self._unless_known(call, accounts, path, text)

    def _unless_named(
        self, call: Call, accounts: Accounts, row: NamedReference, path: Path, text: str
    ) -> Iterator[Problem]:
        found = named(accounts, call.package, text)
        if accounts.is_elsewhere(text) or any(_is_target(row, record, call) for record in found):
            return
        if _is_of_another_owner(call, text):
            return
        yield Problem(told(call, row.message, text=text) + _or_there(text), shown(path), Fault.NOT_FOUND)

    def _unless_known(self, call: Call, accounts: Accounts, path: Path, text: str) -> Iterator[Problem]:
        for pattern, row in _missing_rows(call.package, call.scope.owner):
            match = pattern.search(text)
            if match is None:
                continue
            if call.preview and not row.get("random"):
                return
            self.tally.inputs += 1
            found = [*accounts.called(text), *accounts.called(normal(call.package, match[0]))]
            regional = row.get("regional", False)
            if not accounts.is_elsewhere(text) and not any(_is_near(r, call, regional) for r in found):
                groups = {name: value or "" for name, value in match.groupdict().items()}
                message = told(call, row["message"], text=match[0], **groups) + _or_there(text)
                yield Problem(message, shown(path), Fault.NOT_FOUND)
            return

    def _users(self, call: Call, accounts: Accounts) -> Iterator[Problem]:
        record = call.record
        if record is None:
            return
        self.tally.inputs += 1
        for user in users_of(record, accounts):
            row = _in_use_row(record.type)
            message = row.get("message") or table(call.package)["wording"]["in_use"]
            text = told(call, message, id=record.id, user=user.id, user_kind=user.type.rsplit(":", 1)[-1])
            yield Problem(text + told_of(user), fault=Fault.IN_USE)
            return


def users_of(record: Record, accounts: Accounts) -> Iterator[Record]:
    """Whatever keeps a resource from being deleted, the oldest first."""
    row = _in_use_row(record.type)
    if not table(record.package).get("wording", {}).get("in_use"):
        return
    for name in record.names:
        for user in accounts.mentioning(name):
            if user.key != record.key and user.package == record.package and _blocks(row, record, user, name):
                yield user


def is_reference(package: str, path: Path, text: str) -> bool:
    """Whether a value is looked up at all: not in free text such as tags, not what always exists."""
    rules = table(package)
    if len(text) > LONGEST_NAME or not set(rules.get("free_text", ())).isdisjoint(map(str, path)):
        return False
    return is_identifier(package, text) and not any(pattern.search(text) for pattern in _always_there(package))


def _blocks(row: Mapping[str, Any], record: Record, user: Record, name: str) -> bool:
    if not _matches(user.type, row.get("only", ["*"])) or _matches(user.type, row.get("never", [])):
        return False
    if is_identifier(record.package, name):
        places = [path for path, text in strings(user.inputs) if text == name]
        return any(is_reference(record.package, path, name) and not _is_own(row, path) for path in places)
    named = [r for r in _named_rows(record.package) if _matches(user.type, r.types)]
    return any(_matches(record.type, [r.target]) and r.value(user.inputs) == name for r in named) and (
        user.scope == record.scope or service_of(record.type) == service_of(user.type)
    )


def _is_own(row: Mapping[str, Any], path: Path) -> bool:
    """Properties through which a part names its whole: the part goes with it, so it does not hold it."""
    return shown(path) in row.get("own", ())


def _or_there(name: str) -> str:
    """What to do about a refusal of a name that a real account would know: the simulated ones begin empty."""
    return f" (if it is there without this program: rehearse with --exists {name})"


def _is_target(row: NamedReference, record: Record, call: Call) -> bool:
    return _matches(record.type, [row.target]) and _is_near(record, call, regional=True)


def _is_near(record: Record, call: Call, regional: bool) -> bool:
    if record.scope.cloud != call.scope.cloud or record.scope.owner != call.scope.owner:
        return False
    return not regional or "global" in (record.scope.place, call.scope.place) or _overlap(record, call)


def _overlap(record: Record, call: Call) -> bool:
    """A zone is inside its region, so one place's name begins with the other's."""
    here, there = call.scope.place, record.scope.place
    return here.startswith(there) or there.startswith(here)


def _is_of_another_owner(call: Call, text: str) -> bool:
    pattern = table(call.package).get("owner_in_name")
    match = re.search(pattern, text) if pattern else None
    return match is not None and match[1] != call.scope.owner


def _matches(token: str, patterns: Iterable[str]) -> bool:
    rest = token.partition(":")[2]
    return any(fnmatch.fnmatchcase(rest, pattern) for pattern in patterns)


@functools.cache
def _named_rows(package: str) -> tuple[NamedReference, ...]:
    rows = table(package).get("references", ())
    return tuple(
        NamedReference(**{**row, "types": tuple(row["types"]), "given": frozenset(row.get("given", ()))})
        for row in rows
    )


@functools.cache
def _missing_rows(package: str, owner: str) -> tuple[tuple[re.Pattern[str], Mapping[str, Any]], ...]:
    rows = table(package).get("missing", ())
    return tuple((re.compile(row["pattern"].replace("OWNER", re.escape(owner))), row) for row in rows)


@functools.cache
def _always_there(package: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in table(package).get("always_there", ()))


@functools.cache
def _in_use_row(type_: str) -> Mapping[str, Any]:
    rows: Iterable[Mapping[str, Any]] = table(type_.split(":")[0]).get("in_use", ())
    return next((row for row in rows if _matches(type_, row["types"])), {})
