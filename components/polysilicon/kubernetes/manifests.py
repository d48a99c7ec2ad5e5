"""Kubernetes objects of a model server, as plain data."""

from __future__ import annotations

from importlib import resources
from typing import Any

from polysilicon.kubernetes.copying import fetching
from polysilicon.planning.landing import patched
from polysilicon.planning.serving import ServerPlan

_PROBE_PERIOD_SECONDS = 10


def labels(plan: ServerPlan) -> dict[str, str]:
    """Labels of everything that belongs to a server; they select its pods."""
    return {"app.kubernetes.io/name": plan.key, "app.kubernetes.io/component": "model-server"}


def deployment_spec(plan: ServerPlan, claim: Any = None, bucket: Any = None) -> dict[str, Any]:
    """Spec of the Deployment. A rollout takes a replica away before it adds one: accelerators are scarce, and a spare
    node to roll onto is seldom there.

    Args:
        claim: Name of the claim of the volume with the weights, where they lie in a store.
        bucket: Name of the bucket with the compiled code, where a job compiles.
    """
    template = pod_template(plan, claim)
    if plan.compiled:
        template["spec"]["initContainers"] = [fetching(plan.compiled, plan.cache_path, bucket)]
    return {
        "replicas": plan.replicas,
        "progressDeadlineSeconds": plan.cold_start.deadline_seconds + plan.grace_seconds,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "selector": {"matchLabels": labels(plan)},
        "template": patched(template, plan.landing.pod),
    }


def service_spec(plan: ServerPlan) -> dict[str, Any]:
    """Spec of the Service: inside the cluster only."""
    ports = [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    return {"type": "ClusterIP", "selector": labels(plan), "ports": ports}


def disruption_spec(plan: ServerPlan) -> dict[str, Any]:
    """Spec of the PodDisruptionBudget: upgrades take one replica at a time, after it has drained."""
    return {"maxUnavailable": 1, "selector": {"matchLabels": labels(plan)}}


def network_policy_spec(plan: ServerPlan) -> dict[str, Any]:
    """Spec of the NetworkPolicy: pods of this cluster may ask on the serving port, nobody on any other."""
    ingress = [{"from": [{"namespaceSelector": {}}], "ports": [{"port": plan.port, "protocol": "TCP"}]}]
    return {"podSelector": {"matchLabels": labels(plan)}, "policyTypes": ["Ingress"], "ingress": ingress}


def pod_template(plan: ServerPlan, claim: Any) -> dict[str, Any]:
    """A pod with the server, before what its silicon asks for is laid over it."""
    return {
        "metadata": {"labels": labels(plan), "annotations": _declared(plan)},
        "spec": {
            "serviceAccountName": plan.key,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": plan.grace_seconds,
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [_container(plan)],
            "volumes": [{"name": "cache", "emptyDir": {}}, *_weights_volume(plan, claim)],
        },
    }


def _declared(plan: ServerPlan) -> dict[str, str]:
    """The planned waits, for whoever judges deadlines without knowing the plan: a rehearsal, or a policy."""
    return {
        "polysilicon.dev/cold-start-seconds": str(plan.cold_start.seconds),
        "polysilicon.dev/container-start-seconds": str(plan.cold_start.container_seconds),
    }


def _container(plan: ServerPlan) -> dict[str, Any]:
    asked = {"cpu": f"{plan.cpu_millicores}m", "memory": f"{plan.memory_gib}Gi"}
    container: dict[str, Any] = {
        "name": "server",
        "image": plan.image,
        "args": list(plan.args),
        "env": [{"name": name, "value": value} for name, value in plan.env.items()],
        "ports": [{"name": "http", "containerPort": plan.port, "protocol": "TCP"}],
        "resources": {"requests": asked, "limits": {"memory": asked["memory"]}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "cache", "mountPath": plan.cache_path}, *_weights_mount(plan)],
        "lifecycle": {"preStop": {"exec": {"command": _before_stop(plan)}}},
        **_probes(plan),
    }
    return {**container, "command": list(plan.command)} if plan.command else container


def _weights_volume(plan: ServerPlan, claim: Any) -> list[dict[str, Any]]:
    if plan.weights is None:
        return []
    return [{"name": "weights", "persistentVolumeClaim": {"claimName": claim, "readOnly": True}}]


def _weights_mount(plan: ServerPlan) -> list[dict[str, Any]]:
    return [{"name": "weights", "mountPath": plan.weights.path, "readOnly": True}] if plan.weights else []


def _before_stop(plan: ServerPlan) -> list[str]:
    """A pod that is told to stop first leaves the load balancers, then finishes what it has."""
    if plan.drains_itself:
        return ["sleep", str(plan.settle_seconds)]
    script = (resources.files("polysilicon.templates") / "drain.py").read_text(encoding="utf-8")
    metrics = f"http://127.0.0.1:{plan.port}/metrics"
    return ["python3", "-c", script, metrics, str(plan.settle_seconds), str(plan.drain_seconds)]


def _probes(plan: ServerPlan) -> dict[str, Any]:
    """The startup probe allows the planned cold start; until it has passed, the others are not asked."""
    ask = {"httpGet": {"path": plan.health_path, "port": "http"}, "periodSeconds": _PROBE_PERIOD_SECONDS}
    allowed = -(-plan.cold_start.startup_deadline_seconds // _PROBE_PERIOD_SECONDS)
    return {
        "startupProbe": {**ask, "failureThreshold": allowed},
        "readinessProbe": {**ask, "failureThreshold": 2, "timeoutSeconds": 5},
        "livenessProbe": {**ask, "failureThreshold": 6, "timeoutSeconds": 10},
    }
