"""What nodes with Neuron chips run: the plugin that offers the chips to pods, and the monitor that measures them."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from polysilicon.catalog import Catalog, load_catalog
from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.kubernetes.daemon_sets import NAMESPACE, Agent, HostPath, daemon_set, metrics_service, object_name
from polysilicon.planning.landing import Landing
from polysilicon.planning.order import Order
from polysilicon.resources import child

_RULES = (
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["update", "patch", "get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["patch", "update"]},
)
_MONITOR_PORT = 8000


@dataclass(frozen=True, kw_only=True)
class NeuronDevicePluginArgs:
    """What a `NeuronDevicePlugin` is made of: the nodes to serve, and their cluster."""

    landing: Landing
    cluster: ClusterRef
    catalog: Catalog | None = None


class NeuronDevicePlugin(pulumi.ComponentResource):
    """AWS's device plugin on the nodes of one landing.

    Its permissions and mounts are those of AWS's own manifest; the container has no capability and cannot gain any.
    """

    def __init__(self, name: str, args: NeuronDevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args.cluster.require(args.landing)
        agent = _plugin(args.landing, args.catalog or load_catalog())
        super().__init__("polysilicon:index:NeuronDevicePlugin", name, {"landing": args.landing.key}, opts)
        called = object_name(agent, args.landing)
        named = {"name": called, "labels": {"app.kubernetes.io/name": agent.app, "app.kubernetes.io/instance": called}}
        options = child(self, {Order.OBJECTS_AFTER_ACCESS: args.cluster.ready}, provider=args.cluster.provider)

        account = k8s.core.v1.ServiceAccount(name, metadata={**named, "namespace": NAMESPACE}, opts=options)
        role = k8s.rbac.v1.ClusterRole(name, metadata=named, rules=list(_RULES), opts=options)
        binding = k8s.rbac.v1.ClusterRoleBinding(
            name,
            metadata=named,
            role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role.metadata.name},
            subjects=[{"kind": "ServiceAccount", "name": account.metadata.name, "namespace": NAMESPACE}],
            opts=options,
        )
        daemon_set(self, name, agent, args.landing, args.cluster)
        self.register_outputs({"daemonSet": called, "binding": binding.metadata.name})


@dataclass(frozen=True, kw_only=True)
class NeuronMonitorArgs:
    """What a `NeuronMonitor` is made of: the nodes to measure, and their cluster."""

    landing: Landing
    cluster: ClusterRef
    catalog: Catalog | None = None


class NeuronMonitor(pulumi.ComponentResource):
    """AWS's exporter of Neuron metrics on the nodes of one landing: Prometheus finds them by the headless Service
    `neuron-monitor-<pool>` in kube-system, port 8000.

    It is privileged, as in AWS's own manifest: it reads the driver of the node.
    """

    def __init__(self, name: str, args: NeuronMonitorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args.cluster.require(args.landing)
        agent = _monitor(args.catalog or load_catalog())
        super().__init__("polysilicon:index:NeuronMonitor", name, {"landing": args.landing.key}, opts)
        # A resource of Pulumi's is told from the device plugin's by its name.
        daemon_set(self, f"{name}-monitor", agent, args.landing, args.cluster)
        metrics_service(self, f"{name}-monitor", agent, args.landing, args.cluster)
        called = object_name(agent, args.landing)
        self.register_outputs({"daemonSet": called, "service": called, "port": _MONITOR_PORT})


def _plugin(landing: Landing, catalog: Catalog) -> Agent:
    """What it asks for is this project's choice; AWS's manifest says nothing of it."""
    app = "neuron-device-plugin"
    return Agent(
        app=app,
        image=catalog.default("neuron.device_plugin_image"),
        env=(
            {"name": "KUBECONFIG", "value": "/etc/kubernetes/kubelet.conf"},
            {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ),
        paths=(
            HostPath("device-plugins", "/var/lib/kubelet/device-plugins"),
            HostPath("device-map", "/run"),
            HostPath("aws-config", "/opt/aws", read_only=True),
        ),
        resources={"requests": {"cpu": "10m", "memory": "64Mi"}},
        service_account=f"{app}-{landing.key}",
    )


def _monitor(catalog: Catalog) -> Agent:
    """Command, ports and resources are those of aws-neuron/aws-neuron-sdk@81ce03a
    src/k8/k8s-neuron-monitor-daemonset.yml."""
    return Agent(
        app="neuron-monitor",
        image=catalog.default("neuron.monitor_image"),
        command=("/opt/bin/entrypoint.sh",),
        args=(
            "--port",
            str(_MONITOR_PORT),
            "--neuron-monitor-config",
            "/opt/aws/neuron/bin/neuron-monitor.conf",
        ),
        env=({"name": "GOMEMLIMIT", "value": "160MiB"},),
        metrics_port=_MONITOR_PORT,
        security={"privileged": True},
        resources={"requests": {"cpu": "256m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
    )
