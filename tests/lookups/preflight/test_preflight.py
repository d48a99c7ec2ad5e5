"""The whole of preflight, against AWS on loopback."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest

from polysilicon.lookups.preflight import Clients, Finding, preflight
from polysilicon.lookups.preflight.policy import preflight_policy
from tests.lookups.preflight.answers import quota, there
from tests.lookups.preflight.fleets import fleet, pool, requirements, server
from tests.lookups.preflight.stand_in import Answer, Asked, Raw, Refused, StandIn
from tests.lookups.preflight.vpcs import made_vpc, vpc_of

# moto's serializers warn of errors that only the gates before a service answer with, such as throttling.
pytestmark = pytest.mark.filterwarnings(r"ignore:Exception\(_Error\) with code")

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def of(findings: Sequence[Finding], check: str) -> Finding:
    """The only finding of a check."""
    (found,) = [finding for finding in findings if finding.check == check]
    return found


def everything(aws: StandIn) -> dict[str, Any]:
    """A fleet that asks all there is to ask: spot, a reservation, a server of its own, and what is there: a cluster, a
    bucket."""
    document = fleet(2)
    document["clusters"]["us-east-1"]["weights"] = {"kind": "existing", "bucket": "theirs", "region": "us-east-1"}
    aws.answers["HeadBucket"] = {"BucketRegion": "us-east-1"}
    subnets = made_vpc("10.64.0.0/16", {"use1-az4": "10.64.0.0/24", "use1-az6": "10.64.1.0/24"})
    network = {"kind": "existing", "cidrs": ["10.64.0.0/16"], "private_subnets": subnets}
    document["clusters"]["theirs"] = {
        "cloud": "aws",
        "kind": "existing",
        "name": "platform",
        "region": "us-east-1",
        "network": network,
        "kubernetes": "1.35",
    }
    aws.answers["DescribeCluster"] = {"cluster": there(vpc_of(subnets))}
    reserved = {"id": "cr-0123456789abcdef0", "zone": "use1-az6", "count": 2}
    document["pools"]["reserved"] = pool("inf2.xlarge", "theirs", zones=["use1-az6"])
    document["pools"]["reserved"]["capacity"] = [{"kind": "reserved", "min": 1, "max": 1, "reservation": reserved}]
    document["servers"] = {"alone": server("us-east-1")}
    aws.asked.clear()
    return document


def test_an_account_that_is_ready_gets_no_complaint(aws: StandIn, clients: Clients) -> None:
    findings = preflight(requirements(fleet(4)), clients, NOW)
    assert {finding.status for finding in findings} == {"ok"}
    assert [*dict.fromkeys((finding.region, finding.check) for finding in findings)] == [
        *(("", check) for check in ("identity", "rights", "service role", "command")),
        *(("us-east-1", check) for check in ("quota", "offered", "EKS version", "node image", "spot score")),
    ]


def test_questions_grow_with_machine_types_and_regions_not_with_pools(aws: StandIn, clients: Clients) -> None:
    def questions(*asked: Any) -> Counter[str]:
        aws.asked.clear()
        preflight(requirements(fleet(*asked)), clients, NOW)
        return Counter(aws.operations)

    two = questions(2)
    assert questions(20) == two
    third = questions(20, ("inf2.xlarge", "inf2.8xlarge", "g6.xlarge"))
    assert third - two == Counter({"GetSpotPlacementScores": 1})
    regions = questions(20, ("inf2.xlarge", "inf2.8xlarge"), ("us-east-1", "us-west-2"))
    assert regions.total() < 2 * two.total()
    assert {asked.region for asked in aws.asked} == {"us-east-1", "us-west-2"}


def test_nothing_but_reading_is_asked_and_the_policy_names_exactly_that(aws: StandIn, clients: Clients) -> None:
    aws.answers["ListServiceQuotas"] = {"Quotas": []}
    findings = preflight(requirements(everything(aws)), clients, NOW)
    assert of(findings, "network").status == "ok"
    assert of(findings, "cluster").status == "ok"
    assert of(findings, "weights").status == "ok"
    statement, _ = preflight_policy()["Statement"]
    assert {asked.action for asked in aws.asked} == set(statement["Action"])
    for operation in aws.operations:
        assert operation.startswith(("Describe", "List", "Get", "Head", "Simulate")), operation


TROUBLES: dict[str, tuple[Answer, str, str]] = {
    "throttled": (Refused("ThrottlingException"), "AWS throttles ListServiceQuotas", "again in some minutes"),
    "denied": (Refused("AccessDeniedException", status=403), "may not call ListServiceQuotas", "--policy preflight"),
    "broken": (Raw(503, "<html>down</html>"), "AWS itself fails at ListServiceQuotas (503)", "health.aws.amazon.com"),
    "proxy": (Raw(404, "<html>hello</html>"), "something other than AWS answered ListServiceQuotas", "proxy"),
    "nonsense": (Raw(200, "<html>hello</html>"), "something other than AWS answered", "proxy"),
    "slow": (Raw(200, "{}", seconds=5), "no answer in time from http://127.0.0.1", "network"),
    "odd": (Refused("IllegalArgumentException", "so not"), "ListServiceQuotas: IllegalArgumentException: so not", ""),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_question_without_an_answer_is_one_line_and_the_rest_is_asked(trouble: str, aws: StandIn) -> None:
    answer, text, fix = TROUBLES[trouble]
    aws.answers["ListServiceQuotas"] = answer
    with Clients(tries=1, patience=2 if trouble == "slow" else 60) as clients:
        findings = preflight(requirements(fleet(2)), clients, NOW)
    found = of(findings, "quota")
    assert (found.status, found.region) == ("unknown", "us-east-1")
    assert text in found.text
    assert fix in found.fix
    assert "\n" not in found.text
    if trouble == "slow":  # where all have so little time, others may run out of it too
        assert {asked.operation for asked in aws.asked} >= {"DescribeClusterVersions", "GetParameters"}
    else:
        assert {finding.status for finding in findings if finding is not found} == {"ok"}


def test_who_may_not_ask_iam_is_told_so_and_the_rest_is_asked(aws: StandIn, clients: Clients) -> None:
    aws.answers["SimulatePrincipalPolicy"] = Refused("AccessDenied", status=403)
    findings = preflight(requirements(fleet(2)), clients, NOW)
    found = of(findings, "rights")
    assert (found.status, found.text) == ("unknown", "this identity may not call SimulatePrincipalPolicy")
    assert {finding.status for finding in findings if finding is not found} == {"ok"}


def test_the_role_of_alarms_is_looked_for_where_there_are_servers(aws: StandIn, clients: Clients) -> None:
    document = {**fleet(0), "clusters": {}, "servers": {"alone": server("us-east-1")}}
    roles = [each.subject for each in preflight(requirements(document), clients, NOW) if each.check == "service role"]
    assert roles == ["AWSServiceRoleForCloudWatchEvents"]
    roles = [each.subject for each in preflight(requirements(fleet(2)), clients, NOW) if each.check == "service role"]
    assert roles == ["AWSServiceRoleForAutoScaling", "AWSServiceRoleForEC2Spot"]


@dataclass
class _SecondTry:
    """An answer that is throttled at first."""

    times: int = 0
    regions: list[str] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        self.times += 1
        if self.times == 1:
            return Refused("ThrottlingException")
        return {"Quotas": [quota("L-1945791B", 512), quota("L-B5D1601B", 512), quota("L-1216C47A", 64)]}


def test_a_throttled_question_is_asked_again(aws: StandIn) -> None:
    aws.answers["ListServiceQuotas"] = second = _SecondTry()
    with Clients(tries=2) as clients:
        findings = preflight(requirements(fleet(2)), clients, NOW)
    assert second.times == 2
    assert {finding.status for finding in findings} == {"ok"}


def test_without_credentials_one_line_says_so(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    look, looked = boto3.Session.get_credentials, []

    def counted(session: boto3.Session) -> Any:
        looked.append(session)
        return look(session)

    monkeypatch.setattr(boto3.Session, "get_credentials", counted)
    with Clients(tries=1) as clients:
        findings = preflight(requirements(fleet(2)), clients, NOW)
    assert len(looked) == 1
    assert of(findings, "identity").status == "fail"
    assert "there are no credentials" in of(findings, "identity").text
    assert "aws sso login" in of(findings, "identity").fix
    told = of(findings, "credentials").text
    assert told.startswith("not answered for lack of credentials: rights, service role, quota in us-east-1")
    assert [finding.check for finding in findings] == ["identity", "command", "credentials"]
    assert aws.asked == []


def test_half_of_the_credentials_are_none(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with Clients(tries=1) as clients:
        findings = preflight(requirements(fleet(2)), clients, NOW)
    assert "there are no credentials, or they are incomplete" in of(findings, "identity").text


def test_a_profile_that_is_not_there_is_named(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with Clients(tries=1) as clients:
        findings = preflight(requirements(fleet(2)), clients, NOW)
    assert "nobody" in of(findings, "identity").text
    assert "aws configure list-profiles" in of(findings, "identity").fix


def test_an_endpoint_that_is_none_is_told(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "foo")
    with Clients(tries=1) as clients:
        findings = preflight(requirements(fleet(2)), clients, NOW)
    told = of(findings, "identity")
    assert (told.status, told.text) == ("unknown", "Invalid endpoint: foo")
    assert "AWS_ENDPOINT_URL" in told.fix
    assert {finding.answered for finding in findings if finding.check != "command"} == {False}


@pytest.mark.parametrize(
    ("code", "text"),
    [("ExpiredToken", "the credentials have expired"), ("InvalidClientTokenId", "AWS does not accept the credentials")],
)
def test_credentials_that_hold_no_more_are_told_once(code: str, text: str, aws: StandIn, clients: Clients) -> None:
    for operation in [*aws.answers, "GetCallerIdentity", "DescribeInstanceTypeOfferings"]:
        aws.answers[operation] = Refused(code, status=403)
    findings = preflight(requirements(fleet(2)), clients, NOW)
    assert text in of(findings, "identity").text
    assert [finding.check for finding in findings] == ["identity", "command", "credentials"]


def test_a_region_that_is_not_enabled_is_not_taken_for_bad_credentials(aws: StandIn, clients: Clients) -> None:
    enabled = aws.answers["ListServiceQuotas"]

    def quotas(asked: Asked) -> Answer:
        assert not callable(enabled)
        return enabled if asked.region == "us-east-1" else Refused("UnrecognizedClientException")

    aws.answers["ListServiceQuotas"] = quotas
    findings = preflight(requirements(fleet(4, ("inf2.xlarge",), ("us-east-1", "us-west-2"))), clients, NOW)
    (found,) = [each for each in findings if each.check == "quota" and each.region == "us-west-2"]
    assert found.status == "unknown"
    assert "get-region-opt-status --region-name us-west-2" in found.fix
    assert of(findings, "identity").status == "ok"


def test_a_network_without_a_way_out_is_told(aws: StandIn) -> None:
    with Clients("http://127.0.0.1:9", tries=1, patience=1) as clients:
        findings = preflight(requirements(fleet(2)), clients, NOW)
    assert of(findings, "identity").text == "http://127.0.0.1:9/ cannot be reached"
    assert {finding.status for finding in findings if finding.check != "command"} == {"unknown"}


def test_progress_ends_with_all_of_it(aws: StandIn, clients: Clients) -> None:
    seen: list[float | None] = []
    preflight(requirements(fleet(2)), clients, NOW, lambda text, fraction=None: seen.append(fraction))
    assert seen == sorted(seen, key=lambda each: each or 0)
    assert seen[-1] == 1.0
    assert len(seen) > 5


def test_a_fleet_on_another_cloud_asks_nothing(aws: StandIn, clients: Clients, mixed: dict[str, Any]) -> None:
    google = {key: each for key, each in mixed["clusters"].items() if each["cloud"] == "gcp"}
    document = {"owner": mixed["owner"], "clusters": google}
    wanted = requirements(document)
    assert wanted.not_looked_at == tuple(google)
    assert preflight(wanted, clients, NOW) == []
    assert aws.asked == []
