"""Rights of pods: a role for one service account of one cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from polysilicon.aws.policies import pod_trust
from polysilicon.aws.tags import named
from polysilicon.resources import child


def pod_role(
    parent: pulumi.Resource,
    name: str,
    cluster_name: pulumi.Input[str],
    namespace: str,
    service_account: str,
    policy: pulumi.Input[str],
    tags: Mapping[str, str],
    policy_key: str = "",
) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    """A role that only pods of `service_account` can take, and what they wait for: its rights and its association.

    Args:
        policy: What the role may do, as JSON.
        policy_key: What tells these rights from others of the role, as part of a name: others then come beside the old
            ones, which go last, when no pod needs them any more. By default rights change in place.
    """
    trust = pulumi.Output.from_input(cluster_name).apply(
        lambda cluster: json.dumps(pod_trust(cluster, namespace, service_account))
    )
    role = aws.iam.Role(name, assume_role_policy=trust, tags=named(tags, name), opts=child(parent))
    called = f"{name}-{policy_key}" if policy_key else name
    rights = aws.iam.RolePolicy(called, role=role.name, policy=policy, opts=child(parent))
    association = aws.eks.PodIdentityAssociation(
        name,
        cluster_name=cluster_name,
        namespace=namespace,
        service_account=service_account,
        role_arn=role.arn,
        tags=named(tags, name),
        opts=child(parent),
    )
    return role, [rights, association]
