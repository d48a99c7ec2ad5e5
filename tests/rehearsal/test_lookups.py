"""Looking into an AWS account that moto stands in for: what is found, how sure it is, and what cannot be looked up."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from polysilicon.engine.recover import Interrupted, UnfindableError, decide
from polysilicon.identity import identity
from polysilicon.lookups import AccountFinder
from polysilicon.lookups.aws import lookups


def client(service: str) -> Any:
    """The account's owner at work."""
    return boto3.client(service, "us-east-1")


def seen(type_: str, **inputs: Any) -> list[tuple[str, bool]]:
    """What is found in the account, and whether it is surely the one."""
    wanted = Interrupted("urn:x::it", f"aws:{type_}", "creating", inputs, {"region": "us-east-1"})
    return [(found.id, found.sure) for found in AccountFinder().find(wanted)]


@pytest.mark.usefixtures("account")
def test_a_network_is_found_in_aws() -> None:
    ec2 = client("ec2")
    named = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "a"}]}]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=named)["Vpc"]["VpcId"]
    assert seen("ec2/vpc:Vpc", cidrBlock="10.0.0.0/16", tags={"Name": "a"}) == [(vpc, False)], "many may have that"
    assert seen("ec2/vpc:Vpc", cidrBlock="10.0.0.0/16", tags={"Name": "b"}) == []
    assert seen("ec2/vpc:Vpc", cidrBlock="10.0.0.0/16") == [(vpc, False)], "without tags it only looks alike"

    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    assert seen("ec2/subnet:Subnet", vpcId=vpc, cidrBlock="10.0.1.0/24") == [(subnet, True)]
    assert seen("ec2/subnet:Subnet", vpcId=vpc, cidrBlock="10.0.1.0/24", tags={"Name": "a"}) == [(subnet, False)]
    assert seen("ec2/subnet:Subnet", vpcId=vpc, cidrBlock="10.0.2.0/24") == []

    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    assert seen("ec2/natGateway:NatGateway", subnetId=subnet, allocationId=address) == [(nat, True)]
    assert seen("ec2/natGateway:NatGateway", subnetId=subnet, allocationId="eipalloc-0") == []
    assert (address, False) in seen("ec2/eip:Eip", domain="vpc")

    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    assert seen("ec2/internetGateway:InternetGateway", vpcId=vpc) == [(gateway, False)], "made, and not attached yet"
    assert seen("ec2/internetGateway:InternetGateway") == [(gateway, False)], "attached by a resource of its own"
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert seen("ec2/internetGateway:InternetGateway", vpcId=vpc) == [(gateway, True)]
    assert seen("ec2/internetGateway:InternetGateway", vpcId="vpc-0") == [], "it belongs to another network"

    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = {"subnetId": subnet, "routeTableId": table}
    assert seen("ec2/routeTableAssociation:RouteTableAssociation", **association) == [(f"{subnet}/{table}", True)]
    route = {"routeTableId": table, "destinationCidrBlock": "0.0.0.0/0"}
    assert seen("ec2/route:Route", **route) == [(f"{table}_0.0.0.0/0", True)]
    assert seen("ec2/route:Route", **{**route, "destinationCidrBlock": "10.9.0.0/16"}) == []
    assert (table, False) in seen("ec2/routeTable:RouteTable", vpcId=vpc)

    group = ec2.create_security_group(GroupName="web", Description="d", VpcId=vpc)["GroupId"]
    assert seen("ec2/securityGroup:SecurityGroup", vpcId=vpc, name="web") == [(group, True)]
    assert seen("ec2/securityGroup:SecurityGroup", vpcId=vpc, name="db") == []

    assert seen("ec2/launchTemplate:LaunchTemplate", name="nodes") == []
    data = {"InstanceType": "m5.large"}
    template = ec2.create_launch_template(LaunchTemplateName="nodes", LaunchTemplateData=data)["LaunchTemplate"]
    assert seen("ec2/launchTemplate:LaunchTemplate", name="nodes") == [(template["LaunchTemplateId"], True)]


def listed(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as EC2 spells them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def made(tags: dict[str, str]) -> dict[str, str]:
    """One of each of the resources that have no name, with these tags: its id by type, in a new network."""
    ec2 = client("ec2")

    def spec(kind: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": listed(tags)}]

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=spec("vpc"))["Vpc"]["VpcId"]
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=spec("elastic-ip"))["AllocationId"]
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=spec("route-table"))["RouteTable"]["RouteTableId"]
    gateway = ec2.create_internet_gateway(TagSpecifications=spec("internet-gateway"))["InternetGateway"]
    return {
        "ec2/vpc:Vpc": vpc,
        "ec2/eip:Eip": address,
        "ec2/routeTable:RouteTable": table,
        "ec2/internetGateway:InternetGateway": gateway["InternetGatewayId"],
    }


NAMELESS = ("ec2/vpc:Vpc", "ec2/eip:Eip", "ec2/routeTable:RouteTable", "ec2/internetGateway:InternetGateway")


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("type_", NAMELESS)
def test_a_resource_without_a_name_is_known_by_its_identity_alone(type_: str) -> None:
    generic, mine = {"Team": "a", "Name": "net"}, identity("shop", "dev", "net")
    first, second = made({**generic, **mine}), made({**generic, **identity("shop", "prod", "net")})
    inputs = {"cidrBlock": "10.0.0.0/16", "domain": "vpc", "vpcId": first["ec2/vpc:Vpc"]}
    assert seen(type_, **inputs, tags={**generic, **mine}) == [(first[type_], True)]
    alike = seen(type_, **inputs, tags=generic)
    assert (first[type_], False) in alike, "tags of many are no proof, if only one has them now"
    assert not any(sure for _, sure in alike)
    if type_ != "ec2/routeTable:RouteTable":  # it is looked for in its network
        assert (second[type_], False) in alike
    assert seen(type_, **inputs, tags={**generic, **identity("shop", "test", "net")}) == []


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("tags", "action"), [({"Team": "a"}, "keep"), (identity("shop", "dev", "net"), "import"), ({"Team": "b"}, "clear")]
)
def test_a_gateway_that_is_attached_to_nothing_is_not_forgotten(tags: dict[str, str], action: str) -> None:
    made({"Team": "a", **identity("shop", "dev", "net")})
    inputs = {"vpcId": "vpc-0", "tags": tags}
    wanted = Interrupted(
        "urn:x::it", "aws:ec2/internetGateway:InternetGateway", "creating", inputs, {"region": "us-east-1"}
    )
    assert [decision.action for decision in decide([wanted], AccountFinder())] == [action]


@pytest.mark.usefixtures("account")
def test_roles_and_buckets_are_found_in_aws() -> None:
    iam = client("iam")
    assert seen("iam/role:Role", name="web") == []
    iam.create_role(RoleName="web", AssumeRolePolicyDocument="{}", Tags=[{"Key": "Team", "Value": "a"}])
    assert seen("iam/role:Role", name="web", tags={"Team": "a"}) == [("web", True)]
    assert seen("iam/role:Role", name="web", tags={"Team": "b"}) == [("web", False)], "it may be somebody else's"
    allowed = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    policy = iam.create_policy(PolicyName="p", PolicyDocument=document)["Policy"]["Arn"]
    attached = {"role": "web", "policyArn": policy}
    assert seen("iam/rolePolicyAttachment:RolePolicyAttachment", **attached) == []
    iam.attach_role_policy(RoleName="web", PolicyArn=policy)
    assert seen("iam/rolePolicyAttachment:RolePolicyAttachment", **attached) == [(f"web/{policy}", True)]

    assert seen("s3/bucket:Bucket", bucket="shop-b") == []
    client("s3").create_bucket(Bucket="shop-b")
    assert seen("s3/bucket:Bucket", bucket="shop-b") == [("shop-b", True)]


@pytest.mark.usefixtures("account")
def test_machines_and_what_belongs_to_them_are_found_in_aws() -> None:
    ec2, mine = client("ec2"), identity("shop", "dev", "chat")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    image = ec2.describe_images()["Images"][0]["ImageId"]
    tagged = [{"ResourceType": "instance", "Tags": listed(mine)}]
    machine = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, InstanceType="inf2.8xlarge", SubnetId=subnet, TagSpecifications=tagged
    )["Instances"][0]["InstanceId"]
    assert seen("ec2/instance:Instance", subnetId=subnet, tags=mine) == [(machine, True)]
    assert seen("ec2/instance:Instance", subnetId=subnet, tags=identity("shop", "dev", "other")) == []
    ec2.terminate_instances(InstanceIds=[machine])
    assert seen("ec2/instance:Instance", subnetId=subnet, tags=mine) == [], "what is ended is no machine any more"

    service = "com.amazonaws.us-east-1.s3"
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName=service, TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": listed(mine)}]
    )["VpcEndpoint"]["VpcEndpointId"]
    asked = {"vpcId": vpc, "serviceName": service}
    assert seen("ec2/vpcEndpoint:VpcEndpoint", **asked, tags=mine) == [(endpoint, True)]
    assert seen("ec2/vpcEndpoint:VpcEndpoint", **{**asked, "serviceName": "com.amazonaws.us-east-1.ec2"}) == []

    profile = "iam/instanceProfile:InstanceProfile"
    assert seen(profile, name="chat-1") == []
    client("iam").create_instance_profile(InstanceProfileName="chat-1")
    assert seen(profile, name="chat-1") == [("chat-1", True)]


@pytest.mark.usefixtures("account")
def test_alarms_and_logs_are_found_in_aws() -> None:
    alarm, group = "cloudwatch/metricAlarm:MetricAlarm", "cloudwatch/logGroup:LogGroup"
    assert seen(alarm, name="chat-1") == []
    assert seen(group, name="/aws/eks/a/cluster") == []
    client("cloudwatch").put_metric_alarm(
        AlarmName="chat-1", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, Threshold=0
    )
    client("logs").create_log_group(logGroupName="/aws/eks/a/cluster-of-somebody")
    assert seen(alarm, name="chat-1") == [("chat-1", True)]
    assert seen(group, name="/aws/eks/a/cluster") == [], "a longer name is another group"
    client("logs").create_log_group(logGroupName="/aws/eks/a/cluster")
    assert seen(group, name="/aws/eks/a/cluster") == [("/aws/eks/a/cluster", True)]


@pytest.mark.usefixtures("account")
def test_clusters_are_found_in_aws() -> None:
    eks = client("eks")
    role = "arn:aws:iam::123456789012:role/r"
    group = {"clusterName": "c", "nodeGroupName": "n"}
    assert seen("eks/cluster:Cluster", name="c") == []
    assert seen("eks/nodeGroup:NodeGroup", **group) == []
    eks.create_cluster(name="c", roleArn=role, resourcesVpcConfig={"subnetIds": []}, tags={"a": "b"})
    scaling = {"minSize": 1, "maxSize": 1, "desiredSize": 1}
    eks.create_nodegroup(clusterName="c", nodegroupName="n", subnets=[], nodeRole=role, scalingConfig=scaling)
    assert seen("eks/cluster:Cluster", name="c", tags={"a": "b"}) == [("c", True)]
    assert seen("eks/nodeGroup:NodeGroup", **group) == [("c:n", True)]


REFUSED: tuple[tuple[str, dict[str, Any], dict[str, Any], str], ...] = (
    ("gcp:compute/network:Network", {}, {}, "no look-up for Google Cloud"),
    ("kubernetes:core/v1:Namespace", {}, {}, "no look-up for Kubernetes"),
    ("random:index/randomId:RandomId", {}, {}, "no look-up for the package random"),
    ("aws:lambda/function:Function", {}, {}, "no look-up for this type"),
    ("aws:eks/cluster:Cluster", {}, {}, "the program gave no name"),
    ("aws:eks/cluster:Cluster", {"name": "c"}, {"assumeRoles": '[{"roleArn": "r"}]'}, "of its own .assumeRoles"),
    ("aws:eks/cluster:Cluster", {"name": "c"}, {"accessKey": "AKIA"}, "of its own .accessKey"),
    ("aws:eks/cluster:Cluster", {"name": "c"}, {"profile": "nobodys"}, "could not be found"),
)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(("type_", "inputs", "settings", "message"), REFUSED)
def test_what_cannot_be_looked_up_says_why(
    type_: str, inputs: dict[str, Any], settings: dict[str, Any], message: str
) -> None:
    wanted = Interrupted("urn", type_, "creating", inputs, {"region": "us-east-1", **settings})
    with pytest.raises(UnfindableError, match=message):
        AccountFinder().find(wanted)


@pytest.mark.usefixtures("account")
def test_every_look_up_is_a_call_that_there_is() -> None:
    for type_, lookup in ((type_, lookup) for type_, ways in lookups().items() for lookup in ways):
        operations = boto3.Session(region_name="us-east-1").client(lookup.service).meta.method_to_api_mapping
        assert lookup.call in operations, type_
        assert lookup.call.startswith(("describe_", "get_", "list_", "head_")), "nothing is changed"
