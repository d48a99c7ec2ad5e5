"""How much a cost center may spend before somebody is told."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from polysilicon.specs.base import Spec

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
Percent = Annotated[int, Field(ge=1, le=1000)]


class BudgetSpec(Spec):
    """A monthly budget of one cost center. It tells; it stops nothing."""

    monthly_usd: int = Field(ge=1)
    """US dollars a month."""
    alert_emails: tuple[Email, ...] = Field(min_length=1, max_length=10)
    """Who is told, at most ten: AWS takes eleven subscribers for an alert, a topic among them [botocore budgets,
    Subscribers]."""
    topic: bool = False
    """Whether the alerts also go to an SNS topic, for a chat or a pager to subscribe to. Its messages are encrypted
    with a KMS key of its own. By default there is none."""
    at_percent: tuple[Percent, ...] = Field(default=(50, 80, 100), min_length=1, max_length=9)
    """Parts of the budget at which they are told once the money is spent; at most nine, since AWS takes ten alerts with
    a budget, and one tells when the month is forecasted to exceed it [botocore budgets,
    NotificationWithSubscribersList]."""
