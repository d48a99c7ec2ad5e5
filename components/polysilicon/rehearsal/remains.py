"""What a cloud keeps of a create that failed: the provider learned only by waiting that it went wrong.

The engine is told of the resource and of the error, and keeps both; see `data/remains.toml`.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any

from polysilicon.rehearsal.model import Call, Problem, Record, RefusedError


class HalfMadeError(RefusedError):
    """A create failed, and left something.

    Attributes:
        record: What exists now.
        reasons: Why it failed, as the provider words it.
    """

    def __init__(self, record: Record, refusal: RefusedError) -> None:
        super().__init__(*refusal.problems)
        self.record = record
        self.reasons = [f"creating {record.urn}: {refusal}"]


@dataclass(frozen=True)
class Remains:
    """What some errors leave of some types.

    Attributes:
        outputs: What the resource says of itself then.
        note: Told when an update has passed over it; empty for what comes right by itself.
    """

    types: Sequence[str]
    words: Sequence[str]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def told_by(self, problem: Problem) -> bool:
        """Whether it is what a problem leaves."""
        return any(words in problem.message for words in self.words)

    def is_left(self, record: Record) -> bool:
        """Whether a resource is such a remainder, and broken."""
        return bool(self.note) and self.outputs.items() <= record.outputs.items()


def remains_of(type_: str, refusal: RefusedError) -> Remains | None:
    """What a refused create leaves; nothing if any reason of it is one for which the cloud makes nothing."""
    rows = (row for row in _rows(type_) if all(row.told_by(problem) for problem in refusal.problems))
    return next(rows, None)


def asks_nothing(call: Call) -> bool:
    """Whether an update is the empty one that the engine makes of a resource whose create had failed: its provider
    finds no difference, and asks the cloud for nothing."""
    return call.record is not None and bool(_rows(call.type)) and call.record.inputs == call.inputs


def is_broken(record: Record) -> bool:
    """Whether a create of it failed, so that it is there and will never work."""
    return any(row.is_left(record) for row in _rows(record.type))


def sentence_of(record: Record) -> str:
    """What is told of a resource that stays broken; empty for others."""
    row = next((row for row in _rows(record.type) if row.is_left(record)), None)
    kind = record.type.rsplit(":", 1)[-1]
    return row.note.format(kind=kind, name=record.name, id=record.id, urn=record.urn) if row else ""


@functools.cache
def _rows(type_: str) -> tuple[Remains, ...]:
    return tuple(row for row in _table() if any(fnmatchcase(type_, pattern) for pattern in row.types))


@functools.cache
def _table() -> tuple[Remains, ...]:
    file = resources.files("polysilicon.rehearsal") / "data" / "remains.toml"
    return tuple(Remains(**row) for row in tomllib.loads(file.read_text(encoding="utf-8"))["remains"])
