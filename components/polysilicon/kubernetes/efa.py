"""The plugin that offers EFA interfaces to pods."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from polysilicon.catalog import Catalog, load_catalog
from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.kubernetes.daemon_sets import Agent, HostPath, daemon_set, object_name
from polysilicon.planning.landing import Landing


@dataclass(frozen=True, kw_only=True)
class EfaDevicePluginArgs:
    """What an `EfaDevicePlugin` is made of: the nodes to serve, and their cluster."""

    landing: Landing
    cluster: ClusterRef
    catalog: Catalog | None = None


class EfaDevicePlugin(pulumi.ComponentResource):
    """AWS's device plugin for EFA on the nodes of one landing.

    It is privileged, as in AWS's chart since v0.5.9: without that it sees no device. It tolerates the landing's taint,
    which AWS's chart does not: on tainted nodes that never runs. Its image comes from the region's own registry, which
    nodes reach through the network's endpoint for ECR.
    """

    def __init__(self, name: str, args: EfaDevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        args.cluster.require(args.landing)
        agent = _plugin(args.landing.region, args.catalog or load_catalog())
        super().__init__("polysilicon:index:EfaDevicePlugin", name, {"landing": args.landing.key}, opts)
        # A resource of Pulumi's is told from other plugins' by its name.
        daemon_set(self, f"{name}-efa", agent, args.landing, args.cluster)
        self.register_outputs({"daemonSet": object_name(agent, args.landing)})


def _plugin(region: str, catalog: Catalog) -> Agent:
    """Mounts, network and rights are those of aws/eks-charts stable/aws-efa-k8s-device-plugin."""
    return Agent(
        app="efa-device-plugin",
        image=catalog.default("efa.device_plugin_image")
        .replace("{account}", catalog.eks_account(region))
        .replace("{region}", region),
        paths=(
            HostPath("device-plugin", "/var/lib/kubelet/device-plugins"),
            HostPath("infiniband", "/dev/infiniband"),
            HostPath("neuron-tools", "/opt/aws/neuron", type="DirectoryOrCreate"),
        ),
        host_network=True,
        security={"privileged": True, "runAsUser": 0},
        resources={"requests": {"cpu": "10m", "memory": "20Mi"}},
    )
