"""A budget of one cost center."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from polysilicon.aws.tags import named
from polysilicon.resources import child, record
from polysilicon.specs import Owner
from polysilicon.specs.budget import BudgetSpec


@dataclass(frozen=True, kw_only=True)
class AwsBudgetArgs:
    """What an `AwsBudget` is made of.

    Attributes:
        spec: How much, and who is told.
        owner: Its cost center is whose cost is counted.
        tags: Tags of the budget itself.
    """

    spec: BudgetSpec
    owner: Owner
    tags: Mapping[str, str] = field(default_factory=dict)


class AwsBudget(pulumi.ComponentResource):
    """A monthly budget over everything that carries the owner's tag CostCenter.

    AWS counts by a tag only once it is activated as a cost allocation tag in the payer's billing console.
    """

    def __init__(self, name: str, args: AwsBudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("polysilicon:index:AwsBudget", name, record(args.spec), opts)
        budget = aws.budgets.Budget(
            name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(args.spec.monthly_usd),
            limit_unit="USD",
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:CostCenter${args.owner.cost_center}"]}],
            notifications=_alerts(args.spec),
            tags=named(args.tags, name),
            opts=child(self),
        )
        self.register_outputs({"budget": budget.name})


def _alerts(spec: BudgetSpec) -> Any:
    spent = [_alert(spec, "ACTUAL", percent) for percent in sorted(set(spec.at_percent))]
    return [*spent, _alert(spec, "FORECASTED", 100)]


def _alert(spec: BudgetSpec, kind: str, percent: int) -> dict[str, Any]:
    return {
        "comparison_operator": "GREATER_THAN",
        "notification_type": kind,
        "threshold": percent,
        "threshold_type": "PERCENTAGE",
        "subscriber_email_addresses": list(spec.alert_emails),
    }
