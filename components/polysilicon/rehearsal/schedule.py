"""In which order creates and deletes end: whatever order the program's dependencies allow may happen in a cloud.

A call that could be late is held back until nothing else goes on, so that whoever forgot to wait for it is found out.
With seed 0 the order is the worst one: what others need though no property says so (the tables' `order.late`) comes
last on create, and goes first on delete. Any other seed makes a random third of all calls late.
"""

from __future__ import annotations

import fnmatch
import functools
import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from polysilicon.rehearsal.activity import PACE_SECONDS, QUIET_SECONDS, SAMPLES, Activity
from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.model import Call
from polysilicon.rehearsal.values import at
from polysilicon.rehearsal.waiting import Waiting

MOST_HELD = 48
"""Calls held at once: fewer than the engine runs at once, so that those on time still get through."""
STEPS_AT_ONCE = 1024
"""How many steps the engine is told to run at once. Its own default is a few: as many late ones would block it, and so
would as many workloads that wait for nodes whose group then never gets its turn."""
_LONGEST_WAIT_SECONDS = 5.0
_LONGEST_STEP_SECONDS = 2.0


@dataclass(frozen=True, order=True)
class _Place:
    """Where in the queue: the lowest rank first, and in it by the seed."""

    rank: int
    draw: int


@dataclass
class _Ticket:
    """A call that is held."""

    place: _Place
    released: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


class Schedule:
    """Holds calls back. Only inside `request()`: without a server nothing is held.

    Args:
        seed: Which of the possible orders.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._own = threading.local()
        self._lock = threading.Lock()
        self._activity = Activity()
        self._held: list[_Ticket] = []
        self._conductor: threading.Thread | None = None
        self._waiting = Waiting(self._activity, held=lambda: self._conductor is not None)

    @contextmanager
    def request(self) -> Iterator[None]:
        """Something that the engine asks is being answered inside this block."""
        self._activity.count(+1)
        self._own.inside, self._own.ticket = True, None
        try:
            yield
        finally:
            self._activity.count(-1)
            self._own.inside = False
            if self._own.ticket is not None:
                self._own.ticket.done.set()

    def hold(self, call: Call) -> None:
        """Returns when `call`, a create or a delete, may happen."""
        if call.preview or not getattr(self._own, "inside", False):
            return
        rank = self._rank(call)
        if rank is None:
            return
        ticket = _Ticket(_Place(rank, self._draw(call, "order")))
        if self._queue(ticket):
            self._own.ticket = ticket
            ticket.released.wait()

    def until(self, holds: Callable[[], bool], last: bool = True) -> bool:
        """Waits inside a request for something that other calls may bring about: whether it holds in the end.

        The end is when nothing else goes on, nothing is held and the program waits too. A call that waits here counts
        as one that goes on no more. Without a server nothing else can come, and the answer is given at once.

        Args:
            last: Wait for those too that wait here and are not the last: what follows when they end may bring it about.
        """
        if not getattr(self._own, "inside", False):
            return holds()
        if self._own.ticket is not None:
            self._own.ticket.done.set()
        return self._waiting.until(holds, last)

    def _rank(self, call: Call) -> int | None:
        """When a late call is released, the lowest first; nothing for a call that is on time."""
        if self.seed:
            return 0 if self._draw(call, "late") % 3 == 0 else None
        row = _late_row(call.type, call.inputs)
        if call.operation == "create":
            return row.get("rank") if row else None
        return None if row and not row.get("needy") else 0 if _is_needy(call.type) else None

    def _draw(self, call: Call, what: str) -> int:
        text = f"{self.seed}|{what}|{call.operation}|{call.urn}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")

    def _queue(self, ticket: _Ticket) -> bool:
        with self._lock:
            if len(self._held) >= MOST_HELD:
                return False
            self._held.append(ticket)
            if self._conductor is None:
                self._conductor = threading.Thread(target=self._conduct, name="schedule", daemon=True)
                self._conductor.start()
        self._activity.count(-1)
        return True

    def _conduct(self) -> None:
        """Releases what is held whenever all is quiet, until nothing is."""
        while True:
            self._await_quiet()
            for ticket in self._next():
                self._activity.count(+1)
                ticket.released.set()
                ticket.done.wait(_LONGEST_STEP_SECONDS)
            with self._lock:
                if not self._held:
                    self._conductor = None
                    return

    def _next(self) -> list[_Ticket]:
        """Those of the lowest rank that is held, in their order."""
        with self._lock:
            lowest = min(ticket.place.rank for ticket in self._held)
            chosen = [ticket for ticket in self._held if ticket.place.rank == lowest]
            self._held = [ticket for ticket in self._held if ticket.place.rank != lowest]
        return sorted(chosen, key=lambda ticket: ticket.place)

    def _await_quiet(self) -> None:
        """Returns when engine and program wait for nothing but what is held: no request, and no process at work.

        A program that computes between two resources is not quiet. One that computes for long holds nothing up.
        """
        started, quiet = time.monotonic(), 0
        while quiet < SAMPLES and time.monotonic() - started < _LONGEST_WAIT_SECONDS:
            time.sleep(PACE_SECONDS)
            quiet = quiet + 1 if self._activity.has_rested(QUIET_SECONDS) else 0


@functools.cache
def _rows(package: str, kind: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(table(package).get("order", {}).get(kind, ()))


def _late_row(type_: str, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The row of what others silently need, if `type_` with these inputs is such."""
    for row in _rows(type_.split(":")[0], "late"):
        if _matches(type_, row["types"]) and all(
            at(inputs, path) in values for path, values in row.get("if", {}).items()
        ):
            return row
    return None


def _is_needy(type_: str) -> bool:
    return any(_matches(type_, row["types"]) for row in _rows(type_.split(":")[0], "needy"))


def _matches(token: str, patterns: list[str]) -> bool:
    rest = token.partition(":")[2]
    return any(fnmatch.fnmatchcase(rest, pattern) for pattern in patterns)
