"""What a record that a controller made tells of itself: for whom, whether it stays, and what a person does about it."""

from __future__ import annotations

from typing import Any

from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.values import INTERNAL

NOTES = f"{INTERNAL}controller"
"""Under which name a made record keeps its notes, apart from its properties."""


def note_of(record: Record, name: str) -> Any:
    """One of the notes of a made record: `for`, `fix`, `kept`, `server`, `works_in`, `running`, `settles`."""
    return (record.outputs.get(NOTES) or {}).get(name)


def owner_seed(record: Record) -> str:
    """The seed of the record that a made record was made for."""
    return record.seed.rpartition("/")[0]


def told_of(record: Record) -> str:
    """A sentence about a record that a controller made: who, for what, and the fix; empty for the program's own."""
    return f" It was made by {made_by(record)}. {note_of(record, 'fix')}" if record.maker else ""


def made_by(record: Record) -> str:
    """Who made a record, and for what; empty for what the program made itself."""
    return f"{record.maker}, for {note_of(record, 'for')}" if record.maker else ""
