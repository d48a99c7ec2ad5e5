"""What is protected against deletion until the protection has been taken off, in an update of its own."""

from __future__ import annotations

from collections.abc import Iterable

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.controllers.table import protection_of
from polysilicon.rehearsal.model import Call, Fault, Problem, Tally
from polysilicon.rehearsal.values import at
from polysilicon.rehearsal.wording import told


class Protected:
    """Refuses to delete what is protected."""

    name = "protection"

    def __init__(self) -> None:
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """The refusal, if the resource as it is now is protected."""
        row = protection_of(call.type) if call.operation == "delete" else None
        if row is None or call.record is None:
            return ()
        self.tally.inputs += 1
        given = at(call.record.inputs, row.property)
        if not (row.default if given is None else given is True or given == "true"):
            return ()
        fix = f"Set {row.property} to false, run `up` so that it is taken off, then delete"
        message = row.message.format(id=call.record.id)
        return [Problem(told(call, f"{message}. {fix}"), row.property, Fault.IN_USE)]
