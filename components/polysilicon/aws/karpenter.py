"""Karpenter: nodes that come when pods ask for them, and go when nobody does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from polysilicon.aws.cluster import EksHome
from polysilicon.aws.identity import NODE_POLICIES, service_role, trust_policy
from polysilicon.aws.karpenter_policy import karpenter_policy, queue_policy
from polysilicon.aws.tags import named
from polysilicon.catalog import Catalog, load_catalog
from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.planning.order import Order
from polysilicon.resources import child, lookup

_NAMESPACE, _ACCOUNT = "kube-system", "karpenter"
_CHARTS = "oci://public.ecr.aws/karpenter"
_KEPT_SECONDS = 300
"""How long a notice of an interruption waits to be read; it is worth nothing after that."""
_EVENTS: Mapping[str, tuple[str, str]] = {
    "health": ("aws.health", "AWS Health Event"),
    "spot": ("aws.ec2", "EC2 Spot Instance Interruption Warning"),
    "rebalance": ("aws.ec2", "EC2 Instance Rebalance Recommendation"),
    "state": ("aws.ec2", "EC2 Instance State-change Notification"),
    "reservation": ("aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"),
}
"""What Karpenter listens to: the same template of aws/karpenter-provider-aws@1d92708 as its policy."""


@dataclass(frozen=True, kw_only=True)
class KarpenterArgs:
    """What a `Karpenter` is made of.

    Attributes:
        home: The EKS cluster that the nodes join.
        cluster: The same cluster, for its charts.
        tags: Tags of every resource.
        catalog: The version of Karpenter. By default the shipped one.
    """

    home: EksHome
    cluster: ClusterRef
    tags: Mapping[str, str] = field(default_factory=dict)
    catalog: Catalog | None = None


@dataclass(frozen=True, kw_only=True)
class KarpenterWires:
    """What the elastic part of a pool takes from Karpenter."""

    node_role_name: pulumi.Input[str]
    ready: Sequence[pulumi.Resource]
    """What must be there before the first NodePool, and until the last one is gone."""


class Karpenter(pulumi.ComponentResource):
    """Karpenter's controller on the system nodes, its rights by Pod Identity, and the queue that tells it of
    interruptions.

    Its nodes have a role and an access entry of their own, so that it works in a cluster without managed node groups.
    """

    wires: KarpenterWires

    def __init__(self, name: str, args: KarpenterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        version = (args.catalog or load_catalog()).default("karpenter.version")
        super().__init__("polysilicon:index:Karpenter", name, {"version": version}, opts)
        self._name, self._args = f"{name}-karpenter", args

        node_role, node_rights = self._node_role()
        queue = self._queue()
        rights = self._rights(node_role, queue)
        crds = self._chart("karpenter-crd", version, {}, [])
        controller = self._chart("karpenter", version, self._values(queue), [*rights, crds])

        self.wires = KarpenterWires(node_role_name=node_role.name, ready=[*node_rights, crds, controller])
        self.register_outputs({"nodeRole": node_role.name, "queue": queue.name})

    def _node_role(self) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        name, tags = f"{self._name}-node", self._args.tags
        role, policies = service_role(self, name, "ec2.amazonaws.com", NODE_POLICIES, tags)
        entry = aws.eks.AccessEntry(
            name,
            cluster_name=self._args.home.cluster_name,
            principal_arn=role.arn,
            type="EC2_LINUX",
            tags=named(tags, name),
            opts=child(self),
        )
        return role, [*policies, entry]

    def _queue(self) -> aws.sqs.Queue:
        name, tags = self._name, self._args.tags
        queue = aws.sqs.Queue(
            name,
            message_retention_seconds=_KEPT_SECONDS,
            sqs_managed_sse_enabled=True,
            tags=named(tags, name),
            opts=child(self),
        )
        aws.sqs.QueuePolicy(
            name,
            queue_url=queue.url,
            policy=queue.arn.apply(lambda arn: json.dumps(queue_policy(arn))),
            opts=child(self),
        )
        for key, (source, detail) in _EVENTS.items():
            rule_name = f"{name}-{key}"
            rule = aws.cloudwatch.EventRule(
                rule_name,
                event_pattern=json.dumps({"source": [source], "detail-type": [detail]}),
                tags=named(tags, rule_name),
                opts=child(self),
            )
            aws.cloudwatch.EventTarget(rule_name, rule=rule.name, arn=queue.arn, opts=child(self))
        return queue

    def _rights(self, node_role: aws.iam.Role, queue: aws.sqs.Queue) -> list[pulumi.Resource]:
        name, tags, home = self._name, self._args.tags, self._args.home
        region = home.plan.region
        account = aws.get_caller_identity_output(opts=lookup(self)).account_id
        role = aws.iam.Role(
            name, assume_role_policy=trust_policy("pods.eks.amazonaws.com"), tags=named(tags, name), opts=child(self)
        )
        known = pulumi.Output.all(home.cluster_name, account, node_role.arn, queue.arn, home.disk_key_arn)
        policy = aws.iam.RolePolicy(
            name,
            role=role.name,
            policy=known.apply(lambda k: json.dumps(karpenter_policy(k[0], region, *k[1:]))),
            opts=child(self),
        )
        association = aws.eks.PodIdentityAssociation(
            name,
            cluster_name=home.cluster_name,
            namespace=_NAMESPACE,
            service_account=_ACCOUNT,
            role_arn=role.arn,
            tags=named(tags, name),
            opts=child(self),
        )
        return [policy, association]

    def _values(self, queue: aws.sqs.Queue) -> dict[str, Any]:
        # Two controllers want two nodes; with one system node, or who knows how many, the second may wait for ever.
        system = self._args.home.plan.system
        replicas = min(system.min, 2) if system else 1
        resources = {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
        return {
            "replicas": replicas,
            "serviceAccount": {"name": _ACCOUNT},
            "settings": {"clusterName": self._args.home.cluster_name, "interruptionQueue": queue.name},
            "controller": {"resources": resources},
        }

    def _chart(
        self, chart: str, version: str, values: Mapping[str, Any], after: Sequence[pulumi.Resource]
    ) -> k8s.helm.v3.Release:
        ready = self._args.cluster.ready
        return k8s.helm.v3.Release(
            f"{self._args.cluster.key}-{chart}",
            name=chart,
            chart=f"{_CHARTS}/{chart}",
            version=version,
            namespace=_NAMESPACE,
            values=dict(values),
            opts=child(
                self,
                {Order.OBJECTS_AFTER_ACCESS: ready, Order.KARPENTER_AFTER_RIGHTS: after},
                provider=self._args.cluster.provider,
            ),
        )
