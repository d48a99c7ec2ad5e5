"""Rights as data: what preflight itself asks for, and what a deployment needs."""

from __future__ import annotations

import functools
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

from polysilicon.planning.requirements import Part

BOUND: Mapping[str, tuple[str, Mapping[str, Part]]] = {
    "iam:PassRole": (
        "iam:PassedToService",
        {
            "ec2.amazonaws.com": "common",
            "eks.amazonaws.com": "cluster",
            "pods.eks.amazonaws.com": "cluster",
            "vpc-flow-logs.amazonaws.com": "network",
        },
    ),
    "iam:CreateServiceLinkedRole": (
        "iam:AWSServiceName",
        {
            "autoscaling.amazonaws.com": "cluster",
            "eks.amazonaws.com": "cluster",
            "eks-nodegroup.amazonaws.com": "cluster",
            "events.amazonaws.com": "server",
            "pullthroughcache.ecr.amazonaws.com": "images",
            "spot.amazonaws.com": "cluster",
        },
    ),
}
"""Actions that are allowed for certain services of AWS only, the condition that says which, and the parts that take
them. Alarms that act on machines have a role of CloudWatch's events (botocore's text of PutMetricAlarm)."""
_EVERYWHERE = ("budgets", "iam", "route53", "sts")
"""Services that know no region, or are asked in another than the stack's."""
_STORES = ("ecr", "s3", "secretsmanager", "sns")
"""Services whose actions are a statement of their own, so that it can be put into a second policy."""
MOST_CHARACTERS = 6144
"""Of a managed policy, blanks not counted (docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""


def preflight_policy() -> dict[str, Any]:
    """The least that preflight needs, and the refresh of prices. Nothing in it writes, and none of it can be bound to
    single resources."""
    asked = {"Preflight": _rights()["preflight"], "Prices": _rights()["prices"]}
    return _policy(
        [{"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*"} for sid, actions in asked.items()]
    )


def deploying_actions(parts: Iterable[Part]) -> list[str]:
    """Every action that making, changing and deleting the parts takes, in the order of the alphabet."""
    told: Mapping[str, Sequence[str]] = _rights()["parts"]
    return sorted({action for part in parts for action in told.get(part, ())})


def bound_services(parts: Iterable[Part]) -> dict[str, list[str]]:
    """The services for which the parts take each of the actions of `BOUND`."""
    parts = {*parts}
    wanted = deploying_actions(parts)
    return {
        action: [service for service, part in services.items() if part in parts]
        for action, (_, services) in BOUND.items()
        if action in wanted
    }


def deploying_policy(parts: Iterable[Part], regions: Sequence[str]) -> dict[str, Any]:
    """What a deployment of the parts needs in those regions.

    Ids are not known before the deployment, so resources are bounded by region and service only.
    """
    parts = list(parts)
    actions, bound = deploying_actions(parts), bound_services(parts)
    free = [action for action in actions if action not in BOUND]
    regional = [action for action in free if action.split(":")[0] not in _EVERYWHERE]
    stores = [action for action in regional if action.split(":")[0] in _STORES]
    there = {"StringEquals": {"aws:RequestedRegion": list(regions)}}
    return _policy(
        [
            {
                "Sid": "Regional",
                "Effect": "Allow",
                "Action": [action for action in regional if action not in stores],
                "Resource": "*",
                "Condition": there,
            },
            {"Sid": "Stores", "Effect": "Allow", "Action": stores, "Resource": "*", "Condition": there},
            {
                "Sid": "Global",
                "Effect": "Allow",
                "Action": [action for action in free if action not in regional],
                "Resource": "*",
            },
            *(_bound(action, services) for action, services in bound.items() if services),
        ]
    )


def size(policy: Mapping[str, Any]) -> int:
    """Characters of a policy as IAM counts them."""
    return len("".join(json.dumps(policy).split()))


def _bound(action: str, services: Sequence[str]) -> dict[str, Any]:
    condition = {"StringEquals": {BOUND[action][0]: list(services)}}
    sid = action.split(":")[1]
    return {"Sid": sid, "Effect": "Allow", "Action": [action], "Resource": "*", "Condition": condition}


def _policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [each for each in statements if each["Action"]]}


@functools.cache
def _rights() -> dict[str, Any]:
    file = resources.files("polysilicon.lookups.preflight") / "rights.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
