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
class Times:
    """The table.

    Attributes:
        workloads: Patterns of the types that serve: when the last of them is ready, so is the stack.
        annotation: The annotation of a pod template that says how many seconds its cold start takes.
    """

    rows: Sequence[_Row]
    classes: Sequence[_Row]
    workloads: re.Pattern[str]
    annotation: str
    _found: dict[tuple[str, str], Time] = field(default_factory=dict, compare=False)

    def of(self, type_: str, operation: str, inputs: Mapping[str, Any]) -> Time:
        """What an operation on a resource takes.

        A workload whose pod template names its cold start takes that; else what the table says of the type; else,
        for an update or a delete, an assumed time.
        """
        told = self._cold_start(inputs) if operation != "delete" and self.serves(type_) else None
        if told is not None:
            return Time(Spread(told, told, told), "the program's own figure")
        key = (type_, operation)
        if key not in self._found:
            self._found[key] = self._published(*key) or self._assumed(*key)
        return self._found[key]

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

    def _cold_start(self, inputs: Mapping[str, Any]) -> float | None:
        annotations = at(inputs, "spec.template.metadata.annotations")
        told = annotations.get(self.annotation) if isinstance(annotations, Mapping) else None
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
    )


def _row(written: Mapping[str, Any], *, assumed: bool) -> _Row:
    spreads = {name: _spread(written[name]) for name in ("create", "update", "delete") if name in written}
    return _Row(_any(written["types"]), str(written["source"]), assumed, spreads)


def _spread(written: Sequence[float]) -> Spread:
    return Spread(*written) if len(written) == 3 else Spread(written[0], written[0], written[0])


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns))
