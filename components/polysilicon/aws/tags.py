"""Tags that say who pays, and which resource something is."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from polysilicon.identity import identity
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


def named(tags: Mapping[str, str], name: str) -> dict[str, str]:
    """All tags of one resource: those of `identity`, the given ones, and a Name; of two with one key the later wins.

    By the first `polysilicon recover` knows the resource again when an update was killed.

    Args:
        name: The logical name of the resource.
    """
    return {**identity(pulumi.get_project(), pulumi.get_stack(), name), **tags, "Name": name}
