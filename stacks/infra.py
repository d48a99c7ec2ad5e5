"""The layer of clusters and pools."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
import pulumi_kubernetes as k8s

from polysilicon.catalog import Catalog
from polysilicon.errors import UserError, one_of
from polysilicon.kubernetes import (
    ClusterRef,
    GpuOperator,
    GpuOperatorArgs,
    ImageWires,
    NeuronScheduler,
    NeuronSchedulerArgs,
    StoreWires,
)
from polysilicon.kubernetes.compilation import ACCOUNT
from polysilicon.planning.fleet import FleetPlan, budgeted, images_of, stored_servers
from polysilicon.planning.images import plan_image_cache
from polysilicon.planning.pool_parts import EksPoolPlan
from polysilicon.planning.serving import ServerPlan
from polysilicon.specs import (
    ClusterSpec,
    EksClusterSpec,
    EksGpuPoolSpec,
    EksNetworkSpec,
    ExistingEksClusterSpec,
    ExistingEksNetworkSpec,
    FleetSpec,
    GkeClusterSpec,
    NeuronPoolSpec,
    PoolSpec,
    SingleNodeServerSpec,
    TpuSlicePoolSpec,
)

if TYPE_CHECKING:
    import pulumi_aws

    from polysilicon.aws import EksCluster, ExistingEksCluster, NetworkWires, S3WeightStore

    AnyEksCluster = EksCluster | ExistingEksCluster


@dataclass(frozen=True)
class Infra:
    """A cluster, as its model servers know it."""

    cluster: ClusterRef
    kubeconfig: pulumi.Output[str]
    stores: Mapping[str, StoreWires] = field(default_factory=dict)
    """The store of weights and compiled code, for each model that reads from it."""
    images: ImageWires | None = None
    """The cache of images."""


def deploy_infra(fleet: FleetSpec, plan: FleetPlan, catalog: Catalog) -> dict[str, Infra]:
    """Deploys the clusters with their pools and stores, and servers without a cluster; exports how to reach them."""
    servers = {key: _server(key, spec, fleet, catalog) for key, spec in fleet.servers.items()}
    if servers:
        pulumi.export("servers", servers)
    deployed = {key: _cluster(key, spec, fleet, plan, catalog) for key, spec in fleet.clusters.items()}
    pulumi.export("kubeconfigs", {key: infra.kubeconfig for key, infra in deployed.items()})
    buckets = {key: wires.bucket for infra in deployed.values() for key, wires in infra.stores.items()}
    if buckets:
        pulumi.export("stores", buckets)
    images = {key: infra.images.references for key, infra in deployed.items() if infra.images}
    if images:
        pulumi.export("images", images)
    return deployed


def referenced_infra(fleet: FleetSpec, plan: FleetPlan) -> dict[str, Infra]:
    """The clusters and stores of the stack that holds the layer."""
    stack = pulumi.StackReference("infra", stack_name=fleet.infra_stack)
    return {key: _referenced(key, stack, fleet, plan) for key in fleet.clusters}


def _referenced(key: str, stack: pulumi.StackReference, fleet: FleetSpec, plan: FleetPlan) -> Infra:
    kubeconfig = _of(stack.require_output("kubeconfigs"), "cluster", key, fleet)
    models = stored_servers(plan, key)
    buckets = stack.get_output("stores").apply(lambda exported: exported or {})
    stores = {model: StoreWires(bucket=_of(buckets, "store of model", model, fleet)) for model in models}
    images = _referenced_images(key, stack, fleet, plan)
    return Infra(ClusterRef(key=key, provider=_provider(key, kubeconfig)), kubeconfig, stores, images)


def _referenced_images(key: str, stack: pulumi.StackReference, fleet: FleetSpec, plan: FleetPlan) -> ImageWires | None:
    spec = fleet.clusters[key]
    if not isinstance(spec, EksClusterSpec) or spec.images is None:
        return None
    exported = stack.get_output("images").apply(lambda images: (images or {}).get(key, {}))
    cached = plan_image_cache(spec.images, images_of(plan, key)).images
    return ImageWires(references={each.image: _of(exported, "cached image", each.image, fleet) for each in cached})


def _of(exports: pulumi.Output[dict[str, str]], noun: str, key: str, fleet: FleetSpec) -> pulumi.Output[str]:
    def named(exported: dict[str, str]) -> str:
        if key not in exported:
            problem = f"{fleet.infra_stack} exports no {noun} {key!r}"
            fix = one_of(exported, key) if exported else "run `pulumi up` there with the same fleet first"
            raise UserError(f"polysilicon:fleet.infra_stack: {problem}\n  fix: {fix}")
        return exported[key]

    return exports.apply(named)


def _cluster(key: str, spec: ClusterSpec, fleet: FleetSpec, plan: FleetPlan, catalog: Catalog) -> Infra:
    if isinstance(spec, GkeClusterSpec):
        return _gke(key, spec, fleet, catalog)
    return _eks(key, spec, fleet, plan, catalog)


def _eks(
    key: str,
    spec: EksClusterSpec | ExistingEksClusterSpec,
    fleet: FleetSpec,
    plan: FleetPlan,
    catalog: Catalog,
) -> Infra:
    from polysilicon import aws

    provider, tags = _account(key, spec, fleet)
    on_aws = pulumi.ResourceOptions(providers=[provider])
    cluster = _eks_cluster(key, spec, plan, tags, provider, catalog)
    ref = ClusterRef(key=key, provider=_provider(key, cluster.kubeconfig), ready=cluster.ready)
    _device_software(key, plan, ref, catalog)
    karpenter = None
    if any(pool.elastic for pool in _eks_plans(key, plan)):
        args = aws.KarpenterArgs(home=cluster.home, cluster=ref, tags=tags, catalog=catalog)
        karpenter = aws.Karpenter(key, args, on_aws).wires
    for name, pool in _pools_of(key, fleet).items():
        if isinstance(pool, NeuronPoolSpec):
            aws.NeuronPool(
                name,
                aws.NeuronPoolArgs(
                    spec=pool, home=cluster.home, cluster=ref, karpenter=karpenter, tags=tags, catalog=catalog
                ),
                on_aws,
            )
        elif isinstance(pool, EksGpuPoolSpec):
            aws.EksGpuPool(
                name,
                aws.EksGpuPoolArgs(
                    spec=pool, home=cluster.home, cluster=ref, karpenter=karpenter, tags=tags, catalog=catalog
                ),
                on_aws,
            )
    if isinstance(spec, ExistingEksClusterSpec):
        return Infra(ref, cluster.kubeconfig)
    stores = _stores(key, spec, plan, cluster, tags, on_aws)
    return Infra(ref, cluster.kubeconfig, stores, _images(key, spec, plan, cluster, tags, on_aws))


def _images(
    key: str,
    spec: EksClusterSpec,
    plan: FleetPlan,
    cluster: "AnyEksCluster",
    tags: Mapping[str, str],
    on_aws: pulumi.ResourceOptions,
) -> ImageWires | None:
    from polysilicon import aws

    if spec.images is None:
        return None
    key_arn, images = cluster.home.disk_key_arn, images_of(plan, key)
    args = aws.EcrImageCacheArgs(spec=spec.images, images=images, key_arn=key_arn, tags=tags)
    cache = aws.EcrImageCache(key, args, on_aws)
    return ImageWires(references=cache.references, ready=cache.ready)


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
    network = _aws_network(key, spec.network, plan.clusters[key].zones, tags, provider)
    return aws.EksCluster(key, aws.EksClusterArgs(spec=spec, network=network, tags=tags, catalog=catalog), on_aws)


def _server(key: str, spec: SingleNodeServerSpec, fleet: FleetSpec, catalog: Catalog) -> dict[str, pulumi.Input[str]]:
    from polysilicon import aws

    provider, tags = _account(key, spec, fleet)
    network = _aws_network(key, spec.network, spec.network.zones, tags, provider)
    args = aws.SingleNodeServerArgs(spec=spec, network=network, tags=tags, catalog=catalog)
    server = aws.SingleNodeServer(key, args, pulumi.ResourceOptions(providers=[provider]))
    endpoint = server.private_ip.apply(lambda address: f"http://{address}:{server.port}/v1")
    return {"instance": server.instance_id, "endpoint": endpoint}


def _account(
    key: str, spec: EksClusterSpec | ExistingEksClusterSpec | SingleNodeServerSpec, fleet: FleetSpec
) -> tuple["pulumi_aws.Provider", dict[str, str]]:
    """The provider of what is made under one key, and its tags; with the account's budget, if this key has it."""
    import pulumi_aws

    from polysilicon import aws

    provider = pulumi_aws.Provider(
        f"{key}-aws", region=spec.region, allowed_account_ids=[spec.account] if spec.account else None
    )
    tags = aws.owner_tags(fleet.owner, pulumi.get_stack())
    if fleet.budget is not None and key in budgeted(fleet):
        args = aws.AwsBudgetArgs(spec=fleet.budget, owner=fleet.owner, tags=tags)
        budget = aws.AwsBudget(key, args, pulumi.ResourceOptions(providers=[provider]))
        if budget.topic_arn is not None:
            pulumi.export(f"{key}-alerts", budget.topic_arn)
    return provider, tags


def _aws_network(
    key: str,
    spec: EksNetworkSpec | ExistingEksNetworkSpec,
    zones: tuple[str, ...],
    tags: Mapping[str, str],
    provider: "pulumi_aws.Provider",
) -> "NetworkWires":
    from polysilicon import aws

    if isinstance(spec, ExistingEksNetworkSpec):
        return aws.existing_network(spec, provider)
    on_aws = pulumi.ResourceOptions(providers=[provider])
    return aws.EksNetwork(key, aws.EksNetworkArgs(spec=spec, zones=zones, tags=tags), on_aws).wires


def _gke(key: str, spec: GkeClusterSpec, fleet: FleetSpec, catalog: Catalog) -> Infra:
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
    for name, pool in _pools_of(key, fleet).items():
        if isinstance(pool, TpuSlicePoolSpec):
            args = gcp.TpuSlicePoolArgs(spec=pool, home=cluster.home, labels=labels, catalog=catalog)
            gcp.TpuSlicePool(name, args, on_gcp)
    ref = ClusterRef(key=key, provider=_provider(key, cluster.kubeconfig), ready=cluster.ready)
    return Infra(ref, cluster.kubeconfig)


def _eks_plans(cluster: str, plan: FleetPlan) -> list[EksPoolPlan]:
    return [pool for pool in plan.pools.values() if isinstance(pool, EksPoolPlan) and pool.cluster == cluster]


def _device_software(key: str, plan: FleetPlan, ref: ClusterRef, catalog: Catalog) -> None:
    """What a cluster needs once for the way in which its pools share their devices."""
    if any(pool.sharing is not None and pool.sharing.kind == "mig" for pool in _eks_plans(key, plan)):
        GpuOperator(key, GpuOperatorArgs(cluster=ref, catalog=catalog))
    if any(pool.landing.pod.scheduler_name for pool in _eks_plans(key, plan)):
        NeuronScheduler(key, NeuronSchedulerArgs(cluster=ref, catalog=catalog))


def _pools_of(cluster: str, fleet: FleetSpec) -> Mapping[str, PoolSpec]:
    return {name: pool for name, pool in fleet.pools.items() if pool.cluster == cluster}


def _provider(key: str, kubeconfig: pulumi.Input[str]) -> k8s.Provider:
    """The one provider of a cluster. Its identifier keeps objects in place while the kubeconfig is not known yet."""
    return k8s.Provider(key, kubeconfig=kubeconfig, cluster_identifier=key, enable_server_side_apply=True)
