"""What an account with everything that a stack wants would answer, where moto answers nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.lookups.preflight.stand_in import Answers, Asked

NAMES = {
    "L-1216C47A": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    "L-34B43A08": "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
    "L-417A185B": "Running On-Demand P instances",
    "L-7212CCBC": "All P4, P3 and P2 Spot Instance Requests",
    "L-C4BD4855": "All P5 Spot Instance Requests",
    "L-DB2E81BA": "Running On-Demand G and VT instances",
    "L-3819A6DF": "All G and VT Spot Instance Requests",
    "L-1945791B": "Running On-Demand Inf instances",
    "L-B5D1601B": "All Inf Spot Instance Requests",
    "L-2C3B7624": "Running On-Demand Trn instances",
    "L-6B0D517C": "All Trn Spot Instance Requests",
}
"""Quotas by code, as ListServiceQuotas names them: facts of AWS, section 12; the split of P is EC2's user guide's."""


def quota(code: str, vcpus: float) -> dict[str, Any]:
    return {"ServiceCode": "ec2", "QuotaCode": code, "QuotaName": NAMES[code], "Value": vcpus}


def version(number: str = "1.35", status: str = "STANDARD_SUPPORT", **changed: Any) -> dict[str, Any]:
    return {
        "clusterVersion": number,
        "versionStatus": status,
        "endOfStandardSupportDate": datetime(2027, 3, 27, tzinfo=UTC),
        "endOfExtendedSupportDate": datetime(2028, 3, 27, tzinfo=UTC),
        **changed,
    }


def there(vpc: str, mode: str | None = "API", **changed: Any) -> dict[str, Any]:
    """A cluster that somebody else made."""
    access = {"accessConfig": {"authenticationMode": mode}} if mode else {}
    place = {"resourcesVpcConfig": {"vpcId": vpc}}
    return {"name": "platform", "status": "ACTIVE", "version": "1.35", **place, **access, **changed}


def parameters(asked: Asked) -> dict[str, Any]:
    """Each parameter that is asked for, as if it were there."""
    return {"Parameters": [{"Name": name, "Value": f"ami-{i:017x}"} for i, name in enumerate(asked.given["Names"])]}


def allowed(asked: Asked) -> dict[str, Any]:
    """IAM's simulation, of an administrator."""
    actions = [value for name, value in asked.given.items() if name.startswith("ActionNames.member.")]
    return {"EvaluationResults": [{"EvalActionName": action, "EvalDecision": "allowed"} for action in actions]}


def role(asked: Asked) -> dict[str, Any]:
    """Any role is there."""
    name = asked.given["RoleName"]
    return {
        "Role": {
            "Path": "/",
            "RoleName": name,
            "RoleId": "AROA00000000000000001",
            "Arn": f"arn:aws:iam::123456789012:role/{name}",
            "CreateDate": datetime(2026, 1, 1, tzinfo=UTC),
        }
    }


def ready() -> Answers:
    """An account that is ready for anything."""
    return {
        "ListServiceQuotas": {"Quotas": [quota(code, 4096) for code in NAMES]},
        "ListAWSDefaultServiceQuotas": {"Quotas": []},
        "DescribeClusterVersions": {"clusterVersions": [version()]},
        "GetParameters": parameters,
        "SimulatePrincipalPolicy": allowed,
        "GetRole": role,
        "GetSpotPlacementScores": {"SpotPlacementScores": [{"Region": "us-east-1", "Score": 3}]},
        "DescribeCapacityReservations": {"CapacityReservations": []},
    }
