"""Address ranges: inside what they are part of, and apart from each other."""

from __future__ import annotations

from collections.abc import Iterable

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.model import Call, Problem, Tally


class Addresses:
    """Judges address ranges; see the module."""

    name = "addresses"

    def __init__(self) -> None:
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """The problems of `call`."""
        return ()
