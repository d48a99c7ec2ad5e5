"""Ids, ARNs and computed outputs have the clouds' real forms; the tables agree with the SDKs."""

from __future__ import annotations

import fnmatch
import importlib
import re

import pytest

from polysilicon.rehearsal.forms import form_of, table
from polysilicon.rehearsal.model import Fault, RefusedError
from polysilicon.rehearsal.values import UNKNOWN, at
from tests.rehearsal.simulated import Cloud, installed

VPC, SUBNET, ROLE = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:iam/role:Role"
CLUSTER, NODES = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup"

FORMS = [
    (VPC, {"cidrBlock": "10.0.0.0/16"}, r"vpc-0[0-9a-f]{16}"),
    ("aws:ec2/internetGateway:InternetGateway", {}, r"igw-0[0-9a-f]{16}"),
    ("aws:ec2/customerGateway:CustomerGateway", {"type": "ipsec.1"}, r"cgw-0[0-9a-f]{16}"),
    (ROLE, {"assumeRolePolicy": "{}"}, r"x-[0-9a-f]{7}"),
    ("aws:iam/policy:Policy", {"policy": "{}"}, r"arn:aws:iam::123456789012:policy/x-[0-9a-f]{7}"),
    ("aws:kms/key:Key", {}, r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"),
    ("aws:s3/bucket:Bucket", {}, r"x-[0-9a-f]{7}"),
    ("aws:ecr/repository:Repository", {"name": "team/app"}, r"team/app"),
    ("aws:budgets/budget:Budget", {"name": "b", "budgetType": "COST", "timeUnit": "MONTHLY"}, r"123456789012:b"),
    ("aws:sns/topic:Topic", {"name": "t"}, r"arn:aws:sns:us-east-1:123456789012:t"),
    ("gcp:compute/network:Network", {"name": "n"}, r"projects/acme/global/networks/n"),
    ("gcp:compute/instanceTemplate:InstanceTemplate", {"name": "t", "machineType": "x"}, r"projects/acme/global/.*/t"),
    (
        "gcp:container/cluster:Cluster",
        {"name": "c", "location": "us-west1"},
        r"projects/acme/locations/us-west1/clusters/c",
    ),
    (
        "gcp:serviceaccount/account:Account",
        {"accountId": "robot"},
        r"projects/acme/serviceAccounts/robot@acme\.iam\.gserviceaccount\.com",
    ),
    (
        "gcp:projects/iAMMember:IAMMember",
        {"project": "acme", "role": "roles/viewer", "member": "user:a@b.c"},
        r"acme/roles/viewer/user:a@b\.c",
    ),
    ("kubernetes:core/v1:Namespace", {"metadata": {"name": "apps"}}, r"apps"),
    ("kubernetes:core/v1:ConfigMap", {}, r"default/x-[0-9a-f]{8}"),
    ("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", {"metadata": {"name": "r"}}, r"r"),
    ("kubernetes:karpenter.sh/v1:NodePool", {"metadata": {"name": "p"}}, r"p"),
    ("kubernetes:helm.sh/v3:Release", {"chart": "keda", "namespace": "default"}, r"default/x-[0-9a-f]{8}"),
    ("nobody:index:Thing", {"size": 3}, r"thing-0[0-9a-f]{16}"),
]


@pytest.mark.parametrize(("type_", "inputs", "expected"), FORMS, ids=[form[0] for form in FORMS])
def test_ids(type_: str, inputs: dict[str, object], expected: str) -> None:
    assert re.fullmatch(expected, Cloud().make(type_, "x", **inputs).id)


def test_a_cluster_answers_like_a_cluster() -> None:
    cloud = Cloud({"region": "eu-west-1"})
    vpc = cloud.make(VPC, "net", cidrBlock="10.0.0.0/16")
    subnet = cloud.make(SUBNET, "sub", vpcId=vpc.id, cidrBlock="10.0.0.0/24")
    role = cloud.make(ROLE, "role", assumeRolePolicy="{}")
    cluster = cloud.make(CLUSTER, "c", roleArn=role.outputs["arn"], vpcConfig={"subnetIds": [subnet.id]})
    assert at(cluster.outputs, "vpcConfig.vpcId") == vpc.id
    assert at(cluster.outputs, "vpcConfig.subnetIds") == [subnet.id]
    assert at(cluster.outputs, "vpcConfig.clusterSecurityGroupId") in cluster.names
    assert at(cluster.outputs, "identities.0.oidcs.0.issuer").startswith("https://oidc.eks.eu-west-1.amazonaws.com/id/")
    assert at(cluster.outputs, "certificateAuthority.data")
    assert cluster.outputs["arn"] == f"arn:aws:eks:eu-west-1:123456789012:cluster/{cluster.id}"
    assert subnet.outputs["availabilityZone"] == "eu-west-1a"
    assert subnet.outputs["availabilityZoneId"] == "euw1-az1"
    assert "outpostConfig" not in cluster.outputs, "what the SDK calls optional stays absent"
    nodes = cloud.make(
        NODES, "n", clusterName=cluster.id, nodeRoleArn=role.outputs["arn"], subnetIds=[subnet.id], scalingConfig={}
    )
    assert nodes.id == f"{cluster.id}:{nodes.outputs['nodeGroupName']}"
    assert nodes.outputs["version"] == cluster.outputs["version"]


def test_a_preview_knows_what_was_given_and_nothing_else() -> None:
    cloud = Cloud()
    outputs = cloud.preview(CLUSTER, "c", name="given", roleArn=UNKNOWN, vpcConfig={"subnetIds": [UNKNOWN]})
    assert outputs["name"] == "given"
    assert outputs["endpoint"] == outputs["arn"] == UNKNOWN
    assert at(outputs, "vpcConfig.vpcId") == UNKNOWN
    assert outputs["region"] == "us-east-1"
    assert "outpostConfig" not in outputs
    assert not cloud.accounts.records()


def test_an_update_keeps_what_was_computed() -> None:
    cloud = Cloud()
    vpc = cloud.make(VPC, "net", cidrBlock="10.0.0.0/16", tags={"a": "1"}, enableDnsHostnames=True)
    after = cloud.change(vpc, cidrBlock="10.0.0.0/16", tags={"a": "2"})
    assert {name for name in after if after[name] != vpc.outputs.get(name)} == {"tags", "tagsAll", "enableDnsHostnames"}
    assert after["enableDnsHostnames"] is False
    assert after["mainRouteTableId"] == vpc.outputs["mainRouteTableId"] == after["defaultRouteTableId"]


def test_making_it_again_gives_another_id() -> None:
    cloud = Cloud()
    first, second = (cloud.make(VPC, "net", cidrBlock="10.0.0.0/16") for _ in range(2))
    assert first.id != second.id


def test_a_name_can_be_taken() -> None:
    cloud = Cloud()
    cloud.make(ROLE, "a", name="same", assumeRolePolicy="{}")
    with pytest.raises(RefusedError, match="EntityAlreadyExists: Role with name same already exists") as refused:
        cloud.make(ROLE, "b", name="same", assumeRolePolicy="{}")
    assert refused.value.fault is Fault.EXISTS


def test_names_are_made_once_and_kept() -> None:
    cloud = Cloud()
    first = cloud.check(ROLE, "role", assumeRolePolicy="{}")
    assert re.fullmatch(r"role-[0-9a-f]{7}", first["name"])
    assert first["__defaults"] == ["name"]
    assert cloud.check(ROLE, "role", old=first, assumeRolePolicy="{}", path="/x/")["name"] == first["name"]
    assert cloud.check(ROLE, "role", old=first, name="mine", assumeRolePolicy="{}")["name"] == "mine"
    assert "name" not in cloud.check(ROLE, "role", namePrefix="p-", assumeRolePolicy="{}")
    long = cloud.check("aws:lb/loadBalancer:LoadBalancer", "l" * 60)
    assert len(long["name"]) == 32
    assert cloud.check("aws:kms/alias:Alias", "k", targetKeyId="x")["name"].startswith("alias/k-")
    made = cloud.check("kubernetes:core/v1:ConfigMap", "cm")
    assert made["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    assert made["metadata"]["namespace"] == "default"


def test_default_tags_join_the_inputs() -> None:
    cloud = Cloud({"region": "us-east-1", "defaultTags": {"tags": {"owner": "infra", "team": "x"}}})
    checked = cloud.check(VPC, "net", cidrBlock="10.0.0.0/16", tags={"team": "y"})
    assert checked["tagsAll"] == {"owner": "infra", "team": "y"}


def test_a_service_has_an_address() -> None:
    inside = Cloud().make("kubernetes:core/v1:Service", "s", spec={"ports": [{"port": 80}]})
    assert at(inside.outputs, "status.loadBalancer") is None
    service = Cloud().make("kubernetes:core/v1:Service", "s", spec={"type": "LoadBalancer"})
    assert at(service.outputs, "status.loadBalancer.ingress.0.hostname")
    assert at(service.outputs, "spec.clusterIP").startswith("10.")


@pytest.mark.parametrize("package", ["aws", "gcp"])
def test_the_tables_speak_of_what_the_sdk_has(package: str) -> None:
    tokens = _tokens(package)
    wrong: list[str] = []
    for key, row in table(package)["types"].items():
        matching = [token for token in tokens if fnmatch.fnmatchcase(token.partition(":")[2], key)]
        wrong += [] if matching else [f"no type {key}"]
        wrong += [problem for token in matching[:3] for problem in _problems(token, row)]
    for token, result in table(package)["functions"].items():
        shape = installed().function(token)
        wrong += [f"{token}: no {name}" for name in result if shape is None or name not in shape.outputs]
    assert not wrong


@pytest.mark.parametrize("package", ["aws", "gcp"])
def test_the_rows_about_references_match_types(package: str) -> None:
    rests = [token.partition(":")[2] for token in _tokens(package)]
    patterns = [pattern for row in table(package)["references"] for pattern in (*row["types"], row["target"])]
    for row in table(package)["in_use"]:
        patterns += [*row["types"], *row.get("only", ()), *row.get("never", ())]
    assert not [pattern for pattern in patterns if not any(fnmatch.fnmatchcase(rest, pattern) for rest in rests)]


def _tokens(package: str) -> list[str]:
    importlib.import_module(f"pulumi_{package}")
    rpc = importlib.import_module("pulumi.runtime.rpc")
    modules = [
        module for key, found in rpc._RESOURCE_MODULES.items() if key.startswith(f"{package}:") for module in found
    ]
    return [token for module in modules for token in module.mod_info["classes"]]


def _problems(token: str, row: dict[str, object]) -> list[str]:
    shape = installed().resource(token)
    assert shape is not None
    form = form_of(token, shape)
    places = {place.split("|")[0].split(".")[0] for place in re.findall(r"\{([^{}:]+)\}", form.id)}
    known = {*shape.outputs, "account", "region", "project", "arn", "id"}
    said = {path.split(".")[0] for path in form.outputs} | places
    given = {str(path).split(".")[0] for path in row.get("replaces", ())}  # type: ignore[attr-defined]
    problems = [f"{token}: {name}" for name in sorted((said - known) | (given - shape.inputs.keys()))]
    named = form.autoname.property if form.autoname else None
    return problems + ([f"{token}: autoname {named}"] if named and shape.inputs.get(named) is not False else [])
