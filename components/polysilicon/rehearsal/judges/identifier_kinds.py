"""Identifiers of another kind than a property takes: a name or a gateway where the id of a subnet belongs.

By the last words of a property's path, whatever the type: rows of `kinds` in the tables. Whether one of the right kind
exists, the judge of references says.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.model import Call, Problem, Record, Tally
from polysilicon.rehearsal.templates import short_region
from polysilicon.rehearsal.values import Path, shown, strings

_FREE = frozenset({"tags", "tagsAll", "variables", "labels"})
"""Maps whose keys the program chooses: a tag `vpcId` may hold any text."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A row: what a value must look like at properties of some names.

    Attributes:
        properties: The last words of their paths, without indexes: `subnetId`, `launchTemplate.id`.
        looks: An expression; `{region}` and `{zones}` stand for the region of the call and how its zone ids begin.
        source: Who says so.
        types: Of which types; by default of all.
        message: What is said of `{text}`, where `{expected}` was to begin; by default in the words of EC2.
    """

    properties: Sequence[str]
    looks: str
    source: str
    types: Sequence[str] = ("*",)
    message: str = ""

    @property
    def is_regional(self) -> bool:
        """Whether it depends on the region."""
        return "{region}" in self.looks or "{zones}" in self.looks

    def applies(self, type_: str) -> bool:
        """Whether properties of a type are looked at."""
        rest = type_.partition(":")[2]
        return any(fnmatch.fnmatchcase(rest, pattern) for pattern in self.types)


def of_another_kind(call: Call, accounts: Accounts, tally: Tally) -> Iterator[Problem]:
    """What is wrong with the identifiers in the inputs of a call."""
    rows = _rows(call.type)
    for path, text in strings(call.inputs) if rows else ():
        row = _row(rows, path)
        if row is None or (row.is_regional and not _is_plain_region(call)):
            continue
        tally.inputs += 1
        looks = _pattern(row.looks, call.scope.place)
        if not looks.search(text):
            yield Problem(_told(row, call, looks, text) + _whose(accounts.called(text), looks), shown(path))


def _is_plain_region(call: Call) -> bool:
    """Whether the region was configured, and its zones have the ids of the public cloud's: not those of GovCloud."""
    return bool(call.settings.get("region")) and call.scope.place.count("-") == 2


def _row(rows: Mapping[str, Kind], path: Path) -> Kind | None:
    words = [word for word in path if isinstance(word, str)]
    if _FREE & set(words[:-1]):
        return None
    return rows.get(".".join(words[-2:])) or rows.get(words[-1]) if words else None


def _told(row: Kind, call: Call, looks: re.Pattern[str], text: str) -> str:
    message = row.message or 'InvalidParameterValue: Invalid id: "{text}" (expecting "{expected}...")'
    expected = re.sub(r"\(.*?\)\?|[\\^$]", "", looks.pattern)
    return message.format(text=text, expected=expected, place=call.scope.place)


def _whose(records: Iterable[Record], looks: re.Pattern[str]) -> str:
    """What goes by the name that was given, and by which name it belongs there."""
    for record in records:
        kind = record.type.rsplit(":", 1)[-1]
        right = next((name for name in (record.id, *record.names) if looks.search(name)), "")
        return f" (that is the name of the {kind} {right})" if right else f" (that is a {kind})"
    return ""


@functools.lru_cache(maxsize=1024)
def _pattern(looks: str, place: str) -> re.Pattern[str]:
    if "{zones}" in looks:
        looks = looks.replace("{zones}", re.escape(short_region(place)))
    return re.compile(looks.replace("{region}", re.escape(place)))


@functools.lru_cache(maxsize=4096)
def _rows(type_: str) -> Mapping[str, Kind]:
    rows: Iterable[Mapping[str, Any]] = table(type_.partition(":")[0]).get("kinds", ())
    kinds = [Kind(**row) for row in rows]
    return {name: kind for kind in kinds if kind.applies(type_) for name in kind.properties}
