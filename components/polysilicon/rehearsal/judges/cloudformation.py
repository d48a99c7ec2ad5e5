"""AWS inputs against the CloudFormation resource schemas that cfn-lint carries."""

from __future__ import annotations

from collections.abc import Iterable

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.model import Call, Problem, Tally


class CloudFormation:
    """Judges values on AWS; see the module."""

    name = "AWS schemas"

    def __init__(self) -> None:
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """The problems of `call`."""
        return ()
