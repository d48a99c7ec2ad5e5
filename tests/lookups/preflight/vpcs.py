"""VPCs in moto."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3  # type: ignore[import-untyped]


def made_vpc(
    cidr: str, subnets: Mapping[str, str], *more: str, public: bool = False, out: str = "nat", names: bool = True
) -> dict[str, str]:
    """Makes a VPC with a subnet in each zone, and gives their ids by zone.

    Args:
        more: Further ranges of the VPC.
        public: Whether the subnets give public addresses.
        out: Where the main route table leads: nat, internet or nowhere.
        names: Whether machines have names.
    """
    ec2 = boto3.client("ec2", "us-east-1")
    vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": names})
    for each in more:
        ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock=each)
    made = {}
    for zone, each in subnets.items():
        made[zone] = ec2.create_subnet(VpcId=vpc, CidrBlock=each, AvailabilityZoneId=zone)["Subnet"]["SubnetId"]
        ec2.modify_subnet_attribute(SubnetId=made[zone], MapPublicIpOnLaunch={"Value": public})
    _lead(ec2, vpc, next(iter(made.values())), out)
    ec2.close()
    return made


def _lead(ec2: Any, vpc: str, subnet: str, out: str) -> None:
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    route = {"RouteTableId": table["RouteTableId"], "DestinationCidrBlock": "0.0.0.0/0"}
    if out == "nat":
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        gateway = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
        ec2.create_route(**route, NatGatewayId=gateway)
    elif out == "internet":
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.create_route(**route, GatewayId=gateway)


def vpc_of(subnets: Mapping[str, str]) -> str:
    """The VPC of subnets that were made."""
    ec2 = boto3.client("ec2", "us-east-1")
    (vpc,) = {row["VpcId"] for row in ec2.describe_subnets(SubnetIds=[*subnets.values()])["Subnets"]}
    ec2.close()
    return str(vpc)
