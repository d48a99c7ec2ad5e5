"""The rules of the tables: the form of their rows, and those for AWS."""

# ruff: noqa: E501 - a row of a table is a line
from __future__ import annotations

import base64
from typing import Any

import pytest

from polysilicon.rehearsal import Problem
from polysilicon.rehearsal.judges.rules import Rule, Rules, holds
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.simulated import Cloud

NODES, TEMPLATE = "aws:eks/nodeGroup:NodeGroup", "aws:ec2/launchTemplate:LaunchTemplate"
CLUSTER, BUCKET, ROLE = "aws:eks/cluster:Cluster", "aws:s3/bucket:Bucket", "aws:iam/role:Role"
VPC, BUDGET, LUSTRE = "aws:ec2/vpc:Vpc", "aws:budgets/budget:Budget", "aws:fsx/lustreFileSystem:LustreFileSystem"
CACHE, ALIAS, ADDON = "aws:ecr/pullThroughCacheRule:PullThroughCacheRule", "aws:kms/alias:Alias", "aws:eks/addon:Addon"
ENTRY = "aws:eks/accessEntry:AccessEntry"
RIGHTS = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
GATEWAY, ROUTE = "aws:ec2/natGateway:NatGateway", "aws:ec2/route:Route"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
BALANCER, TARGETS = "aws:lb/loadBalancer:LoadBalancer", "aws:lb/targetGroup:TargetGroup"
PLAIN, EFA, ONLY = ({"interfaceType": kind, "deviceIndex": 0} for kind in ("interface", "efa", "efa-only"))
BLOCK = {
    "instanceType": "p5.48xlarge",
    "instanceMarketOptions": {"marketType": "capacity-block"},
    "capacityReservationSpecification": {"capacityReservationTarget": {"capacityReservationId": "cr-1"}},
}


def text(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


MULTIPART = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="//"\n\n--//\n'
NODE_CONFIG = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  "

# What is refused, where, in which words, and the same made right.
ALONE: list[tuple[str, dict[str, Any], str, str, dict[str, Any]]] = [
    # aws trap 3
    (TEMPLATE, {"vpcSecurityGroupIds": ["sg-1"], "networkInterfaces": [{"securityGroups": ["sg-1"]}]}, "vpcSecurityGroupIds", "InvalidParameterCombination", {"networkInterfaces": [{"securityGroups": ["sg-1"]}]}),
    # aws trap 6
    (TEMPLATE, {"networkInterfaces": [{**ONLY, "networkCardIndex": 0}]}, "networkInterfaces[0].interfaceType", "cannot be the primary", {"networkInterfaces": [{**EFA, "networkCardIndex": 0}]}),
    (TEMPLATE, {"networkInterfaces": [ONLY]}, "networkInterfaces[0].interfaceType", "cannot be the primary", {"networkInterfaces": [PLAIN, {**ONLY, "networkCardIndex": 1}]}),
    (TEMPLATE, {"networkInterfaces": [PLAIN, {**ONLY, "networkCardIndex": 1, "privateIpAddress": "10.0.0.1"}]}, "networkInterfaces[1].privateIpAddress", "takes no IP addresses", {"networkInterfaces": [PLAIN]}),
    (TEMPLATE, {"networkInterfaces": [PLAIN, {**ONLY, "networkCardIndex": 1, "ipv4AddressCount": 2}]}, "networkInterfaces[1].ipv4AddressCount", "takes no IP addresses", {"networkInterfaces": [{**PLAIN, "ipv4AddressCount": 2}]}),
    (TEMPLATE, {"networkInterfaces": [{**ONLY, "networkCardIndex": 1, "associatePublicIpAddress": True}]}, "networkInterfaces[0].associatePublicIpAddress", "takes no IP addresses", {"networkInterfaces": [{**ONLY, "networkCardIndex": 1, "associatePublicIpAddress": False}]}),
    (TEMPLATE, {"networkInterfaces": [{"interfaceType": "efaonly"}]}, "networkInterfaces[0].interfaceType", "efa-only, got efaonly", {"networkInterfaces": [EFA]}),
    # aws trap 7
    (TEMPLATE, {"networkInterfaces": [{**EFA, "associatePublicIpAddress": True}, EFA]}, "networkInterfaces[0].associatePublicIpAddress", "only with a single network interface", {"networkInterfaces": [{**PLAIN, "associatePublicIpAddress": True}]}),
    # aws trap 11
    (TEMPLATE, {"instanceType": "inf2.48xlarge", "networkInterfaces": [EFA]}, "networkInterfaces[0].interfaceType", "not supported by this instance type", {"instanceType": "trn1.32xlarge", "networkInterfaces": [EFA]}),
    (TEMPLATE, {"instanceType": "g6e.4xlarge", "networkInterfaces": [EFA]}, "networkInterfaces[0].interfaceType", "not supported by this instance type", {"instanceType": "g6e.8xlarge", "networkInterfaces": [EFA]}),
    # aws trap 14
    (NODES, {"launchTemplate": {"id": UNKNOWN, "version": "1"}, "diskSize": 50}, "diskSize", "within the launch template", {"diskSize": 50}),
    (NODES, {"launchTemplate": {"id": UNKNOWN, "version": "1"}, "remoteAccess": {"ec2SshKey": "k"}}, "remoteAccess", "Remote access", {"remoteAccess": {"ec2SshKey": "k"}}),
    # aws trap 23
    (NODES, {"amiType": "AL2_x86_64_GPU", "version": "1.33"}, "amiType", "not supported for Kubernetes version 1.33", {"amiType": "AL2_x86_64_GPU", "version": "1.32"}),
    # aws trap 43
    (NODES, {"amiType": "AL2023_x86_64_NVIDIA", "instanceTypes": ["g7.8xlarge"]}, "amiType", "g7.8xlarge needs 595", {"amiType": "AL2023_x86_64_NVIDIA", "instanceTypes": ["g7e.8xlarge"]}),
    # aws trap 24
    (NODES, {"capacityType": "CAPACITY_BLOCK"}, "launchTemplate", "needs a launch template", {"capacityType": "SPOT"}),
    (NODES, {"capacityType": "CAPACITY_BLOCK", "launchTemplate": {"id": UNKNOWN}, "instanceTypes": ["p5.48xlarge"]}, "instanceTypes", "stands in the launch template", {"capacityType": "SPOT", "instanceTypes": ["p5.48xlarge"]}),
    (NODES, {"capacityType": "CAPACITY_BLOCK", "launchTemplate": {"id": UNKNOWN}, "subnetIds": ["a", "b"]}, "subnetIds", "exactly one subnet", {"capacityType": "CAPACITY_BLOCK", "launchTemplate": {"id": UNKNOWN}, "subnetIds": ["a"]}),
    # aws trap 48
    (TEMPLATE, {"blockDeviceMappings": [{"ebs": {"volumeType": "gp3", "iops": 90000}}]}, "blockDeviceMappings[0].ebs.iops", "maximum is 80000", {"blockDeviceMappings": [{"ebs": {"volumeType": "gp3", "iops": 80000}}]}),
    (TEMPLATE, {"blockDeviceMappings": [{"ebs": {"volumeType": "gp3", "iops": 100}}]}, "blockDeviceMappings[0].ebs.iops", "minimum is 3000", {"blockDeviceMappings": [{"ebs": {"volumeType": "io2", "iops": 100}}]}),
    (TEMPLATE, {"blockDeviceMappings": [{"ebs": {"volumeType": "gp3", "throughput": 2001}}]}, "blockDeviceMappings[0].ebs.throughput", "maximum is 2000", {"blockDeviceMappings": [{"ebs": {"volumeType": "gp3", "throughput": 2000}}]}),
    (TEMPLATE, {"blockDeviceMappings": [{"ebs": {"volumeType": "io2"}}]}, "blockDeviceMappings[0].ebs.iops", "must be specified", {"blockDeviceMappings": [{"ebs": {"volumeType": "gp3"}}]}),
    # aws trap 50
    (CACHE, {"credentialArn": "arn:aws:secretsmanager:us-east-1:1:secret:hub"}, "credentialArn", "ecr-pullthroughcache/", {"credentialArn": "arn:aws:secretsmanager:us-east-1:1:secret:ecr-pullthroughcache/hub"}),
    (CACHE, {"upstreamRegistryUrl": "nvcr.io"}, "upstreamRegistryUrl", "not supported", {"upstreamRegistryUrl": "ghcr.io"}),
    # aws trap 52
    ("aws:eks/accessEntry:AccessEntry", {"type": "EC2_Linux"}, "type", "EC2_LINUX", {"type": "EC2_LINUX"}),
    # aws trap 54
    (NODES, {"warmPoolConfig": {"enabled": True, "minSize": 1}}, "warmPoolConfig.enabled", "Unsupported argument", {"warmPoolConfig": {"minSize": 1}}),
    (NODES, {"scalingConfig": {"minSize": 3, "maxSize": 2}}, "scalingConfig.minSize", "greater than the maximum", {"scalingConfig": {"minSize": 2, "maxSize": 2}}),
    (NODES, {"scalingConfig": {"desiredSize": 3, "maxSize": 2}}, "scalingConfig.desiredSize", "greater than the maximum", {"scalingConfig": {"desiredSize": UNKNOWN, "maxSize": 2}}),
    (NODES, {"scalingConfig": {"minSize": 1, "desiredSize": 0}}, "scalingConfig.minSize", "greater than desired", {"scalingConfig": {"minSize": 0, "desiredSize": 0}}),
    (NODES, {"nodeGroupName": "a" * 64}, "nodeGroupName", "(0 - 63)", {"nodeGroupName": "a" * 63}),
    (NODES, {"nodeGroupNamePrefix": "a" * 38}, "nodeGroupNamePrefix", "(0 - 37)", {"nodeGroupNamePrefix": "a" * 37}),
    (CLUSTER, {"name": "-a"}, "name", "1 to 100 letters", {"name": "a_b-C"}),
    (CLUSTER, {"kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.0.0.0/8"}}, "kubernetesNetworkConfig.serviceIpv4Cidr", "/12 to /24", {"kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.0.0.0/16"}}),
    (ADDON, {"resolveConflictsOnCreate": "PRESERVE"}, "resolveConflictsOnCreate", "OVERWRITE", {"resolveConflictsOnCreate": "NONE"}),
    (ADDON, {"addonVersion": "latest"}, "addonVersion", "semantic version", {"addonVersion": "v1.2.3-eksbuild.1"}),
    (VPC, {}, "cidrBlock", "MissingParameter", {"ipv4IpamPoolId": "p"}),
    (VPC, {"cidrBlock": "10.0.0.0/8"}, "cidrBlock", "InvalidVpc.Range", {"cidrBlock": "10.0.0.0/16"}),
    ("aws:ec2/securityGroup:SecurityGroup", {"name": "sg-web"}, "name", "sg-*", {"name": "web-sg-"}),
    ("aws:ec2/securityGroup:SecurityGroup", {"name": "a" * 256}, "name", "255", {"name": "a" * 255}),
    (BALANCER, {"name": "a-"}, "name", "hyphen", {"name": "a" * 32}),
    ("aws:alb/targetGroup:TargetGroup", {"name": "a" * 33}, "name", "at most 32", {"name": "a-b"}),
    (TARGETS, {"namePrefix": "abcdefg"}, "namePrefix", "6 characters", {"namePrefix": "abcdef"}),
    (TEMPLATE, {"name": "ab"}, "name", "between 3 and 128", {"name": "a/b"}),
    (ROLE, {"name": "a" * 65}, "name", "less than or equal to 64", {"name": "a" * 64}),
    (ROLE, {"namePrefix": "a" * 39}, "namePrefix", "(1 - 38)", {"namePrefix": "a" * 38}),
    ("aws:iam/policy:Policy", {"name": "a b"}, "name", "128", {"name": "a+b"}),
    (BUCKET, {"bucket": "Weights"}, "bucket", "InvalidBucketName", {"bucket": "weights"}),
    (BUCKET, {"bucket": "10.0.0.1"}, "bucket", "InvalidBucketName", {"bucket": "10.0.0.a"}),
    (BUCKET, {"bucketPrefix": "a" * 38}, "bucketPrefix", "37", {"bucketPrefix": "a" * 37}),
    (ALIAS, {"name": "key"}, "name", "alias/", {"name": "alias/key"}),
    (ALIAS, {"name": "alias/aws/key"}, "name", "reserved", {"name": "alias/awsome"}),
    ("aws:ecr/repository:Repository", {"name": "Images"}, "name", "repositoryName", {"name": "team/images_x"}),
    ("aws:cloudwatch/logGroup:LogGroup", {"name": "a b"}, "name", "logGroupName", {"name": "/aws/eks/x"}),
    (BUDGET, {"name": "a:b"}, "name", "no : or", {"name": "a b"}),
    (BUDGET, {"budgetType": "MONEY"}, "budgetType", "COST", {"budgetType": "COST"}),
    (BUDGET, {"timeUnit": "HOURLY"}, "timeUnit", "DAILY", {"timeUnit": "DAILY"}),
    (LUSTRE, {"deploymentType": "FAST"}, "deploymentType", "SCRATCH_2", {"deploymentType": "PERSISTENT_2"}),
    (NODES, {"launchTemplate": {"id": "lt-1", "name": "a", "version": "1"}}, "launchTemplate.name", "launch template ID or launch template name", {"launchTemplate": {"name": "a", "version": "1"}}),
    (NODES, {"launchTemplate": {"version": "1"}}, "launchTemplate.id", "must be specified", {"launchTemplate": {"id": UNKNOWN, "version": "1"}}),
    (NODES, {"updateConfig": {"maxUnavailable": 101}}, "updateConfig.maxUnavailable", "(1 - 100)", {"updateConfig": {"maxUnavailable": 100}}),
    (NODES, {"updateConfig": {"maxUnavailable": 1, "maxUnavailablePercentage": 30}}, "updateConfig.maxUnavailablePercentage", "not both", {"updateConfig": {"maxUnavailablePercentage": 30}}),
    (NODES, {"amiType": "AL2023_x86_64_STANDARD", "instanceTypes": ["m5.large", "t4g.medium"]}, "amiType", "[t4g.medium] is not a valid instance type for requested amiType AL2023_x86_64_STANDARD", {"amiType": "AL2023_x86_64_NVIDIA", "instanceTypes": ["g6e.xlarge", "gr6.4xlarge", "inf2.xlarge", "p6e-gb200.36xlarge"]}),
    (NODES, {"amiType": "AL2023_ARM_64_STANDARD", "instanceTypes": ["m7g.large", "g5.xlarge"]}, "amiType", "[g5.xlarge] is not a valid instance type", {"amiType": "AL2023_ARM_64_STANDARD", "instanceTypes": ["a1.large", "g5g.xlarge", "im4gn.large", "c7gn.large"]}),
    (NODES, {"amiType": "AL2023_x86_64_NEURON", "version": "1.35", "releaseVersion": "1.34.2-20260101"}, "releaseVersion", "1.34.2-20260101 is not valid for the kubernetes version", {"amiType": "BOTTLEROCKET_x86_64", "version": "1.35", "releaseVersion": "1.20.0-fcf71a47"}),
    (NODES, {"amiType": "AL2023_x86_64_NEURON", "version": "1.3", "releaseVersion": "1.34.2-20260101"}, "releaseVersion", "is not valid", {"amiType": "AL2023_x86_64_NEURON", "version": "1.34", "releaseVersion": "1.34.2-20260101"}),
    (CLUSTER, {"version": "1.35.1"}, "version", "unsupported Kubernetes version 1.35.1", {"version": "1.35"}),
    (CLUSTER, {"vpcConfig": {"subnetIds": [UNKNOWN]}}, "vpcConfig.subnetIds", "at least two different AZs", {"vpcConfig": {"subnetIds": UNKNOWN}}),
    (CLUSTER, {"vpcConfig": {"subnetIds": ["subnet-1"]}}, "vpcConfig.subnetIds", "at least two different AZs", {"vpcConfig": {"subnetIds": ["subnet-1"]}, "outpostConfig": {"outpostArns": ["a"]}}),
    (CLUSTER, {"vpcConfig": {"endpointPublicAccess": False}}, "vpcConfig.endpointPublicAccess", "Both private and public endpoint access", {"vpcConfig": {"endpointPublicAccess": False, "endpointPrivateAccess": True}}),
    (CLUSTER, {"accessConfig": {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": False}}, "accessConfig.bootstrapClusterCreatorAdminPermissions", "must be true", {"accessConfig": {"authenticationMode": "CONFIG_MAP"}}),
    (ENTRY, {"kubernetesGroups": ["viewers", "system:masters"]}, "kubernetesGroups[1]", "system:masters is invalid", {"kubernetesGroups": ["viewers"]}),
    (ENTRY, {"type": "EC2_LINUX", "kubernetesGroups": ["a"]}, "kubernetesGroups", "takes no kubernetesGroups", {"type": "STANDARD", "kubernetesGroups": ["a"]}),
    (RIGHTS, {"policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterAdminPolicy"}, "policyArn", "is no access policy of EKS", {"policyArn": "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"}),
    (RIGHTS, {"policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdmin"}, "policyArn", "is no access policy of EKS", {"policyArn": "arn:aws:eks::aws:cluster-access-policy/AWSBackupFullAccessPolicyForRestore"}),
    (RIGHTS, {"accessScope": {"type": "namespace"}}, "accessScope.namespaces", "needs namespaces", {"accessScope": {"type": "cluster"}}),
    (TEMPLATE, {"metadataOptions": {"httpPutResponseHopLimit": 0}}, "metadataOptions.httpPutResponseHopLimit", "(1 - 64), got 0", {"metadataOptions": {"httpPutResponseHopLimit": 1}}),
    ("aws:ec2/instance:Instance", {"metadataOptions": {"httpPutResponseHopLimit": 65}}, "metadataOptions.httpPutResponseHopLimit", "(1 - 64), got 65", {"metadataOptions": {"httpPutResponseHopLimit": 64}}),
    (TEMPLATE, {"tagSpecifications": [{"resourceType": "launch-template"}]}, "tagSpecifications[0].resourceType", "tags only instance", {"tagSpecifications": [{"resourceType": "network-interface"}]}),
    (TEMPLATE, {"updateDefaultVersion": True, "defaultVersion": 1}, "defaultVersion", "conflicts", {"updateDefaultVersion": False, "defaultVersion": 1}),
    (GATEWAY, {"subnetId": "subnet-1"}, "allocationId", "must include the AllocationId", {"subnetId": "subnet-1", "connectivityType": "private"}),
    (GATEWAY, {"connectivityType": "public"}, "allocationId", "must include the AllocationId", {"availabilityMode": "regional", "vpcId": "vpc-1"}),
    (GATEWAY, {"connectivityType": "private", "allocationId": "eipalloc-1", "subnetId": "s"}, "allocationId", "is not supported", {"connectivityType": UNKNOWN, "subnetId": "s"}),
    ("aws:ec2/eip:Eip", {"domain": "standard"}, "domain", "EC2-Classic", {"domain": "vpc"}),
    (ROUTE, {"gatewayId": "igw-1"}, "destinationCidrBlock", "must be specified", {"gatewayId": "igw-1", "destinationPrefixListId": "pl-1"}),
    (ROUTE, {"destinationCidrBlock": "0.0.0.0/0"}, "gatewayId", "must be specified", {"destinationCidrBlock": "0.0.0.0/0", "odbNetworkArn": "arn"}),
    (ROUTE, {"destinationCidrBlock": "0.0.0.0/0", "gatewayId": "igw-1", "natGatewayId": "nat-1"}, "natGatewayId", "only one of", {"destinationCidrBlock": "0.0.0.0/0", "natGatewayId": UNKNOWN}),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", {"routeTableId": "rtb-1"}, "subnetId", "must be specified", {"routeTableId": "rtb-1", "gatewayId": "igw-1"}),
    (INGRESS, {"ipProtocol": "tcp", "fromPort": 443, "toPort": 80}, "fromPort", "begins with 443 and ends before", {"ipProtocol": "icmp", "fromPort": 8, "toPort": 0}),
    (INGRESS, {"ipProtocol": "udp", "fromPort": 0, "toPort": 65536}, "toPort", "out of range", {"ipProtocol": "udp", "fromPort": 0, "toPort": 65535}),
    (VPC, {"cidrBlock": "10.0.0.0/16", "tags": {"aws:team": "a"}}, "tags", "reserved for internal use", {"cidrBlock": "10.0.0.0/16", "tags": {"team:aws:": "a", "k" * 128: "v" * 256}}),
    (VPC, {"cidrBlock": "10.0.0.0/16", "tags": {"k" * 129: "a"}}, "tags", "128 characters", {"cidrBlock": "10.0.0.0/16", "tags": UNKNOWN}),
    (VPC, {"cidrBlock": "10.0.0.0/16", "tags": {"team": "v" * 257}}, "tags.team", "256 characters", {"cidrBlock": "10.0.0.0/16", "tags": {"team": UNKNOWN}}),
]  # fmt: skip

# The template of a node group and the group; then the template that is right.
TOGETHER: list[tuple[dict[str, Any], dict[str, Any], str, str, dict[str, Any]]] = [
    # aws trap 14
    ({"imageId": "ami-1"}, {"amiType": "AL2023_x86_64_NEURON"}, "amiType", "AMI Type other than CUSTOM", {}),
    ({"instanceType": "a"}, {"instanceTypes": ["b"]}, "instanceTypes", "not both", {}),
    ({"networkInterfaces": [{"subnetId": "subnet-1"}]}, {}, "launchTemplate", "must not name a subnet (subnet-1)", {}),
    ({"iamInstanceProfile": {"name": "p"}}, {}, "launchTemplate", "instance profile", {}),
    ({"instanceMarketOptions": {"marketType": "spot"}}, {}, "launchTemplate", "spot instances", {}),
    ({"hibernationOptions": {"configured": True}}, {}, "launchTemplate", "hibernation", {}),
    ({"instanceInitiatedShutdownBehavior": "stop"}, {}, "launchTemplate", "shutdown behavior", {"instanceInitiatedShutdownBehavior": "terminate"}),
    # aws trap 43
    ({"instanceType": "g7.8xlarge"}, {"amiType": "AL2023_x86_64_NVIDIA"}, "amiType", "g7.8xlarge needs 595", {"instanceType": "g6.8xlarge"}),
    # aws trap 15
    ({"imageId": "ami-1"}, {"releaseVersion": "1.35.0-20260101"}, "releaseVersion", "release version", {}),
    ({"imageId": "ami-1"}, {"version": "1.35"}, "version", "kubernetes version", {}),
    # aws trap 16
    ({"userData": text("#!/bin/bash\necho")}, {"amiType": "AL2023_x86_64_NEURON"}, "launchTemplate", "MIME multipart", {"userData": text(MULTIPART)}),
    ({"userData": text(MULTIPART + "/etc/eks/bootstrap.sh c")}, {"amiType": "AL2_x86_64"}, "launchTemplate", "starts kubelet itself", {"userData": text(MULTIPART)}),
    # aws trap 17
    ({"imageId": "ami-1", "userData": text(NODE_CONFIG + "kubelet: {}")}, {}, "launchTemplate", "spec.cluster", {"imageId": "ami-1", "userData": text(NODE_CONFIG + "cluster: {apiServerEndpoint: a}")}),
    # aws trap 24
    ({**BLOCK, "instanceMarketOptions": {}}, {"capacityType": "CAPACITY_BLOCK"}, "launchTemplate", 'marketType = "capacity-block"', BLOCK),
    ({**BLOCK, "instanceMarketOptions": {"marketType": "spot"}}, {"capacityType": "CAPACITY_BLOCK"}, "launchTemplate", "must be capacity-block, got spot", BLOCK),
    ({**BLOCK, "capacityReservationSpecification": {}}, {"capacityType": "CAPACITY_BLOCK"}, "launchTemplate", "capacityReservationId", BLOCK),
    ({**BLOCK, "instanceType": None}, {"capacityType": "CAPACITY_BLOCK"}, "launchTemplate", "instanceType", BLOCK),
    (BLOCK, {"capacityType": "ON_DEMAND"}, "capacityType", "must be CAPACITY_BLOCK, got ON_DEMAND", {}),
    (BLOCK, {}, "capacityType", "must be CAPACITY_BLOCK", {}),
]  # fmt: skip


def refused(cloud: Cloud, type_: str, inputs: dict[str, Any], path: str, words: str) -> list[Problem]:
    found = cloud.problems(type_, "x", **inputs)
    return [problem for problem in found if problem.property == path and words in problem.message]


@pytest.mark.parametrize(("type_", "wrong", "path", "words", "right"), ALONE, ids=[f"{r[2]} {r[3]}" for r in ALONE])
def test_one_resource(type_: str, wrong: dict[str, Any], path: str, words: str, right: dict[str, Any]) -> None:
    cloud = Cloud(judges=[Rules()])
    assert refused(cloud, type_, wrong, path, words)
    assert cloud.problems(type_, "x", **right) == []


@pytest.mark.parametrize(
    ("wrong", "group", "path", "words", "right"), TOGETHER, ids=[f"{r[2]} {r[3]}" for r in TOGETHER]
)
def test_a_node_group_and_its_template(
    wrong: dict[str, Any], group: dict[str, Any], path: str, words: str, right: dict[str, Any]
) -> None:
    cloud = Cloud(judges=[Rules()])
    made = [
        cloud.make(TEMPLATE, name, name=f"template-{name}", **inputs) for name, inputs in (("a", wrong), ("b", right))
    ]
    for by in ({"id": made[0].id}, {"name": "template-a"}):
        assert refused(cloud, NODES, {**group, "launchTemplate": {**by, "version": "1"}}, path, words)
    assert cloud.problems(NODES, "x", **group, launchTemplate={"id": made[1].id, "version": "1"}) == []


PLACED = {"placement": {"groupName": "pg"}}
CR = {
    "instanceType": "p5.48xlarge",
    "instanceCount": 1,
    "instancePlatform": "Linux/UNIX",
    "availabilityZone": "us-east-1a",
}


@pytest.mark.parametrize(
    ("strategy", "within", "refused_"),
    [
        ("cluster", {}, True),
        ("spread", {}, False),
        ("cluster", {"placementGroupArn": "arn:aws:ec2:us-east-1:1:placement-group/pg"}, False),
    ],
)
def test_a_reservation_outside_of_the_placement_group(
    strategy: str, within: dict[str, str], refused_: bool
) -> None:  # aws trap 12
    cloud = Cloud(judges=[Rules()])
    cloud.make("aws:ec2/placementGroup:PlacementGroup", "pg", name="pg", strategy=strategy)
    held = cloud.make("aws:ec2/capacityReservation:CapacityReservation", "cr", **CR, **within)
    target = {"capacityReservationSpecification": {"capacityReservationTarget": {"capacityReservationId": held.id}}}
    found = refused(cloud, TEMPLATE, {**PLACED, **target}, "placement.groupName", "InsufficientInstanceCapacity")
    assert bool(found) is refused_
    assert cloud.problems(TEMPLATE, "x", **target) == []


@pytest.mark.parametrize(
    ("strategy", "market", "refused_"),
    [("cluster", "capacity-block", True), ("cluster", "spot", False), ("spread", "capacity-block", False)],
)
def test_a_capacity_block_is_in_no_placement_group(strategy: str, market: str, refused_: bool) -> None:  # aws trap 12
    cloud = Cloud(judges=[Rules()])
    cloud.make("aws:ec2/placementGroup:PlacementGroup", "pg", name="pg", strategy=strategy)
    inputs = {**PLACED, "instanceMarketOptions": {"marketType": market}}
    assert bool(refused(cloud, TEMPLATE, inputs, "placement.groupName", "capacity block")) is refused_


@pytest.mark.parametrize(
    ("zone", "refused_"), [("use1-az3", True), ("use1-az2", False), ("usw1-az2", True), ("cac1-az3", True)]
)
def test_zones_that_take_no_control_plane(zone: str, refused_: bool) -> None:  # aws trap 13
    cloud = Cloud(judges=[Rules()])
    made = cloud.make("aws:ec2/subnet:Subnet", "s", vpcId="vpc-1", cidrBlock="10.0.0.0/24", availabilityZoneId=zone)
    inputs = {"roleArn": "r", "vpcConfig": {"subnetIds": [made.id]}}
    found = refused(cloud, CLUSTER, inputs, "vpcConfig.subnetIds", "UnsupportedAvailabilityZoneException")
    assert bool(found) is refused_
    assert cloud.problems(NODES, "x", subnetIds=[made.id]) == [], "nodes may lie there"


def test_an_image_that_ends_before_the_version_of_the_cluster() -> None:  # aws trap 23
    cloud = Cloud(judges=[Rules()])
    for version in ("1.32", "1.33"):
        cloud.make(CLUSTER, version, name=f"c{version[2:]}", version=version, roleArn="r", vpcConfig={})
    inputs = {"amiType": "AL2_x86_64", "clusterName": "c33"}
    assert refused(cloud, NODES, inputs, "amiType", "not supported for Kubernetes version 1.33")
    assert cloud.problems(NODES, "x", **{**inputs, "clusterName": "c32"}) == []
    assert cloud.problems(NODES, "x", **{**inputs, "clusterName": UNKNOWN}) == []


@pytest.mark.parametrize(("type_", "path"), [(ENTRY, "clusterName"), (RIGHTS, "clusterName")])
@pytest.mark.parametrize(
    ("config", "refused_"),
    [({"authenticationMode": "CONFIG_MAP"}, True), (None, True), ({"authenticationMode": "API"}, False)],
)
def test_access_entries_need_a_cluster_that_takes_them(
    type_: str, path: str, config: dict[str, str] | None, refused_: bool
) -> None:
    cloud = Cloud(judges=[Rules()])
    cloud.make(CLUSTER, "c", name="c", roleArn="r", vpcConfig={}, **({"accessConfig": config} if config else {}))
    found = refused(cloud, type_, {"clusterName": "c"}, path, "must be set to one of [API, API_AND_CONFIG_MAP]")
    assert bool(found) is refused_
    assert cloud.problems(type_, "x", clusterName="theirs") == []


def test_of_two_clusters_of_one_name_that_of_the_own_region_counts() -> None:
    cloud = Cloud(judges=[Rules()])
    for region, mode in (("us-west-2", "CONFIG_MAP"), ("us-east-1", "API")):
        config = {"accessConfig": {"authenticationMode": mode}}
        cloud.make(CLUSTER, region, name="c", roleArn="r", vpcConfig={}, region=region, **config)
    assert cloud.problems(ENTRY, "x", clusterName="c") == []
    assert refused(cloud, ENTRY, {"clusterName": "c", "region": "us-west-2"}, "clusterName", "must be set to one of")


def test_a_release_of_another_version_than_the_cluster() -> None:
    cloud = Cloud(judges=[Rules()])
    cloud.make(CLUSTER, "c", name="c", version="1.35", roleArn="r", vpcConfig={})
    inputs = {"amiType": "AL2023_x86_64_STANDARD", "clusterName": "c"}
    wrong = {**inputs, "releaseVersion": "1.34.6-20260625"}
    assert refused(cloud, NODES, wrong, "releaseVersion", "not valid for the kubernetes version of the cluster")
    assert cloud.problems(NODES, "x", **inputs, releaseVersion="1.35.6-20260625") == []
    assert cloud.problems(NODES, "x", **wrong, version="1.34") == []


SCENE = {
    "a": 2,
    "b": "2",
    "list": [{"x": 1}, {"x": 3}],
    "minor": "1.35",
    "named": {"aws:a": 1},
    "no": False,
    "release": "1.35.2-1",
    "short": "1.3",
    "none": [],
    "text": text("hello"),
    "u": UNKNOWN,
    "zero": 0,
}


@pytest.mark.parametrize(
    ("path", "test", "expected"),
    [
        ("a", 2, True), ("b", 2, True), ("a", [1, 2], True), ("a", {"not": [2]}, False), ("a", {"not": [3]}, True),
        ("list.*.x", 3, True), ("list.*.x", 4, False), ("a", {"given": True}, True), ("gone", {"given": True}, False),
        ("gone", {"given": False}, True), ("none", {"given": False}, True), ("no", {"given": False}, True),
        ("zero", {"given": False}, False), ("zero", {"given": True}, True), ("u", {"given": False}, False),
        ("u", {"given": True}, False), ("u", {"not": ["x"]}, False), ("list", {"more_than": 1}, True),
        ("list", {"more_than": 2}, False), ("a", {"less_than": 3}, True), ("text", {"less_than": 3}, False),
        ("text", {"decoded": "^hel"}, True), ("text", {"not_decoded": "^hel"}, False), ("b", {"decoded": "."}, False),
        ("b", {"matches": "2"}, True), ("b", {"not_matches": "2"}, False), ("a", {"matches": "2"}, False),
        ("a", {"same_as": "b"}, True), ("a", {"not_same_as": "b"}, False), ("a", {"not_same_as": "zero"}, True),
        ("a", {"none_of": [2]}, False), ("a", {"none_of": [3]}, True), ("gone", {"none_of": [2]}, True), ("u", {"none_of": [2]}, False),
        ("list.*.x", {"none_of": [3]}, False), ("list.*.x", {"none_of": [4]}, True), ("named", {"has_name": "^aws:"}, True), ("named", {"has_name": "^x"}, False),
        ("u", {"has_name": "."}, False), ("release", {"not_begins_with": "short"}, True), ("release", {"not_begins_with": "minor"}, False),
        ("release", {"not_begins_with": "gone"}, False), ("release", {"not_begins_with": "u"}, False),
        ("a", {"exceeds": "zero"}, True), ("a", {"exceeds": "u"}, False), ("a", {"exceeds": "gone"}, False),
    ],
)  # fmt: skip
def test_conditions(path: str, test: Any, expected: bool) -> None:
    assert holds(SCENE, path, test) is expected


def test_a_row_says_what_is_to_blame() -> None:
    rule = Rule(each="list.*", refuse={"x": {"more_than": 2}}, message="{value} is too many", source="a test")
    assert [(p.property, p.message) for p in rule.problems(SCENE, {})] == [("list[1].x", "3 is too many")]


def test_only_checks_are_judged() -> None:
    judge = Rules()
    cloud = Cloud(judges=[judge])
    cloud.make(ROLE, "x", name="a" * 65)
    assert judge.tally.inputs == 0
