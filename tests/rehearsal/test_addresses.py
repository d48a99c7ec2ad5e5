"""Address ranges: each rule of the table refuses what breaks it and lets pass what does not."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal import Record, RefusedError
from polysilicon.rehearsal.judges.addresses import Addresses
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.simulated import Cloud

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
ROUTE, TABLE = "aws:ec2/route:Route", "aws:ec2/routeTable:RouteTable"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
SECOND = "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation"
EKS, ROLE = "aws:eks/cluster:Cluster", "aws:iam/role:Role"
NETWORK, SUBNETWORK, GKE = (
    "gcp:compute/network:Network",
    "gcp:compute/subnetwork:Subnetwork",
    "gcp:container/cluster:Cluster",
)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(judges=[Addresses()])


@pytest.fixture
def vpc(cloud: Cloud) -> Record:
    return cloud.make(VPC, "vpc", cidrBlock="10.0.0.0/16")


@pytest.fixture
def network(cloud: Cloud) -> Record:
    return cloud.make(NETWORK, "net", name="net", autoCreateSubnetworks=False)


FORMS = [
    (VPC, {"cidrBlock": "ten.0.0.0/16"}, "is not a valid CIDR block: address, slash and prefix length"),
    (VPC, {"cidrBlock": "10.0.0.1/16"}, 'did you mean "10.0.0.0/16"?'),
    (VPC, {"cidrBlock": "10.0.0.0/8"}, "InvalidVpc.Range: The CIDR '10.0.0.0/8' is invalid. (allowed: /16 to /28)"),
    (SUBNET, {"cidrBlock": "10.0.0.0/29"}, "InvalidSubnet.Range"),
    (EKS, {"kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.0.0.0/25"}}, "must be between /24 and /12"),
    (EKS, {"kubernetesNetworkConfig": {"serviceIpv4Cidr": "100.64.0.0/16"}}, "must be within 10.0.0.0/8"),
    (EKS, {"vpcConfig": {"publicAccessCidrs": ["203.0.113.0/33"]}}, "not a valid CIDR block"),
    (GKE, {"privateClusterConfig": {"masterIpv4CidrBlock": "172.16.0.0/27"}}, "must be /28"),
    (SUBNETWORK, {"ipCidrRange": "10.0.0.0/30"}, "Invalid IPCidrRange"),
    (SUBNETWORK, {"secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "no"}]}, "not a valid CIDR block"),
]


@pytest.mark.parametrize(("type_", "inputs", "told"), FORMS)
def test_a_range_that_is_none_is_refused(cloud: Cloud, type_: str, inputs: dict[str, Any], told: str) -> None:
    assert any(told in problem.message for problem in cloud.problems(type_, "x", **inputs))


def test_an_unknown_range_is_nobodys_mistake(cloud: Cloud) -> None:
    assert cloud.problems(VPC, "x", cidrBlock=UNKNOWN) == []
    assert cloud.problems(EKS, "x", kubernetesNetworkConfig={"serviceIpv4Cidr": "172.20.0.0/16"}) == []


def test_subnets_lie_inside_their_vpc_and_apart(cloud: Cloud, vpc: Record) -> None:
    cloud.make(SUBNET, "a", vpcId=vpc.id, cidrBlock="10.0.0.0/20")
    with pytest.raises(RefusedError, match=r"InvalidSubnet.Conflict: The CIDR '10\.0\.8\.0/24' conflicts"):
        cloud.make(SUBNET, "b", vpcId=vpc.id, cidrBlock="10.0.8.0/24")
    with pytest.raises(RefusedError, match=r"InvalidSubnet.Range: The CIDR '10\.1\.0\.0/20' is invalid"):
        cloud.make(SUBNET, "c", vpcId=vpc.id, cidrBlock="10.1.0.0/20")
    cloud.make(SUBNET, "d", vpcId=vpc.id, cidrBlock="10.0.16.0/20")


def test_a_second_range_of_the_vpc_counts(cloud: Cloud, vpc: Record) -> None:
    cloud.make(SECOND, "more", vpcId=vpc.id, cidrBlock="100.64.0.0/16")
    cloud.make(SUBNET, "a", vpcId=vpc.id, cidrBlock="100.64.0.0/20")


def test_another_vpc_may_have_the_same_ranges(cloud: Cloud, vpc: Record) -> None:
    other = cloud.make(VPC, "other", cidrBlock="10.0.0.0/16")
    cloud.make(SUBNET, "a", vpcId=vpc.id, cidrBlock="10.0.0.0/20")
    cloud.make(SUBNET, "b", vpcId=other.id, cidrBlock="10.0.0.0/20")


@pytest.mark.parametrize(("services", "refused"), [("10.0.128.0/20", True), ("172.20.0.0/16", False)])
def test_services_keep_apart_from_the_vpc(cloud: Cloud, vpc: Record, services: str, refused: bool) -> None:
    subnet = cloud.make(SUBNET, "a", vpcId=vpc.id, cidrBlock="10.0.0.0/20")
    inputs = {"roleArn": "r", "vpcConfig": {"subnetIds": [subnet.id]}}
    network = {"serviceIpv4Cidr": services}
    if refused:
        with pytest.raises(RefusedError, match=r"overlaps 10\.0\.0\.0/16 of the cluster's VPC"):
            cloud.make(EKS, "k", **inputs, kubernetesNetworkConfig=network)
    else:
        cloud.make(EKS, "k", **inputs, kubernetesNetworkConfig=network)


def test_one_route_for_a_destination_and_one_table_for_a_subnet(cloud: Cloud, vpc: Record) -> None:
    table, other = (cloud.make(TABLE, name, vpcId=vpc.id) for name in ("t", "u"))
    subnet = cloud.make(SUBNET, "a", vpcId=vpc.id, cidrBlock="10.0.0.0/20")
    for name in (table, other):
        cloud.make(ROUTE, name.name, routeTableId=name.id, destinationCidrBlock="0.0.0.0/0", gatewayId="igw-1")
    with pytest.raises(RefusedError, match=r"RouteAlreadyExists: The route identified by 0\.0\.0\.0/0 already exists"):
        cloud.make(ROUTE, "again", routeTableId=table.id, destinationCidrBlock="0.0.0.0/0", natGatewayId="nat-1")
    cloud.make(ASSOCIATION, "first", subnetId=subnet.id, routeTableId=table.id)
    with pytest.raises(RefusedError, match=f"Resource.AlreadyAssociated: .* route table {other.id} conflicts"):
        cloud.make(ASSOCIATION, "second", subnetId=subnet.id, routeTableId=other.id)


def test_subnetworks_of_a_network_keep_apart_with_all_their_ranges(cloud: Cloud, network: Record) -> None:
    pods = [{"rangeName": "pods", "ipCidrRange": "10.4.0.0/14"}]
    make = {"network": network.id, "region": "us-central1"}
    with pytest.raises(RefusedError, match=r"10\.4\.0\.0/14 conflicts with existing subnetwork"):
        cloud.make(SUBNETWORK, "s", ipCidrRange="10.5.0.0/20", secondaryIpRanges=pods, **make)
    cloud.make(SUBNETWORK, "s", name="s", ipCidrRange="10.0.0.0/20", secondaryIpRanges=pods, **make)
    with pytest.raises(RefusedError, match="conflicts with existing subnetwork 's' in region 'us-central1'"):
        cloud.make(SUBNETWORK, "t", ipCidrRange="10.6.0.0/20", **make)
    cloud.make(SUBNETWORK, "t", ipCidrRange="10.8.0.0/20", **make)


@pytest.mark.parametrize(
    ("block", "ranges", "told"),
    [
        ("10.0.0.16/28", "pods", "overlaps with an existing network 10.0.0.0/20"),
        ("172.16.0.0/28", "pod", 'Pod secondary range "pod" not found .* subnetwork "s".*it has: pods'),
        ("172.16.0.0/28", "pods", ""),
    ],
)
def test_a_cluster_fits_its_subnetwork(cloud: Cloud, network: Record, block: str, ranges: str, told: str) -> None:
    pods = [{"rangeName": "pods", "ipCidrRange": "10.4.0.0/14"}]
    make = {"network": network.id, "region": "us-central1"}
    subnet = cloud.make(SUBNETWORK, "s", name="s", ipCidrRange="10.0.0.0/20", secondaryIpRanges=pods, **make)
    inputs = {
        "network": network.id,
        "subnetwork": subnet.id,
        "privateClusterConfig": {"masterIpv4CidrBlock": block},
        "ipAllocationPolicy": {"clusterSecondaryRangeName": ranges},
    }
    if told:
        with pytest.raises(RefusedError, match=told):
            cloud.make(GKE, "k", location="us-central1", **inputs)
    else:
        cloud.make(GKE, "k", location="us-central1", **inputs)
