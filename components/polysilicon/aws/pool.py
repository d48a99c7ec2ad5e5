"""Pools of accelerator nodes on EKS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from polysilicon import clock
from polysilicon.aws.cluster import EksHome
from polysilicon.aws.elastic import ElasticWires, node_class_spec, node_pool_spec
from polysilicon.aws.fabric import efa_security_group, placement_group
from polysilicon.aws.karpenter import KarpenterWires
from polysilicon.aws.nodes import Launch, NodeGroupArgs, node_group
from polysilicon.catalog import Catalog, load_catalog
from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.kubernetes.efa import EfaDevicePlugin, EfaDevicePluginArgs
from polysilicon.kubernetes.neuron import (
    NeuronDevicePlugin,
    NeuronDevicePluginArgs,
    NeuronMonitor,
    NeuronMonitorArgs,
)
from polysilicon.kubernetes.nvidia import (
    DcgmExporter,
    DcgmExporterArgs,
    NvidiaDevicePlugin,
    NvidiaDevicePluginArgs,
)
from polysilicon.planning.eks_pool import plan_eks_pool
from polysilicon.planning.landing import Landing
from polysilicon.planning.node_config import FAST_PULL_MIB_S, node_config
from polysilicon.planning.order import Order
from polysilicon.planning.pool_parts import EksNodes, EksPoolPlan
from polysilicon.planning.problems import refuse
from polysilicon.resources import child, record
from polysilicon.specs import EksGpuPoolSpec, NeuronPoolSpec

Spec = TypeVar("Spec", NeuronPoolSpec, EksGpuPoolSpec)


@dataclass(frozen=True, kw_only=True)
class EksPoolArgs(Generic[Spec]):
    """What a pool on EKS is made of.

    Attributes:
        spec: Machine, terms and bounds.
        home: The EKS cluster that the nodes join.
        cluster: The same cluster, for the device plugin's objects.
        karpenter: Who makes the nodes above each `min`; needed where a `max` is above it.
        tags: Tags of every resource, nodes and their disks included.
        catalog: Machines and image releases. By default the shipped one.
        now: For the window of a capacity block, and for leave to replace. By default the clock's.
    """

    spec: Spec
    home: EksHome
    cluster: ClusterRef
    karpenter: KarpenterWires | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    catalog: Catalog | None = None
    now: datetime | None = None

    def plan(self, name: str) -> EksPoolPlan:
        """The pool's plan. Raises `SpecError` where it cannot be built, or nobody makes its elastic part."""
        plan = plan_eks_pool(name, self.spec, self.home.plan, self.catalog or load_catalog(), self.now or clock.now())
        self.cluster.require(plan.landing)
        if plan.elastic and self.karpenter is None:
            text = "max is above min, and nothing was given that makes nodes when pods ask for them"
            raise refuse("capacity", text, "give the component `karpenter`, or take max = min")
        return plan


class NeuronPoolArgs(EksPoolArgs[NeuronPoolSpec]):
    """What a `NeuronPool` is made of; see `EksPoolArgs`."""


class EksGpuPoolArgs(EksPoolArgs[EksGpuPoolSpec]):
    """What an `EksGpuPool` is made of; see `EksPoolArgs`."""


class NeuronPool(pulumi.ComponentResource):
    """Nodes with AWS Inferentia or Trainium chips, on each of the spec's terms, the device plugin that offers their
    chips to pods, and the monitor that measures them.

    Nodes are tainted, so that only pods that land here run here. The node image's release is held where its driver
    starts the serving images of this silicon.
    """

    landing: Landing
    """Where models land: plain data, known before anything is deployed."""

    def __init__(self, name: str, args: NeuronPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = args.plan(name)
        super().__init__("polysilicon:index:NeuronPool", name, record(args.spec, **_told(plan)), opts)
        groups = _Nodes(self, name, args, plan).deploy()
        inside = pulumi.ResourceOptions(parent=self)
        landing, cluster, catalog = plan.landing, args.cluster, args.catalog
        NeuronDevicePlugin(name, NeuronDevicePluginArgs(landing=landing, cluster=cluster, catalog=catalog), inside)
        NeuronMonitor(name, NeuronMonitorArgs(landing=landing, cluster=cluster, catalog=catalog), inside)
        if plan.interfaces:
            EfaDevicePlugin(name, EfaDevicePluginArgs(landing=landing, cluster=cluster, catalog=catalog), inside)
        self.landing = plan.landing
        self.register_outputs({"nodeGroups": [group.node_group_name for group in groups]})


class EksGpuPool(pulumi.ComponentResource):
    """Nodes with NVIDIA GPUs, on each of the spec's terms, the device plugin that offers them to pods, and the exporter
    that measures them.

    Nodes are tainted, so that only pods that land here run here. GPUs that are cut by MIG are offered and measured by
    the cluster's GPU operator, which leaves all other pools alone.
    """

    landing: Landing
    """Where models land: plain data, known before anything is deployed."""

    def __init__(self, name: str, args: EksGpuPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = args.plan(name)
        super().__init__("polysilicon:index:EksGpuPool", name, record(args.spec, **_told(plan)), opts)
        groups = _Nodes(self, name, args, plan).deploy()
        inside = pulumi.ResourceOptions(parent=self)
        landing, cluster, catalog = plan.landing, args.cluster, args.catalog
        if args.spec.sharing.kind != "mig":
            NvidiaDevicePlugin(
                name,
                NvidiaDevicePluginArgs(landing=landing, cluster=cluster, sharing=args.spec.sharing, catalog=catalog),
                inside,
            )
            DcgmExporter(name, DcgmExporterArgs(landing=landing, cluster=cluster, catalog=catalog), inside)
        if plan.interfaces:
            EfaDevicePlugin(name, EfaDevicePluginArgs(landing=landing, cluster=cluster, catalog=catalog), inside)
        self.landing = plan.landing
        self.register_outputs({"nodeGroups": [group.node_group_name for group in groups]})


def _told(plan: EksPoolPlan) -> dict[str, object]:
    return {"amiRelease": plan.ami_release, "zones": plan.zones, "driver": plan.landing.host_driver}


class _Nodes:
    """The nodes of one pool: managed groups for what always runs, Karpenter's objects for the rest."""

    def __init__(
        self,
        parent: pulumi.Resource,
        name: str,
        args: NeuronPoolArgs | EksGpuPoolArgs,
        plan: EksPoolPlan,
    ) -> None:
        self._parent, self._name, self._args, self._plan = parent, name, args, plan
        self._groups = self._security_groups()
        wanted = any(nodes.placement_group for nodes in plan.nodes)
        self._placement = placement_group(parent, name, args.tags).name if wanted else None

    def deploy(self) -> list[aws.eks.NodeGroup]:
        """Makes them; gives the managed groups."""
        for nodes in self._plan.nodes:
            if nodes.elastic:
                self._elastic(nodes)
        return [self._floor(nodes) for nodes in self._plan.nodes if nodes.floor]

    def _security_groups(self) -> Sequence[pulumi.Input[str]]:
        home = self._args.home
        if not self._plan.interfaces:
            return [home.security_group_id]
        efa = efa_security_group(self._parent, self._name, home.vpc_id, self._args.tags)
        return [home.security_group_id, efa.id]

    def _floor(self, nodes: EksNodes) -> aws.eks.NodeGroup:
        plan, home = self._plan, self._args.home
        group = NodeGroupArgs(
            cluster_name=home.cluster_name,
            role_arn=home.node_role_arn,
            subnet_ids=[home.subnet_ids[zone] for zone in nodes.zones],
            machine=plan.machine,
            ami_type=plan.ami_type,
            ami_release=plan.ami_release,
            root_disk_gib=plan.root_disk_gib,
            root_disk_mib_s=FAST_PULL_MIB_S if plan.parallel_pulls else None,
            disk_key_arn=home.disk_key_arn,
            min=nodes.floor,
            max=nodes.floor,
            launch=self._launch(nodes),
            update_strategy="MINIMAL",
            protect=plan.protected,
            labels=plan.labels,
            taint=plan.taint,
            tags=self._args.tags,
        )
        return node_group(self._parent, f"{self._name}-{nodes.key}", group, home.nodes_after)

    def _launch(self, nodes: EksNodes) -> Launch:
        return Launch(
            terms=nodes.terms,
            reservation_id=nodes.reservation.id if nodes.reservation else None,
            begins=nodes.begins,
            interfaces=self._plan.interfaces,
            security_group_ids=self._groups,
            placement_group=nodes.in_group or (self._placement if nodes.placement_group else None),
            user_data=node_config(raid=self._plan.raid, parallel_pulls=self._plan.parallel_pulls),
        )

    def _elastic(self, nodes: EksNodes) -> None:
        args, home = self._args, self._args.home
        if args.karpenter is None:
            return
        name = f"{self._name}-{nodes.key}"
        wires = ElasticWires(
            role_name=args.karpenter.node_role_name,
            subnet_ids=[home.subnet_ids[zone] for zone in nodes.zones],
            security_group_ids=self._groups,
            disk_key_arn=home.disk_key_arn,
            placement_group=self._placement,
            tags={**args.tags, "Name": name},
        )
        node_class = self._object(
            name, "karpenter.k8s.aws/v1", "EC2NodeClass", node_class_spec(self._plan, nodes, wires), []
        )
        self._object(name, "karpenter.sh/v1", "NodePool", node_pool_spec(name, self._plan, nodes), [node_class])

    def _object(
        self, name: str, version: str, kind: str, spec: Mapping[str, object], after: Sequence[pulumi.Resource]
    ) -> k8s.apiextensions.CustomResource:
        ready = self._args.karpenter.ready if self._args.karpenter else ()
        return k8s.apiextensions.CustomResource(
            f"{name}-{kind.lower()}",
            api_version=version,
            kind=kind,
            metadata={"name": name},
            spec=spec,
            opts=child(
                self._parent,
                {Order.NODE_POOLS_AFTER_KARPENTER: [*ready, *after]},
                provider=self._args.cluster.provider,
            ),
        )
