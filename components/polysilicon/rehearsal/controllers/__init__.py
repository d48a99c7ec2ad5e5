"""What controllers do of themselves: they make, take away and move what no program names, as life goes on.

Nothing here knows a cloud: who makes what is in `data/controllers.toml`.
"""

from __future__ import annotations

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.controllers.claims import CLAIM, mounted
from polysilicon.rehearsal.controllers.clusters import WORKLOADS
from polysilicon.rehearsal.controllers.making import reconcile, release, sweep
from polysilicon.rehearsal.controllers.ownership import Ownership
from polysilicon.rehearsal.controllers.protection import Protected
from polysilicon.rehearsal.controllers.settling import move_all
from polysilicon.rehearsal.controllers.table import makings_for
from polysilicon.rehearsal.model import Call, Record
from polysilicon.rehearsal.values import at

__all__ = ["Ownership", "Protected", "follow", "settle"]

NAMESPACE = "kubernetes:core/v1:Namespace"


def follow(call: Call, accounts: Accounts) -> None:
    """What controllers do at once when something was made, changed or deleted: the hook after every change."""
    record = call.record
    if record is None:
        return
    with accounts.changing():
        if call.operation == "delete":
            _after_delete(record, accounts)
        elif makings_for(record.type):
            reconcile(record, accounts)
        if call.operation == "create" and record.type in WORKLOADS:
            _bind(record, accounts)


def settle(accounts: Accounts) -> None:
    """What controllers have done some time after an update: values are moved, nodes have come."""
    with accounts.changing():
        moved = move_all(accounts)
        slow = accounts.of_types(lambda type_: any(making.settles for making in makings_for(type_)))
        for record in (*moved, *slow):
            reconcile(record, accounts, settling=True)


def _after_delete(record: Record, accounts: Accounts) -> None:
    if makings_for(record.type):
        release(record, accounts)
    if record.type == NAMESPACE:
        sweep(record.scope, accounts)


def _bind(workload: Record, accounts: Accounts) -> None:
    """A claim that waits for its first consumer gets its volume when a pod mounts it."""
    namespace = at(workload.outputs, "metadata.namespace")
    for name in mounted(workload):
        for claim in accounts.called(f"{namespace}/{name}"):
            if claim.type == CLAIM and claim.scope == workload.scope:
                reconcile(claim, accounts)
