"""What must be there first though no property says so, held at the moment of each call."""

from __future__ import annotations

from collections.abc import Iterable

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.model import Call, Problem, Tally


class Order:
    """Judges what must be there first though no property names it; see the module."""

    name = "order"

    def __init__(self) -> None:
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """The problems of `call`."""
        return ()
