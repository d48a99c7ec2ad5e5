"""An EKS cluster, ready for accelerator pools."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from polysilicon.aws.addons import addon, chosen_addon
from polysilicon.aws.encryption import encryption_key
from polysilicon.aws.identity import CLUSTER_POLICIES, NODE_POLICIES, service_role
from polysilicon.aws.kubeconfig import eks_kubeconfig
from polysilicon.aws.network import NetworkWires
from polysilicon.aws.nodes import NodeGroupArgs, node_group
from polysilicon.aws.tags import named
from polysilicon.catalog import Catalog, load_catalog
from polysilicon.planning.cluster import CONTROL_PLANE_ZONES, EksClusterPlan, plan_eks_cluster
from polysilicon.planning.names import cluster_name
from polysilicon.planning.order import Order
from polysilicon.resources import After, child, lookup, record
from polysilicon.specs import EksClusterSpec, PrivateEndpoint, PublicEndpoint

_ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
_SYSTEM_DISK_GIB = 50
_ENFORCE_POLICIES = json.dumps({"enableNetworkPolicy": "true"})
"""Without it the network plugin of EKS leaves NetworkPolicies to whoever enforces them: nobody."""


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
    vpc_id: pulumi.Input[str]
    security_group_id: pulumi.Input[str]
    """The cluster's own security group, in which nodes reach the control plane and each other."""
    disk_key_arn: pulumi.Input[str] | None = None
    """KMS key of the nodes' disks. By default the account's own for EBS."""
    nodes_after: After


class EksCluster(pulumi.ComponentResource):
    """An EKS cluster with its roles, add-ons and system nodes.

    Access is by access entries alone: for the role that first ran `pulumi up`, and for the admins in the spec. The
    network plugin and kube-proxy come before the first node, CoreDNS after it. One KMS key encrypts the secrets, the
    logs and the disks of the nodes.

    The name is project, stack and key, so that the log group can be made before the cluster. With
    `deletion_protection` EKS itself refuses to delete; the resource is not `protect`ed beside that, since Pulumi would
    want a second step to take it off.
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

        self._key = encryption_key(self, name, plan.region, args.tags)
        cluster = self._control_plane()
        access = self._access_entries(cluster)
        before_nodes = [self._addon(cluster, kind) for kind in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")]
        self.home = self._home_of_nodes(cluster, before_nodes)
        system = self._system_nodes()
        dns = self._addon(cluster, "coredns", {Order.DNS_AFTER_NODES: [system]})
        for kind in plan.chosen_addons:
            chosen_addon(self, name, cluster, kind, plan.addon(kind), args.tags, system)

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
        inside = spec.endpoint.reach if isinstance(spec.endpoint, PrivateEndpoint) else ()
        known_as = cluster_name(pulumi.get_project(), pulumi.get_stack(), name)
        cluster = aws.eks.Cluster(
            name,
            name=known_as,
            role_arn=role.arn,
            version=self._plan.kubernetes,
            vpc_config={
                "subnet_ids": list(self._args.network.private_subnet_ids.values())[:CONTROL_PLANE_ZONES],
                "endpoint_private_access": True,
                "endpoint_public_access": bool(public),
                "public_access_cidrs": list(public) or None,
            },
            # Whoever creates the cluster gets no hidden rights: every right is an access entry that one can see.
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False},
            bootstrap_self_managed_addons=False,
            kubernetes_network_config={"service_ipv4_cidr": spec.service_cidr},
            encryption_config={"provider": {"key_arn": self._key.arn}, "resources": ["secrets"]},
            enabled_cluster_log_types=list(spec.logs.types) or None,
            upgrade_policy={"support_type": "STANDARD"},
            deletion_protection=spec.deletion_protection,
            tags=named(tags, name),
            opts=child(
                self,
                {
                    Order.CLUSTER_AFTER_ROLE_POLICIES: policies,
                    Order.CLUSTER_AFTER_LOG_GROUP: self._log_group(known_as),
                },
                delete_before_replace=True,  # two clusters cannot have one name
            ),
        )
        for cidr in inside:
            self._let_in(cluster, cidr)
        return cluster

    def _log_group(self, cluster: str) -> list[pulumi.Resource]:
        """The group into which EKS writes, if it writes."""
        logs, name = self._args.spec.logs, self._name
        if not logs.types:
            return []
        group = aws.cloudwatch.LogGroup(
            name,
            name=f"/aws/eks/{cluster}/cluster",
            kms_key_id=self._key.arn,
            retention_in_days=logs.retention_days,
            tags=named(self._args.tags, name),
            opts=child(self),
        )
        return [group]

    def _let_in(self, cluster: aws.eks.Cluster, cidr: str) -> None:
        """A private endpoint answers only whom the cluster's security group admits."""
        name = f"{self._name}-api-{cidr.replace('.', '-').replace('/', '-')}"
        aws.vpc.SecurityGroupIngressRule(
            name,
            security_group_id=cluster.vpc_config.cluster_security_group_id,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4=cidr,
            tags=named(self._args.tags, name),
            opts=child(self),
        )

    def _access_entries(self, cluster: aws.eks.Cluster) -> list[pulumi.Resource]:
        here = lookup(self)
        caller = aws.get_caller_identity_output(opts=here)
        role = aws.iam.get_session_context_output(arn=caller.arn, opts=here).issuer_arn
        deployer = role.apply(self._told_if_listed)
        # Whoever runs `up` next may be somebody else; the entry stays with the first, others are named in the spec.
        entries = [self._administrator(cluster, "deployer", deployer, ignore_changes=["principalArn"])]
        entries += [self._administrator(cluster, _key_of(arn), arn) for arn in self._args.spec.admins]
        return list(entries)

    def _told_if_listed(self, deployer: str) -> str:
        """EKS takes one entry for a principal, and whoever makes the cluster has one already; later on, whoever runs an
        update may well be one of those in the spec."""
        if deployer in self._args.spec.admins:
            text = f"admins: {deployer} runs this update"
            pulumi.log.warn(f"{text}. If it makes the cluster, leave it out: it is an administrator by that", self)
        return deployer

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
            name,
            cluster_name=cluster.name,
            principal_arn=principal,
            tags=named(self._args.tags, name),
            opts=options,
        )
        return aws.eks.AccessPolicyAssociation(
            name,
            cluster_name=cluster.name,
            principal_arn=entry.principal_arn,
            policy_arn=_ADMIN_POLICY,
            access_scope={"type": "cluster"},
            opts=child(self),
        )

    def _addon(self, cluster: aws.eks.Cluster, kind: str, after: After | None = None) -> aws.eks.Addon:
        settings = _ENFORCE_POLICIES if kind == "vpc-cni" else None
        version, tags = self._plan.addon(kind), self._args.tags
        return addon(self, self._name, cluster, kind, version, tags, after, configuration_values=settings)

    def _home_of_nodes(self, cluster: aws.eks.Cluster, addons: Sequence[aws.eks.Addon]) -> EksHome:
        role, policies = service_role(self, f"{self._name}-node", "ec2.amazonaws.com", NODE_POLICIES, self._args.tags)
        return EksHome(
            plan=self._plan,
            cluster_name=cluster.name,
            node_role_arn=role.arn,
            subnet_ids=self._args.network.private_subnet_ids,
            vpc_id=cluster.vpc_config.vpc_id,
            security_group_id=cluster.vpc_config.cluster_security_group_id,
            disk_key_arn=self._key.arn,
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
            # Those of the control plane: with zones that come later the nodes would all be replaced.
            subnet_ids=list(home.subnet_ids.values())[:CONTROL_PLANE_ZONES],
            machine=system.machine,
            ami_type="AL2023_x86_64_STANDARD",
            ami_release=self._plan.ami_release,
            root_disk_gib=_SYSTEM_DISK_GIB,
            disk_key_arn=home.disk_key_arn,
            min=system.min,
            max=system.max,
            tags=self._args.tags,
        )
        return node_group(self, f"{self._name}-system", group, home.nodes_after)


def _key_of(principal: str) -> str:
    """A stable name for an administrator: account, kind and name, as the ARN has them."""
    _, _, _, _, account, path = principal.split(":", 5)
    return f"{account}-{path.replace('/', '-')}"
