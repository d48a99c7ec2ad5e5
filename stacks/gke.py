"""Clusters and pools on Google Cloud."""

import pulumi
from wires import Infra, kubernetes_provider, pools_of

from polysilicon.catalog import Catalog
from polysilicon.kubernetes import ClusterRef
from polysilicon.specs import FleetSpec, GkeClusterSpec, TpuSlicePoolSpec


def deploy_gke(key: str, spec: GkeClusterSpec, fleet: FleetSpec, catalog: Catalog) -> Infra:
    """A cluster with its network and pools."""
    import pulumi_gcp

    from polysilicon import gcp

    on_gcp = pulumi.ResourceOptions(
        providers=[pulumi_gcp.Provider(f"{key}-gcp", project=spec.project, region=spec.region)]
    )
    labels = gcp.owner_labels(fleet.owner, pulumi.get_stack())
    network = gcp.GkeNetwork(
        key, gcp.GkeNetworkArgs(spec=spec.network, project=spec.project, region=spec.region), on_gcp
    )
    cluster = gcp.GkeCluster(
        key, gcp.GkeClusterArgs(spec=spec, network=network.wires, labels=labels, catalog=catalog), on_gcp
    )
    for name, pool in pools_of(key, fleet).items():
        if isinstance(pool, TpuSlicePoolSpec):
            args = gcp.TpuSlicePoolArgs(spec=pool, home=cluster.home, labels=labels, catalog=catalog)
            gcp.TpuSlicePool(name, args, on_gcp)
    ref = ClusterRef(key=key, provider=kubernetes_provider(key, cluster.kubeconfig), ready=cluster.ready)
    return Infra(ref, cluster.kubeconfig)
