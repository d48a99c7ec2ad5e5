"""The part of a pool that comes when pods ask for it: Karpenter's objects, as plain Kubernetes data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from polysilicon.aws.nodes import ROOT_DEVICE
from polysilicon.planning.node_config import FAST_PULL_MIB_S, node_config
from polysilicon.planning.pool_parts import EksNodes, EksPoolPlan

_CAPACITY_TYPES = {
    "on_demand": "on-demand",
    "spot": "spot",
    "reserved": "reserved",
    "capacity_block": "reserved",
}
"""Karpenter's: karpenter.sh/capacity-type."""


@dataclass(frozen=True, kw_only=True)
class ElasticWires:
    """What nodes of Karpenter take from the cluster and the pool."""

    role_name: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_ids: Sequence[pulumi.Input[str]]
    disk_key_arn: pulumi.Input[str] | None
    placement_group: pulumi.Input[str] | None
    tags: Mapping[str, str]


def node_class_spec(plan: EksPoolPlan, nodes: EksNodes, wires: ElasticWires) -> dict[str, Any]:
    """Spec of the EC2NodeClass: image release, disks and fabric of the pool's managed nodes, and their reservation."""
    spec: dict[str, Any] = {
        "amiFamily": "AL2023",
        # Karpenter takes the variant with the driver by the machine: concepts/nodeclasses.md of 1.14.
        "amiSelectorTerms": [{"alias": f"al2023@v{plan.ami_release.rsplit('-', 1)[1]}"}],
        "role": wires.role_name,
        "subnetSelectorTerms": [{"id": subnet} for subnet in wires.subnet_ids],
        "securityGroupSelectorTerms": [{"id": group} for group in wires.security_group_ids],
        "blockDeviceMappings": [{"deviceName": ROOT_DEVICE, "ebs": _root_disk(plan, wires)}],
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
        "tags": dict(wires.tags),
    }
    if plan.raid:
        spec["instanceStorePolicy"] = "RAID0"
    if told := node_config(raid=False, parallel_pulls=plan.parallel_pulls):
        spec["userData"] = told
    if plan.interfaces:
        spec["networkInterfaces"] = _interfaces(plan)
    if nodes.reservation is not None:
        spec["capacityReservationSelectorTerms"] = [{"id": nodes.reservation.id}]
    group = nodes.in_group or (wires.placement_group if nodes.placement_group else None)
    return {**spec, "placementGroupSelector": {"name": group}} if group else spec


def node_pool_spec(name: str, plan: EksPoolPlan, nodes: EksNodes) -> dict[str, Any]:
    """Spec of the NodePool: as many nodes as the choice has above its floor, none while nobody asks for them."""
    key, value, effect = plan.taint
    return {
        "weight": nodes.weight,
        "limits": {"nodes": str(nodes.elastic)},
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"},
        "template": {
            "metadata": {"labels": dict(plan.labels)},
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": name},
                "taints": [{"key": key, "value": value, "effect": effect}],
                "requirements": [
                    _within("node.kubernetes.io/instance-type", plan.machine),
                    _within("karpenter.sh/capacity-type", _CAPACITY_TYPES[nodes.terms]),
                    _within("topology.k8s.aws/zone-id", *nodes.zones),
                ],
                # A node that serves stays: age is no reason to load a model anew.
                "expireAfter": "Never",
            },
        },
    }


def _within(key: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": list(values)}


def _root_disk(plan: EksPoolPlan, wires: ElasticWires) -> dict[str, Any]:
    disk = {
        "volumeType": "gp3",
        "volumeSize": f"{plan.root_disk_gib}Gi",
        "encrypted": True,
        "deleteOnTermination": True,
    }
    if plan.parallel_pulls:
        disk["throughput"] = FAST_PULL_MIB_S
    return {**disk, "kmsKeyID": wires.disk_key_arn} if wires.disk_key_arn else disk


def _interfaces(plan: EksPoolPlan) -> list[dict[str, Any]]:
    """Karpenter takes an `interface` for the addresses and one `efa-only` for each card, beside it on the first."""
    cards = [0] if plan.interfaces[0].type == "efa" else []
    cards += [each.card for each in plan.interfaces[1:]]
    first = {"networkCardIndex": 0, "deviceIndex": 0, "interfaceType": "interface"}
    return [first, *({"networkCardIndex": c, "deviceIndex": 1, "interfaceType": "efa-only"} for c in cards)]
