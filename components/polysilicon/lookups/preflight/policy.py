"""Rights as data: what preflight itself asks for, and what a deployment needs."""

from __future__ import annotations

import functools
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

from polysilicon.planning.requirements import Part

BOUND: Mapping[str, tuple[str, Sequence[str]]] = {
    "iam:PassRole": ("iam:PassedToService", ("eks.amazonaws.com", "ec2.amazonaws.com", "pods.eks.amazonaws.com")),
    "iam:CreateServiceLinkedRole": (
        "iam:AWSServiceName",
        (
            "autoscaling.amazonaws.com",
            "pullthroughcache.ecr.amazonaws.com",
            "eks.amazonaws.com",
            "eks-nodegroup.amazonaws.com",
            "spot.amazonaws.com",
        ),
    ),
}
"""Actions that are allowed for certain services of AWS only, and the condition that says which."""
_EVERYWHERE = ("budgets", "iam", "sts")
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


def deploying_policy(parts: Iterable[Part], regions: Sequence[str]) -> dict[str, Any]:
    """What a deployment of the parts needs in those regions.

    Ids are not known before the deployment, so resources are bounded by region and service only.
    """
    actions = deploying_actions(parts)
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
            *(_bound(action) for action in actions if action in BOUND),
        ]
    )


def size(policy: Mapping[str, Any]) -> int:
    """Characters of a policy as IAM counts them."""
    return len("".join(json.dumps(policy).split()))


def _bound(action: str) -> dict[str, Any]:
    key, services = BOUND[action]
    condition = {"StringEquals": {key: list(services)}}
    sid = action.split(":")[1]
    return {"Sid": sid, "Effect": "Allow", "Action": [action], "Resource": "*", "Condition": condition}


def _policy(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [each for each in statements if each["Action"]]}


@functools.cache
def _rights() -> dict[str, Any]:
    file = resources.files("polysilicon.lookups.preflight") / "rights.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
