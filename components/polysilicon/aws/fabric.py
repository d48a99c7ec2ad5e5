"""What nodes of a pool share of the network: a security group for EFA, and a placement group."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from polysilicon.aws.tags import named
from polysilicon.resources import child


def efa_security_group(
    parent: pulumi.Resource, name: str, vpc_id: pulumi.Input[str], tags: Mapping[str, str]
) -> aws.ec2.SecurityGroup:
    """A security group whose members may send each other anything, and nobody else anything.

    EFA asks for both directions by name: a rule that lets everything out is not enough, and collectives hang at their
    start without it (docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-efa.html).
    """
    name = f"{name}-efa"
    group = aws.ec2.SecurityGroup(
        name,
        vpc_id=vpc_id,
        description="EFA between the nodes of one pool",
        tags=named(tags, name),
        opts=child(parent),
    )
    aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=group.id,
        referenced_security_group_id=group.id,
        ip_protocol="-1",
        tags=named(tags, name),
        opts=child(parent),
    )
    aws.vpc.SecurityGroupEgressRule(
        name,
        security_group_id=group.id,
        referenced_security_group_id=group.id,
        ip_protocol="-1",
        tags=named(tags, name),
        opts=child(parent),
    )
    return group


def placement_group(parent: pulumi.Resource, name: str, tags: Mapping[str, str]) -> aws.ec2.PlacementGroup:
    """A cluster placement group: its machines stand close together in one zone."""
    return aws.ec2.PlacementGroup(name, strategy="cluster", tags=named(tags, name), opts=child(parent))
