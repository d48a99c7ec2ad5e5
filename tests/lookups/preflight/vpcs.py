"""VPCs in moto."""

from __future__ import annotations

from collections.abc import Mapping

import boto3  # type: ignore[import-untyped]


def made_vpc(cidr: str, subnets: Mapping[str, str], *more: str, public: bool = False) -> dict[str, str]:
    """Makes a VPC with a subnet in each zone, and gives their ids by zone; `more` are further ranges of the VPC."""
    ec2 = boto3.client("ec2", "us-east-1")
    vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    for each in more:
        ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock=each)
    made = {}
    for zone, each in subnets.items():
        made[zone] = ec2.create_subnet(VpcId=vpc, CidrBlock=each, AvailabilityZoneId=zone)["Subnet"]["SubnetId"]
        ec2.modify_subnet_attribute(SubnetId=made[zone], MapPublicIpOnLaunch={"Value": public})
    ec2.close()
    return made
