"""Who asks, and what they may do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polysilicon.lookups.preflight.clients import Clients
from polysilicon.lookups.preflight.findings import Finding
from polysilicon.lookups.preflight.policy import BOUND, bound_services, deploying_actions
from polysilicon.planning.requirements import AwsRequirements

_ASSUMED = re.compile(r"^arn:(?P<partition>[^:]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/")
_AT_ONCE = 100
"""Actions to a simulation: answers come in pages of up to 100 by default
(docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html, MaxItems)."""
_SHOWN = 6


def identity(wanted: AwsRequirements, clients: Clients) -> Iterator[Finding]:
    """Whose account it is, and whether the YAML allows it."""
    caller = clients("sts").get_caller_identity()
    account, arn = caller["Account"], caller["Arn"]
    others = [each for each in wanted.accounts if each != account]
    if others:
        text = f"account {account} ({arn}), but the YAML names {', '.join(others)}"
        yield Finding("identity", "account", "fail", text, "log in to that account, or correct clusters.*.account")
    elif arn.endswith(":root"):
        yield Finding("identity", "account", "warn", f"root of account {account}", "deploy with a role of its own")
    else:
        yield Finding("identity", "account", "ok", f"account {account}, {arn}")


def rights(wanted: AwsRequirements, clients: Clients) -> Iterator[Finding]:
    """Which of the actions that the deployment needs IAM's own simulation refuses."""
    arn = clients("sts").get_caller_identity()["Arn"]
    source = _source(arn, clients)
    if source is None:
        yield Finding("rights", "deploying", "unknown", f"IAM simulates users and roles only, not {arn}")
        return
    decided = [*_decided(source, wanted, clients), *_decided_for_services(source, wanted, clients)]
    denied = sorted({each.action for each in decided if each.decision == "explicitDeny" and not each.unsaid})
    perhaps = {each.action for each in decided if each.decision == "explicitDeny" and each.unsaid} - {*denied}
    missing = sorted({each.action for each in decided if each.decision == "implicitDeny"} - {*denied, *perhaps})
    fix = "`polysilicon preflight STACK --policy deploy` prints what is needed"
    if denied:
        yield Finding("rights", "deploying", "fail", f"a policy forbids {_few(denied)}", fix)
    if perhaps:
        keys = sorted({key for each in decided if each.action in perhaps for key in each.unsaid})
        text = f"a policy may forbid {_few(sorted(perhaps))}: it depends on {', '.join(keys)}, which was not simulated"
        yield Finding("rights", "deploying", "warn", text, "deploy with what that policy asks for, such as MFA")
    if missing:
        text = f"not allowed on every resource: {_few(missing)}; a policy for certain resources may still allow them"
        yield Finding("rights", "deploying", "warn", text, fix)
    if not denied and not perhaps and not missing:
        count = len(deploying_actions(wanted.parts))
        yield Finding("rights", "deploying", "ok", f"{count} actions allowed, by IAM's simulation")


@dataclass(frozen=True)
class _Decision:
    """What IAM says to an action."""

    action: str
    decision: str
    unsaid: tuple[str, ...]
    """Keys of conditions that the simulation had no values of."""


def _decision(row: Mapping[str, Any], service: str = "") -> _Decision:
    action = f"{row['EvalActionName']} for {service}" if service else row["EvalActionName"]
    return _Decision(action, row["EvalDecision"], tuple(row.get("MissingContextValues", ())))


def _source(arn: str, clients: Clients) -> str | None:
    """The user or role whose policies count. A session's ARN lacks the path of its role, so IAM is asked for it."""
    if assumed := _ASSUMED.match(arn):
        return str(clients("iam").get_role(RoleName=assumed["role"])["Role"]["Arn"])
    return arn if ":user/" in arn else None


def _decided(source: str, wanted: AwsRequirements, clients: Clients) -> Iterator[_Decision]:
    """Each action that no service bounds, and what IAM says to it in each region."""
    free = [action for action in deploying_actions(wanted.parts) if action not in BOUND]
    for region in wanted.regions:
        for begin in range(0, len(free), _AT_ONCE):
            for row in _simulated(source, free[begin : begin + _AT_ONCE], region.region, {}, clients):
                yield _decision(row)


def _decided_for_services(source: str, wanted: AwsRequirements, clients: Clients) -> Iterator[_Decision]:
    """Each action with each service that it is for. One of its services at a time, since the values of a condition
    belong to a whole question; and in one region, since services are the same in all."""
    bound, region = bound_services(wanted.parts), wanted.regions[0].region
    for turn in range(max(map(len, bound.values()), default=0)):
        services = {action: names[turn] for action, names in bound.items() if turn < len(names)}
        for row in _simulated(source, [*services], region, services, clients):
            yield _decision(row, services[row["EvalActionName"]])


def _simulated(
    source: str, actions: Sequence[str], region: str, services: Mapping[str, str], clients: Clients
) -> Iterator[dict[str, Any]]:
    """What IAM says to the actions, with the values of those keys that policies such as ours are bound by."""
    pages = clients("iam").get_paginator("simulate_principal_policy")
    told = {"aws:RequestedRegion": region, **{BOUND[action][0]: service for action, service in services.items()}}
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"} for key, value in told.items()
    ]
    for page in pages.paginate(PolicySourceArn=source, ActionNames=list(actions), ContextEntries=context):
        yield from page["EvaluationResults"]


def _few(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest


_ROLES = {
    "AWSServiceRoleForAutoScaling": (
        "autoscaling.amazonaws.com",
        "the first node group makes it, if iam:CreateServiceLinkedRole is allowed",
    ),
    "AWSServiceRoleForCloudWatchEvents": (
        "events.amazonaws.com",
        "the first alarm makes it, if iam:CreateServiceLinkedRole is allowed",
    ),
    "AWSServiceRoleForEC2Spot": ("spot.amazonaws.com", "without it EC2 starts no spot node"),
}


def service_role(name: str, clients: Clients) -> Iterable[Finding]:
    """Whether the account has a role of AWS's own: Auto Scaling's, which the disks' key lets in, alarms' or spot's."""
    iam = clients("iam")
    try:
        iam.get_role(RoleName=name)
    except iam.exceptions.NoSuchEntityException:
        service, why = _ROLES[name]
        fix = f"aws iam create-service-linked-role --aws-service-name {service}"
        return [Finding("service role", name, "warn", f"is not there yet; {why}", fix)]
    return [Finding("service role", name, "ok", "is there")]
