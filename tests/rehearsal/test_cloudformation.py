"""AWS inputs against the CloudFormation schemas in cfn-lint."""

# ruff: noqa: E501 - a row of a table is a line
from __future__ import annotations

import csv
from importlib import resources
from typing import Any

import pytest

from polysilicon.rehearsal import Problem
from polysilicon.rehearsal.judges import cloudformation
from polysilicon.rehearsal.judges.cloudformation import REASONS, CloudFormation, is_installed
from polysilicon.rehearsal.judges.cloudformation_mapping import camel, mapped, rules
from polysilicon.rehearsal.judges.cloudformation_schemas import Linker, folder, properties, schema
from polysilicon.rehearsal.judges.cloudformation_translation import COMMON
from polysilicon.rehearsal.shapes import Shape
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.sdk_examples import examples, types
from tests.rehearsal.simulated import Cloud, installed

NODES = "aws:eks/nodeGroup:NodeGroup"
CLUSTER = "aws:eks/cluster:Cluster"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SUBNET = "aws:ec2/subnet:Subnet"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
TARGETS = "aws:lb/targetGroup:TargetGroup"
GROUP = {"clusterName": "c", "nodeRoleArn": "arn:aws:iam::123456789012:role/r", "subnetIds": ["subnet-1"]}

LOOKED_AT = sorted(key for key, row in rules()["types"].items() if row.get("curated", True) and "as" not in row)

REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    # aws trap 22: the effects of taints are spelled otherwise than in Kubernetes
    (NODES, {**GROUP, "taints": [{"key": "a", "effect": "NoSchedule"}]}, "taints[0].effect", '"NO_SCHEDULE"'),
    (NODES, {**GROUP, "amiType": "AL2023_x86_64_NEURO"}, "amiType", 'did you mean "AL2023_x86_64_NEURON"?'),
    (NODES, {**GROUP, "capacityType": "RESERVED"}, "capacityType", '"CAPACITY_BLOCK"'),
    (NODES, {**GROUP, "scalingConfig": {"maxSize": 0}}, "scalingConfig.maxSize", "to be at least 1, got 0"),
    (NODES, {**GROUP, "updateConfig": {"updateStrategy": "FAST"}}, "updateConfig.updateStrategy", '"MINIMAL"'),
    (NODES, {"clusterName": "c", "subnetIds": ["s"]}, "nodeRoleArn", '"nodeRoleArn" is required'),
    (NODES, {**GROUP, "instanceTypes": ["inf2.7xlarge"]}, "instanceTypes[0]", "Invalid value 'inf2.7xlarge'"),
    (NODES, {**GROUP, "instanceTypes": ["inf2.lagre"]}, "instanceTypes[0]", "Did you mean inf2.xlarge?"),
    (CLUSTER, {"roleArn": "arn:aws:iam::1:role/r"}, "vpcConfig", '"vpcConfig" is required'),
    (CLUSTER, {"enabledClusterLogTypes": ["api", "nodes"]}, "enabledClusterLogTypes[1]", '"controllerManager"'),
    (CLUSTER, {"accessConfig": {"authenticationMode": "IAM"}}, "accessConfig.authenticationMode", "API_AND_CONFIG_MAP"),
    (CLUSTER, {"kubernetesNetworkConfig": {"ipFamily": "ipv5"}}, "kubernetesNetworkConfig.ipFamily", '"ipv6"'),
    ("aws:eks/podIdentityAssociation:PodIdentityAssociation", {"clusterName": "c"}, "roleArn", "is required"),
    ("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", {"accessScope": {"type": "pod"}}, "accessScope.type", "namespace"),
    (TEMPLATE, {"metadataOptions": {"httpTokens": "must"}}, "metadataOptions.httpTokens", '"required"'),
    (TEMPLATE, {"instanceMarketOptions": {"marketType": "reserved"}}, "instanceMarketOptions.marketType", "capacity-block"),
    (SUBNET, {"vpcId": "vpc-1", "cidrBlock": "10.0.0.0/24", "availabilityZone": "a", "availabilityZoneId": "b"}, "availabilityZone", "conflicts with availabilityZoneId"),
    (INGRESS, {"securityGroupId": "sg-1", "ipProtocol": "tcp", "fromPort": 1, "toPort": 2}, "cidrIpv4", "must be specified"),
    (INGRESS, {"securityGroupId": "sg-1", "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/8", "prefixListId": "pl-1"}, "cidrIpv4", "only one of"),
    (INGRESS, {"securityGroupId": "sg-1", "ipProtocol": "tcp", "cidrIpv4": "10.0.0.0/8"}, "fromPort", '"fromPort" is required'),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", {"vpcId": "v", "vpcEndpointType": "gateway"}, "vpcEndpointType", 'did you mean "Gateway"?'),
    ("aws:ec2/placementGroup:PlacementGroup", {"strategy": "clusters", "spreadLevel": "rak"}, "spreadLevel", '"rack"'),
    ("aws:ec2/instance:Instance", {"rootBlockDevice": {"volumeType": "gp9"}}, "rootBlockDevice.volumeType", '"gp3"'),
    ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "b", "versioningConfiguration": {"status": "On"}}, "versioningConfiguration.status", '"Enabled"'),
    # aws trap 55: the arguments of the nested type of `aws.s3.Bucket` are others
    ("aws:s3/bucketVersioning:BucketVersioning", {"enabled": True}, "versioningConfiguration.status", "is required"),
    ("aws:s3/bucketOwnershipControls:BucketOwnershipControls", {"rule": {"objectOwnership": "Me"}}, "rule.objectOwnership", "BucketOwnerEnforced"),
    ("aws:ecr/repository:Repository", {"imageTagMutability": "FIXED"}, "imageTagMutability", '"IMMUTABLE"'),
    ("aws:kms/key:Key", {"deletionWindowInDays": 3}, "deletionWindowInDays", "in the range (7 - 30), got 3"),
    ("aws:efs/fileSystem:FileSystem", {"throughputMode": "fast"}, "throughputMode", '"elastic"'),
    ("aws:cloudwatch/logGroup:LogGroup", {"name": "a", "retentionInDays": 31}, "retentionInDays", 'got "31"'),
    (TARGETS, {"targetType": "ip", "protocol": "HTTP", "vpcId": "vpc-1"}, "port", '"port" is required'),
    ("aws:alb/targetGroup:TargetGroup", {"healthCheck": {"interval": 1}}, "healthCheck.interval", "in the range (5 - 300)"),
    ("aws:sqs/queue:Queue", {"visibilityTimeoutSeconds": 50000}, "visibilityTimeoutSeconds", "43200"),
    # types that nobody has looked at: values alone
    ("aws:lambda/function:Function", {"memorySize": 64}, "memorySize", "in the range (128 - 32768)"),
    ("aws:dynamodb/table:Table", {"billingMode": "FREE"}, "billingMode", "PAY_PER_REQUEST"),
]  # fmt: skip


def problems(type_: str, region: str = "us-east-1", **inputs: Any) -> list[Problem]:
    return Cloud({"region": region}, judges=[CloudFormation()]).problems(type_, "x", **inputs)


@pytest.mark.parametrize(("type_", "inputs", "path", "words"), REFUSED, ids=[f"{r[0]} {r[2]}" for r in REFUSED])
def test_refused(type_: str, inputs: dict[str, Any], path: str, words: str) -> None:
    found = [problem for problem in problems(type_, **inputs) if problem.property == path]
    assert found
    assert any(words in problem.message for problem in found), found


ALLOWED: list[tuple[str, dict[str, Any]]] = [
    (NODES, {**GROUP, "taints": [{"key": "a", "effect": "NO_SCHEDULE"}], "scalingConfig": {"minSize": 0, "maxSize": "3"}}),
    (NODES, {**GROUP, "amiType": UNKNOWN, "nodeRoleArn": UNKNOWN, "scalingConfig": UNKNOWN, "instanceTypes": UNKNOWN}),
    # a type that is newer than the list
    (NODES, {**GROUP, "instanceTypes": ["trn2.3xlarge", "inf9.xlarge", "p6e-gb200.36xlarge"]}),
    (CLUSTER, {"roleArn": "r", "vpcConfig": {"subnetIds": [UNKNOWN, UNKNOWN]}, "enabledClusterLogTypes": ["api"], "tags": {"a": "b"}}),
    (INGRESS, {"securityGroupId": UNKNOWN, "ipProtocol": "-1", "referencedSecurityGroupId": UNKNOWN}),
    (INGRESS, {"securityGroupId": "sg-1", "ipProtocol": UNKNOWN, "cidrIpv4": "10.0.0.0/8"}),
    ("aws:ec2/securityGroup:SecurityGroup", {"egress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}]}),
    ("aws:iam/role:Role", {"assumeRolePolicy": "{}"}),
    ("aws:iam/role:Role", {"assumeRolePolicy": {"Version": "2012-10-17"}, "inlinePolicies": [{}]}),
    ("aws:ssm/parameter:Parameter", {"type": "SecureString", "value": "x"}),
    ("aws:cloudwatch/logGroup:LogGroup", {"name": "a", "retentionInDays": 0}),
    ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "b", "versioningConfiguration": {"status": "Disabled"}}),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", {"routeTableId": "r", "gatewayId": "g"}),
    ("aws:ec2/instance:Instance", {"rootBlockDevice": {"volumeType": "gp3"}, "ebsBlockDevices": [{"deviceName": "/dev/b", "volumeType": "io2"}]}),
    ("aws:nothing/atAll:AtAll", {"a": 1}),
    # Terraform lower-cases what CloudFormation writes in capitals
    ("aws:elasticache/user:User", {"engine": "REDIS", "userId": "a", "userName": "a"}),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "inputs"), ALLOWED, ids=[f"{a[0]} {sorted(a[1])}" for a in ALLOWED])
def test_allowed(type_: str, inputs: dict[str, Any]) -> None:
    assert problems(type_, **inputs) == []


def test_two_lists_of_devices_are_told_apart() -> None:
    devices = [{"deviceName": "/dev/b", "volumeType": "io2"}, {"deviceName": "/dev/c", "volumeType": "gp9"}]
    found = problems("aws:ec2/instance:Instance", rootBlockDevice={"volumeType": "gp3"}, ebsBlockDevices=devices)
    assert [problem.property for problem in found] == ["ebsBlockDevices[1].volumeType"]


def test_machines_differ_by_region() -> None:
    template = {"instanceType": "inf2.xlarge"}
    assert problems(TEMPLATE, "us-east-1", **template) == []
    (found,) = problems(TEMPLATE, "eu-west-3", instanceType="trn1.32xlarge")
    assert "not supported in your Region (eu-west-3)" in found.message


def test_services_without_regions_and_regions_without_schemas() -> None:
    role = {"assumeRolePolicy": "{}", "maxSessionDuration": "x"}
    judge = CloudFormation()
    Cloud({"region": "atlantis-1"}, judges=[judge]).problems("aws:iam/role:Role", "x", **role)
    assert judge.tally.inputs
    Cloud({"region": "atlantis-1"}, judges=[judge]).problems(NODES, "x", **GROUP)
    assert "AWS inputs of types that CloudFormation does not list in atlantis-1" in judge.tally.unjudged


def test_counts_what_it_judged_and_what_not() -> None:
    judge = CloudFormation()
    cloud = Cloud(judges=[judge])
    cloud.problems(NODES, "x", **GROUP, tags={"a": "b"}, nodeGroupNamePrefix="p")
    assert judge.tally.inputs == 3
    assert judge.tally.unjudged["AWS tags"] == 2  # tags and what the provider merges from them
    cloud.problems("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "x", role="r", policyArn="p")
    assert judge.tally.unjudged[REASONS["split"]] == 2


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudformation, "folder", lambda: None)
    is_installed.cache_clear()
    try:
        judge = CloudFormation()
        assert Cloud(judges=[judge]).problems(NODES, "x", **GROUP, amiType="nonsense") == []
        assert judge.tally.inputs == 0
        assert set(judge.tally.unjudged) == {"AWS inputs: install polysilicon[rehearse] to have them judged"}
    finally:
        is_installed.cache_clear()


def test_examples_of_the_documentation_are_not_refused() -> None:
    """Some leave out what is required; no value in them is refused."""
    wanted = frozenset(f"aws:{key}" for key in LOOKED_AT)
    cloud, wrong, seen = Cloud(judges=[CloudFormation()]), [], 0
    for type_, inputs in examples(wanted):
        seen += 1
        found = cloud.problems(type_, "x", **inputs)
        wrong += [(type_, p) for p in found if "is required" not in p.message and "must be specified" not in p.message]
    assert seen > 300
    assert wrong == []


def test_every_type_of_the_sdk_is_mapped_or_listed_with_a_reason() -> None:
    """New types of a new SDK must be looked at: map them, or give the reason in the list."""
    rows = _listed()
    unmapped = {token.partition(":")[2] for token in types().values() if mapped(token) is None}
    assert set(rows) == unmapped
    assert len(rows) == 788
    assert {row["reason"] for row in rows.values()} | {""} == set(REASONS)
    assert all(bool(row["part_of"]) == (row["reason"] == "split") for row in rows.values())
    assert all(schema(row["part_of"], "us-east-1") for row in rows.values() if row["part_of"])


def _listed() -> dict[str, dict[str, str]]:
    text = (resources.files("polysilicon.rehearsal") / "data" / "unjudged_aws.csv").read_text(encoding="utf-8")
    return {row["type"]: row for row in csv.DictReader(text.splitlines())}


@pytest.mark.parametrize("key", LOOKED_AT)
def test_every_property_of_a_curated_type_has_a_counterpart_or_a_reason(key: str) -> None:
    shape = installed().resource(f"aws:{key}")
    assert shape is not None
    assert not _nameless(key, shape)
    known = mapped(f"aws:{key}")
    assert known is not None
    assert all(reason.strip() for part in (known.unlike, known.optional, known.updates) for reason in part.values())


def _nameless(key: str, shape: Shape) -> list[str]:
    known = mapped(f"aws:{key}")
    assert known is not None
    found: list[str] = []

    def walk(members: dict[str, Any], node: Any, path: str) -> None:
        for name, type_ in members.items():
            inner = f"{path}.{name}" if path else name
            if known.reason_against(inner) or (not path and name in COMMON):
                continue
            target = known.counterpart(inner, name, node).partition("[")[0]
            below = node
            for step in [] if target == "." else target.split("."):
                below = properties(below).get(step)
                while isinstance(below, dict) and "items" in below:
                    below = below["items"]
            if below is None or not target:
                found.append(inner)
                continue
            while isinstance(type_, list) and type_[0] == "list":
                type_ = type_[1]
            nested = shape.members(type_)
            if nested and properties(below):
                walk({n: m.type for n, m in nested.items()}, below, inner)

    start = schema(known.schema, "us-east-1", known.part, whole=True)
    walk({n: shape.outputs[n].type if n in shape.outputs else "any" for n in shape.inputs}, start, "")
    return found


def test_the_table_names_only_what_the_schemas_have() -> None:
    for key in LOOKED_AT:
        known = mapped(f"aws:{key}")
        assert known is not None
        assert schema(known.schema, "us-east-1", known.part), key


def test_schemas_that_contain_themselves_and_patterns_for_others() -> None:
    document = {
        "properties": {"A": {"$ref": "#/definitions/A"}, "B": {"pattern": r"\p{L}+"}},
        "definitions": {"A": {"properties": {"A": {"$ref": "#/definitions/A"}}}},
    }
    node = Linker(document, whole=True).node(document)
    inner = properties(node)["A"]
    assert properties(inner)["A"] is inner
    assert "pattern" not in dict(properties(node)["B"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "own"), [("KmsKeyId", "kmsKeyId"), ("VPCRegion", "vpcRegion"), ("URL", "url"), ("A", "a")]
)
def test_names(name: str, own: str) -> None:
    assert camel(name) == own


def test_the_schemas_are_those_of_cfn_lint() -> None:
    assert folder() is not None
