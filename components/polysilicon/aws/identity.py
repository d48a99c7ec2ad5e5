"""IAM roles, and their policies as data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from polysilicon.aws.tags import named
from polysilicon.resources import child

CLUSTER_POLICIES = ("AmazonEKSClusterPolicy",)
NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKS_CNI_Policy",
    "AmazonSSMManagedInstanceCore",
)


def trust_policy(service: str) -> str:
    """A policy that lets an AWS service take a role."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def service_role(
    parent: pulumi.Resource, name: str, service: str, policies: Sequence[str], tags: Mapping[str, str]
) -> tuple[aws.iam.Role, list[aws.iam.RolePolicyAttachment]]:
    """A role for an AWS service with AWS-managed policies, and the attachments that its users wait for."""
    role = aws.iam.Role(name, assume_role_policy=trust_policy(service), tags=named(tags, name), opts=child(parent))
    attachments = [
        aws.iam.RolePolicyAttachment(
            f"{name}-{policy}", role=role.name, policy_arn=f"arn:aws:iam::aws:policy/{policy}", opts=child(parent)
        )
        for policy in policies
    ]
    return role, attachments
