"""The job that compiles a model once for all its servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from polysilicon.kubernetes.copying import NO_RIGHTS, fetching, putting
from polysilicon.kubernetes.images import Images, from_cache
from polysilicon.kubernetes.manifests import pod_template
from polysilicon.planning.compile_cache import CompileCache
from polysilicon.planning.landing import patched
from polysilicon.planning.order import Order
from polysilicon.planning.serving import ServerPlan
from polysilicon.resources import After, child

ACCOUNT = "{}-fill"
"""Name of the job's service account: it alone may write into the server's place in the bucket."""

_GRACE_SECONDS = 30
_TO_BE_TOLD_SECONDS = 60
"""Between the end of the last pod and Pulumi's time: it is Kubernetes that says what failed, once the pods are gone.
Source: kubernetes/website@3c7cbd9 content/en/docs/concepts/workloads/controllers/job.md."""
_TRIES = 4
"""A pod may come before its rights: the fifth comes 150 seconds after the first has failed, since Kubernetes waits 10
seconds and then twice as long each time. Source: the same page."""
_NODE_WENT = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
_HAD_ITS_TIME = {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [NO_RIGHTS]}}
"""Of a pod that was stopped at its deadline, and of any that failed otherwise than for want of rights."""
_LEFT_ALONE = {"karpenter.sh/do-not-disrupt": "true"}
"""Karpenter would move the job to a smaller node, and it would begin anew. Source: aws/karpenter-provider-aws
website/content/en/docs/concepts/disruption.md."""


def compilation(
    parent: pulumi.Resource,
    plan: ServerPlan,
    compiled: CompileCache,
    bucket: pulumi.Input[str],
    claim: pulumi.Input[str] | None,
    metadata: Mapping[str, Any],
    provider: pulumi.ProviderResource,
    after: After,
    images: Images,
) -> k8s.batch.v1.Job:
    """The job, its service account, and a rule that lets nobody ask it anything.

    Args:
        parent: The component that it belongs to.
        plan: The server.
        compiled: What is compiled, and where it is put.
        bucket: The bucket.
        claim: Claim of the volume with the weights, where they lie in a store.
        metadata: Namespace and labels of the server's objects.
        provider: The provider of the cluster.
        after: What the job waits for.
        images: The cache of images.
    """
    name, labels = ACCOUNT.format(plan.key), job_labels(plan)
    placed = {**metadata, "name": name, "labels": labels}
    inside = child(parent, provider=provider)
    k8s.core.v1.ServiceAccount(name, metadata=placed, automount_service_account_token=False, opts=inside)
    alone = {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"]}
    rule = k8s.networking.v1.NetworkPolicy(name, metadata=placed, spec=alone, opts=inside)
    # What a job runs cannot be changed, and other code is compiled by another job. Where images come from and what
    # copies is no other code: such changes are ignored, since a job takes accelerators even to find that all is there.
    # One that failed is made anew, and then as it is written now: the engine takes ignored values from the state only
    # for what stays. Source: pulumi/pulumi@1b59498 pkg/resource/deploy/step_generator.go, continueStepsFromDiff.
    known_as = f"{name}-{compiled.key}"
    waits = "pulumi.com/skipAwait" if plan.landing.absent else "pulumi.com/replaceUnready"
    allowed = f"{awaited_seconds(compiled)}s"
    return k8s.batch.v1.Job(
        known_as,
        metadata={**placed, "name": known_as, "annotations": {waits: "true"}},
        spec=from_cache(job_spec(plan, compiled, bucket, claim), images),
        opts=child(
            parent,
            {**after, Order.PODS_AFTER_NAMESPACE_RULES: [rule]},
            provider=provider,
            ignore_changes=["spec"],
            custom_timeouts=pulumi.CustomTimeouts(create=allowed, update=allowed),
        ),
    )


def awaited_seconds(compiled: CompileCache) -> int:
    """How long Pulumi waits for the job: until its time is over, its pods are gone, and Kubernetes has said so."""
    return compiled.job_start.deadline_seconds + _GRACE_SECONDS + _TO_BE_TOLD_SECONDS


def job_labels(plan: ServerPlan) -> dict[str, str]:
    """Labels of the job's objects. No Service selects them."""
    return {"app.kubernetes.io/name": plan.key, "app.kubernetes.io/component": "compilation"}


def job_spec(plan: ServerPlan, compiled: CompileCache, bucket: Any, claim: Any) -> dict[str, Any]:
    """Spec of the job: a server that runs beside, and a copier that begins once the server serves, when all is
    compiled; when the copier ends, the server is stopped. What an earlier job has put there is not compiled again."""
    unaided = replace(plan, compiled=None, cold_start=compiled.job_start)
    template = patched(pod_template(unaided, claim), plan.landing.pod)
    spec, annotations = template["spec"], {**template["metadata"]["annotations"], **_LEFT_ALONE}
    server, *beside = spec["containers"]
    server = {name: value for name, value in server.items() if name != "lifecycle"}
    running = ({**each, "restartPolicy": "Always"} for each in (server, *beside))
    fetched = fetching(compiled, plan.cache_path, bucket, needs_rights=True)
    of_job, of_pod = _limits(plan, compiled.job_start.deadline_seconds)
    pod = {
        **spec,
        **of_pod,
        "restartPolicy": "Never",
        "serviceAccountName": ACCOUNT.format(plan.key),
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "initContainers": [*spec.get("initContainers", []), fetched, *running],
        "containers": [putting(compiled, plan.cache_path, bucket)],
    }
    return {
        **of_job,
        "backoffLimit": _TRIES,
        "template": {"metadata": {"labels": job_labels(plan), "annotations": annotations}, "spec": pod},
    }


def _limits(plan: ServerPlan, seconds: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """When to give up, as fields of the job and of its pods. A node that goes is no try.

    All tries of a job that is waited for have one deadline, as Pulumi has, which knows a job as failed only by that and
    by too many tries: for a rule that fails it, it would wait until its own time is over. A job counts from its making,
    a pod from when it has a node: where no node can come yet, each try has the deadline, and no other follows. Sources:
    collectJobConditionErrors in pulumi/pulumi-kubernetes@94977969d provider/pkg/await/checker/job/check.go;
    matchOnExitCodes in kubernetes/kubernetes@2b02db1 pkg/controller/job/pod_failure_policy.go.
    """
    if plan.landing.absent:
        return {"podFailurePolicy": {"rules": [_NODE_WENT, _HAD_ITS_TIME]}}, {"activeDeadlineSeconds": seconds}
    return {"podFailurePolicy": {"rules": [_NODE_WENT]}, "activeDeadlineSeconds": seconds}, {}
