"""The device plugin that offers Neuron chips to pods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from polysilicon.catalog import Catalog, load_catalog
from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.planning.landing import LANDING_LABEL, Landing
from polysilicon.planning.order import Order
from polysilicon.resources import child

_NAMESPACE = "kube-system"
_RULES = (
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["update", "patch", "get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["patch", "update"]},
)
_HOST_PATHS = (
    ("device-plugins", "/var/lib/kubelet/device-plugins", False),
    ("device-map", "/run", False),
    ("aws-config", "/opt/aws", True),
)


@dataclass(frozen=True, kw_only=True)
class NeuronDevicePluginArgs:
    """What a `NeuronDevicePlugin` is made of: the nodes to serve, and their cluster."""

    landing: Landing
    cluster: ClusterRef
    catalog: Catalog | None = None


class NeuronDevicePlugin(pulumi.ComponentResource):
    """AWS's device plugin on the nodes of one landing, and on no others: each pool holds its own version, and no node
    ever has two.

    Its permissions and mounts are those of AWS's own manifest; the container has no capability and cannot gain any.
    """

    def __init__(self, name: str, args: NeuronDevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args.cluster.require(args.landing)
        catalog = args.catalog or load_catalog()
        image = catalog.default("neuron.device_plugin_image")
        super().__init__("polysilicon:index:NeuronDevicePlugin", name, {"landing": args.landing.key}, opts)
        object_name = f"neuron-device-plugin-{name}"
        named = {"name": object_name, "labels": _labels(object_name)}
        options = child(self, {Order.OBJECTS_AFTER_ACCESS: args.cluster.ready}, provider=args.cluster.provider)

        account = k8s.core.v1.ServiceAccount(name, metadata={**named, "namespace": _NAMESPACE}, opts=options)
        role = k8s.rbac.v1.ClusterRole(name, metadata=named, rules=list(_RULES), opts=options)
        binding = k8s.rbac.v1.ClusterRoleBinding(
            name,
            metadata=named,
            role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role.metadata.name},
            subjects=[{"kind": "ServiceAccount", "name": account.metadata.name, "namespace": _NAMESPACE}],
            opts=options,
        )
        k8s.apps.v1.DaemonSet(
            name,
            metadata={**named, "namespace": _NAMESPACE},
            spec=daemon_set_spec(object_name, image, args.landing),
            opts=options,
        )
        self.register_outputs({"daemonSet": object_name, "binding": binding.metadata.name})


def daemon_set_spec(name: str, image: str, landing: Landing) -> dict[str, Any]:
    """The DaemonSet of one landing, as plain Kubernetes data."""
    container = {
        "name": "neuron-device-plugin",
        "image": image,
        "env": [
            {"name": "KUBECONFIG", "value": "/etc/kubernetes/kubelet.conf"},
            {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [_mount(name, path, read_only) for name, path, read_only in _HOST_PATHS],
    }
    return {
        "selector": {"matchLabels": _labels(name)},
        "updateStrategy": {"type": "RollingUpdate"},
        "template": {
            "metadata": {"labels": _labels(name)},
            "spec": {
                "serviceAccountName": name,
                "priorityClassName": "system-node-critical",
                "nodeSelector": {LANDING_LABEL: landing.key},
                "tolerations": [
                    {"key": "CriticalAddonsOnly", "operator": "Exists"},
                    *(dict(toleration) for toleration in landing.pod.tolerations),
                ],
                "containers": [container],
                "volumes": [{"name": name, "hostPath": {"path": path}} for name, path, _ in _HOST_PATHS],
            },
        },
    }


def _labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "neuron-device-plugin", "app.kubernetes.io/instance": name}


def _mount(name: str, path: str, read_only: bool) -> dict[str, Any]:
    mount: dict[str, Any] = {"name": name, "mountPath": path}
    return {**mount, "readOnly": True} if read_only else mount
