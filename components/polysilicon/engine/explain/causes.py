"""The table of causes: what a provider's words most likely mean, and what to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "causes.toml"


@dataclass(frozen=True)
class Cause:
    """Why something most likely failed.

    Attributes:
        name: A name for it, used nowhere else.
        pattern: What is looked for in the provider's text.
        text: The cause, in one sentence.
        next: What to do, the most promising first.
        source: Where that is written.
        consequence: It follows from another failure, if there is another.
        warning: The engine tells it as a warning, not as an error.
    """

    name: str
    pattern: re.Pattern[str]
    text: str
    next: Sequence[str]
    source: str
    consequence: bool = False
    warning: bool = False


@dataclass(frozen=True)
class Left:
    """What a failed create leaves broken.

    Attributes:
        pattern: What is looked for in the provider's text.
        next: What to do about `{urn}`.
    """

    pattern: re.Pattern[str]
    next: str


@cache
def load_causes(file: Path = _FILE) -> tuple[Cause, ...]:
    """The causes in a file, in its order; by default the shipped ones."""
    with file.open("rb") as stream:
        rows = tomllib.load(stream)["cause"]
    return tuple(
        Cause(
            name=row["name"],
            pattern=re.compile(row["match"]),
            text=row["cause"],
            next=tuple(row["next"]),
            source=row["source"],
            consequence=row.get("consequence", False),
            warning=row.get("warning", False),
        )
        for row in rows
    )


@cache
def load_left(file: Path = _FILE) -> Left:
    """What a failed create leaves; from the same file."""
    with file.open("rb") as stream:
        row = tomllib.load(stream)["left"]
    return Left(pattern=re.compile(row["match"]), next=row["next"])


def find_cause(text: str) -> Cause | None:
    """The first cause whose pattern is found in a provider's text; None if nobody knows."""
    return next((cause for cause in load_causes() if cause.pattern.search(text)), None)
