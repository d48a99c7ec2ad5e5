"""A budget of one cost center."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from polysilicon.aws.policies import budget_topic, budget_topic_key
from polysilicon.aws.tags import named
from polysilicon.planning.order import Order
from polysilicon.resources import child, lookup, record
from polysilicon.specs import Owner
from polysilicon.specs.budget import BudgetSpec


@dataclass(frozen=True, kw_only=True)
class AwsBudgetArgs:
    """What an `AwsBudget` is made of.

    Attributes:
        spec: How much, and who is told.
        owner: Its cost center is whose cost is counted.
        tags: Tags of the budget itself, of its topic and of the topic's key.
    """

    spec: BudgetSpec
    owner: Owner
    tags: Mapping[str, str] = field(default_factory=dict)


class AwsBudget(pulumi.ComponentResource):
    """A monthly budget over everything that carries the owner's tag CostCenter.

    AWS counts by a tag only once it is activated as a cost allocation tag in the payer's billing console.
    """

    topic_arn: pulumi.Output[str] | None = None
    """The topic of the alerts, where the spec wants one."""

    def __init__(self, name: str, args: AwsBudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("polysilicon:index:AwsBudget", name, record(args.spec), opts)
        topic, allowed = self._topic(f"{name}-alerts", args) if args.spec.topic else (None, None)
        budget = aws.budgets.Budget(
            name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(args.spec.monthly_usd),
            limit_unit="USD",
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:CostCenter${args.owner.cost_center}"]}],
            notifications=_alerts(args.spec, topic.arn if topic else None),
            tags=named(args.tags, name),
            opts=child(self, {Order.BUDGET_AFTER_TOPIC_POLICY: [allowed]} if allowed else None),
        )
        self.topic_arn = topic.arn if topic else None
        self.register_outputs({"budget": budget.name, "topicArn": self.topic_arn})

    def _topic(self, name: str, args: AwsBudgetArgs) -> tuple[aws.sns.Topic, aws.sns.TopicPolicy]:
        account = aws.get_caller_identity_output(opts=lookup(self)).account_id
        key = aws.kms.Key(
            name,
            description=f"Alerts of {name}",
            enable_key_rotation=True,
            policy=account.apply(lambda known: json.dumps(budget_topic_key(known))),
            tags=named(args.tags, name),
            opts=child(self),
        )
        topic = aws.sns.Topic(name, kms_master_key_id=key.arn, tags=named(args.tags, name), opts=child(self))
        policy = pulumi.Output.all(topic.arn, account).apply(lambda known: json.dumps(budget_topic(known[0], known[1])))
        return topic, aws.sns.TopicPolicy(name, arn=topic.arn, policy=policy, opts=child(self))


def _alerts(spec: BudgetSpec, topic_arn: pulumi.Input[str] | None) -> Any:
    spent = [_alert(spec, topic_arn, "ACTUAL", percent) for percent in sorted(set(spec.at_percent))]
    return [*spent, _alert(spec, topic_arn, "FORECASTED", 100)]


def _alert(spec: BudgetSpec, topic_arn: pulumi.Input[str] | None, kind: str, percent: int) -> dict[str, Any]:
    return {
        "comparison_operator": "GREATER_THAN",
        "notification_type": kind,
        "threshold": percent,
        "threshold_type": "PERCENTAGE",
        "subscriber_email_addresses": list(spec.alert_emails),
        "subscriber_sns_topic_arns": [topic_arn] if topic_arn else None,
    }
