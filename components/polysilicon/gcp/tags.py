"""Labels that say who pays."""

from __future__ import annotations

from polysilicon.specs import Owner


def owner_labels(owner: Owner, environment: str) -> dict[str, str]:
    """The labels of everything that belongs to `owner`; Google Cloud wants lower case."""
    labels = {
        "cost-center": owner.cost_center,
        "workload": owner.workload,
        "environment": (owner.environment or environment).lower(),
        "managed-by": "pulumi",
    }
    return labels | ({"team": owner.team} if owner.team else {})
