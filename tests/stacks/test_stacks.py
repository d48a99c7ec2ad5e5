"""The three stacks with the real engine: up, again, destroy; moved, split, overlaid, poisoned, wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from polysilicon.rehearsal.outcome import Outcome, Resource
from tests.chips import NEW_CHIP
from tests.conftest import ROOT
from tests.specs.test_bad_input import CASES, put
from tests.stacks.project import assert_golden, copy_project, edit, rehearse, tree

pytestmark = pytest.mark.engine
STACKS = ("dev", "staging", "mixed")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_project(tmp_path)


def in_component(outcome: Outcome, kind: str) -> list[Resource]:
    """All resources below components of a kind."""
    return [r for r in outcome.resources if f"polysilicon:index:{kind}$" in r.urn]


@pytest.mark.parametrize("stack", STACKS)
def test_up_again_refresh_and_destroy(stack: str, tmp_path: Path) -> None:
    rehearsal = rehearse(ROOT, stack, tmp_path)
    up = rehearsal.up()
    assert up.ok, up.log
    assert_golden(stack, tree(up))
    assert up.outputs["endpoints"] == {"chat": "http://chat.chat.svc.cluster.local/v1"}
    again = rehearsal.up(expect_no_changes=True)
    assert again.ok, again.log
    assert again.changed == 0
    refreshed = rehearsal.refresh(expect_no_changes=True)
    assert refreshed.ok, refreshed.log
    destroyed = rehearsal.destroy()
    assert destroyed.ok, destroyed.log
    assert list(destroyed.leftovers) == []
    assert list(destroyed.accounts) == [], "apis stay enabled in life; the simulated account is empty"


def test_nothing_appears_in_the_working_tree(tmp_path: Path) -> None:
    before = status()
    assert rehearse(ROOT, "staging", tmp_path).preview().ok
    assert status() == before


def status() -> str:
    return subprocess.run(["git", "status", "--short"], cwd=ROOT, capture_output=True, text=True, check=True).stdout


POISON = {
    "KUBECONFIG": "/nowhere/kubeconfig",
    "AWS_PROFILE": "somebody-elses",
    "AWS_ACCESS_KEY_ID": "AKIAPOISON",
    "AWS_REGION": "mars-north-1",
    "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/key.json",
    "GOOGLE_PROJECT": "somebody-elses",
    "PULUMI_BACKEND_URL": "https://127.0.0.1:9",
    "PULUMI_STACK": "prod",
    "PULUMI_CONFIG_PASSPHRASE": "wrong",
}


def test_a_poisoned_environment_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in POISON.items():
        monkeypatch.setenv(name, value)
    outcome = rehearse(ROOT, "mixed", tmp_path).up()
    assert outcome.ok, outcome.log
    assert_golden("mixed", tree(outcome))
    assert {str(record.scope) for record in outcome.accounts if record.scope.cloud == "aws"} == {
        "AWS 123456789012 / us-east-1",
        "AWS 123456789012 / global",
    }


def test_moving_a_model_replaces_its_server_alone(project: Path, tmp_path: Path) -> None:
    rehearsal = rehearse(project, "mixed", tmp_path / "state")
    before = rehearsal.up()
    assert before.ok, before.log

    def move(config: dict[str, Any]) -> None:
        config["polysilicon:fleet"]["models"]["chat"]["pool"] = "v5e"

    edit(project, "mixed", move)
    after = rehearsal.up()
    assert after.ok, after.log
    moved, kept = set(), set()
    ids = {resource.urn: (resource.id, resource.provider) for resource in before.resources}
    for resource in after.resources:
        if resource.custom:
            same = ids[resource.urn] == (resource.id, resource.provider)
            (kept if same else moved).add(resource.urn)
    assert moved == {r.urn for r in in_component(after, "ModelServer") if r.custom}
    assert len(kept) > 40
    homes = {record.scope.title for record in after.accounts if record.type == "kubernetes:apps/v1:Deployment"}
    assert len(homes) == 1
    assert homes.pop().startswith("kubernetes cluster gcp-")
    assert rehearsal.destroy().ok


def test_dev_split_into_two_stacks(project: Path, tmp_path: Path) -> None:
    def infra(config: dict[str, Any]) -> None:
        config["polysilicon:fleet"]["layers"] = ["infra"]

    def serving(config: dict[str, Any]) -> None:
        config["polysilicon:fleet"] |= {
            "layers": ["serving"],
            "infra_stack": "organization/polysilicon/dev-infra",
        }

    edit(project, "dev", infra, as_stack="dev-infra")
    edit(project, "dev", serving, as_stack="dev-serving")
    lower = rehearse(project, "dev-infra", tmp_path / "state")
    upper = rehearse(project, "dev-serving", tmp_path / "state")
    for rehearsal in (lower, upper):
        outcome = rehearsal.up()
        assert outcome.ok, outcome.log
        assert_golden(rehearsal.stack, tree(outcome))
        assert rehearsal.up(expect_no_changes=True).ok
    assert upper.destroy().ok
    assert lower.destroy().ok


def test_a_chip_that_only_the_overlay_knows_is_served(project: Path, tmp_path: Path) -> None:
    def overlay(config: dict[str, Any]) -> None:
        config["polysilicon:fleet"]["pools"]["inf2"]["machine"] = "inf9.4xlarge"
        config["polysilicon:overlay"] = NEW_CHIP

    edit(project, "dev", overlay)
    outcome = rehearse(project, "dev", tmp_path / "state").up()
    assert outcome.ok, outcome.log
    (deployment,) = outcome.by_type("kubernetes:apps/v1:Deployment")
    pod = deployment.inputs["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "registry.example/vllm-inf9:1.0"
    assert pod["containers"][0]["resources"]["limits"]["aws.amazon.com/neuron"] == "2"


WRONG = (
    "unknown key",
    "unknown machine",
    "machine not offered in the region",
    "zone without the machine",
    "topology that does not exist",
    "min above max",
    "networks that overlap",
    "wrong type",
    "model that does not fit",
    "image line and node image that cannot start",
)


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_in_the_yaml_creates_nothing(name: str, project: Path, tmp_path: Path) -> None:
    changes, message = CASES[name]

    def spoil(config: dict[str, Any]) -> None:
        for path, value in changes.items():
            put(config["polysilicon:fleet"], path, value)

    edit(project, "mixed", spoil)
    refused(rehearse(project, "mixed", tmp_path / "state").up(), f"polysilicon:{message.splitlines()[0]}")


def test_whoever_makes_the_cluster_is_told_that_he_is_an_administrator(project: Path, tmp_path: Path) -> None:
    deployer = "arn:aws:iam::123456789012:role/Rehearsal"

    def promote(config: dict[str, Any]) -> None:
        config["polysilicon:fleet"]["clusters"]["aws"]["admins"] = [deployer]

    edit(project, "dev", promote)
    outcome = rehearse(project, "dev", tmp_path / "state").preview()
    assert f"admins: {deployer} runs this update. If it makes the cluster, leave it out" in outcome.log


WIRE_AS_SHAPE = """\
import pulumi_aws as aws
from polysilicon.specs import EksNetworkSpec

vpc = aws.ec2.VpcIpam("ipam", operating_regions=[{"region_name": "us-east-1"}])
EksNetworkSpec(cidr=vpc.arn, zones=("use1-az4", "use1-az6"))
"""
WRONG_CLUSTER = """\
import pulumi_kubernetes as k8s
from polysilicon.catalog import load_catalog
from polysilicon.kubernetes import ClusterRef, ModelServer, ModelServerArgs
from polysilicon.planning.cluster import plan_gke_cluster
from polysilicon.planning.gke_pool import plan_tpu_slice_pool
from polysilicon.specs import GkeClusterSpec, ModelSpec, PublicEndpoint, TpuSlicePoolSpec

cluster = GkeClusterSpec(
    cloud="gcp", project="acme-inference", region="us-west4", zones=("us-west4-a",),
    endpoint=PublicEndpoint(kind="public", cidrs=("203.0.113.0/24",)),
)
pool = TpuSlicePoolSpec(kind="tpu_slice", cluster="gcp", machine="ct5lp-hightpu-1t", topology="1x1")
home = plan_gke_cluster("gcp", cluster, load_catalog())
landing = plan_tpu_slice_pool("v5e", pool, home, load_catalog()).landing
other = ClusterRef(key="aws", provider=k8s.Provider("aws", kubeconfig="{}", cluster_identifier="aws"))
spec = ModelSpec(model="Qwen/Qwen3-0.6B", pool="v5e")
ModelServer("chat", ModelServerArgs(spec=spec, landing=landing, cluster=other))
"""


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (WIRE_AS_SHAPE, "cidr: got a pulumi.Output where a plain value belongs"),
        (WRONG_CLUSTER, "pool: landing 'v5e' is in cluster 'gcp', this is cluster 'aws'"),
    ],
)
def test_a_mistake_in_a_program_creates_nothing(program: str, message: str, tmp_path: Path) -> None:
    project = tmp_path / "foreign"
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: foreign\nruntime: python\n")
    (project / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (project / "__main__.py").write_text(program)
    outcome = rehearse(project, "dev", tmp_path / "state").up()
    refused(outcome, message, exists=("aws:ec2/vpcIpam:VpcIpam",))


def refused(outcome: Outcome, message: str, exists: tuple[str, ...] = ()) -> None:
    """The engine failed, said `message` and a fix and no traceback, and created nothing."""
    assert outcome.exit_code != 0
    assert message in outcome.log
    assert "fix: " in outcome.log
    assert "Traceback" not in outcome.log
    assert {record.type for record in outcome.accounts} <= set(exists)
