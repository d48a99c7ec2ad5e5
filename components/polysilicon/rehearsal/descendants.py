"""Whether the processes that this one started, and theirs, are at work or wait."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

_PROCESSES = Path("/proc")
_WAITING = frozenset({"S", "I", "Z", "T", "t", "X"})
_PATIENCE_SECONDS = 0.25
"""Where the system does not tell, a silence this long counts as rest."""


class Descendants:
    """Looks at all processes below this one, by what Linux tells in /proc."""

    def __init__(self) -> None:
        self._told = (_PROCESSES / "self" / "stat").exists()

    def busy(self, silent: float) -> bool:
        """Whether any thread of them runs, or could run if it got a processor.

        Args:
            silent: For how many seconds nothing was heard of them.
        """
        if not self._told:
            return silent < _PATIENCE_SECONDS
        return any(_is_at_work(process) for process in below(os.getpid()))


def below(process: int) -> Iterator[int]:
    """The numbers of all processes that one has started, and theirs. Only where Linux tells them."""
    yield from _reached(process, _children())


def _reached(process: int, children: Mapping[int, list[int]]) -> Iterator[int]:
    for child in children.get(process, ()):
        yield child
        yield from _reached(child, children)


def _children() -> dict[int, list[int]]:
    """By the number of a process, those that it has started."""
    found: dict[int, list[int]] = {}
    for process in _PROCESSES.iterdir():
        if process.name.isdigit() and (told := _told_of(process)):
            found.setdefault(int(told[1]), []).append(int(process.name))
    return found


def _is_at_work(process: int) -> bool:
    try:
        states = (_told_of(thread)[:1] for thread in (_PROCESSES / str(process) / "task").iterdir())
        return any(state and state[0] not in _WAITING for state in states)
    except OSError:  # it has ended meanwhile
        return False


def _told_of(task: Path) -> list[str]:
    """The state and what follows it: the name before it may itself hold spaces and parentheses."""
    try:
        return (task / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # it has ended meanwhile
        return []
