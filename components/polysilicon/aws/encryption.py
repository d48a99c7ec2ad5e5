"""The KMS key of a cluster, and its policy as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from polysilicon.aws.tags import named
from polysilicon.resources import child, lookup

Statement = dict[str, Any]

_USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
_AUTO_SCALING = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"


def encryption_key(
    parent: pulumi.Resource, name: str, region: str, tags: Mapping[str, str], deletion_window_days: int = 30
) -> aws.kms.Key:
    """A key that rotates by itself, for the secrets, logs and node disks of one cluster.

    Args:
        parent: The component that the key belongs to.
        name: Logical name; the key has no alias.
        region: Region whose log groups may use it.
        tags: Tags of every resource.
        deletion_window_days: Days, 7 to 30, in which a deleted key can still be brought back, and its data with it.
    """
    account = aws.get_caller_identity_output(opts=lookup(parent)).account_id
    return aws.kms.Key(
        name,
        description=f"Secrets, logs and node disks of {name}",
        enable_key_rotation=True,
        deletion_window_in_days=deletion_window_days,
        policy=account.apply(lambda known: json.dumps(key_policy(region, known))),
        tags=named(tags, name),
        opts=child(parent),
    )


def log_key(parent: pulumi.Resource, name: str, region: pulumi.Input[str], tags: Mapping[str, str]) -> aws.kms.Key:
    """A key that rotates by itself, for log groups that have no other.

    Args:
        parent: The component that the key belongs to.
        name: Logical name; the key has no alias.
        region: Region whose log groups may use it.
        tags: Tags of every resource.
    """
    account = aws.get_caller_identity_output(opts=lookup(parent)).account_id
    return aws.kms.Key(
        name,
        description=f"Logs of {name}",
        enable_key_rotation=True,
        deletion_window_in_days=30,
        policy=pulumi.Output.all(region, account).apply(lambda known: json.dumps(log_key_policy(*known))),
        tags=named(tags, name),
        opts=child(parent),
    )


def key_policy(region: str, account: str) -> dict[str, Any]:
    """Who may use the key: whoever the account's IAM allows, log groups of the account, and Auto Scaling."""
    statements = [_administration(account), _log_groups(region, account), *_auto_scaling(account)]
    return {"Version": "2012-10-17", "Statement": statements}


def log_key_policy(region: str, account: str) -> dict[str, Any]:
    """Who may use a key for logs: whoever the account's IAM allows, and log groups of the account."""
    return {"Version": "2012-10-17", "Statement": [_administration(account), _log_groups(region, account)]}


def _administration(account: str) -> Statement:
    """Without it nobody could change or delete the key any more; KMS refuses such a policy."""
    return _allow("Administration", {"AWS": f"arn:aws:iam::{account}:root"}, ["kms:*"])


def _log_groups(region: str, account: str) -> Statement:
    """Source: CloudWatch Logs user guide, "Encrypt log data using KMS" (encryption context of a log group)."""
    groups = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account}:log-group:*"}}
    return _allow("LogGroups", {"Service": f"logs.{region}.amazonaws.com"}, _USE, groups)


def _auto_scaling(account: str) -> list[Statement]:
    """Source: EC2 Auto Scaling user guide, "Required KMS key policy for use with encrypted volumes".

    The role is named by a condition: KMS refuses a principal that does not exist, and in an account that has never
    scaled anything AWS has not made the role yet.
    """
    role = {"StringEquals": {"aws:PrincipalArn": f"arn:aws:iam::{account}:{_AUTO_SCALING}"}}
    grants = {**role, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [
        _allow("NodeDisks", {"AWS": "*"}, _USE, role),
        _allow("NodeDiskGrants", {"AWS": "*"}, ["kms:CreateGrant"], grants),
    ]


def _allow(sid: str, who: dict[str, str], actions: list[str], condition: dict[str, Any] | None = None) -> Statement:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": who, "Action": actions, "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement
