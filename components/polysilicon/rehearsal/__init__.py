"""The rehearsal: the real Pulumi engine and the real program, against simulated clouds.

    from polysilicon.rehearsal import Rehearsal

    rehearsal = Rehearsal(Path("."), "dev", quiet=True)
    assert rehearsal.up().ok
    assert rehearsal.destroy().ok

It works on any Pulumi Python program, and neither knows the other: nothing here knows Polysilicon's components.
"""

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.judges import default_judges
from polysilicon.rehearsal.model import Call, Fault, Hook, Hooks, Judge, Problem, Record, RefusedError, Scope, Tally
from polysilicon.rehearsal.outcome import Operation, Outcome, Resource
from polysilicon.rehearsal.run import Rehearsal

__all__ = [
    "Accounts",
    "Call",
    "Fault",
    "Hook",
    "Hooks",
    "Judge",
    "Operation",
    "Outcome",
    "Problem",
    "Record",
    "RefusedError",
    "Rehearsal",
    "Resource",
    "Scope",
    "Tally",
    "default_judges",
]
