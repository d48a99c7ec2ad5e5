"""A GKE cluster, ready for accelerator pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_gcp as gcp

from polysilicon.catalog import Catalog, load_catalog
from polysilicon.gcp.identity import node_account
from polysilicon.gcp.kubeconfig import gke_kubeconfig
from polysilicon.gcp.network import PODS_RANGE, SERVICES_RANGE, NetworkWires
from polysilicon.gcp.nodes import SCOPES, NodePoolArgs, node_pool
from polysilicon.planning.cluster import GkeClusterPlan, plan_gke_cluster
from polysilicon.planning.order import Order
from polysilicon.resources import After, child, record
from polysilicon.specs import GkeClusterSpec, PublicEndpoint

_SYSTEM_DISK_GIB = 50


@dataclass(frozen=True, kw_only=True)
class GkeClusterArgs:
    """What a `GkeCluster` is made of.

    Attributes:
        spec: Endpoint, channel, system nodes.
        network: Subnet and way out.
        labels: Labels of every resource, nodes included.
        catalog: Machines. By default the shipped one.
    """

    spec: GkeClusterSpec
    network: NetworkWires
    labels: Mapping[str, str] = field(default_factory=dict)
    catalog: Catalog | None = None


@dataclass(frozen=True, kw_only=True)
class GkeHome:
    """What a node pool must know of its cluster."""

    plan: GkeClusterPlan
    cluster: pulumi.Input[str]
    service_account: pulumi.Input[str]
    nodes_after: After


class GkeCluster(pulumi.ComponentResource):
    """A GKE Standard cluster with private nodes, Workload Identity, Dataplane V2 and a system pool.

    The default pool is removed. Dataplane V2 cannot be changed later without a new cluster, so it is on from the start.
    """

    kubeconfig: pulumi.Output[str]
    """A kubeconfig without a token; it calls gke-gcloud-auth-plugin."""
    home: GkeHome
    ready: Sequence[pulumi.Resource]
    """What must be there before the first Kubernetes object."""

    def __init__(self, name: str, args: GkeClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = plan_gke_cluster(name, args.spec, args.catalog or load_catalog())
        super().__init__("polysilicon:index:GkeCluster", name, record(args.spec, zones=plan.zones), opts)
        self._name, self._args, self._plan = name, args, plan

        account, grants = node_account(self, name, args.spec.project, {Order.APIS_FIRST: args.network.apis})
        cluster = self._control_plane(account)
        self.home = GkeHome(
            plan=plan,
            cluster=cluster.id,
            service_account=account.email,
            nodes_after={Order.NODES_AFTER_NAT: args.network.egress, Order.NODES_AFTER_ROLE_POLICIES: grants},
        )
        system = self._system_pool()

        self.kubeconfig = pulumi.Output.all(
            cluster.name, cluster.endpoint, cluster.master_auth.cluster_ca_certificate
        ).apply(lambda known: gke_kubeconfig(known[0], known[1], known[2]))
        self.ready = [system]
        self.register_outputs({"clusterName": cluster.name, "kubeconfig": self.kubeconfig})

    def _control_plane(self, account: gcp.serviceaccount.Account) -> gcp.container.Cluster:
        spec, network = self._args.spec, self._args.network
        public = isinstance(spec.endpoint, PublicEndpoint)
        reach = spec.endpoint.cidrs if isinstance(spec.endpoint, PublicEndpoint) else spec.endpoint.reach
        return gcp.container.Cluster(
            self._name,
            project=spec.project,
            location=spec.region,
            node_locations=list(spec.zones),
            network=network.network,
            subnetwork=network.subnetwork,
            networking_mode="VPC_NATIVE",
            ip_allocation_policy={
                "cluster_secondary_range_name": PODS_RANGE,
                "services_secondary_range_name": SERVICES_RANGE,
            },
            datapath_provider="ADVANCED_DATAPATH",
            private_cluster_config={
                "enable_private_nodes": True,
                "enable_private_endpoint": not public,
                "master_ipv4_cidr_block": spec.control_plane_cidr,
            },
            master_authorized_networks_config={"cidr_blocks": [{"cidr_block": cidr} for cidr in reach]},
            release_channel={"channel": spec.release_channel},
            workload_identity_config={"workload_pool": f"{spec.project}.svc.id.goog"},
            remove_default_node_pool=True,
            initial_node_count=1,
            # The default pool lives for minutes, but is made: without an account of its own it would be refused where
            # the project's default account is off.
            node_config={"service_account": account.email, "oauth_scopes": list(SCOPES)},
            deletion_protection=spec.deletion_protection,
            resource_labels=dict(self._args.labels),
            opts=child(self, {Order.APIS_FIRST: network.apis}, ignore_changes=["nodeConfig"]),
        )

    def _system_pool(self) -> gcp.container.NodePool:
        system, home = self._plan.system, self.home
        pool = NodePoolArgs(
            cluster=home.cluster,
            project=self._plan.project,
            region=self._plan.region,
            zones=self._plan.zones,
            machine=system.machine,
            boot_disk_gib=_SYSTEM_DISK_GIB,
            min=system.min,
            max=system.max,
            service_account=home.service_account,
            labels=self._args.labels,
        )
        return node_pool(self, f"{self._name}-system", pool, home.nodes_after)
