"""Endpoints of AWS services in the private subnets of a VPC."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from polysilicon.aws.tags import named
from polysilicon.planning.network import EksNetworkPlan
from polysilicon.resources import child


def interface_endpoints(
    parent: pulumi.Resource,
    name: str,
    vpc: aws.ec2.Vpc,
    subnets: Mapping[str, aws.ec2.Subnet],
    plan: EksNetworkPlan,
    tags: Mapping[str, str],
) -> list[pulumi.Resource]:
    """An endpoint for each service of the plan, with an address in each of `subnets`; none make nothing.

    Private DNS gives a service's usual name these addresses, so that nobody in the VPC need know of them. They answer
    the VPC's own range, by TLS alone.
    """
    if not plan.endpoints:
        return []
    group, rule = _security_group(parent, name, vpc, plan.cidr, tags)
    return [rule, *(_endpoint(parent, name, service, vpc, subnets, group, tags) for service in plan.endpoints)]


def _security_group(
    parent: pulumi.Resource, name: str, vpc: aws.ec2.Vpc, cidr: str, tags: Mapping[str, str]
) -> tuple[aws.ec2.SecurityGroup, pulumi.Resource]:
    name = f"{name}-endpoints"
    group = aws.ec2.SecurityGroup(
        name,
        vpc_id=vpc.id,
        description="Endpoints of AWS services: TLS from the VPC, and nothing else",
        tags=named(tags, name),
        opts=child(parent),
    )
    rule = aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=group.id,
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        cidr_ipv4=cidr,
        tags=named(tags, name),
        opts=child(parent),
    )
    return group, rule


def _endpoint(
    parent: pulumi.Resource,
    name: str,
    service: str,
    vpc: aws.ec2.Vpc,
    subnets: Mapping[str, aws.ec2.Subnet],
    group: aws.ec2.SecurityGroup,
    tags: Mapping[str, str],
) -> aws.ec2.VpcEndpoint:
    name = f"{name}-{service.replace('.', '-')}"
    return aws.ec2.VpcEndpoint(
        name,
        vpc_id=vpc.id,
        vpc_endpoint_type="Interface",
        service_name=vpc.region.apply(lambda region: f"com.amazonaws.{region}.{service}"),
        subnet_ids=[subnet.id for subnet in subnets.values()],
        security_group_ids=[group.id],
        private_dns_enabled=True,
        tags=named(tags, name),
        opts=child(parent),
    )
