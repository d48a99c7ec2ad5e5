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
    """Looks at all processes below one, by what Linux tells in /proc.

    Args:
        process: Its number; by default that of this process.
    """

    def __init__(self, process: int | None = None) -> None:
        self._process = os.getpid() if process is None else process
        self._told = (_PROCESSES / "self" / "stat").exists()
        self._strangers: set[int] = set()

    def busy(self, silent: float) -> bool:
        """Whether any thread of them runs, or could run if it got a processor.

        Args:
            silent: For how many seconds nothing was heard of them.
        """
        if not self._told:
            return silent < _PATIENCE_SECONDS
        return any(_is_at_work(process) for process in self.processes())

    def processes(self) -> list[int]:
        """Their numbers: whom the process has started, and whom these have. None where the system does not tell."""
        running = {int(each.name) for each in _PROCESSES.iterdir() if each.name.isdigit()} if self._told else set()
        strangers = self._strangers & running  # whoever was none of them is none later, and need not be looked at
        children: dict[int, list[int]] = {}
        for each in running - strangers:
            if told := _told_of(_PROCESSES / str(each)):
                children.setdefault(int(told[1]), []).append(each)
        found = list(_reached(self._process, children))
        self._strangers = running - {self._process, *found}
        return found


def _reached(process: int, children: Mapping[int, list[int]]) -> Iterator[int]:
    for child in children.get(process, ()):
        yield child
        yield from _reached(child, children)


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
