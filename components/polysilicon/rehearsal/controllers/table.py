"""What `data/controllers.toml` says, typed; how to read a row is told there."""

from __future__ import annotations

import fnmatch
import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Item:
    """One kind of resource that a controller makes."""

    type: str
    id: str
    inputs: Mapping[str, Any]
    label: str = ""
    over: tuple[str, ...] = ()
    each: tuple[str, ...] = ()
    most: int = 0
    rotate: Mapping[str, str] = field(default_factory=dict)
    when: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Making:
    """What a controller makes on behalf of an owner."""

    number: int
    maker: str
    owners: tuple[str, ...]
    items: tuple[Item, ...]
    fix: str
    cluster: str = ""
    cluster_at: str = ""
    when: Mapping[str, Any] = field(default_factory=dict)
    running: tuple[str, ...] = ()
    unless_running: tuple[str, ...] = ()
    settles: bool = False
    kept: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Bound:
    """The least or the greatest value: where it stands, and what it is if it does not; without that nothing moves."""

    at: str
    default: int | None = None


@dataclass(frozen=True, kw_only=True)
class Move:
    """A value that a controller moves."""

    mover: str
    types: tuple[str, ...]
    property: str
    least: Bound
    most: Bound
    target: str = ""
    cluster_at: str = ""
    running: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Protection:
    """A property that keeps a resource from being deleted."""

    types: tuple[str, ...]
    property: str
    message: str
    source: str
    default: bool = False


@functools.lru_cache(maxsize=4096)
def makings_for(type_: str) -> tuple[Making, ...]:
    """What is made on behalf of a type."""
    return tuple(making for making in _makings() if matches(type_, making.owners))


@functools.lru_cache(maxsize=4096)
def move_of(type_: str) -> Move | None:
    """What is moved in, or through, resources of a type."""
    return next((move for move in _moves() if matches(type_, move.types)), None)


@functools.lru_cache(maxsize=4096)
def protection_of(type_: str) -> Protection | None:
    """What keeps resources of a type from being deleted."""
    rows = (Protection(**{**row, "types": tuple(row["types"])}) for row in told()["protected"])
    return next((row for row in rows if matches(type_, row.types)), None)


@functools.cache
def told() -> Mapping[str, Any]:
    """The table as it is written."""
    file = resources.files("polysilicon.rehearsal") / "data" / "controllers.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def matches(type_: str, patterns: tuple[str, ...]) -> bool:
    """Whether a type is one of `patterns`."""
    return any(fnmatch.fnmatchcase(type_, pattern) for pattern in patterns)


@functools.cache
def _makings() -> tuple[Making, ...]:
    return tuple(
        Making(number=number, **{**_tuples(row), "items": tuple(_item(item) for item in row["items"])})
        for number, row in enumerate(told()["makes"])
    )


@functools.cache
def _moves() -> tuple[Move, ...]:
    rows = told()["moves"]
    return tuple(Move(**{**_tuples(row), "least": Bound(**row["least"]), "most": Bound(**row["most"])}) for row in rows)


def _item(row: Mapping[str, Any]) -> Item:
    return Item(**{("label" if name == "as" else name): value for name, value in _tuples(row).items()})


def _tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
