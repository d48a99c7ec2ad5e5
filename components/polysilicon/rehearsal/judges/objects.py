"""Kubernetes objects against the schemas in kubernetes-validate, and those of their custom resource definitions."""

from __future__ import annotations

from collections.abc import Iterable

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.model import Call, Problem, Tally


class Objects:
    """Judges Kubernetes objects; see the module."""

    name = "Kubernetes schemas"

    def __init__(self) -> None:
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """The problems of `call`."""
        return ()
