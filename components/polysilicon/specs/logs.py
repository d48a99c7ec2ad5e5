"""Logs that AWS writes into CloudWatch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from polysilicon.specs.base import Spec, refusal

_MONTHS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180)
_YEARS = (365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
RETENTION_DAYS = _MONTHS + _YEARS
"""Times for which CloudWatch Logs can keep a group (pulumi-aws, cloudwatch.LogGroup); for ever is none of them."""


def _kept(days: int) -> int:
    if days not in RETENTION_DAYS:
        allowed = ", ".join(map(str, RETENTION_DAYS))
        raise refusal(f"got {days}, for which CloudWatch Logs keeps nothing", f"allowed: {allowed}")
    return days


RetentionDays = Annotated[int, AfterValidator(_kept)]
"""Days for which CloudWatch Logs can keep a group."""


class FlowLogs(Spec):
    """Which traffic of a VPC is written to CloudWatch Logs, encrypted with a key of its own.

    What is rejected costs cents and shows who knocks and which rule is missing. All traffic is for whoever must prove
    later what went where: it is paid by volume, about 130 bytes for each flow, minute and interface, and a GB costs
    0.50 USD in us-east-1.
    """

    # Sources: docs.aws.amazon.com/vpc/latest/userguide, flow-log-records (the default fields; a minute at most on Nitro
    # machines); aws-samples/sample-cfm-tips-mcp@7063778 services/cloudwatch_service_vended_log.py (the price).

    traffic: Literal["rejected", "accepted", "all", "none"] = "rejected"
    """By default what security groups reject. `none` writes nothing."""
    retention_days: RetentionDays = 30
    """Days that it is kept; one of those that CloudWatch Logs knows."""
