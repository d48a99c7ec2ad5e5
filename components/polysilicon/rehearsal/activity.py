"""What goes on between engine, program and simulation: whether all is quiet, and since when."""

from __future__ import annotations

import threading
import time

from polysilicon.rehearsal.descendants import Descendants

PACE_SECONDS = 0.008
"""How long whoever looks for quiet sleeps between two looks."""
SAMPLES = 3
"""So many looks in a row must find it."""
QUIET_SECONDS = 0.025


class Activity:
    """Counts what goes on. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._going_on, self._last = 0, time.monotonic()
        self._descendants = Descendants()

    @property
    def last(self) -> float:
        """When something last began or ended; two equal answers mean that nothing did between them."""
        return self._last

    def count(self, change: int) -> None:
        """Something begins (+1) or ends (-1); a call that waits for others has ended until it goes on."""
        with self._lock:
            self._going_on += change
            self._last = time.monotonic()

    def has_rested(self, seconds: float) -> bool:
        """Whether nothing has gone on for so long, and no process of the engine or the program is at work.

        A program that computes between two resources does not rest.
        """
        with self._lock:
            silent = time.monotonic() - self._last
            if self._going_on or silent < seconds:
                return False
        return not self._descendants.busy(silent)

    def silence(self) -> float:
        """For how many seconds nothing has begun or ended."""
        return time.monotonic() - self._last
