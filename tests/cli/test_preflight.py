"""`polysilicon preflight` from its command line, against AWS on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from polysilicon.cli.main import cli
from polysilicon.errors import UserError
from polysilicon.lookups.preflight.policy import deploying_policy, preflight_policy
from tests.conftest import ROOT
from tests.lookups.preflight.answers import quota
from tests.lookups.preflight.conftest import aws, server
from tests.lookups.preflight.fleets import fleet
from tests.lookups.preflight.stand_in import StandIn

__all__ = ["aws", "server"]


@pytest.fixture(autouse=True)
def _with_aws_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whether this machine has the aws CLI is none of these tests' business."""
    command = tmp_path / "aws"
    command.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return


def project(folder: Path, document: dict[str, Any], stack: str = "dev") -> Path:
    """A project with one stack of a fleet."""
    (folder / "Pulumi.yaml").write_text("name: tried\nruntime: python\n")
    config = {"config": {"polysilicon:fleet": document}}
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(config))
    return folder


def preflight(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["preflight", *arguments], env={"COLUMNS": "160"})


def test_a_stack_that_can_be_deployed_is_a_table_and_exit_code_0(aws: StandIn, tmp_path: Path) -> None:
    result = preflight("-C", str(project(tmp_path, fleet(2))))
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].strip() == "account and machine"
    assert "us-east-1" in [line.strip() for line in lines]
    assert any(line.startswith("ok") and "Running On-Demand Inf instances: 4,096 vCPUs" in line for line in lines)
    assert lines[-1] == "16 ok. Nothing speaks against deploying."


def test_progress_is_told_on_stderr(aws: StandIn, tmp_path: Path) -> None:
    result = preflight("-C", str(project(tmp_path, fleet(2))))
    assert result.stderr.splitlines()[-1] == "asking AWS (100 %)"
    assert "asking AWS" not in result.stdout


def test_what_would_fail_is_exit_code_1_with_its_fix(aws: StandIn, tmp_path: Path) -> None:
    aws.answers["ListServiceQuotas"] = {"Quotas": [quota("L-1945791B", 0), quota("L-B5D1601B", 0)]}
    result = preflight("-C", str(project(tmp_path, fleet(2))))
    assert result.exit_code == 1
    assert "fail" in result.stdout
    assert "aws service-quotas request-service-quota-increase --region us-east-1" in result.stdout
    assert "1 fail" in result.stdout.splitlines()[-1]
    assert result.stdout.splitlines()[-1].endswith("It would fail.")


def test_what_nobody_answered_is_no_failure_but_is_said(
    aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.answers["ListServiceQuotas"] = {"Quotas": []}
    result = preflight("-C", str(project(tmp_path, fleet(2))))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("Nothing that was answered speaks against deploying.")


@pytest.mark.parametrize("broken", ["settings", "credentials"])
def test_where_nobody_answered_at_all_nothing_is_promised(
    broken: str, aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if broken == "settings":
        (tmp_path / "config").write_text("[default\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    else:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    result = preflight("-C", str(project(tmp_path, fleet(2))))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].endswith("AWS answered nothing: whether it would fail is not known.")
    assert preflight("-C", str(tmp_path), "--json").exit_code == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("config:\n  polysilicon:fleet: [\n", "line 3, column 1: is no YAML"),
        ("config: all of it\n", "config: got str"),
        ("- config\n", "config: got list"),
    ],
)
def test_a_stacks_file_that_is_broken_is_told_with_its_line(text: str, told: str, aws: StandIn, tmp_path: Path) -> None:
    folder = project(tmp_path, fleet(1))
    (folder / "Pulumi.dev.yaml").write_text(text)
    error = preflight("-C", str(folder)).exception
    assert isinstance(error, UserError)
    assert f"{folder / 'Pulumi.dev.yaml'}" in str(error)
    assert told in str(error)


def test_json_is_all_there_is_on_stdout(aws: StandIn, tmp_path: Path) -> None:
    result = preflight("-C", str(project(tmp_path, fleet(2))), "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert told["not_looked_at"] == []
    assert told["findings"][0] == {
        "region": "",
        "check": "identity",
        "subject": "account",
        "status": "ok",
        "text": "account 123456789012, arn:aws:sts::123456789012:user/moto",
        "fix": "",
    }
    aws.answers["DescribeClusterVersions"] = {"clusterVersions": []}
    assert preflight("-C", str(tmp_path), "--json").exit_code == 1


def test_clusters_of_google_are_named_as_not_looked_at(aws: StandIn) -> None:
    result = preflight("mixed", "-C", str(ROOT))
    assert "not looked at yet, on Google Cloud: " in result.stdout


def test_the_policy_of_preflight_needs_neither_stack_nor_aws(aws: StandIn, tmp_path: Path) -> None:
    result = preflight("-C", str(tmp_path), "--policy", "preflight")
    assert json.loads(result.stdout) == preflight_policy()
    assert aws.asked == []


def test_the_policy_of_a_deployment_is_that_of_its_parts(aws: StandIn, tmp_path: Path) -> None:
    result = preflight("-C", str(project(tmp_path, fleet(2))), "--policy", "deploy")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == deploying_policy(["common", "cluster", "network", "karpenter"], ["us-east-1"])
    assert aws.asked == []


def test_a_stack_of_servers_alone_needs_no_rights(aws: StandIn, tmp_path: Path) -> None:
    folder = project(tmp_path, {**fleet(2), "layers": ["serving"], "infra_stack": "acme/chat/infra"})
    assert "makes nothing on AWS" in str(preflight("-C", str(folder), "--policy", "deploy").exception)
    told = json.loads(preflight("-C", str(folder), "--json").stdout)["findings"]
    assert "rights" not in [finding["check"] for finding in told]


def test_a_policy_that_is_too_long_says_so(aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polysilicon.lookups.preflight.policy.MOST_CHARACTERS", 3000)
    result = preflight("-C", str(project(tmp_path, fleet(2))), "--policy", "deploy")
    assert "but a managed policy holds 3,000: put the statement Stores into a policy of its own" in result.stderr


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"owner": None}, "polysilicon:fleet.owner"),
        ({"pools": {"a": {"kind": "neuron", "cluster": "us-east-1", "machine": "inf2.9xlarge"}}}, "pools.a"),
    ],
)
def test_a_mistake_in_the_yaml_is_its_message_before_anything_is_asked(
    change: dict[str, Any], text: str, aws: StandIn, tmp_path: Path
) -> None:
    result = preflight("-C", str(project(tmp_path, {**fleet(1), **change})))
    assert text in str(result.exception)
    assert result.exit_code == 1
    assert aws.asked == []


def test_a_stack_that_is_not_there_is_told(aws: StandIn, tmp_path: Path) -> None:
    result = preflight("prod", "-C", str(project(tmp_path, fleet(1))))
    assert "prod" in str(result.exception)


def test_without_boto3_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = preflight("-C", str(project(tmp_path, fleet(1))))
    assert "pip install 'polysilicon[aws]'" in str(result.exception)
