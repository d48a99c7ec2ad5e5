"""Add-ons of EKS, in pinned versions, and the rights of those that call AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from polysilicon.aws.policies import pod_trust
from polysilicon.aws.tags import named
from polysilicon.planning.order import Order
from polysilicon.resources import After, child

_RIGHTS = {"aws-ebs-csi-driver": ("ebs-csi-controller-sa", "AmazonEBSCSIDriverPolicyV2")}
"""Service account, and the policy of AWS that describe-addon-configuration names for it (EKS user guide,
retreive-iam-info; docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEBSCSIDriverPolicyV2.html)."""
_NAMESPACE = "kube-system"


def addon(
    parent: pulumi.Resource,
    name: str,
    cluster: aws.eks.Cluster,
    kind: str,
    version: str,
    tags: Mapping[str, str],
    after: After | None = None,
    **more: Any,
) -> aws.eks.Addon:
    """An add-on in one version; what somebody sets in it by hand stays through updates.

    Args:
        name: Logical name of the cluster.
        kind: Name of the add-on in EKS.
        after: What must be there first.
    """
    name = f"{name}-{kind}"
    return aws.eks.Addon(
        name,
        cluster_name=cluster.name,
        addon_name=kind,
        addon_version=version,
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="PRESERVE",
        tags=named(tags, name),
        opts=child(parent, after),
        **more,
    )


def chosen_addon(
    parent: pulumi.Resource,
    name: str,
    cluster: aws.eks.Cluster,
    kind: str,
    version: str,
    tags: Mapping[str, str],
    nodes: pulumi.Resource,
) -> aws.eks.Addon:
    """An add-on that not every cluster has; one that calls AWS does it by Pod Identity.

    Args:
        nodes: On which its controller runs.
    """
    waits: After = {Order.DNS_AFTER_NODES: [nodes]}
    if kind not in _RIGHTS:
        return addon(parent, name, cluster, kind, version, tags, waits)
    account, policy = _RIGHTS[kind]
    role, rights = _role(parent, f"{name}-{kind}", cluster, account, policy, tags)
    identities = [{"role_arn": role.arn, "service_account": account}]
    waits = {**waits, Order.ADDONS_AFTER_RIGHTS: [rights]}
    return addon(parent, name, cluster, kind, version, tags, waits, pod_identity_associations=identities)


def _role(
    parent: pulumi.Resource,
    name: str,
    cluster: aws.eks.Cluster,
    account: str,
    policy: str,
    tags: Mapping[str, str],
) -> tuple[aws.iam.Role, pulumi.Resource]:
    trust = cluster.name.apply(lambda known: json.dumps(pod_trust(known, _NAMESPACE, account)))
    role = aws.iam.Role(name, assume_role_policy=trust, tags=named(tags, name), opts=child(parent))
    arn = f"arn:aws:iam::aws:policy/{policy}"
    return role, aws.iam.RolePolicyAttachment(name, role=role.name, policy_arn=arn, opts=child(parent))
