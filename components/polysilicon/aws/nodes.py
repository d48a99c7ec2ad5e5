"""EKS managed node groups and their launch templates."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from polysilicon.aws.tags import named
from polysilicon.planning.fabric import Interface
from polysilicon.planning.pool_parts import Terms
from polysilicon.resources import After, child

ROOT_DEVICE = "/dev/xvda"
_TAGGED_AT_LAUNCH = ("instance", "volume", "network-interface")
_TAINT_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "NoExecute": "NO_EXECUTE", "PreferNoSchedule": "PREFER_NO_SCHEDULE"}
"""The EKS API spells the effects of Kubernetes its own way."""
_CAPACITY_TYPES = {
    "on_demand": "ON_DEMAND",
    "spot": "SPOT",
    "reserved": "ON_DEMAND",
    "capacity_block": "CAPACITY_BLOCK",
}


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How machines start, where that is more than their type and their disk."""

    terms: Terms = "on_demand"
    reservation_id: str | None = None
    """Reservation or capacity block that the machines are taken from, and nowhere else."""
    begins: datetime | None = None
    """When a capacity block begins that has not begun: nodes come then, by a scheduled action."""
    interfaces: Sequence[Interface] = ()
    """Network interfaces. By default the single one that EC2 gives, in the cluster's security group."""
    security_group_ids: Sequence[pulumi.Input[str]] = ()
    """Security groups of `interfaces`; EKS adds none to a template that has its own."""
    placement_group: pulumi.Input[str] | None = None
    user_data: str | None = None
    """MIME multipart, to which EKS adds its own part."""


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
    root_disk_mib_s: int | None = None
    """Throughput of the root disk. By default that which gp3 has without a further price, 125."""
    disk_key_arn: pulumi.Input[str] | None = None
    """KMS key of the disks. By default that of the account for EBS."""
    min: int
    max: int
    launch: Launch = Launch()
    update_strategy: Literal["DEFAULT", "MINIMAL"] = "DEFAULT"
    """Whether an update starts a new node first, or takes an old one away first, for what there is no spare of."""
    protect: bool = False
    """Whether Pulumi refuses to replace or delete the group."""
    labels: Mapping[str, str] = field(default_factory=dict)
    taint: tuple[str, str, str] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def node_group(parent: pulumi.Resource, name: str, args: NodeGroupArgs, after: After) -> aws.eks.NodeGroup:
    """The node group and its launch template; it has as many nodes as its minimum, since nothing here scales it.

    Machines of a capacity block cannot start before it begins: until then the group is empty, and a scheduled action
    fills it in time.
    """
    template = _launch_template(parent, name, args)
    is_block, waits = args.launch.terms == "capacity_block", args.launch.begins is not None
    size = 0 if waits else args.min
    group = aws.eks.NodeGroup(
        name,
        cluster_name=args.cluster_name,
        node_role_arn=args.role_arn,
        subnet_ids=args.subnet_ids,
        ami_type=args.ami_type,
        release_version=args.ami_release,
        capacity_type=_CAPACITY_TYPES[args.launch.terms],
        # The machine of a capacity block stands in the template, and EKS refuses it in two places.
        instance_types=None if is_block else [args.machine],
        launch_template={"id": template.id, "version": template.latest_version.apply(str)},
        scaling_config={"min_size": 0 if is_block else args.min, "max_size": args.max, "desired_size": size},
        update_config={"max_unavailable": 1, "update_strategy": args.update_strategy},
        labels=args.labels,
        taints=[_taint(args.taint)] if args.taint else None,
        tags=named(args.tags, name),
        opts=child(
            parent,
            after,
            protect=args.protect,
            # AWS fills and empties the group of a block by its window.
            ignore_changes=["scalingConfig.desiredSize"] if is_block else None,
        ),
    )
    if args.launch.begins is not None:
        _fill_at(parent, name, group, args.launch.begins, args)
    return group


def _fill_at(
    parent: pulumi.Resource, name: str, group: aws.eks.NodeGroup, moment: datetime, args: NodeGroupArgs
) -> None:
    aws.autoscaling.Schedule(
        f"{name}-begin",
        scheduled_action_name="polysilicon-begin",
        autoscaling_group_name=group.resources[0].autoscaling_groups[0].name,
        start_time=f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        min_size=0,
        max_size=args.max,
        desired_capacity=args.min,
        opts=child(parent),
    )


def _launch_template(parent: pulumi.Resource, name: str, args: NodeGroupArgs) -> aws.ec2.LaunchTemplate:
    launch = args.launch
    return aws.ec2.LaunchTemplate(
        name,
        update_default_version=True,
        block_device_mappings=[{"device_name": ROOT_DEVICE, "ebs": _root_disk(args)}],
        # One hop keeps pods from taking the node's role by way of the metadata service.
        metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
        network_interfaces=[_interface(each, launch.security_group_ids) for each in launch.interfaces] or None,
        placement={"group_name": launch.placement_group} if launch.placement_group else None,
        user_data=base64.b64encode(launch.user_data.encode()).decode() if launch.user_data else None,
        tag_specifications=[{"resource_type": kind, "tags": {**args.tags, "Name": name}} for kind in _TAGGED_AT_LAUNCH],
        tags=named(args.tags, name),
        opts=child(parent),
        **_market(args),
    )


def _market(args: NodeGroupArgs) -> dict[str, Any]:
    """What a template says of a reservation; a capacity block wants its machine and its market as well."""
    if args.launch.reservation_id is None:
        return {}
    target = {"capacity_reservation_target": {"capacity_reservation_id": args.launch.reservation_id}}
    if args.launch.terms == "reserved":
        return {"capacity_reservation_specification": target}
    return {
        "capacity_reservation_specification": target,
        "instance_type": args.machine,
        "instance_market_options": {"market_type": "capacity-block"},
    }


def _root_disk(args: NodeGroupArgs) -> dict[str, Any]:
    return {
        "volume_type": "gp3",
        "volume_size": args.root_disk_gib,
        "throughput": args.root_disk_mib_s,
        "encrypted": "true",
        "kms_key_id": args.disk_key_arn,
        "delete_on_termination": "true",
    }


def _interface(interface: Interface, groups: Sequence[pulumi.Input[str]]) -> dict[str, Any]:
    return {
        "network_card_index": interface.card,
        "device_index": interface.device,
        "interface_type": interface.type,
        "security_groups": list(groups),
        "delete_on_termination": "true",
    }


def _taint(taint: tuple[str, str, str]) -> aws.eks.NodeGroupTaintArgsDict:
    key, value, effect = taint
    return {"key": key, "value": value, "effect": _TAINT_EFFECTS[effect]}
