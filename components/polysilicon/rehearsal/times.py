"""What things take in the real clouds: `data/clock.toml`, read once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from polysilicon.rehearsal.values import at

_FILE = Path(__file__).parent / "data" / "clock.toml"


class Spread(NamedTuple):
    """Seconds, as short, usual and long as they were seen to be."""

    least: float
    typical: float
    most: float


@dataclass(frozen=True)
class Time:
    """What a thing takes.

    Attributes:
        source: Who published it; for an assumed time the name of the class.
        assumed: Nobody published it.
    """

    spread: Spread
    source: str
    assumed: bool = False

    @property
    def taken(self) -> bool:
        """Whether it takes any time at all."""
        return self.spread.most > 0

    def __add__(self, other: Time) -> Time:
        spread = Spread(*(one + two for one, two in zip(self.spread, other.spread, strict=True)))
        source = self.source if self.source == other.source else f"{self.source}; {other.source}"
        return Time(spread, source, self.assumed or other.assumed)


FREE = Time(Spread(0, 0, 0), "takes no time of its own")


@dataclass(frozen=True)
class _Row:
    """What is known or assumed of some types; a time may be missing."""

    pattern: re.Pattern[str]
    source: str
    assumed: bool
    by_operation: Mapping[str, Spread]


@dataclass(frozen=True)
class Pool:
    """A type whose resources are nodes.

    Attributes:
        labels: The path of the labels that its nodes have.
        sizes: Paths of how many nodes it has by itself.
    """

    types: re.Pattern[str]
    labels: str
    sizes: Sequence[str]


@dataclass(frozen=True)
class Times:
    """The table.

    Attributes:
        workloads: Patterns of the types that serve: when the last of them is ready, so is the stack.
        annotation: The annotation of a pod template that says how many seconds its cold start takes.
        container_annotation: The one that says how many of them pass after the container has started.
        pools: Types that are nodes.
    """

    rows: Sequence[_Row]
    classes: Sequence[_Row]
    workloads: re.Pattern[str]
    annotation: str
    container_annotation: str = ""
    pools: Sequence[Pool] = ()
    _found: dict[tuple[str, str], Time] = field(default_factory=dict, compare=False)

    def of(self, type_: str, operation: str, inputs: Mapping[str, Any], group: str = "") -> Time:
        """What an operation on a resource takes.

        A workload whose pod template names its cold start takes that; else what the table says of the type; else,
        for an update or a delete, an assumed time.

        Args:
            group: The type of the group that has a node for the workload already. What making that takes is counted
                there, and not once more in the cold start; no less is left of it than passes in the container.
        """
        told = self.cold_start(inputs) if operation != "delete" and self.serves(type_) else None
        if told is not None and group:
            told = self._warm_start(told, inputs, group)
        if told is not None:
            return Time(Spread(told, told, told), "the program's own figure")
        key = (type_, operation)
        if key not in self._found:
            self._found[key] = self._published(*key) or self._assumed(*key)
        return self._found[key]

    def pool(self, type_: str) -> Pool | None:
        """Where a type that is nodes tells of them; nothing if it is none."""
        return next((pool for pool in self.pools if pool.types.fullmatch(type_)), None)

    def serves(self, type_: str) -> bool:
        """Whether it is a workload."""
        return self.workloads.fullmatch(type_) is not None

    def _published(self, type_: str, operation: str) -> Time | None:
        for row in self.rows:
            if operation in row.by_operation and row.pattern.fullmatch(type_):
                return Time(row.by_operation[operation], row.source)
        return None

    def _assumed(self, type_: str, operation: str) -> Time:
        row = next(row for row in self.classes if row.pattern.fullmatch(type_))
        return Time(row.by_operation[operation], row.source, assumed=row.assumed)

    def _warm_start(self, cold: float, inputs: Mapping[str, Any], group: str) -> float:
        """A cold start without its node. What passes outside of the container is not known if that is not told."""
        inside = self._annotated(inputs, self.container_annotation)
        node = self.of(group, "create", {}).spread.typical
        return cold if inside is None else max(cold - node, min(inside, cold))

    def cold_start(self, inputs: Mapping[str, Any]) -> float | None:
        """The seconds that a pod template tells of its cold start, if it does."""
        return self._annotated(inputs, self.annotation)

    def _annotated(self, inputs: Mapping[str, Any], name: str) -> float | None:
        annotations = at(inputs, "spec.template.metadata.annotations")
        told = annotations.get(name) if isinstance(annotations, Mapping) else None
        try:
            return float(str(told))
        except ValueError:
            return None


@cache
def load_times(file: Path = _FILE) -> Times:
    """The table in a file; by default the shipped one."""
    with file.open("rb") as stream:
        document = tomllib.load(stream)
    return Times(
        rows=[_row(row, assumed=False) for row in document["time"]],
        classes=[_row(row, assumed=any(row["create"])) for row in document["class"]],
        workloads=_any(document["workloads"]),
        annotation=document["cold_start_annotation"],
        container_annotation=document.get("container_start_annotation", ""),
        pools=[Pool(_any(row["types"]), row["labels"], row["sizes"]) for row in document.get("nodes", ())],
    )


def _row(written: Mapping[str, Any], *, assumed: bool) -> _Row:
    spreads = {name: _spread(written[name]) for name in ("create", "update", "delete") if name in written}
    return _Row(_any(written["types"]), str(written["source"]), assumed, spreads)


def _spread(written: Sequence[float]) -> Spread:
    return Spread(*written) if len(written) == 3 else Spread(written[0], written[0], written[0])


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns))
