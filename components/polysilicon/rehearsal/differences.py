"""What has changed between two sets of inputs, and whether the change can be made in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from polysilicon.rehearsal.values import UNKNOWN, Path, is_file, public, shown

Kind: TypeAlias = Literal["add", "delete", "update"]
Replacement: TypeAlias = Callable[[Path], bool]
"""Says of a changed path whether the resource must be made anew."""


@dataclass(frozen=True)
class Difference:
    """One changed property."""

    path: Path
    kind: Kind
    replaces: bool

    @property
    def text(self) -> str:
        """The path in the engine's notation."""
        return shown(self.path)


def differences(old: Mapping[str, Any], new: Mapping[str, Any], replacement: Replacement) -> list[Difference]:
    """Every change from `old` inputs to `new` ones. An unknown value counts as changed: it may be."""
    found = _compare(public(old), public(new), ())
    return [Difference(path, kind, replacement(path)) for path, kind in found]


def _compare(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Kind]]:
    if is_file(old) and is_file(new):
        if old.get("hash") != new.get("hash"):
            yield path, "update"
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in {**old, **new}:
            yield from _member(old.get(name), new.get(name), (*path, name))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _member(_item(old, index), _item(new, index), (*path, index))
    elif old != new or new == UNKNOWN:
        yield path, "update"


def _member(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Kind]]:
    if old is None and new is None:
        return
    if old is None:
        yield path, "add"
    elif new is None:
        yield path, "delete"
    else:
        yield from _compare(old, new, path)


def _item(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else None


def under(*roots: str) -> Replacement:
    """A rule that holds for changes at or below any of these dotted paths: `metadata.name`.

    A path means every item of the lists on its way: `taints.key` is the key of any taint.
    """
    wanted = [tuple(root.split(".")) for root in roots]

    def matches(path: Path) -> bool:
        steps = tuple(step for step in path if isinstance(step, str))
        return any(steps[: len(root)] == root or root[: len(steps)] == steps for root in wanted)

    return matches
