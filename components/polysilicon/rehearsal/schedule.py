"""In which order creates end: whatever order the program's dependencies allow may happen in a cloud.

A create that could be late is held back until nothing else goes on, so that whoever forgot to wait for it is found out.
Which ones are late depends on the seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from polysilicon.rehearsal.model import Call


class Schedule:
    """Holds creates back.

    Args:
        seed: Which of the possible orders.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    @contextmanager
    def request(self) -> Iterator[None]:
        """Something that the engine asks is being answered inside this block."""
        yield

    def hold(self, call: Call) -> None:
        """Returns when `call`, a create, may happen."""
