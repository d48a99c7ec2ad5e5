"""A budget tells the right people of the right money."""

from __future__ import annotations

import json

import pytest

from polysilicon.aws.budget import AwsBudget, AwsBudgetArgs
from polysilicon.aws.policies import budget_topic
from polysilicon.errors import SpecError
from polysilicon.specs import Owner
from polysilicon.specs.budget import BudgetSpec
from tests.components.recording import record, unknown_keys


def test_one_cost_center_and_its_alerts() -> None:
    spec = BudgetSpec(monthly_usd=900, alert_emails=("ml@example.com",))
    owner = Owner(cost_center="ml", workload="chat")
    made = record(lambda: AwsBudget("ml", AwsBudgetArgs(spec=spec, owner=owner)))
    assert [key for resource in made.resources for key in unknown_keys(resource)] == []
    budget = made.one("aws:budgets/budget:Budget")
    assert budget["costFilters"] == [{"name": "TagKeyValue", "values": ["user:CostCenter$ml"]}]
    assert (budget["limitAmount"], budget["timeUnit"]) == ("900", "MONTHLY")
    alerts = [(alert["notificationType"], alert["threshold"]) for alert in budget["notifications"]]
    assert alerts == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert {address for alert in budget["notifications"] for address in alert["subscriberEmailAddresses"]} == {
        "ml@example.com"
    }


@pytest.mark.parametrize("known", [True, False])
def test_a_topic_that_only_the_account_s_budgets_write_to(known: bool) -> None:
    spec = BudgetSpec(monthly_usd=900, alert_emails=("ml@example.com",), topic=True)
    owner = Owner(cost_center="ml", workload="chat")
    made = record(lambda: AwsBudget("ml", AwsBudgetArgs(spec=spec, owner=owner)), known)
    assert [key for resource in made.resources for key in unknown_keys(resource)] == []
    topic = made.one("aws:sns/topic:Topic")
    if known:
        arn = "arn:aws:mock:us-east-1:123456789012:ml-alerts"
        assert topic["kmsMasterKeyId"] == arn, "a key of AWS's own would refuse AWS Budgets"
        assert json.loads(made.one("aws:sns/topicPolicy:TopicPolicy")["policy"]) == budget_topic(arn, "123456789012")
        alerts = made.one("aws:budgets/budget:Budget")["notifications"]
        assert [alert["subscriberSnsTopicArns"] for alert in alerts] == [[arn]] * 4
    assert made.one("aws:kms/key:Key")["enableKeyRotation"] is True


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SpecError, match=r"alert_emails\[0\]: .*got 'ml'"):
        BudgetSpec(monthly_usd=900, alert_emails=("ml",))


def test_more_alerts_than_a_budget_takes_are_refused() -> None:
    with pytest.raises(SpecError, match=r"at_percent: .*\n  fix: write at most 9"):
        BudgetSpec(monthly_usd=900, alert_emails=("ml@example.com",), at_percent=tuple(range(1, 11)))
