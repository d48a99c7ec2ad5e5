"""The layer of clusters, pools and servers without a cluster."""

import pulumi
from eks import deploy_eks
from gke import deploy_gke
from server import deploy_server
from wires import Infra, kubernetes_provider

from polysilicon.catalog import Catalog
from polysilicon.errors import UserError
from polysilicon.kubernetes import ClusterRef, Images, StoreWires
from polysilicon.planning.fleet import FleetPlan, images_of, stored_servers
from polysilicon.planning.images import plan_image_cache
from polysilicon.specs import ClusterSpec, EksClusterSpec, FleetSpec, GkeClusterSpec


def deploy_infra(fleet: FleetSpec, plan: FleetPlan, catalog: Catalog) -> dict[str, Infra]:
    """Deploys the clusters with their pools and stores, and servers without a cluster; exports how to reach them."""
    servers = {key: deploy_server(key, spec, fleet, catalog) for key, spec in fleet.servers.items()}
    if servers:
        pulumi.export("servers", servers)
    deployed = {key: _cluster(key, spec, fleet, plan, catalog) for key, spec in fleet.clusters.items()}
    pulumi.export("kubeconfigs", {key: infra.kubeconfig for key, infra in deployed.items()})
    buckets = {key: wires.bucket for infra in deployed.values() for key, wires in infra.stores.items()}
    if buckets:
        pulumi.export("stores", buckets)
    images = {key: infra.cluster.images for key, infra in deployed.items() if infra.cluster.images}
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
    cluster = ClusterRef(key=key, provider=kubernetes_provider(key, kubeconfig), images=images)
    return Infra(cluster, kubeconfig, stores)


def _referenced_images(key: str, stack: pulumi.StackReference, fleet: FleetSpec, plan: FleetPlan) -> Images:
    spec = fleet.clusters[key]
    if not isinstance(spec, EksClusterSpec) or spec.images is None:
        return {}
    exported = stack.get_output("images").apply(lambda images: (images or {}).get(key, {}))
    cached = plan_image_cache(spec.images, images_of(plan, key), spec.region).images
    return {each.image: _of(exported, "cached image", each.image, fleet) for each in cached}


def _of(exports: pulumi.Output[dict[str, str]], noun: str, key: str, fleet: FleetSpec) -> pulumi.Output[str]:
    def named(exported: dict[str, str]) -> str:
        if key not in exported:
            problem = f"{fleet.infra_stack} exports no {noun} {key!r}"
            fix = "run `pulumi up` there with the same fleet first"
            raise UserError(f"polysilicon:fleet.infra_stack: {problem}\n  fix: {fix}")
        return exported[key]

    return exports.apply(named)


def _cluster(key: str, spec: ClusterSpec, fleet: FleetSpec, plan: FleetPlan, catalog: Catalog) -> Infra:
    if isinstance(spec, GkeClusterSpec):
        return deploy_gke(key, spec, fleet, catalog)
    return deploy_eks(key, spec, fleet, plan, catalog)
