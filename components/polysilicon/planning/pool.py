"""Which nodes a pool has, on which terms and where, and the landing that it gives."""

from __future__ import annotations

from datetime import datetime

from polysilicon.catalog import Catalog
from polysilicon.planning.cluster import ClusterPlan, EksClusterPlan, GkeClusterPlan
from polysilicon.planning.eks_pool import plan_eks_pool
from polysilicon.planning.gke_pool import plan_tpu_slice_pool
from polysilicon.planning.pool_parts import EksPoolPlan, TpuSlicePoolPlan
from polysilicon.planning.problems import refuse
from polysilicon.specs import EksGpuPoolSpec, NeuronPoolSpec, PoolSpec, TpuSlicePoolSpec

PoolPlan = EksPoolPlan | TpuSlicePoolPlan


def plan_pool(key: str, spec: PoolSpec, cluster: ClusterPlan, catalog: Catalog, now: datetime) -> PoolPlan:
    """The plan of a pool. Raises `SpecError` with paths relative to the pool.

    Args:
        now: For what has a window in time.
    """
    if isinstance(spec, NeuronPoolSpec | EksGpuPoolSpec) and isinstance(cluster, EksClusterPlan):
        return plan_eks_pool(key, spec, cluster, catalog, now)
    if isinstance(spec, TpuSlicePoolSpec) and isinstance(cluster, GkeClusterPlan):
        return plan_tpu_slice_pool(key, spec, cluster, catalog)
    on_aws = isinstance(cluster, EksClusterPlan)
    cloud, kinds = ("AWS", "neuron or eks_gpu") if on_aws else ("Google Cloud", "tpu_slice")
    fix = f"name a cluster of the other cloud, or take a pool of kind {kinds}"
    raise refuse("cluster", f"got {spec.cluster!r}, which is on {cloud}: a {spec.kind} pool cannot join it", fix)
