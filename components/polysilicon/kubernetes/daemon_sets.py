"""DaemonSets on the nodes of one landing and on no others, as plain Kubernetes data.

Each pool holds its own versions. In a cluster of ours no node has two plugins for one device; in one that is there, its
owner's may come to these nodes as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.kubernetes.images import from_cache
from polysilicon.planning.landing import LANDING_LABEL, Landing
from polysilicon.planning.order import Order
from polysilicon.resources import child

NAMESPACE = "kube-system"


@dataclass(frozen=True)
class HostPath:
    """A folder of the node that a container sees."""

    name: str
    path: str
    read_only: bool = False
    type: str | None = None
    """What Kubernetes looks for there first, such as DirectoryOrCreate. By default nothing."""


@dataclass(frozen=True, kw_only=True)
class Agent:
    """A container that runs once on each node of a landing."""

    app: str
    """What it is, such as nvidia-device-plugin; with the pool's name it is the object's name."""
    image: str
    command: Sequence[str] = ()
    args: Sequence[str] = ()
    env: Sequence[Mapping[str, Any]] = ()
    paths: Sequence[HostPath] = ()
    volumes: Sequence[Mapping[str, Any]] = ()
    """Further volumes of the pod."""
    mounts: Sequence[Mapping[str, Any]] = ()
    """Where the container has them."""
    metrics_port: int | None = None
    """Where it tells its measurements."""
    probes: Mapping[str, Any] = field(default_factory=dict)
    """Probes of the container, by their names in Kubernetes. By default none: it is ready when it runs."""
    security: Mapping[str, Any] = field(
        default_factory=lambda: {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    )
    resources: Mapping[str, Any] = field(default_factory=dict)
    service_account: str | None = None
    """Account with rights in the cluster. By default the pod has no token at all."""
    host_network: bool = False


def object_name(agent: Agent, landing: Landing) -> str:
    """Name of an agent's objects on one landing."""
    return f"{agent.app}-{landing.key}"


def agent_labels(agent: Agent, landing: Landing) -> dict[str, str]:
    """Labels of an agent's objects; they select its pods."""
    return {"app.kubernetes.io/name": agent.app, "app.kubernetes.io/instance": object_name(agent, landing)}


def daemon_set_spec(agent: Agent, landing: Landing) -> dict[str, Any]:
    """The DaemonSet of an agent on one landing."""
    labels = agent_labels(agent, landing)
    return {
        "selector": {"matchLabels": labels},
        "updateStrategy": {"type": "RollingUpdate"},
        "template": {"metadata": {"labels": labels}, "spec": _pod(agent, landing)},
    }


def daemon_set(
    parent: pulumi.Resource, name: str, agent: Agent, landing: Landing, cluster: ClusterRef
) -> k8s.apps.v1.DaemonSet:
    """Puts the agent on the nodes of the landing."""
    return k8s.apps.v1.DaemonSet(
        name,
        metadata={
            "name": object_name(agent, landing),
            "labels": agent_labels(agent, landing),
            "namespace": NAMESPACE,
        },
        spec=from_cache(daemon_set_spec(agent, landing), cluster.images),
        opts=child(parent, {Order.OBJECTS_AFTER_ACCESS: cluster.ready}, provider=cluster.provider),
    )


def metrics_service(
    parent: pulumi.Resource, name: str, agent: Agent, landing: Landing, cluster: ClusterRef
) -> k8s.core.v1.Service:
    """A headless Service of the agent's pods, so that Prometheus finds each one: an answer for all would be of one
    node."""
    ports = [{"name": "metrics", "port": agent.metrics_port, "targetPort": "metrics", "protocol": "TCP"}]
    return k8s.core.v1.Service(
        name,
        metadata={
            "name": object_name(agent, landing),
            "labels": agent_labels(agent, landing),
            "namespace": NAMESPACE,
        },
        spec={"clusterIP": "None", "selector": agent_labels(agent, landing), "ports": ports},
        opts=child(parent, {Order.OBJECTS_AFTER_ACCESS: cluster.ready}, provider=cluster.provider),
    )


def _pod(agent: Agent, landing: Landing) -> dict[str, Any]:
    account: dict[str, Any] = {"automountServiceAccountToken": False}
    if agent.service_account:
        account = {"serviceAccountName": agent.service_account}
    return {
        **account,
        **({"hostNetwork": True} if agent.host_network else {}),
        "priorityClassName": "system-node-critical",
        "nodeSelector": {LANDING_LABEL: landing.key},
        "tolerations": [
            {"key": "CriticalAddonsOnly", "operator": "Exists"},
            *(dict(toleration) for toleration in landing.pod.tolerations),
        ],
        "containers": [_container(agent)],
        "volumes": [*(_volume(path) for path in agent.paths), *(dict(volume) for volume in agent.volumes)],
    }


def _container(agent: Agent) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": agent.app,
        "image": agent.image,
        "securityContext": dict(agent.security),
        "volumeMounts": [*(_mount(path) for path in agent.paths), *(dict(mount) for mount in agent.mounts)],
    }
    optional = {
        "command": list(agent.command),
        "args": list(agent.args),
        "env": [dict(variable) for variable in agent.env],
        "resources": dict(agent.resources),
    }
    if agent.metrics_port:
        container["ports"] = [{"name": "metrics", "containerPort": agent.metrics_port, "protocol": "TCP"}]
    return {**container, **{key: value for key, value in optional.items() if value}, **agent.probes}


def _volume(path: HostPath) -> dict[str, Any]:
    host: dict[str, Any] = {"path": path.path}
    return {"name": path.name, "hostPath": {**host, "type": path.type} if path.type else host}


def _mount(path: HostPath) -> dict[str, Any]:
    mount: dict[str, Any] = {"name": path.name, "mountPath": path.path}
    return {**mount, "readOnly": True} if path.read_only else mount
