"""Tags that say who pays."""

from __future__ import annotations

from polysilicon.specs import Owner


def owner_tags(owner: Owner, environment: str) -> dict[str, str]:
    """The tags of everything that belongs to `owner`, spelled as cost reports on AWS expect them."""
    tags = {
        "CostCenter": owner.cost_center,
        "Workload": owner.workload,
        "Environment": owner.environment or environment,
        "ManagedBy": "pulumi",
    }
    return tags | ({"Team": owner.team} if owner.team else {})
