"""Counts what no judge of values speaks for, so that nobody takes silence for approval."""

from __future__ import annotations

from collections.abc import Iterable, Set

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.model import Call, Problem, Tally


class Unspoken:
    """Refuses nothing.

    Args:
        packages: Those that other judges speak for.
    """

    name = "nobody"

    def __init__(self, packages: Set[str]) -> None:
        self.tally = Tally()
        self._packages = packages

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """Counts a check of a package that nobody knows."""
        if call.operation == "check" and call.package not in self._packages:
            self.tally.unjudged[f"resources of {call.package}: no schema of this package is at hand"] += 1
        return ()
