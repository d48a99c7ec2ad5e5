"""What makes a new resource and what changes in place, on AWS."""

# ruff: noqa: E501 - a row of a table is a line
from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal import replacement_aws
from polysilicon.rehearsal.judges.cloudformation_mapping import rules
from polysilicon.rehearsal.replacement import create_only
from tests.rehearsal.simulated import Cloud, installed

NODES = "aws:eks/nodeGroup:NodeGroup"
CLUSTER = "aws:eks/cluster:Cluster"

REPLACES: list[tuple[str, str, Any, Any]] = [
    (NODES, "instanceTypes", ["inf2.xlarge"], ["inf2.8xlarge"]),
    # aws trap 15: a group cannot move to another image type or another template, only to another version of it
    (NODES, "amiType", "AL2023_x86_64_NEURON", "AL2023_x86_64_NVIDIA"),
    (NODES, "launchTemplate", {"id": "lt-1", "version": "1"}, {"id": "lt-2", "version": "1"}),
    (NODES, "launchTemplate", {"name": "a", "version": "1"}, {"name": "b", "version": "1"}),
    (NODES, "capacityType", "ON_DEMAND", "SPOT"),
    (NODES, "subnetIds", ["subnet-1"], ["subnet-1", "subnet-2"]),
    (NODES, "nodeRoleArn", "a", "b"),
    (NODES, "nodeGroupName", "a", "b"),
    (NODES, "diskSize", 20, 50),
    (NODES, "remoteAccess", {"ec2SshKey": "a"}, {"ec2SshKey": "b"}),
    (CLUSTER, "roleArn", "a", "b"),
    (CLUSTER, "kubernetesNetworkConfig", {"serviceIpv4Cidr": "10.0.0.0/16"}, {"serviceIpv4Cidr": "10.1.0.0/16"}),
    (CLUSTER, "accessConfig", {}, {"bootstrapClusterCreatorAdminPermissions": False}),
    ("aws:eks/addon:Addon", "addonName", "coredns", "vpc-cni"),
    ("aws:eks/accessEntry:AccessEntry", "principalArn", "a", "b"),
    ("aws:eks/accessEntry:AccessEntry", "type", "STANDARD", "EC2_LINUX"),
    ("aws:eks/podIdentityAssociation:PodIdentityAssociation", "serviceAccount", "a", "b"),
    ("aws:ec2/vpc:Vpc", "cidrBlock", "10.0.0.0/16", "10.1.0.0/16"),
    ("aws:ec2/subnet:Subnet", "cidrBlock", "10.0.0.0/24", "10.0.1.0/24"),
    ("aws:ec2/subnet:Subnet", "outpostArn", "a", "b"),
    ("aws:ec2/natGateway:NatGateway", "privateIp", "10.0.0.1", "10.0.0.2"),
    ("aws:ec2/flowLog:FlowLog", "trafficType", "ALL", "REJECT"),
    ("aws:ec2/flowLog:FlowLog", "vpcId", "vpc-1", "vpc-2"),
    ("aws:ec2/placementGroup:PlacementGroup", "strategy", "cluster", "spread"),
    ("aws:ec2/capacityReservation:CapacityReservation", "instanceType", "p5.48xlarge", "p5e.48xlarge"),
    ("aws:ec2/instance:Instance", "subnetId", "subnet-1", "subnet-2"),
    ("aws:ec2/instance:Instance", "rootBlockDevice", {"encrypted": False}, {"encrypted": True}),
    ("aws:iam/role:Role", "name", "a", "b"),
    ("aws:iam/role:Role", "path", "/a/", "/b/"),
    ("aws:iam/policy:Policy", "description", "a", "b"),
    ("aws:ecr/repository:Repository", "encryptionConfigurations", [{"kmsKey": "a"}], [{"kmsKey": "b"}]),
    ("aws:lb/loadBalancer:LoadBalancer", "internal", True, False),
    ("aws:lb/targetGroup:TargetGroup", "port", 80, 81),
    ("aws:efs/fileSystem:FileSystem", "encrypted", True, False),
    ("aws:efs/accessPoint:AccessPoint", "posixUser", {"uid": 1, "gid": 1}, {"uid": 2, "gid": 1}),
    ("aws:fsx/lustreFileSystem:LustreFileSystem", "securityGroupIds", ["a"], ["b"]),
    ("aws:sqs/queue:Queue", "fifoQueue", True, False),
    # nobody has looked at this type: the schema's own names
    ("aws:kinesis/stream:Stream", "name", "a", "b"),
]

IN_PLACE: list[tuple[str, str, Any, Any]] = [
    (NODES, "scalingConfig", {"minSize": 0, "maxSize": 1, "desiredSize": 0}, {"minSize": 1, "maxSize": 2, "desiredSize": 1}),
    (NODES, "labels", {"a": "b"}, {"a": "c"}),
    (NODES, "taints", [{"key": "a", "effect": "NO_SCHEDULE"}], [{"key": "a", "effect": "NO_EXECUTE"}]),
    (NODES, "launchTemplate", {"id": "lt-1", "version": "1"}, {"id": "lt-1", "version": "2"}),
    (NODES, "version", "1.34", "1.35"),
    (NODES, "tags", {"a": "b"}, {"a": "c"}),
    (CLUSTER, "version", "1.34", "1.35"),
    (CLUSTER, "encryptionConfig", None, {"provider": {"keyArn": "a"}, "resources": ["secrets"]}),
    (CLUSTER, "vpcConfig", {"publicAccessCidrs": ["10.0.0.0/8"]}, {"publicAccessCidrs": ["10.0.0.0/9"]}),
    ("aws:eks/addon:Addon", "addonVersion", "v1.0.0", "v1.0.1"),
    ("aws:eks/accessEntry:AccessEntry", "kubernetesGroups", ["a"], ["b"]),
    ("aws:eks/podIdentityAssociation:PodIdentityAssociation", "roleArn", "a", "b"),
    ("aws:ec2/vpc:Vpc", "enableDnsHostnames", True, False),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "routeTableId", "rtb-1", "rtb-2"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "cidrIpv4", "10.0.0.0/8", "10.0.0.0/9"),
    ("aws:ec2/placementGroup:PlacementGroup", "tags", {"a": "b"}, {"a": "c"}),
    ("aws:ec2/instance:Instance", "launchTemplate", {"id": "lt-1", "version": "1"}, {"id": "lt-1", "version": "2"}),
    ("aws:ecr/pullThroughCacheRule:PullThroughCacheRule", "credentialArn", "a", "b"),
    ("aws:iam/role:Role", "assumeRolePolicy", "{}", '{"a":1}'),
    ("aws:budgets/budget:Budget", "notifications", [{"threshold": 1}], [{"threshold": 2}]),
    ("aws:ec2/launchTemplate:LaunchTemplate", "instanceType", "inf2.xlarge", "inf2.8xlarge"),
]  # fmt: skip


def replaces(type_: str, name: str, old: Any, new: Any) -> bool:
    before, after = ({} if value is None else {name: value} for value in (old, new))
    comparison = Cloud().simulation.compare(type_, before, after, {})
    assert comparison.changes
    return comparison.replaces


@pytest.mark.parametrize(("type_", "name", "old", "new"), REPLACES, ids=[f"{r[0]} {r[1]}" for r in REPLACES])
def test_replaces(type_: str, name: str, old: Any, new: Any) -> None:
    assert replaces(type_, name, old, new)


@pytest.mark.parametrize(("type_", "name", "old", "new"), IN_PLACE, ids=[f"{r[0]} {r[1]}" for r in IN_PLACE])
def test_changes_in_place(type_: str, name: str, old: Any, new: Any) -> None:
    assert not replaces(type_, name, old, new)


@pytest.mark.parametrize("asked", [True, False])
def test_a_machine_is_replaced_for_its_user_data_where_that_is_asked(asked: bool) -> None:
    before, after = ({"userData": text, "userDataReplaceOnChange": asked} for text in ("a", "b"))
    comparison = Cloud().simulation.compare("aws:ec2/instance:Instance", before, after, {})
    assert comparison.replaces is asked


def test_other_packages_and_types_that_nobody_knows() -> None:
    assert create_only("aws:nothing/atAll:AtAll") == frozenset()
    assert create_only("random:index/randomId:RandomId") == frozenset()


def test_a_part_of_a_resource_is_not_replaced_for_what_its_whole_cannot_change() -> None:
    assert replacement_aws.create_only("aws:s3/bucketVersioning:BucketVersioning") == frozenset()


def test_every_exception_is_of_an_input_that_the_sdk_has() -> None:
    for key, row in rules()["types"].items():
        named = {path.split(".")[0] for path in (*row.get("updates", ()), *row.get("replaces", ()))}
        if named:
            shape = installed().resource(f"aws:{key}")
            assert shape is not None
            assert named <= set(shape.inputs), key
