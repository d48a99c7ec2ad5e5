"""An EKS cluster that is there, as a home for pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from polysilicon.aws.cluster import EksHome
from polysilicon.aws.identity import NODE_POLICIES, service_role
from polysilicon.aws.kubeconfig import eks_kubeconfig
from polysilicon.aws.network import subnets_of
from polysilicon.aws.tags import named
from polysilicon.catalog import Catalog, load_catalog
from polysilicon.planning.cluster import joined, plan_existing_eks_cluster
from polysilicon.planning.order import Order
from polysilicon.resources import child, lookup, record
from polysilicon.specs import ExistingEksClusterSpec


@dataclass(frozen=True, kw_only=True)
class ExistingEksClusterArgs:
    """What an `ExistingEksCluster` is made of.

    Attributes:
        spec: Its name, version and subnets.
        tags: Tags of what is made beside it.
        catalog: Image releases. By default the shipped one.
    """

    spec: ExistingEksClusterSpec
    tags: Mapping[str, str] = field(default_factory=dict)
    catalog: Catalog | None = None


class ExistingEksCluster(pulumi.ComponentResource):
    """A cluster that somebody else looks after, with a role for nodes that join it; it gives the same wires as an
    `EksCluster`.

    The cluster is looked up first: one that is not there, has another Kubernetes version, lies in another VPC than the
    subnets, or takes no access entries ends the preview before anything is made. Disks of nodes are encrypted with the
    account's own key for EBS.
    """

    cluster_name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """A kubeconfig without a token; it calls the AWS CLI."""
    home: EksHome
    ready: Sequence[pulumi.Resource] = ()
    """Nothing: whoever looks after the cluster has let the program in."""

    def __init__(self, name: str, args: ExistingEksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = plan_existing_eks_cluster(name, args.spec, args.catalog or load_catalog())
        recorded = record(args.spec, kubernetes=plan.kubernetes, amiRelease=plan.ami_release)
        super().__init__("polysilicon:index:ExistingEksCluster", name, recorded, opts)
        self._name, self._args, self._plan = name, args, plan

        found = aws.eks.get_cluster_output(name=args.spec.name, opts=lookup(self))
        modes = found.access_configs.apply(lambda configs: [each.authentication_mode for each in configs])
        self.cluster_name = pulumi.Output.all(found.name, found.version, modes).apply(
            lambda known: joined(name, plan.kubernetes, *known)
        )
        self.home = self._home_of_nodes(found)
        known = pulumi.Output.all(self.cluster_name, found.endpoint, found.certificate_authorities[0].data)
        self.kubeconfig = known.apply(lambda k: eks_kubeconfig(k[0], k[1], k[2], plan.region))
        self.register_outputs({"clusterName": self.cluster_name, "kubeconfig": self.kubeconfig})

    def _home_of_nodes(self, found: pulumi.Output[aws.eks.GetClusterResult]) -> EksHome:
        name, tags = f"{self._name}-node", self._args.tags
        role, policies = service_role(self, name, "ec2.amazonaws.com", NODE_POLICIES, tags)
        entry = aws.eks.AccessEntry(
            name,
            cluster_name=self.cluster_name,
            principal_arn=role.arn,
            type="EC2_LINUX",
            tags=named(tags, name),
            opts=child(self),
        )
        vpc = found.vpc_config
        wires = subnets_of(self._args.spec.network, lookup(self), vpc.vpc_id)
        return EksHome(
            plan=self._plan,
            cluster_name=self.cluster_name,
            node_role_arn=role.arn,
            subnet_ids=wires.private_subnet_ids,
            vpc_id=vpc.vpc_id,
            security_group_id=vpc.cluster_security_group_id,
            nodes_after={Order.NODES_AFTER_ROLE_POLICIES: [*policies, entry]},
        )
