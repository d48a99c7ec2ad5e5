"""What a cluster can run whose network has no way out."""

from __future__ import annotations

from collections.abc import Collection

from polysilicon.catalog import Catalog
from polysilicon.planning.endpoints import EVERY_CLUSTER, KARPENTER, SHORTHAND, endpoint_services
from polysilicon.planning.images import device_images
from polysilicon.planning.pool_parts import EksPoolPlan
from polysilicon.planning.problems import refuse
from polysilicon.planning.serving import ServerPlan
from polysilicon.specs import EksNetworkSpec

_IAM = "IAM, which makes the instance profiles of Karpenter's nodes"
"""Its endpoint is in us-east-1 alone (docs.aws.amazon.com/IAM/latest/UserGuide, reference_iam_vpc_endpoint_create)."""


_OPERATOR = "the images of NVIDIA's GPU operator for MIG, from nvcr.io and registry.k8s.io"
"""NVIDIA/gpu-operator@a22dbf6 deployments/gpu-operator/values.yaml, and those of node-feature-discovery beside it. The
chart itself, in helm.ngc.nvidia.com, is fetched by whoever deploys, and not by nodes."""


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
    images = [
        *(server.image for server in servers),
        *copiers,
        *device_images([pool for pool in pools if not _has_mig(pool)], catalog),
    ]
    if elastic:
        images.append(f"public.ecr.aws/karpenter/controller:{catalog.default('karpenter.version')}")
    outside = sorted({image for image in images if f".dkr.ecr.{region}.amazonaws.com/" not in image})
    mig = [pool.key for pool in pools if _has_mig(pool)]
    outside += [_OPERATOR] if mig else []
    outside += [_IAM] if elastic else []
    outside += sorted({f"the weights of {server.model}" for server in servers if server.weights is None})
    if outside:
        text = f"got none, but nodes fetch from outside: {', '.join(outside)}"
        fix = (
            f"take nat: single; or copy images to ECR in {region} and name the copies under polysilicon:overlay,"
            " and read weights from the cluster's store (weights: {} of cluster and model);"
            " or say in way_out how nodes reach them all the same"
        )
        if mig:
            fix += f"; the operator's images cannot be named: take another sharing for {', '.join(mig)}"
        raise refuse("nat", text, fix)


def _has_mig(pool: EksPoolPlan) -> bool:
    return pool.sharing is not None and pool.sharing.kind == "mig"


def _require_endpoints(spec: EksNetworkSpec, elastic: bool) -> None:
    needed = (*EVERY_CLUSTER, *(KARPENTER if elastic else ()))
    missing = [service for service in needed if service not in endpoint_services(spec)]
    if missing:
        text = f"without NAT, nodes need endpoints for {', '.join(missing)} as well"
        raise refuse("endpoints", text, f"add them, or {SHORTHAND}, which stands for all; or take nat: single")
