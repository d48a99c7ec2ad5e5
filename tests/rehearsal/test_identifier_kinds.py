"""Identifiers of another kind than a property takes: each row of the table with a value that is refused and one that passes."""

# ruff: noqa: E501 - a row of a table is a line
from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.judges.references import References
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.simulated import Cloud

GROUP, TEMPLATE, NODES = "aws:ec2/securityGroup:SecurityGroup", "aws:ec2/launchTemplate:LaunchTemplate", "eks/nodeGroup"
ROLE = "arn:aws:iam::123456789012:role/nodes"

# Type, property (`*` is the only item of a list), what is refused, in which words, and what passes.
CASES: list[tuple[str, str, str, str, str]] = [
    ("eks/nodeGroup:NodeGroup", "subnetIds.*", "10.0.0.0/24", "InvalidSubnetID.NotFound: The subnet ID '10.0", "subnet-1"),
    ("eks/cluster:Cluster", "vpcConfig.subnetIds.*", "vpc-1", "InvalidSubnetID.NotFound", "subnet-1"),
    ("ec2/natGateway:NatGateway", "subnetId", "igw-1", "InvalidSubnetID.NotFound", "subnet-1"),
    ("lb/loadBalancer:LoadBalancer", "subnets.*", "main", "InvalidSubnet", "subnet-1"),
    ("autoscaling/group:Group", "vpcZoneIdentifiers.*", "vpc-1", "The subnet ID 'vpc-1' does not exist", "subnet-1"),
    ("ec2/subnet:Subnet", "vpcId", "main", 'Invalid id: "main" (expecting "vpc-...")', "vpc-1"),
    ("eks/cluster:Cluster", "vpcConfig.securityGroupIds.*", "web", 'Invalid id: "web" (expecting "sg-...")', "sg-1"),
    ("vpc/securityGroupIngressRule:SecurityGroupIngressRule", "referencedSecurityGroupId", "subnet-1", "InvalidGroupId.Malformed", "123456789012/sg-1"),
    ("ec2/natGateway:NatGateway", "allocationId", "203.0.113.1", "InvalidElasticIpID.Malformed: The elastic-ip ID '203.0.113.1' is malf", "eipalloc-1"),
    ("ec2/route:Route", "routeTableId", "vpc-1", "InvalidRouteTableId.Malformed", "rtb-1"),
    ("ec2/route:Route", "gatewayId", "eni-1", "InvalidGatewayID.NotFound: The gateway ID 'eni-1' does not exist", "nat-1"),
    ("ec2/routeTable:RouteTable", "routes.*.gatewayId", "subnet-1", "InvalidGatewayID.NotFound", "local"),
    ("ec2/route:Route", "natGatewayId", "igw-1", "InvalidNatGatewayID.NotFound", "nat-1"),
    ("ec2/internetGatewayAttachment:InternetGatewayAttachment", "internetGatewayId", "nat-1", "InvalidInternetGatewayID", "igw-1"),
    ("ec2/route:Route", "networkInterfaceId", "i-1", "InvalidNetworkInterfaceID.NotFound", "eni-1"),
    ("ec2/route:Route", "vpcPeeringConnectionId", "vpc-1", 'expecting "pcx-...', "pcx-1"),
    ("eks/nodeGroup:NodeGroup", "launchTemplate.id", "nodes", "'nodes' is not the id of a launch template", "lt-1"),
    ("ec2/launchTemplate:LaunchTemplate", "capacityReservationSpecification.capacityReservationTarget.capacityReservationId", "block", 'expecting "cr-...', "cr-1"),
    ("eks/nodeGroup:NodeGroup", "nodeRoleArn", "nodes", "nodes is not the ARN of an IAM role", ROLE),
    ("eks/cluster:Cluster", "roleArn", "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy", "is not the ARN of an IAM role", ROLE),
    ("eks/accessEntry:AccessEntry", "principalArn", "deployer", "principalArn parameter format is not valid", ROLE),
    ("iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn", "AdministratorAccess", "arn: invalid prefix", "arn:aws:iam::aws:policy/AdministratorAccess"),
    ("ec2/launchTemplate:LaunchTemplate", "blockDeviceMappings.*.ebs.kmsKeyId", "alias/disks", "arn: invalid prefix", "arn:aws:kms:us-east-1:123456789012:key/a"),
    ("ec2/subnet:Subnet", "availabilityZone", "us-west-2a", "Value (us-west-2a) for parameter availabilityZone is invalid", "us-east-1a"),
    ("ec2/subnet:Subnet", "availabilityZone", "use1-az1", "of us-east-1", "us-east-1-bos-1a"),
    ("ec2/subnet:Subnet", "availabilityZoneId", "us-east-1a", "for parameter availabilityZoneId is invalid", "use1-az6"),
    ("ec2/subnet:Subnet", "availabilityZoneId", "usw2-az1", "of us-east-1", "use1-bos1-az1"),
]  # fmt: skip


def problems(cloud: Cloud, type_: str, path: str, value: str) -> list[tuple[str, str]]:
    """What is said of a value at a path, and where."""
    inputs: Any = value
    for step in reversed(path.split(".")):
        inputs = [inputs] if step == "*" else {step: inputs}
    return [(p.property, p.message) for p in cloud.problems(f"aws:{type_}", "x", **inputs)]


@pytest.mark.parametrize(("type_", "path", "wrong", "words", "right"), CASES, ids=[f"{c[1]} {c[2]}" for c in CASES])
def test_a_kind(type_: str, path: str, wrong: str, words: str, right: str) -> None:
    cloud = Cloud(judges=[References()])
    ((where, message),) = problems(cloud, type_, path, wrong)
    assert where == path.replace(".*", "[0]")
    assert words in message
    for passes in (right, UNKNOWN):
        assert problems(cloud, type_, path, passes) == []


@pytest.mark.parametrize("row", table("aws")["kinds"], ids=lambda row: row["properties"][0])
def test_each_row_has_a_case(row: dict[str, Any]) -> None:
    cased = [".".join(step for step in case[1].split(".") if step != "*") for case in CASES]
    assert any(path == name or path.endswith(f".{name}") for path in cased for name in row["properties"])
    assert row["source"]


def test_it_says_whose_name_that_is() -> None:
    cloud = Cloud(judges=[References()])
    template = cloud.make(TEMPLATE, "t", name="nodes")
    gateway = cloud.make("aws:ec2/internetGateway:InternetGateway", "g")
    role = cloud.make("aws:iam/role:Role", "r", name="worker", assumeRolePolicy="{}")
    group = "eks/nodeGroup:NodeGroup"
    for path, value, hint in (
        ("launchTemplate.id", "nodes", f"(that is the name of the LaunchTemplate {template.id})"),
        ("nodeRoleArn", "worker", f"(that is the name of the Role {role.outputs['arn']})"),
        ("subnetIds.*", gateway.id, "(that is a InternetGateway)"),
    ):
        ((_, message),) = problems(cloud, group, path, value)
        assert message.endswith(hint)


@pytest.mark.parametrize("settings", [{}, {"region": "us-gov-west-1"}])
def test_zones_are_judged_where_the_region_was_configured(settings: dict[str, Any]) -> None:
    cloud = Cloud(judges=[References()])
    cloud.settings = settings
    assert problems(cloud, "ec2/subnet:Subnet", "availabilityZoneId", "usgw1-az1") == []


@pytest.mark.parametrize(
    ("type_", "path"),
    [
        ("apprunner/vpcConnector:VpcConnector", "subnets.*"),
        ("ec2/instance:Instance", "securityGroups.*"),
        ("ec2/instance:Instance", "tags.vpcId"),
        ("lambda/function:Function", "environment.variables.subnetId"),
    ],
)
def test_where_a_name_may_stand_nothing_is_said(type_: str, path: str) -> None:
    assert problems(Cloud(judges=[References()]), type_, path, "main") == []
