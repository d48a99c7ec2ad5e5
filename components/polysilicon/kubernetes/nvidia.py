"""What nodes with NVIDIA GPUs run: the plugin that offers them to pods, the exporter that measures them, and for GPUs
that are cut by MIG NVIDIA's operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml

from polysilicon.catalog import Catalog, load_catalog
from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.kubernetes.daemon_sets import (
    NAMESPACE,
    Agent,
    HostPath,
    agent_labels,
    daemon_set,
    metrics_service,
    object_name,
)
from polysilicon.kubernetes.images import Images
from polysilicon.planning.images import require_operator_images
from polysilicon.planning.landing import Landing
from polysilicon.planning.order import Order
from polysilicon.resources import child
from polysilicon.specs import GpuSharing, TimeSlicing, WholeGpus

_METRICS_PORT = 9400
_CONFIG_PATH = "/config"
_WHOLE = WholeGpus(kind="whole")
_FEATURES = "node-feature-discovery"
_OPERATOR_PARTS = {
    "operator": "nvidia.operator_image",
    "validator": "nvidia.operator_image",
    "devicePlugin": "nvidia.operator_device_plugin_image",
    "gfd": "nvidia.operator_device_plugin_image",
    "dcgmExporter": "nvidia.operator_dcgm_exporter_image",
    "migManager": "nvidia.operator_mig_manager_image",
    _FEATURES: "nvidia.operator_features_image",
}
"""What the operator runs, by the chart's word for it, and the image that it runs."""


@dataclass(frozen=True, kw_only=True)
class NvidiaDevicePluginArgs:
    """What an `NvidiaDevicePlugin` is made of.

    Attributes:
        landing: The nodes to serve.
        cluster: Their cluster.
        sharing: How pods share a GPU. By default they do not.
        catalog: The plugin's version. By default the shipped one.
    """

    landing: Landing
    cluster: ClusterRef
    sharing: GpuSharing = _WHOLE
    catalog: Catalog | None = None


class NvidiaDevicePlugin(pulumi.ComponentResource):
    """NVIDIA's device plugin on the nodes of one landing; it waits for no label of feature discovery.

    With time slicing each GPU is offered as many times as pods may share it.
    """

    def __init__(self, name: str, args: NvidiaDevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args.cluster.require(args.landing)
        agent = _plugin(args)
        super().__init__("polysilicon:index:NvidiaDevicePlugin", name, {"landing": args.landing.key}, opts)
        if isinstance(args.sharing, TimeSlicing):
            called = object_name(agent, args.landing)
            k8s.core.v1.ConfigMap(
                name,
                metadata={"name": called, "namespace": NAMESPACE, "labels": agent_labels(agent, args.landing)},
                data={"config.yaml": yaml.safe_dump(sharing_config(args.sharing), sort_keys=False)},
                opts=child(self, {Order.OBJECTS_AFTER_ACCESS: args.cluster.ready}, provider=args.cluster.provider),
            )
        daemon_set(self, name, agent, args.landing, args.cluster)
        self.register_outputs({"daemonSet": object_name(agent, args.landing)})


@dataclass(frozen=True, kw_only=True)
class DcgmExporterArgs:
    """What a `DcgmExporter` is made of: the nodes to measure, and their cluster."""

    landing: Landing
    cluster: ClusterRef
    catalog: Catalog | None = None


class DcgmExporter(pulumi.ComponentResource):
    """NVIDIA's exporter of GPU metrics on the nodes of one landing: Prometheus finds them by the headless Service
    `dcgm-exporter-<pool>` in kube-system, port 9400.

    It has SYS_ADMIN, without which the GPU gives no profiling metrics.
    """

    def __init__(self, name: str, args: DcgmExporterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args.cluster.require(args.landing)
        agent = _exporter(args.catalog or load_catalog())
        super().__init__("polysilicon:index:DcgmExporter", name, {"landing": args.landing.key}, opts)
        # A resource of Pulumi's is told from the device plugin's by its name.
        daemon_set(self, f"{name}-dcgm", agent, args.landing, args.cluster)
        metrics_service(self, f"{name}-dcgm", agent, args.landing, args.cluster)
        called = object_name(agent, args.landing)
        self.register_outputs({"daemonSet": called, "service": called, "port": _METRICS_PORT})


@dataclass(frozen=True, kw_only=True)
class GpuOperatorArgs:
    """What a `GpuOperator` is made of: the cluster, and the catalog with its version."""

    cluster: ClusterRef
    catalog: Catalog | None = None


class GpuOperator(pulumi.ComponentResource):
    """NVIDIA's GPU operator, once in a cluster, for the pools whose GPUs it cuts by MIG. It installs neither driver nor
    container toolkit, which the node images bring, and leaves nodes alone that other pools have labelled so. Its images
    are those that its chart names, or their copies in the cluster's cache."""

    def __init__(self, name: str, args: GpuOperatorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        catalog = args.catalog or load_catalog()
        version = catalog.default("nvidia.gpu_operator_chart")
        if catalog.default("nvidia.operator_image") in args.cluster.images:
            require_operator_images(catalog)
        super().__init__("polysilicon:index:GpuOperator", name, {"version": version}, opts)
        k8s.helm.v3.Release(
            f"{name}-gpu-operator",
            name="gpu-operator",
            chart="gpu-operator",
            version=version,
            repository_opts={"repo": "https://helm.ngc.nvidia.com/nvidia"},
            namespace="gpu-operator",
            create_namespace=True,
            values=operator_values(catalog, args.cluster.images),
            opts=child(self, {Order.OBJECTS_AFTER_ACCESS: args.cluster.ready}, provider=args.cluster.provider),
        )
        self.register_outputs({"version": version})


def operator_values(catalog: Catalog, images: Images) -> dict[str, Any]:
    """Values of the chart on EKS images: NVIDIA/gpu-operator deployments/gpu-operator/values.yaml has all."""
    rows = {part: catalog.default(row) for part, row in _OPERATOR_PARTS.items()}
    located = {part: _located(image, images) for part, image in rows.items() if image in images}
    own: dict[str, dict[str, Any]] = {
        "driver": {"enabled": False},
        "toolkit": {"enabled": False},
        "mig": {"strategy": "single"},
        "dcgmExporter": {"enabled": True, "serviceMonitor": {"enabled": False}},
    }
    features = located.pop(_FEATURES, None)
    if features:
        place = pulumi.Output.concat(features["repository"], "/", features["image"])
        own[_FEATURES] = {"image": {"repository": place, "tag": features["version"]}}
    return {**located, **{part: {**located.get(part, {}), **values} for part, values in own.items()}}


def _located(name: str, images: Images) -> dict[str, pulumi.Output[str]]:
    """An image of a cache as the chart wants it. The digest stands behind the tag: a colon comes before both."""
    tag = name.partition("@")[0].rpartition(":")[2]

    def parts(called: str) -> dict[str, str]:
        place, _, digest = called.partition("@")
        repository, _, image = place.rpartition("/")
        return {"repository": repository, "image": image, "version": f"{tag}@{digest}"}

    found = pulumi.Output.from_input(images[name]).apply(parts)
    return {key: found[key] for key in ("repository", "image", "version")}


def sharing_config(sharing: TimeSlicing) -> dict[str, Any]:
    """Configuration of the device plugin: NVIDIA/k8s-device-plugin README.md. A pod that asks for two shares of a GPU
    would get no more than with one, so it is refused."""
    shares = [{"name": "nvidia.com/gpu", "replicas": sharing.replicas}]
    return {"version": "v1", "sharing": {"timeSlicing": {"failRequestsGreaterThanOne": True, "resources": shares}}}


def _plugin(args: NvidiaDevicePluginArgs) -> Agent:
    """Mounts and rights are those of NVIDIA/k8s-device-plugin deployments/static/nvidia-device-plugin.yml; what it asks
    for is this project's choice, since there it asks for nothing."""
    app = "nvidia-device-plugin"
    shared = isinstance(args.sharing, TimeSlicing)
    replicas = args.sharing.replicas if isinstance(args.sharing, TimeSlicing) else 1
    config = (
        {"name": "CONFIG_FILE", "value": f"{_CONFIG_PATH}/config.yaml"},
        # The plugin reads its file once: a new number must start new pods.
        {"name": "POLYSILICON_REPLICAS", "value": str(replicas)},
    )
    return Agent(
        app=app,
        image=(args.catalog or load_catalog()).default("nvidia.device_plugin_image"),
        env=({"name": "FAIL_ON_INIT_ERROR", "value": "false"}, *(config if shared else ())),
        paths=(HostPath("device-plugins", "/var/lib/kubelet/device-plugins", type="Directory"),),
        volumes=({"name": "config", "configMap": {"name": f"{app}-{args.landing.key}"}},) if shared else (),
        mounts=({"name": "config", "mountPath": _CONFIG_PATH, "readOnly": True},) if shared else (),
        resources={"requests": {"cpu": "10m", "memory": "64Mi"}},
    )


def _exporter(catalog: Catalog) -> Agent:
    """Environment, mounts, rights, probes and resources are those of NVIDIA/dcgm-exporter's chart 4.8.2."""
    healthy = {"httpGet": {"path": "/health", "port": "metrics"}, "initialDelaySeconds": 45}
    return Agent(
        app="dcgm-exporter",
        image=catalog.default("nvidia.dcgm_exporter_image"),
        env=(
            {"name": "DCGM_EXPORTER_LISTEN", "value": f":{_METRICS_PORT}"},
            {"name": "DCGM_EXPORTER_KUBERNETES", "value": "true"},
            {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ),
        paths=(HostPath("pod-resources", "/var/lib/kubelet/pod-resources", read_only=True),),
        metrics_port=_METRICS_PORT,
        security={
            "runAsNonRoot": False,
            "runAsUser": 0,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
        },
        resources={"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "200m", "memory": "512Mi"}},
        probes={"readinessProbe": healthy, "livenessProbe": {**healthy, "periodSeconds": 5}},
    )
