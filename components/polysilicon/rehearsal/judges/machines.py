"""Machines, zones and counts against the catalog, and against quotas if some are given."""

from __future__ import annotations

from collections.abc import Iterable

from polysilicon.catalog import Catalog
from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.model import Call, Problem, Tally


class Machines:
    """Judges machines; see the module."""

    name = "machines"

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """The problems of `call`."""
        return ()
