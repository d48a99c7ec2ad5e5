"""Clusters and pools on EKS."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pulumi
from accounts import account_of, network_of
from wires import Infra, kubernetes_provider, pools_of

from polysilicon.catalog import Catalog
from polysilicon.kubernetes import (
    ClusterRef,
    GpuOperator,
    GpuOperatorArgs,
    Images,
    NeuronScheduler,
    NeuronSchedulerArgs,
    StoreWires,
)
from polysilicon.kubernetes.compilation import ACCOUNT
from polysilicon.planning.fleet import FleetPlan, cached_images, eks_pools, stored_servers
from polysilicon.planning.serving import ServerPlan
from polysilicon.specs import (
    EksClusterSpec,
    EksGpuPoolSpec,
    ExistingEksClusterSpec,
    FleetSpec,
    NeuronPoolSpec,
)

if TYPE_CHECKING:
    import pulumi_aws

    from polysilicon.aws import EksCluster, ExistingEksCluster, S3WeightStore

    AnyEksCluster = EksCluster | ExistingEksCluster


def deploy_eks(
    key: str,
    spec: EksClusterSpec | ExistingEksClusterSpec,
    fleet: FleetSpec,
    plan: FleetPlan,
    catalog: Catalog,
) -> Infra:
    """A cluster with its network, pools, store and cache of images."""
    from polysilicon import aws

    provider, tags = account_of(key, spec, fleet)
    on_aws = pulumi.ResourceOptions(providers=[provider])
    cluster = _eks_cluster(key, spec, plan, tags, provider, catalog)
    ref = ClusterRef(key=key, provider=kubernetes_provider(key, cluster.kubeconfig), ready=cluster.ready)
    ref = replace(ref, images=_images(key, spec, plan, cluster, ref, tags, catalog, on_aws))
    _device_software(key, plan, ref, catalog)
    karpenter = None
    if any(pool.elastic for pool in eks_pools(plan, key)):
        args = aws.KarpenterArgs(home=cluster.home, cluster=ref, tags=tags, catalog=catalog)
        karpenter = aws.Karpenter(key, args, on_aws).wires
    wires: dict[str, Any] = {"home": cluster.home, "cluster": ref, "karpenter": karpenter}
    wires |= {"tags": tags, "catalog": catalog}
    for name, pool in pools_of(key, fleet).items():
        if isinstance(pool, NeuronPoolSpec):
            aws.NeuronPool(name, aws.NeuronPoolArgs(spec=pool, **wires), on_aws)
        elif isinstance(pool, EksGpuPoolSpec):
            aws.EksGpuPool(name, aws.EksGpuPoolArgs(spec=pool, **wires), on_aws)
    if isinstance(spec, ExistingEksClusterSpec):
        return Infra(ref, cluster.kubeconfig)
    return Infra(ref, cluster.kubeconfig, _stores(key, spec, plan, cluster, tags, on_aws))


def _eks_cluster(
    key: str,
    spec: EksClusterSpec | ExistingEksClusterSpec,
    plan: FleetPlan,
    tags: Mapping[str, str],
    provider: "pulumi_aws.Provider",
    catalog: Catalog,
) -> "AnyEksCluster":
    from polysilicon import aws

    on_aws = pulumi.ResourceOptions(providers=[provider])
    if isinstance(spec, ExistingEksClusterSpec):
        return aws.ExistingEksCluster(key, aws.ExistingEksClusterArgs(spec=spec, tags=tags, catalog=catalog), on_aws)
    network = network_of(key, spec.network, plan.clusters[key].zones, tags, provider)
    return aws.EksCluster(key, aws.EksClusterArgs(spec=spec, network=network, tags=tags, catalog=catalog), on_aws)


def _device_software(key: str, plan: FleetPlan, ref: ClusterRef, catalog: Catalog) -> None:
    """What a cluster needs once for the way in which its pools share their devices."""
    if any(pool.sharing is not None and pool.sharing.kind == "mig" for pool in eks_pools(plan, key)):
        GpuOperator(key, GpuOperatorArgs(cluster=ref, catalog=catalog))
    if any(pool.landing.pod.scheduler_name for pool in eks_pools(plan, key)):
        NeuronScheduler(key, NeuronSchedulerArgs(cluster=ref, catalog=catalog))


def _stores(
    key: str,
    spec: EksClusterSpec,
    plan: FleetPlan,
    cluster: "AnyEksCluster",
    tags: Mapping[str, str],
    on_aws: pulumi.ResourceOptions,
) -> dict[str, StoreWires]:
    """The store of a cluster, and the rights of each model in it: those of its own files."""
    from polysilicon import aws

    if spec.weights is None:
        return {}
    store = aws.S3WeightStore(key, aws.S3WeightStoreArgs(spec=spec.weights, region=spec.region, tags=tags), on_aws)
    models = stored_servers(plan, key)
    driver = []
    if any(server.weights for server in models.values()):
        args = aws.S3DriverArgs(home=cluster.home, nodes_ready=cluster.ready, tags=tags)
        driver = [aws.S3Driver(key, args, on_aws).addon]
    return {
        model: StoreWires(bucket=store.bucket, ready=[*driver, *_rights(store, server, cluster)])
        for model, server in models.items()
    }


def _rights(store: "S3WeightStore", server: ServerPlan, cluster: "AnyEksCluster") -> list[pulumi.Resource]:
    """What a server may read, and what the job that compiles for it may write."""
    key, name = server.key, cluster.cluster_name
    weights = [server.weights.prefix] if server.weights else []
    if server.compiled is None:
        return store.grant(key, name, key, key, read=weights)
    compiled, job = server.compiled.prefix, ACCOUNT.format(key)
    reader = store.grant(key, name, key, key, read=[*weights, compiled])
    return [*reader, *store.grant(job, name, key, job, read=weights, write=[compiled])]


def _images(
    key: str,
    spec: EksClusterSpec | ExistingEksClusterSpec,
    plan: FleetPlan,
    cluster: "AnyEksCluster",
    ref: ClusterRef,
    tags: Mapping[str, str],
    catalog: Catalog,
    on_aws: pulumi.ResourceOptions,
) -> Images:
    """What a cluster's images are called in its cache, if it has one."""
    from polysilicon import aws

    if isinstance(spec, ExistingEksClusterSpec) or spec.images is None:
        return {}
    images = cached_images(plan, key, catalog)
    wires: dict[str, Any] = {"home": cluster.home, "cluster": ref, "tags": tags, "catalog": catalog}
    return aws.EcrImageCache(key, aws.EcrImageCacheArgs(spec=spec.images, images=images, **wires), on_aws).references
