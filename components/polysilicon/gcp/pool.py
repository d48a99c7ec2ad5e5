"""Pools of TPU nodes on GKE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from polysilicon.catalog import Catalog, load_catalog
from polysilicon.gcp.cluster import GkeHome
from polysilicon.gcp.nodes import NodePoolArgs, node_pool
from polysilicon.planning.gke_pool import plan_tpu_slice_pool
from polysilicon.planning.landing import Landing
from polysilicon.planning.pool_parts import NodeGroup
from polysilicon.resources import record
from polysilicon.specs import TpuSlicePoolSpec


@dataclass(frozen=True, kw_only=True)
class TpuSlicePoolArgs:
    """What a `TpuSlicePool` is made of.

    Attributes:
        spec: Machine, slice shape, terms and bounds.
        home: The GKE cluster that the nodes join.
        labels: Labels of every resource, nodes included.
        catalog: Machines and slice shapes. By default the shipped one.
    """

    spec: TpuSlicePoolSpec
    home: GkeHome
    labels: Mapping[str, str] = field(default_factory=dict)
    catalog: Catalog | None = None


class TpuSlicePool(pulumi.ComponentResource):
    """Nodes with Google TPU chips: a node pool for each of the spec's terms.

    Each node is a whole slice by itself. GKE adds the TPU taint, the accelerator's labels and the device plugin.
    """

    landing: Landing
    """Where models land: plain data, known before anything is deployed."""

    def __init__(self, name: str, args: TpuSlicePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = plan_tpu_slice_pool(name, args.spec, args.home.plan, args.catalog or load_catalog())
        recorded = record(args.spec, zones=plan.zones, hosts=plan.topology.hosts)
        super().__init__("polysilicon:index:TpuSlicePool", name, recorded, opts)
        home = args.home

        def pool_args(group: NodeGroup) -> NodePoolArgs:
            return NodePoolArgs(
                cluster=home.cluster,
                project=plan.project,
                region=plan.landing.region,
                zones=plan.zones,
                machine=plan.machine,
                boot_disk_gib=plan.boot_disk_gib,
                min=group.min,
                max=group.max,
                spot=group.spot,
                location_policy="ANY",
                max_surge=0,
                service_account=home.service_account,
                node_labels=plan.labels,
                labels=args.labels,
            )

        pools = [node_pool(self, f"{name}-{g.key}", pool_args(g), home.nodes_after) for g in plan.groups]
        self.landing = plan.landing
        self.register_outputs({"nodePools": [pool.name for pool in pools]})
