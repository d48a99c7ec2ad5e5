from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from polysilicon.lookups.preflight import Clients, Finding
from polysilicon.lookups.preflight.identity import identity, rights, service_role
from polysilicon.lookups.preflight.policy import deploying_actions
from tests.lookups.preflight.answers import role
from tests.lookups.preflight.fleets import cluster, fleet, requirements
from tests.lookups.preflight.stand_in import Asked, StandIn
from tests.lookups.preflight.stubs import Stubbed

ACCOUNT = "123456789012"


def caller(aws: StandIn, arn: str) -> None:
    aws.answers["GetCallerIdentity"] = {"Account": ACCOUNT, "Arn": arn, "UserId": "AROA00000000000000001"}


def denying(decisions: dict[str, str]) -> Any:
    """IAM's simulation, of somebody who may do everything but this."""

    def answer(asked: Asked) -> dict[str, Any]:
        actions = [value for name, value in asked.given.items() if name.startswith("ActionNames.member.")]
        decided = [(action, decisions.get(action, "allowed")) for action in actions]
        return {"EvaluationResults": [{"EvalActionName": a, "EvalDecision": d} for a, d in decided]}

    return answer


def test_another_account_than_the_yaml_names_fails(aws: StandIn, clients: Clients) -> None:
    document = {**fleet(0), "clusters": {"us-east-1": cluster("us-east-1", account="999999999999")}}
    (found,) = identity(requirements(document), clients)
    assert found.status == "fail"
    assert f"account {ACCOUNT} (arn:aws:sts::{ACCOUNT}:user/moto), but the YAML names 999999999999" in found.text


def test_the_account_that_the_yaml_names_is_fine(aws: StandIn, clients: Clients) -> None:
    document = {**fleet(0), "clusters": {"us-east-1": cluster("us-east-1", account=ACCOUNT)}}
    (found,) = identity(requirements(document), clients)
    assert found.status == "ok"


def test_root_is_warned_of(aws: StandIn, clients: Clients) -> None:
    caller(aws, f"arn:aws:iam::{ACCOUNT}:root")
    (found,) = identity(requirements(fleet(0)), clients)
    assert found.status == "warn"
    (simulated,) = rights(requirements(fleet(0)), clients)
    assert simulated.status == "unknown"
    assert "users and roles only" in simulated.text


def test_the_role_behind_a_session_is_simulated_by_its_whole_arn(aws: StandIn, clients: Clients) -> None:
    caller(aws, f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_1/me")
    whole = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_1"
    named = {**role(Asked("iam", "GetRole", "", {"RoleName": "AWSReservedSSO_Admin_1"}))["Role"], "Arn": whole}
    aws.answers["GetRole"] = {"Role": named}
    (found,) = rights(requirements(fleet(2)), clients)
    assert found.status == "ok"
    simulated = [asked.given for asked in aws.asked if asked.operation == "SimulatePrincipalPolicy"]
    assert {given["PolicySourceArn"] for given in simulated} == {whole}
    wanted = deploying_actions(requirements(fleet(2)).parts)
    assert sorted({v for given in simulated for k, v in given.items() if k.startswith("ActionNames")}) == wanted
    for given in simulated:
        assert given["ContextEntries.member.1.ContextKeyName"] == "aws:RequestedRegion"
        assert given["ContextEntries.member.1.ContextKeyValues.member.1"] == "us-east-1"


def test_each_service_that_a_role_is_passed_to_is_tried(aws: StandIn, clients: Clients) -> None:
    def answer(asked: Asked) -> dict[str, Any]:
        """Of somebody who may pass roles to all services but one."""
        values = [value for name, value in asked.given.items() if name.endswith("ContextKeyValues.member.1")]
        refused = {"iam:PassRole": "implicitDeny"} if "vpc-flow-logs.amazonaws.com" in values else {}
        told: dict[str, Any] = denying(refused)(asked)
        return told

    aws.answers["SimulatePrincipalPolicy"] = answer
    (found,) = rights(requirements(fleet(2)), clients)
    assert found.status == "warn"
    assert found.text.startswith("not allowed on every resource: iam:PassRole for vpc-flow-logs.amazonaws.com;")
    asked = [[v for k, v in each.given.items() if k.startswith("ActionNames")] for each in aws.asked[1:]]
    assert sum("iam:PassRole" in actions for actions in asked) == 4
    assert sum("iam:CreateServiceLinkedRole" in actions for actions in asked) == 4


@pytest.mark.parametrize(
    ("decisions", "status", "text"),
    [
        ({"eks:CreateCluster": "explicitDeny"}, "fail", "a policy forbids eks:CreateCluster"),
        ({"eks:CreateCluster": "implicitDeny"}, "warn", "not allowed on every resource: eks:CreateCluster;"),
        (dict.fromkeys(deploying_actions(["karpenter"]), "implicitDeny"), "warn", "events:PutTargets and 11 more"),
    ],
)
def test_rights_that_lack_are_named(
    decisions: dict[str, str], status: str, text: str, aws: StandIn, clients: Clients
) -> None:
    aws.answers["SimulatePrincipalPolicy"] = denying(decisions)
    (found,) = rights(requirements(fleet(2)), clients)
    assert found.status == status
    assert text in found.text
    assert "--policy deploy" in found.fix


def test_a_role_of_awss_own_that_is_not_there_is_a_warning_with_its_command() -> None:
    def asked(there: bool) -> Finding:
        stub = Stubbed("iam")
        given = {"RoleName": "AWSServiceRoleForEC2Spot"}
        if there:
            made = {**role(Asked("iam", "GetRole", "", given))["Role"], "CreateDate": datetime(2026, 1, 1, tzinfo=UTC)}
            stub.expect("get_role", {"Role": made}, given)
        else:
            stub.refuse("get_role", "NoSuchEntity", 404)
        (found,) = service_role("AWSServiceRoleForEC2Spot", stub.clients)
        stub.done()
        return found

    assert asked(there=True).status == "ok"
    missing = asked(there=False)
    assert (missing.status, "spot" in missing.text) == ("warn", True)
    assert missing.fix == "aws iam create-service-linked-role --aws-service-name spot.amazonaws.com"


@pytest.mark.parametrize("key", ["aws:MultiFactorAuthPresent", "aws:SourceIp"])
def test_what_a_policy_forbids_on_a_condition_that_nobody_simulated_is_a_warning(
    key: str, aws: StandIn, clients: Clients
) -> None:
    def answer(asked: Asked) -> dict[str, Any]:
        told: dict[str, Any] = denying({"eks:CreateCluster": "explicitDeny"})(asked)
        for row in told["EvaluationResults"]:
            row["MissingContextValues"] = [key]
        return told

    aws.answers["SimulatePrincipalPolicy"] = answer
    (found,) = rights(requirements(fleet(2)), clients)
    assert found.status == "warn"
    assert found.text == f"a policy may forbid eks:CreateCluster: it depends on {key}, which was not simulated"
