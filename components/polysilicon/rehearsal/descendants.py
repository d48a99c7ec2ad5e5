"""Whether the processes that this one started, and theirs, are at work or wait."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_WAITING = frozenset({"S", "I", "Z", "T", "t", "X"})
_PATIENCE_SECONDS = 0.25
"""Where the system does not tell, a silence this long counts as rest."""


class Descendants:
    """Looks at all processes below this one, by what Linux tells in /proc."""

    def __init__(self) -> None:
        self._own = Path("/proc") / str(os.getpid())
        self._told = any(self._own.glob("task/*/children"))

    def busy(self, silent: float) -> bool:
        """Whether any thread of them runs, or could run if it got a processor.

        Args:
            silent: For how many seconds nothing was heard of them.
        """
        if not self._told:
            return silent < _PATIENCE_SECONDS
        return any(_is_at_work(process) for process in _below(self._own))


def _below(process: Path) -> Iterator[Path]:
    for children in _of_threads(process, "children"):
        for child in _read(children).split():
            yield process.parent / child
            yield from _below(process.parent / child)


def _is_at_work(process: Path) -> bool:
    # The state follows the name, which may itself hold spaces and parentheses.
    states = (_read(stat).rpartition(")")[2].split()[:1] for stat in _of_threads(process, "stat"))
    return any(state and state[0] not in _WAITING for state in states)


def _of_threads(process: Path, file: str) -> list[Path]:
    try:
        return [thread / file for thread in (process / "task").iterdir()]
    except OSError:  # it has ended meanwhile
        return []


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # it has ended meanwhile
        return ""
