"""What a cloud takes in one property and answers in another: rows of `read_back` in the tables.

The provider then finds at each update that something has changed, for ever.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.values import Properties


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A row: values of a form that come back elsewhere.

    Attributes:
        types: Of which types.
        property: Where such a value may be given.
        looks: The form, an expression.
        becomes: Where it comes back.
        within: The list whose items have these properties; by default the resource itself has them.
        advice: What to tell about it.
        source: Who says so.
    """

    types: tuple[str, ...]
    property: str
    looks: str
    becomes: str
    advice: str
    source: str
    within: str = ""

    def apply(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The properties as they come back."""
        if self.within:
            items = given.get(self.within)
            parts = items if isinstance(items, list) else []
            if not any(self._is_moved(part) for part in parts):
                return given
            return {**given, self.within: [self._moved(part) if self._is_moved(part) else part for part in parts]}
        return self._moved(given) if self._is_moved(given) else given

    def _is_moved(self, part: Any) -> bool:
        value = part.get(self.property) if isinstance(part, Mapping) else None
        return isinstance(value, str) and re.search(self.looks, value) is not None

    def _moved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        kept = {name: value for name, value in part.items() if name != self.property}
        return {**kept, self.becomes: part[self.property]}


def read_back(type_: str, given: Properties) -> Properties:
    """The properties of a resource as its cloud answers them; mostly as they were given."""
    told: Mapping[str, Any] = given
    for row in _rows(type_):
        told = row.apply(told)
    return given if told is given else {**told}


def advice(type_: str, given: Properties) -> str:
    """What to tell about properties that come back elsewhere; nothing if none does."""
    return next((row.advice for row in _rows(type_) if row.apply(given) is not given), "")


@functools.lru_cache(maxsize=4096)
def _rows(type_: str) -> tuple[Moved, ...]:
    package, _, rest = type_.partition(":")
    rows: Iterable[Mapping[str, Any]] = table(package).get("read_back", ())
    moved = [Moved(**{**row, "types": tuple(row["types"])}) for row in rows]
    return tuple(row for row in moved if any(fnmatch.fnmatchcase(rest, pattern) for pattern in row.types))
