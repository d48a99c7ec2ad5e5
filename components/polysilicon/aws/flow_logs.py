"""Flow logs of a VPC, and the rights to write them, as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from polysilicon.aws.encryption import log_key
from polysilicon.aws.tags import named
from polysilicon.resources import child, lookup
from polysilicon.specs import FlowLogs

_TRAFFIC = {"rejected": "REJECT", "accepted": "ACCEPT", "all": "ALL"}
"""As EC2 spells it: botocore's model of EC2, TrafficType."""


def flow_logs(parent: pulumi.Resource, name: str, vpc: aws.ec2.Vpc, spec: FlowLogs, tags: Mapping[str, str]) -> None:
    """Writes traffic of the VPC into a log group of its own, by a role that can write there and nowhere else."""
    if spec.traffic == "none":
        return
    group = aws.cloudwatch.LogGroup(
        name,
        kms_key_id=log_key(parent, name, vpc.region, tags).arn,
        retention_in_days=spec.retention_days,
        tags=named(tags, name),
        opts=child(parent),
    )
    aws.ec2.FlowLog(
        name,
        vpc_id=vpc.id,
        traffic_type=_TRAFFIC[spec.traffic],
        log_destination_type="cloud-watch-logs",
        log_destination=group.arn,
        iam_role_arn=_writer(parent, name, vpc.region, group, tags).arn,
        tags=named(tags, name),
        opts=child(parent),
    )


def _writer(
    parent: pulumi.Resource,
    name: str,
    region: pulumi.Input[str],
    group: aws.cloudwatch.LogGroup,
    tags: Mapping[str, str],
) -> aws.iam.Role:
    account = aws.get_caller_identity_output(opts=lookup(parent)).account_id
    trust = pulumi.Output.all(region, account).apply(lambda known: json.dumps(flow_log_trust(*known)))
    role = aws.iam.Role(name, assume_role_policy=trust, tags=named(tags, name), opts=child(parent))
    policy = group.arn.apply(lambda arn: json.dumps(flow_log_policy(arn)))
    aws.iam.RolePolicy(name, role=role.name, policy=policy, opts=child(parent))
    return role


def flow_log_trust(region: str, account: str) -> dict[str, Any]:
    """Who may take the role: flow logs of this account and region, and no other customer's.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html.
    """
    statement = {
        "Sid": "FlowLogs",
        "Effect": "Allow",
        "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
        "Action": ["sts:AssumeRole"],
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:{region}:{account}:vpc-flow-log/*"},
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def flow_log_policy(group_arn: str) -> dict[str, Any]:
    """Writes into one log group, and makes none: the group is there, encrypted and with an end to what it keeps.

    Source: the page of `flow_log_trust`, and terraform-aws-modules/terraform-aws-vpc@01c7a45 vpc-flow-logs.tf, which
    leaves logs:CreateLogGroup out too.
    """
    write = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    statements = [
        {"Sid": "Write", "Effect": "Allow", "Action": write, "Resource": [group_arn, f"{group_arn}:*"]},
        # Listing groups is a right on all of them or none.
        {"Sid": "Find", "Effect": "Allow", "Action": ["logs:DescribeLogGroups"], "Resource": "*"},
    ]
    return {"Version": "2012-10-17", "Statement": statements}
