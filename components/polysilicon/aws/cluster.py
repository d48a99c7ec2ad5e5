"""An EKS cluster, ready for accelerator pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from polysilicon.aws.identity import CLUSTER_POLICIES, NODE_POLICIES, service_role
from polysilicon.aws.kubeconfig import eks_kubeconfig
from polysilicon.aws.network import NetworkWires
from polysilicon.aws.nodes import NodeGroupArgs, node_group
from polysilicon.catalog import Catalog, load_catalog
from polysilicon.planning.cluster import EksClusterPlan, plan_eks_cluster
from polysilicon.planning.order import Order
from polysilicon.resources import After, child, record
from polysilicon.specs import EksClusterSpec, PublicEndpoint

_ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
_SYSTEM_DISK_GIB = 50
_LOG_TYPES = ("api", "audit", "authenticator")


@dataclass(frozen=True, kw_only=True)
class EksClusterArgs:
    """What an `EksCluster` is made of.

    Attributes:
        spec: Version, endpoint, system nodes.
        network: Subnets and ways out.
        tags: Tags of every resource, nodes and their disks included.
        catalog: Versions and machines. By default the shipped one.
    """

    spec: EksClusterSpec
    network: NetworkWires
    tags: Mapping[str, str] = field(default_factory=dict)
    catalog: Catalog | None = None


@dataclass(frozen=True, kw_only=True)
class EksHome:
    """What a node pool must know of its cluster."""

    plan: EksClusterPlan
    cluster_name: pulumi.Input[str]
    node_role_arn: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    nodes_after: After


class EksCluster(pulumi.ComponentResource):
    """An EKS cluster with its roles, add-ons and system nodes.

    Access is by access entries alone: for the role that first ran `pulumi up`, and for the admins in the spec. The
    network plugin and kube-proxy come before the first node, CoreDNS after it.
    """

    cluster_name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """A kubeconfig without a token; it calls the AWS CLI."""
    home: EksHome
    ready: Sequence[pulumi.Resource]
    """What must be there before the first Kubernetes object."""

    def __init__(self, name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = plan_eks_cluster(name, args.spec, args.catalog or load_catalog())
        recorded = record(args.spec, kubernetes=plan.kubernetes, amiRelease=plan.ami_release)
        super().__init__("polysilicon:index:EksCluster", name, recorded, opts)
        self._name, self._args, self._plan = name, args, plan

        cluster = self._control_plane()
        access = self._access_entries(cluster)
        before_nodes = [self._addon(cluster, addon) for addon in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")]
        self.home = self._home_of_nodes(cluster, before_nodes)
        system = self._system_nodes()
        dns = self._addon(cluster, "coredns", {Order.DNS_AFTER_NODES: [system]})

        self.cluster_name = cluster.name
        self.kubeconfig = pulumi.Output.all(cluster.name, cluster.endpoint, cluster.certificate_authority.data).apply(
            lambda known: eks_kubeconfig(known[0], known[1], known[2], plan.region)
        )
        self.ready = [*access, dns]
        self.register_outputs({"clusterName": self.cluster_name, "kubeconfig": self.kubeconfig})

    def _control_plane(self) -> aws.eks.Cluster:
        spec, name, tags = self._args.spec, self._name, self._args.tags
        role, policies = service_role(self, f"{name}-cluster", "eks.amazonaws.com", CLUSTER_POLICIES, tags)
        public = spec.endpoint.cidrs if isinstance(spec.endpoint, PublicEndpoint) else ()
        return aws.eks.Cluster(
            name,
            role_arn=role.arn,
            version=self._plan.kubernetes,
            vpc_config={
                "subnet_ids": list(self._args.network.private_subnet_ids.values()),
                "endpoint_private_access": True,
                "endpoint_public_access": bool(public),
                "public_access_cidrs": list(public) or None,
            },
            # Whoever creates the cluster gets no hidden rights: every right is an access entry that one can see.
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False},
            bootstrap_self_managed_addons=False,
            kubernetes_network_config={"service_ipv4_cidr": spec.service_cidr},
            enabled_cluster_log_types=list(_LOG_TYPES),
            upgrade_policy={"support_type": "STANDARD"},
            deletion_protection=spec.deletion_protection,
            tags={**tags, "Name": name},
            opts=child(self, {Order.CLUSTER_AFTER_ROLE_POLICIES: policies}),
        )

    def _access_entries(self, cluster: aws.eks.Cluster) -> list[pulumi.Resource]:
        here = pulumi.InvokeOutputOptions(parent=self)
        caller = aws.get_caller_identity_output(opts=here)
        deployer = aws.iam.get_session_context_output(arn=caller.arn, opts=here).issuer_arn
        # Whoever runs `up` next may be somebody else; the entry stays with the first, others are named in the spec.
        entries = [self._administrator(cluster, "deployer", deployer, ignore_changes=["principalArn"])]
        entries += [self._administrator(cluster, arn.rsplit("/", 1)[-1], arn) for arn in self._args.spec.admins]
        return list(entries)

    def _administrator(
        self,
        cluster: aws.eks.Cluster,
        key: str,
        principal: pulumi.Input[str],
        ignore_changes: list[str] | None = None,
    ) -> aws.eks.AccessPolicyAssociation:
        name = f"{self._name}-{key}"
        options = child(self, ignore_changes=ignore_changes)
        entry = aws.eks.AccessEntry(
            name, cluster_name=cluster.name, principal_arn=principal, tags=self._args.tags, opts=options
        )
        return aws.eks.AccessPolicyAssociation(
            name,
            cluster_name=cluster.name,
            principal_arn=entry.principal_arn,
            policy_arn=_ADMIN_POLICY,
            access_scope={"type": "cluster"},
            opts=child(self),
        )

    def _addon(self, cluster: aws.eks.Cluster, addon: str, after: After | None = None) -> aws.eks.Addon:
        return aws.eks.Addon(
            f"{self._name}-{addon}",
            cluster_name=cluster.name,
            addon_name=addon,
            addon_version=self._plan.addon(addon),
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="PRESERVE",
            tags=self._args.tags,
            opts=child(self, after),
        )

    def _home_of_nodes(self, cluster: aws.eks.Cluster, addons: Sequence[aws.eks.Addon]) -> EksHome:
        role, policies = service_role(self, f"{self._name}-node", "ec2.amazonaws.com", NODE_POLICIES, self._args.tags)
        return EksHome(
            plan=self._plan,
            cluster_name=cluster.name,
            node_role_arn=role.arn,
            subnet_ids=self._args.network.private_subnet_ids,
            nodes_after={
                Order.NODES_AFTER_NAT: self._args.network.egress,
                Order.NODES_AFTER_ROLE_POLICIES: policies,
                Order.NODES_AFTER_CNI: addons,
            },
        )

    def _system_nodes(self) -> aws.eks.NodeGroup:
        system, home = self._plan.system, self.home
        group = NodeGroupArgs(
            cluster_name=home.cluster_name,
            role_arn=home.node_role_arn,
            subnet_ids=list(home.subnet_ids.values()),
            machine=system.machine,
            ami_type="AL2023_x86_64_STANDARD",
            ami_release=self._plan.ami_release,
            root_disk_gib=_SYSTEM_DISK_GIB,
            min=system.min,
            max=system.max,
            tags=self._args.tags,
        )
        return node_group(self, f"{self._name}-system", group, home.nodes_after)
