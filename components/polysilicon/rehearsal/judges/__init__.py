"""Who may refuse a call: each judge holds one kind of truth, in a module of its own."""

from __future__ import annotations

from collections.abc import Mapping

from polysilicon.catalog import Catalog
from polysilicon.rehearsal.controllers.ownership import Ownership
from polysilicon.rehearsal.controllers.protection import Protected
from polysilicon.rehearsal.judges.addresses import Addresses
from polysilicon.rehearsal.judges.cloudformation import CloudFormation
from polysilicon.rehearsal.judges.discovery import Discovery
from polysilicon.rehearsal.judges.machines import Machines
from polysilicon.rehearsal.judges.objects import Objects
from polysilicon.rehearsal.judges.order import Order
from polysilicon.rehearsal.judges.references import References
from polysilicon.rehearsal.judges.rules import Rules
from polysilicon.rehearsal.judges.unspoken import Unspoken
from polysilicon.rehearsal.model import Judge


def default_judges(catalog: Catalog, quotas: Mapping[str, float]) -> list[Judge]:
    """The judges of every rehearsal.

    Args:
        catalog: Machines and where they are sold.
        quotas: The most that may run at once, by quota code or metric.
    """
    spoken_for = (CloudFormation(), Discovery(), Objects(), Rules())
    return [
        *spoken_for,
        Unspoken({"aws", "gcp", "kubernetes"}),
        Machines(catalog, quotas),
        Addresses(),
        Ownership(),
        Protected(),
        Order(),
        References(),
    ]
