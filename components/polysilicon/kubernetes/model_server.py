"""A model behind an OpenAI-compatible endpoint inside a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from polysilicon.catalog import Catalog, load_catalog
from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.kubernetes.compilation import compilation
from polysilicon.kubernetes.images import from_cache
from polysilicon.kubernetes.manifests import (
    deployment_spec,
    disruption_spec,
    labels,
    network_policy_spec,
    service_spec,
)
from polysilicon.kubernetes.weights import StoreWires, mounted_weights
from polysilicon.planning.landing import Landing
from polysilicon.planning.order import Order
from polysilicon.planning.problems import refuse
from polysilicon.planning.serving import ServerPlan, plan_server
from polysilicon.resources import After, child, record
from polysilicon.specs import ModelSpec

_TO_BE_GONE_SECONDS = 300
"""After the last grace period, for the objects to go."""


@dataclass(frozen=True, kw_only=True)
class ModelServerArgs:
    """What a `ModelServer` is made of.

    Attributes:
        spec: The model, and how much of it at once.
        landing: The pool that it runs on: a `NeuronPool`'s, a `TpuSlicePool`'s, any.
        cluster: The cluster of that pool.
        store: The store of weights and compiled code, for a spec that wants any of them from one.
        catalog: Models and serving images. By default the shipped one.
    """

    spec: ModelSpec
    landing: Landing
    cluster: ClusterRef
    store: StoreWires | None = None
    catalog: Catalog | None = None


class ModelServer(pulumi.ComponentResource):
    """A model in a namespace of its own: a Deployment on the landing's nodes and a Service in front.

    The image follows from engine and silicon; the patience of probes and rollouts follows from the planned cold start.
    A server that is told to stop leaves the load balancers first and then finishes what it has. Weights that lie in a
    bucket are a folder of it, which it only reads; where a job compiles, it comes first, and the server starts with
    what the job has put into the bucket.
    """

    endpoint: str
    """Base URL of the OpenAI-compatible API, inside the cluster."""

    def __init__(self, name: str, args: ModelServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args.cluster.require(args.landing)
        plan = plan_server(name, args.spec, args.landing, args.catalog or load_catalog())
        super().__init__("polysilicon:index:ModelServer", name, record(args.spec, **_told(plan)), opts)
        if not plan.listed:
            line = f"image line {plan.line} for {plan.landing.silicon}"
            pulumi.log.warn(f"{plan.model} is not on the list of {line}: test it before you promise it", self)
        if args.landing.absent:
            pulumi.log.info(f"is not waited for: {args.landing.absent}", self)
        ready: After = {Order.SERVERS_AFTER_DNS: args.cluster.ready}
        meta = {"name": name, "namespace": name, "labels": labels(plan)}

        namespace = k8s.core.v1.Namespace(
            name,
            metadata={"name": name, "labels": {"pod-security.kubernetes.io/enforce": "baseline"}},
            opts=child(self, ready, provider=args.cluster.provider),
        )
        inside = child(self, provider=args.cluster.provider)
        placed = {**meta, "namespace": namespace.metadata.name}
        k8s.core.v1.ServiceAccount(name, metadata=placed, automount_service_account_token=False, opts=inside)
        rules = k8s.networking.v1.NetworkPolicy(name, metadata=placed, spec=network_policy_spec(plan), opts=inside)
        k8s.policy.v1.PodDisruptionBudget(name, metadata=placed, spec=disruption_spec(plan), opts=inside)
        store = _store(plan, args)
        claim = self._claim(plan, args, placed)
        before = self._before(plan, args, claim, placed)
        # Pods of a pool that has no nodes now stay pending, and nobody waits for them.
        unawaited = {**placed, "annotations": {"pulumi.com/skipAwait": "true"}}
        k8s.apps.v1.Deployment(
            name,
            metadata=unawaited if args.landing.absent else placed,
            spec=from_cache(deployment_spec(plan, claim, store.bucket if store else None), args.cluster.images),
            opts=child(
                self,
                {Order.PODS_AFTER_NAMESPACE_RULES: [rules], **before},
                provider=args.cluster.provider,
                custom_timeouts=pulumi.CustomTimeouts(
                    create=f"{plan.rollout_seconds}s",
                    update=f"{plan.rollout_seconds}s",
                    delete=f"{_gone_seconds(plan)}s",
                ),
            ),
        )
        # The Deployment is waited for; a Service would wait for the same pods again, but only ten minutes.
        k8s.core.v1.Service(name, metadata=unawaited, spec=service_spec(plan), opts=inside)

        self.endpoint = f"http://{name}.{name}.svc.cluster.local/v1"
        self.register_outputs({"endpoint": self.endpoint})

    def _claim(self, plan: ServerPlan, args: ModelServerArgs, metadata: Mapping[str, Any]) -> pulumi.Output[str] | None:
        store = _store(plan, args)
        if plan.weights is None or store is None:
            return None
        provider, gone = args.cluster.provider, _gone_seconds(plan)
        return mounted_weights(self, plan.key, plan.weights, store, metadata, provider, gone)

    def _before(
        self, plan: ServerPlan, args: ModelServerArgs, claim: pulumi.Output[str] | None, metadata: Mapping[str, Any]
    ) -> After:
        """What the servers wait for beside the rules of their namespace: where a job compiles, the job."""
        store = _store(plan, args)
        if plan.compiled is None or store is None:
            return {}
        before: After = {Order.PODS_AFTER_RIGHTS: store.ready}
        provider, images = args.cluster.provider, args.cluster.images
        job = compilation(self, plan, plan.compiled, store.bucket, claim, metadata, provider, before, images)
        return {**before, Order.SERVERS_AFTER_COMPILATION: [job]}


def _store(plan: ServerPlan, args: ModelServerArgs) -> StoreWires | None:
    """The store, where the server needs one. Raises `SpecError` where none was given."""
    if plan.weights is None and plan.compiled is None:
        return None
    if args.store is None:
        what = "weights" if plan.weights else "compile_cache"
        fix = f"give the component `store`, or remove {what} from the spec"
        raise refuse(what, "needs a store, and none was given", fix)
    return args.store


def _gone_seconds(plan: ServerPlan) -> int:
    """How long the last pod and what it holds may take to go."""
    return plan.grace_seconds + _TO_BE_GONE_SECONDS


def _told(plan: ServerPlan) -> dict[str, object]:
    return {
        "landing": plan.landing.key,
        "silicon": plan.landing.silicon,
        "line": plan.line,
        "coldStartSeconds": plan.cold_start.seconds,
        "assumed": [phase.what for phase in plan.cold_start.phases if phase.assumed],
    }
