"""Waits inside calls for what other calls may bring about.

One thread looks for all that wait: at once when nothing else goes on, and for a small share of the time while much
does, so that hundreds of workloads that wait for their nodes do not hold up the making of these.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from polysilicon.rehearsal.activity import PACE_SECONDS, QUIET_SECONDS, SAMPLES, Activity

_SETTLED_SECONDS = 0.2
_PAUSES_PER_LOOK = 4
"""While other things go on, a look that took a second is followed by so many seconds without."""
_CHEAP_SECONDS = 0.001
_LONGEST_SILENCE_SECONDS = 60.0
"""A program that computes for longer than that is not waited for."""


@dataclass(eq=False)
class _Waiter:
    """Something that is waited for.

    Attributes:
        seen: What had happened last when it was looked for.
    """

    holds: Callable[[], bool]
    last: bool
    seen: float = 0.0
    held: bool = False
    error: BaseException | None = None
    answered: threading.Event = field(default_factory=threading.Event)

    def look(self, now: float) -> bool:
        """Whether there is an answer: it holds, or cannot be looked for."""
        try:
            self.held = self.holds()
        except BaseException as error:  # belongs to the call that waits
            self.error = error
        self.seen = now
        return self.held or self.error is not None


class Waiting:
    """All that is waited for.

    Args:
        activity: What goes on.
        held: Whether calls are held back that will go on by themselves.
    """

    def __init__(self, activity: Activity, held: Callable[[], bool]) -> None:
        self._activity, self._held = activity, held
        self._lock = threading.Lock()
        self._waiters: list[_Waiter] = []
        self._watcher: threading.Thread | None = None

    def until(self, holds: Callable[[], bool], last: bool) -> bool:
        """Waits until `holds` does, or until nothing goes on that could bring it about: whether it holds then.

        Args:
            last: Wait for those too that wait here and are not the last: what follows when they end may bring it about.
        """
        waiter = _Waiter(holds, last)
        with self._lock:
            self._waiters.append(waiter)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="waiting", daemon=True)
                self._watcher.start()
        self._activity.count(-1)
        waiter.answered.wait()
        if waiter.error is not None:
            raise waiter.error
        return waiter.held

    def _watch(self) -> None:
        try:
            while self._goes_on():
                time.sleep(PACE_SECONDS)
                self._look()
                self._give_up()
        except BaseException as error:  # nobody may wait for ever
            with self._lock:
                waiters, self._waiters, self._watcher = self._waiters, [], None
            for waiter in waiters:
                waiter.error = error
                self._activity.count(+1)
                waiter.answered.set()

    def _goes_on(self) -> bool:
        with self._lock:
            if not self._waiters:
                self._watcher = None
            return bool(self._waiters)

    def _look(self) -> None:
        """Looks for each for which something has happened since the last look, until it is time for a pause."""
        for waiter in sorted(self._all(), key=lambda waiter: waiter.seen):
            now, began = self._activity.last, time.monotonic()
            if waiter.seen == now:
                continue
            if waiter.look(now):
                self._answer(waiter)
            took = time.monotonic() - began
            if took > _CHEAP_SECONDS and not self._activity.has_rested(QUIET_SECONDS):
                time.sleep(_PAUSES_PER_LOOK * took)
                return

    def _give_up(self) -> None:
        """Ends the waiting of those for which nothing more can happen."""
        for last in (False, True):
            waiters = self._all()
            mine = [waiter for waiter in waiters if waiter.last == last]
            others = last and len(mine) < len(waiters)
            now = self._activity.last
            looked = all(waiter.seen == now for waiter in mine)
            if mine and looked and not others and self._is_settled() and self._activity.last == now:
                for waiter in mine:
                    self._answer(waiter)

    def _is_settled(self) -> bool:
        """Whether nothing has gone on for a while, nothing is held, and no process is at work."""
        for _ in range(SAMPLES):
            if self._held() or not self._activity.has_rested(_SETTLED_SECONDS):
                return self._activity.silence() > _LONGEST_SILENCE_SECONDS
            time.sleep(PACE_SECONDS)
        return True

    def _all(self) -> list[_Waiter]:
        with self._lock:
            return list(self._waiters)

    def _answer(self, waiter: _Waiter) -> None:
        with self._lock:
            self._waiters.remove(waiter)
        self._activity.count(+1)
        waiter.answered.set()
