"""GKE node pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_gcp as gcp

from polysilicon.resources import After, child

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


@dataclass(frozen=True, kw_only=True)
class NodePoolArgs:
    """A node pool; its bounds hold for all of its zones together."""

    cluster: pulumi.Input[str]
    project: str
    region: str
    zones: Sequence[str]
    machine: str
    boot_disk_gib: int
    min: int
    max: int
    service_account: pulumi.Input[str]
    spot: bool = False
    location_policy: Literal["ANY", "BALANCED"] = "BALANCED"
    """Whichever zone has capacity, or the zones level."""
    max_surge: int = 1
    """Nodes that an upgrade may add before it takes one away."""
    node_labels: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def node_pool(parent: pulumi.Resource, name: str, args: NodePoolArgs, after: After) -> gcp.container.NodePool:
    """The node pool. Google repairs and upgrades its nodes, one at a time. Pods get identities by Workload Identity,
    never the node's own."""
    return gcp.container.NodePool(
        name,
        cluster=args.cluster,
        project=args.project,
        location=args.region,
        node_locations=list(args.zones),
        # Counted in each zone. Later changes of it would replace the pool, and the autoscaler owns the size by then.
        initial_node_count=-(-args.min // len(args.zones)),
        autoscaling={
            "total_min_node_count": args.min,
            "total_max_node_count": args.max,
            "location_policy": args.location_policy,
        },
        management={"auto_repair": True, "auto_upgrade": True},
        upgrade_settings={
            "strategy": "SURGE",
            "max_surge": args.max_surge,
            "max_unavailable": 0 if args.max_surge else 1,
        },
        node_config={
            "machine_type": args.machine,
            "image_type": "COS_CONTAINERD",
            "disk_type": "pd-balanced",
            "disk_size_gb": args.boot_disk_gib,
            "spot": args.spot or None,
            # Spot cannot use reservations, and on demand would use up one that was made for something else.
            "reservation_affinity": {"consume_reservation_type": "NO_RESERVATION"},
            "service_account": args.service_account,
            "oauth_scopes": list(SCOPES),
            "workload_metadata_config": {"mode": "GKE_METADATA"},
            "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
            "gcfs_config": {"enabled": True},
            "labels": dict(args.node_labels),
            "resource_labels": dict(args.labels),
            "metadata": {"disable-legacy-endpoints": "true"},
        },
        opts=child(parent, after, ignore_changes=["initialNodeCount"]),
    )
