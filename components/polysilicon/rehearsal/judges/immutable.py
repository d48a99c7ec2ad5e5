"""What an API server does not let change in an object that exists: the rows of `[[immutable]]` in the tables.

What the provider makes a new object for never comes to an update; what it does not, the server refuses.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from polysilicon.rehearsal.defaults import with_defaults
from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.judges.fields import Field, Finding
from polysilicon.rehearsal.quantities import quantity
from polysilicon.rehearsal.values import UNKNOWN, Properties, at, leaves

_CONTENTS = ("data", "binaryData", "stringData")


@dataclass(frozen=True)
class _Row:
    types: tuple[str, ...]
    paths: tuple[str, ...]
    text: str
    apart: frozenset[str] = frozenset()
    when: Mapping[str, Any] = field(default_factory=dict)


def change_findings(type_: str, old: Properties, new: Properties) -> Iterator[Finding]:
    """The changes from `old` to `new` that the server refuses; what is not known yet is as good as unchanged."""
    rest = type_.partition(":")[2]
    before, after = with_defaults(type_, old), with_defaults(type_, new)
    for row in _rows():
        if rest in row.types and all(at(before, path) == value for path, value in row.when.items()):
            yield from _changed(row, before, after)
    if rest in ("core/v1:ConfigMap", "core/v1:Secret") and old.get("immutable") is True:
        yield from _contents(old, new)
    if rest == "core/v1:PersistentVolumeClaim":
        yield from _smaller(old, new)


def _changed(row: _Row, before: Properties, after: Properties) -> Iterator[Finding]:
    for path in row.paths:
        old, new = at(before, path), at(after, path)
        if row.apart:
            old, new = _without(old, row.apart), _without(new, row.apart)
        if old != new and UNKNOWN not in {leaf for _, leaf in leaves(new)}:
            shown = Field(new, path).invalid("").text.removeprefix("Invalid value: ")
            yield Finding(path, row.text.replace("{path}", path).replace("{new}", shown))


def _without(value: Any, apart: frozenset[str]) -> Any:
    return {name: item for name, item in value.items() if name not in apart} if isinstance(value, Mapping) else value


def _contents(old: Properties, new: Properties) -> Iterator[Finding]:
    """ValidateConfigMapUpdate, ValidateSecretUpdate: contents that were said to stay."""
    if new.get("immutable") is True:
        return  # the provider makes a new object then
    for name in _CONTENTS:
        if old.get(name) != new.get(name) and UNKNOWN not in {leaf for _, leaf in leaves(new.get(name))}:
            yield Finding(name, "Forbidden: field is immutable when `immutable` is set")


def _smaller(old: Properties, new: Properties) -> Iterator[Finding]:
    """ValidatePersistentVolumeClaimUpdate: a claim may only grow."""
    path = "spec.resources.requests.storage"
    before, after = quantity(at(old, path)), quantity(at(new, path))
    if before is not None and after is not None and after < before:
        yield Finding(path, "Forbidden: field can not be less than previous value")


@functools.cache
def _rows() -> tuple[_Row, ...]:
    return tuple(
        _Row(
            tuple(row["types"]),
            tuple(row["paths"]),
            row["text"],
            frozenset(row.get("except", ())),
            row.get("when", {}),
        )
        for row in table("kubernetes")["immutable"]
    )
