"""What a cluster can run whose network has no way out."""

from __future__ import annotations

from collections.abc import Collection

from polysilicon.catalog import Catalog
from polysilicon.planning.endpoints import EVERY_CLUSTER, KARPENTER, SHORTHAND, endpoint_services
from polysilicon.planning.pool_parts import EksPoolPlan
from polysilicon.planning.problems import refuse
from polysilicon.planning.serving import ServerPlan
from polysilicon.specs import EksNetworkSpec

_IAM = "IAM, which makes the instance profiles of Karpenter's nodes"
"""Its endpoint is in us-east-1 alone (docs.aws.amazon.com/IAM/latest/UserGuide, reference_iam_vpc_endpoint_create)."""


def require_reach(
    spec: EksNetworkSpec,
    region: str,
    pools: Collection[EksPoolPlan],
    servers: Collection[ServerPlan],
    catalog: Catalog,
) -> None:
    """Raises `SpecError` where nodes of a network without a way out must reach what they cannot.

    Args:
        pools: Those of the cluster.
        servers: Those on its pools.
    """
    if spec.nat != "none" or spec.way_out is not None:
        return
    elastic = any(pool.elastic for pool in pools)
    _require_endpoints(spec, elastic)
    copiers = (server.compiled.copier for server in servers if server.compiled)
    images = [*(server.image for server in servers), *copiers, *_device_images(pools, catalog)]
    if elastic:
        images.append(f"public.ecr.aws/karpenter/controller:{catalog.default('karpenter.version')}")
    outside = sorted({image for image in images if f".dkr.ecr.{region}.amazonaws.com/" not in image})
    outside += [_IAM] if elastic else []
    outside += sorted({f"the weights of {server.model}" for server in servers if server.weights is None})
    if outside:
        text = f"got none, but nodes fetch from outside: {', '.join(outside)}"
        fix = (
            f"take nat: single; or copy images to ECR in {region} and name the copies under polysilicon:overlay,"
            " and read weights from the cluster's store (weights: {} of cluster and model);"
            " or say in way_out how nodes reach them all the same"
        )
        raise refuse("nat", text, fix)


def _require_endpoints(spec: EksNetworkSpec, elastic: bool) -> None:
    needed = (*EVERY_CLUSTER, *(KARPENTER if elastic else ()))
    missing = [service for service in needed if service not in endpoint_services(spec)]
    if missing:
        text = f"without NAT, nodes need endpoints for {', '.join(missing)} as well"
        raise refuse("endpoints", text, f"add them, or {SHORTHAND}, which stands for all; or take nat: single")


def _device_images(pools: Collection[EksPoolPlan], catalog: Catalog) -> list[str]:
    parts: set[str] = {catalog.silicon[pool.landing.silicon].family for pool in pools}
    parts |= {"efa" for pool in pools if pool.interfaces}
    return [row.value for key, row in catalog.defaults.items() if _is_image(key, parts)]


def _is_image(key: str, parts: Collection[str]) -> bool:
    part, _, name = key.partition(".")
    return part in parts and name.endswith("_image")
