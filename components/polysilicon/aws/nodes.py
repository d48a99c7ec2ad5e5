"""EKS managed node groups and their launch templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_aws as aws

from polysilicon.aws.tags import named
from polysilicon.resources import After, child

_ROOT_DEVICE = "/dev/xvda"
_TAGGED_AT_LAUNCH = ("instance", "volume", "network-interface")
_TAINT_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "NoExecute": "NO_EXECUTE", "PreferNoSchedule": "PREFER_NO_SCHEDULE"}
"""The EKS API spells the effects of Kubernetes its own way."""


@dataclass(frozen=True, kw_only=True)
class NodeGroupArgs:
    """A managed node group; its disks are encrypted and its metadata service asks for a session token."""

    cluster_name: pulumi.Input[str]
    role_arn: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    machine: str
    ami_type: str
    ami_release: str
    root_disk_gib: int
    min: int
    max: int
    spot: bool = False
    update_strategy: Literal["DEFAULT", "MINIMAL"] = "DEFAULT"
    """Whether an update starts a new node first, or takes an old one away first, for what there is no spare of."""
    labels: Mapping[str, str] = field(default_factory=dict)
    taint: tuple[str, str, str] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def node_group(parent: pulumi.Resource, name: str, args: NodeGroupArgs, after: After) -> aws.eks.NodeGroup:
    """The node group and its launch template.

    Nothing scales the group between its bounds, so it has as many nodes as its minimum.
    """
    template = _launch_template(parent, name, args)
    return aws.eks.NodeGroup(
        name,
        cluster_name=args.cluster_name,
        node_role_arn=args.role_arn,
        subnet_ids=args.subnet_ids,
        ami_type=args.ami_type,
        release_version=args.ami_release,
        capacity_type="SPOT" if args.spot else "ON_DEMAND",
        instance_types=[args.machine],
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        scaling_config={"min_size": args.min, "max_size": args.max, "desired_size": args.min},
        update_config={"max_unavailable": 1, "update_strategy": args.update_strategy},
        labels=args.labels,
        taints=[_taint(args.taint)] if args.taint else None,
        tags=named(args.tags, name),
        opts=child(parent, after),
    )


def _launch_template(parent: pulumi.Resource, name: str, args: NodeGroupArgs) -> aws.ec2.LaunchTemplate:
    return aws.ec2.LaunchTemplate(
        name,
        update_default_version=True,
        block_device_mappings=[
            {
                "device_name": _ROOT_DEVICE,
                "ebs": {
                    "volume_type": "gp3",
                    "volume_size": args.root_disk_gib,
                    "encrypted": "true",
                    "delete_on_termination": "true",
                },
            }
        ],
        # One hop keeps pods from taking the node's role by way of the metadata service.
        metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
        tag_specifications=[{"resource_type": kind, "tags": {**args.tags, "Name": name}} for kind in _TAGGED_AT_LAUNCH],
        tags=named(args.tags, name),
        opts=child(parent),
    )


def _taint(taint: tuple[str, str, str]) -> aws.eks.NodeGroupTaintArgsDict:
    key, value, effect = taint
    return {"key": key, "value": value, "effect": _TAINT_EFFECTS[effect]}
