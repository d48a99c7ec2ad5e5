"""Pools of Neuron nodes on EKS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from polysilicon.aws.cluster import EksHome
from polysilicon.aws.nodes import NodeGroupArgs, node_group
from polysilicon.catalog import Catalog, load_catalog
from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.kubernetes.neuron import NeuronDevicePlugin, NeuronDevicePluginArgs
from polysilicon.planning.landing import Landing
from polysilicon.planning.pool import NodeGroup, plan_neuron_pool
from polysilicon.resources import record
from polysilicon.specs import NeuronPoolSpec


@dataclass(frozen=True, kw_only=True)
class NeuronPoolArgs:
    """What a `NeuronPool` is made of.

    Attributes:
        spec: Machine, terms and bounds.
        home: The EKS cluster that the nodes join.
        cluster: The same cluster, for the device plugin's objects.
        tags: Tags of every resource, nodes and their disks included.
        catalog: Machines and image releases. By default the shipped one.
    """

    spec: NeuronPoolSpec
    home: EksHome
    cluster: ClusterRef
    tags: Mapping[str, str] = field(default_factory=dict)
    catalog: Catalog | None = None


class NeuronPool(pulumi.ComponentResource):
    """Nodes with AWS Inferentia or Trainium chips: a managed node group for each of the spec's terms, and the device
    plugin that offers their chips to pods.

    Nodes are tainted, so that only pods that land here run here. The node image's release is held where its driver
    starts the serving images of this silicon.
    """

    landing: Landing
    """Where models land: plain data, known before anything is deployed."""

    def __init__(self, name: str, args: NeuronPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = plan_neuron_pool(name, args.spec, args.home.plan, args.catalog or load_catalog())
        args.cluster.require(plan.landing)
        recorded = record(args.spec, amiRelease=plan.ami_release, zones=plan.zones, driver=plan.landing.host_driver)
        super().__init__("polysilicon:index:NeuronPool", name, recorded, opts)
        home = args.home

        def group_args(group: NodeGroup) -> NodeGroupArgs:
            return NodeGroupArgs(
                cluster_name=home.cluster_name,
                role_arn=home.node_role_arn,
                subnet_ids=[home.subnet_ids[zone] for zone in plan.zones],
                machine=plan.machine,
                ami_type="AL2023_x86_64_NEURON",
                ami_release=plan.ami_release,
                root_disk_gib=plan.root_disk_gib,
                min=group.min,
                max=group.max,
                spot=group.spot,
                update_strategy="MINIMAL",
                labels=plan.labels,
                taint=plan.taint,
                tags=args.tags,
            )

        groups = [node_group(self, f"{name}-{g.key}", group_args(g), home.nodes_after) for g in plan.groups]
        NeuronDevicePlugin(
            name,
            NeuronDevicePluginArgs(landing=plan.landing, cluster=args.cluster, catalog=args.catalog),
            pulumi.ResourceOptions(parent=self),
        )
        self.landing = plan.landing
        self.register_outputs({"nodeGroups": [group.node_group_name for group in groups]})
