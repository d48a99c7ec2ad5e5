"""Google Cloud inputs against the discovery documents that google-api-python-client carries."""

from __future__ import annotations

from collections.abc import Iterable

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.model import Call, Problem, Tally


class Discovery:
    """Judges values on Google Cloud; see the module."""

    name = "Google schemas"

    def __init__(self) -> None:
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """The problems of `call`."""
        return ()
