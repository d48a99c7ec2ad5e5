"""An EKS cluster that is there: looked up, judged, and joined."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.runtime import mocks

from polysilicon.aws import ExistingEksCluster, ExistingEksClusterArgs
from polysilicon.planning.order import Order
from polysilicon.rehearsal import Rehearsal
from polysilicon.specs import ExistingEksClusterSpec
from tests.components import recording
from tests.components.recording import Recording, record, unknown_keys
from tests.stacks.project import copy_project, edit

SUBNETS = {"use1-az4": "subnet-0aaaaaaaaaaaaaaa4", "use1-az6": "subnet-0aaaaaaaaaaaaaaa6"}
NETWORK = {"kind": "existing", "cidrs": ["10.64.0.0/16"], "private_subnets": SUBNETS}
DOCUMENT = {"cloud": "aws", "kind": "existing", "region": "us-east-1", "name": "company", "network": NETWORK}
FOUND = {
    "version": "1.35",
    "endpoint": "https://ABC.gr7.us-east-1.eks.amazonaws.com",
    "accessConfigs": [{"authenticationMode": "API_AND_CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": True}],
    "certificateAuthorities": [{"data": base64.b64encode(b"CA").decode()}],
    "vpcConfig": {"vpcId": "vpc-7", "clusterSecurityGroupId": "sg-7"},
}


def adopted(monkeypatch: pytest.MonkeyPatch, known: bool = True, **found: Any) -> tuple[Recording, ExistingEksCluster]:
    """The cluster, as a program that finds it so would adopt it."""
    usual = recording.Recording.call

    def call(self: Recording, args: mocks.MockCallArgs) -> dict[str, Any]:
        answer = usual(self, args)
        return {**answer, **FOUND} if args.token == "aws:eks/getCluster:getCluster" else answer

    monkeypatch.setattr(recording.Recording, "call", call)
    made: list[ExistingEksCluster] = []
    args = ExistingEksClusterArgs(spec=ExistingEksClusterSpec.parse(DOCUMENT), tags={"CostCenter": "ml"})
    return record(lambda: made.append(ExistingEksCluster("inf", args)), known), made[0]


def test_nothing_is_made_but_the_way_of_nodes_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = adopted(monkeypatch)
    kinds = {resource.type for resource in made.resources if resource.type.startswith("aws:")}
    assert kinds == {"aws:iam/role:Role", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", ENTRY}
    entry = made.one(ENTRY)
    assert (entry["clusterName"], entry["type"]) == ("company", "EC2_LINUX")
    assert entry["principalArn"] == "arn:aws:mock:us-east-1:123456789012:inf-node"
    assert [path for resource in made.resources for path in unknown_keys(resource)] == []


ENTRY = "aws:eks/accessEntry:AccessEntry"


def test_it_gives_the_wires_of_a_cluster_that_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made, cluster = adopted(monkeypatch)
    home = cluster.home
    assert (home.plan.key, home.plan.zones, home.plan.system) == ("inf", tuple(SUBNETS), None)
    assert home.subnet_ids.keys() == SUBNETS.keys()
    entries = [part._name for part in home.nodes_after[Order.NODES_AFTER_ROLE_POLICIES]]
    assert "inf-node" in entries
    asked = [arguments for token, arguments in made.calls if token == "aws:ec2/getSubnet:getSubnet"]
    assert [each["vpcId"] for each in asked] == ["vpc-7", "vpc-7"], "the cluster's own VPC"


def test_the_same_is_asked_before_anything_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = adopted(monkeypatch, known=False)[0], adopted(monkeypatch)[0]
    assert {(r.type, r.name) for r in before.resources} == {(r.type, r.name) for r in after.resources}


def in_company(config: dict[str, Any]) -> None:
    config["polysilicon:fleet"]["clusters"]["aws"] = dict(DOCUMENT)
    config["polysilicon:fleet"]["pools"]["inf2"]["capacity"] = [{"kind": "on_demand", "min": 1, "max": 2}]


def of_another_version(config: dict[str, Any]) -> None:
    in_company(config)
    config["polysilicon:fleet"]["clusters"]["aws"]["kubernetes"] = "1.34"
    read = {"source": "our own", "as_of": "2026-11", "kubernetes": "1.34"}
    drivers = {"neuron_driver": "2.28.0.0", "nvidia_driver": "580.159.03"}
    config["polysilicon:overlay"] = {
        "ami_releases": {"1.34.9-20260625": {**read, **drivers}},
        "addons": [{**read, "name": "vpc-cni", "version": "v1.22.4-eksbuild.3"}],
    }


@pytest.mark.engine
def test_a_cluster_of_another_version_ends_the_preview_in_one_message(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    edit(project, "dev", of_another_version)
    there = [*SUBNETS.values(), "company"]
    preview = Rehearsal(project, "dev", state=tmp_path / "state", quiet=True, existing=there).preview()
    assert not preview.ok
    assert "clusters.aws.kubernetes: got 1.34, but cluster company has 1.35" in preview.log
    assert "Traceback" not in preview.log


@pytest.mark.engine
def test_pools_karpenter_and_servers_land_on_it_and_go(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    edit(project, "dev", in_company)
    there = [*SUBNETS.values(), "company"]
    rehearsal = Rehearsal(project, "dev", state=tmp_path / "state", quiet=True, existing=there)
    up = rehearsal.up()
    assert up.ok, up.log
    kinds = {resource.type for resource in up.resources}
    assert {"aws:eks/nodeGroup:NodeGroup", "kubernetes:karpenter.sh/v1:NodePool"} <= kinds
    assert kinds.isdisjoint({"aws:eks/cluster:Cluster", "aws:eks/addon:Addon", "aws:ec2/vpc:Vpc"})
    kubeconfig = yaml.safe_load(up.outputs["kubeconfigs"]["aws"])
    assert "company" in str(kubeconfig)
    again = rehearsal.up(expect_no_changes=True)
    assert again.ok, again.log
    gone = rehearsal.destroy()
    assert gone.ok, gone.log
    assert list(gone.leftovers) == []
    assert list(gone.accounts) == []
