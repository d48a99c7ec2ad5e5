"""The whole plan of a stack: the one place where YAML and catalog meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from polysilicon import clock
from polysilicon.catalog import Catalog
from polysilicon.errors import one_of
from polysilicon.planning.addresses import demands_of, require_addresses
from polysilicon.planning.capacity import require_reserved_once
from polysilicon.planning.cluster import ClusterPlan, EksClusterPlan, plan_cluster, routed_ranges
from polysilicon.planning.images import device_images, plan_image_cache, require_operator_images, require_secrets
from polysilicon.planning.landing import Landing
from polysilicon.planning.network import eks_ranges, plan_eks_network, refuse_overlaps
from polysilicon.planning.pool import PoolPlan, plan_pool
from polysilicon.planning.pool_parts import EksPoolPlan
from polysilicon.planning.problems import Problems, refuse
from polysilicon.planning.reach import require_reach
from polysilicon.planning.serving import ServerPlan, plan_server
from polysilicon.planning.single_node import SingleNodePlan, plan_single_node
from polysilicon.planning.weights import require_source, require_store
from polysilicon.specs import (
    EksClusterSpec,
    EksNetworkSpec,
    ExistingEksClusterSpec,
    ExistingEksNetworkSpec,
    FleetSpec,
    SingleNodeServerSpec,
)

Value = TypeVar("Value")


@dataclass(frozen=True)
class FleetPlan:
    """Everything decided, nothing deployed."""

    clusters: Mapping[str, ClusterPlan]
    pools: Mapping[str, PoolPlan]
    servers: Mapping[str, ServerPlan]
    machines: Mapping[str, SingleNodePlan]
    """Servers without a cluster."""

    @property
    def landings(self) -> Mapping[str, Landing]:
        return {key: pool.landing for key, pool in self.pools.items()}


def plan_fleet(fleet: FleetSpec, catalog: Catalog, path: str = "", now: datetime | None = None) -> FleetPlan:
    """Plans clusters, then pools, then servers on them, then servers without a cluster. Raises one `SpecError` with
    everything that is wrong; what stands on a part that is wrong itself is not judged, so that no mistake is told
    twice.

    Args:
        path: Where the fleet stands.
        now: For what has a window in time. By default the clock's.
    """
    problems = Problems()
    clusters: dict[str, ClusterPlan] = {}
    for key, cluster in fleet.clusters.items():
        with problems.under(f"clusters.{key}"):
            clusters[key] = plan_cluster(key, cluster, catalog)
        if isinstance(cluster, EksClusterSpec) and cluster.weights is not None:
            with problems.under(f"clusters.{key}.weights"):
                require_store(cluster.weights, cluster.region)
        if isinstance(cluster, EksClusterSpec) and cluster.images is not None:
            with problems.under(f"clusters.{key}.images"):
                require_secrets(cluster.images, cluster.region, cluster.account)
    with problems.under(""):
        refuse_overlaps(_ranges(fleet))

    pools: dict[str, PoolPlan] = {}
    for key, pool in fleet.pools.items():
        with problems.under(f"pools.{key}"):
            if (home := _named(fleet.clusters, clusters, pool.cluster, "cluster")) is not None:
                pools[key] = plan_pool(key, pool, home, catalog, now or clock.now())

    with problems.under("pools"):
        require_reserved_once(fleet.pools)

    servers: dict[str, ServerPlan] = {}
    for key, model in fleet.models.items():
        with problems.under(f"models.{key}"):
            if (ground := _named(fleet.pools, pools, model.pool, "pool")) is not None:
                require_source(model, fleet.clusters[ground.cluster])
                servers[key] = plan_server(key, model, ground.landing, catalog)

    with problems.under("models"):
        _require_room(fleet, servers)

    machines: dict[str, SingleNodePlan] = {}
    for key, server in fleet.servers.items():
        with problems.under(f"servers.{key}"):
            machines[key] = plan_single_node(key, server, catalog, now or clock.now())
    planned = FleetPlan(clusters, pools, servers, machines)
    for key, cluster in fleet.clusters.items():
        if isinstance(cluster, EksClusterSpec):
            with problems.under(f"clusters.{key}.network"):
                _require_network(key, cluster, planned, catalog)
            with problems.under(f"clusters.{key}.images"):
                _require_images(key, cluster, planned, catalog)
    problems.raise_any(path)
    return planned


def _require_network(key: str, cluster: EksClusterSpec, plan: FleetPlan, catalog: Catalog) -> None:
    """What a network must have for what is planned in it."""
    if not isinstance(cluster.network, EksNetworkSpec):
        return
    pools = eks_pools(plan, key)
    servers = [server for server in plan.servers.values() if server.landing.cluster == key]
    home = plan.clusters.get(key)
    if not isinstance(home, EksClusterPlan):
        return  # it is refused already
    problems = Problems()
    with problems.under(""):
        require_addresses(plan_eks_network(cluster.network, home.zones), demands_of(home, pools, catalog))
    with problems.under(""):
        require_reach(cluster.network, cluster.region, pools, servers, catalog)
    problems.raise_any()


def _require_images(key: str, cluster: EksClusterSpec, plan: FleetPlan, catalog: Catalog) -> None:
    """What a cache must be able to hold, if there is one."""
    if cluster.images is None:
        return
    plan_image_cache(cluster.images, cached_images(plan, key, catalog), cluster.region)
    if any(pool.sharing is not None and pool.sharing.kind == "mig" for pool in eks_pools(plan, key)):
        require_operator_images(catalog)


def eks_pools(plan: FleetPlan, cluster: str) -> list[EksPoolPlan]:
    """The pools of a cluster on EKS."""
    return [pool for pool in plan.pools.values() if isinstance(pool, EksPoolPlan) and pool.cluster == cluster]


def stored_servers(plan: FleetPlan, cluster: str) -> Mapping[str, ServerPlan]:
    """The servers of a cluster whose weights or compiled code lie in its store."""
    return {
        key: server
        for key, server in plan.servers.items()
        if server.landing.cluster == cluster and (server.weights or server.compiled)
    }


def images_of(plan: FleetPlan, cluster: str) -> tuple[str, ...]:
    """The images of a cluster's servers, and of what copies for them."""
    servers = [server for server in plan.servers.values() if server.landing.cluster == cluster]
    copiers = {server.compiled.copier for server in servers if server.compiled}
    return tuple(sorted({server.image for server in servers} | copiers))


def cached_images(plan: FleetPlan, cluster: str, catalog: Catalog) -> tuple[str, ...]:
    """The images that a cluster's cache holds: those of its servers, and of what runs on their nodes."""
    return (*images_of(plan, cluster), *device_images(eks_pools(plan, cluster), catalog))


def _require_room(fleet: FleetSpec, servers: Mapping[str, ServerPlan]) -> None:
    """Raises `SpecError` where models together want more places than their pool has, or one has the name of another's
    job."""
    problems = Problems()
    for pool in sorted({spec.pool for spec in fleet.models.values()}):
        here = {key: server for key, server in servers.items() if fleet.models[key].pool == pool}
        wanted = sum(server.replicas + (server.compiled is not None) for server in here.values())
        room = max((server.landing.nodes * server.landing.servers_per_node for server in here.values()), default=0)
        if len(here) > 1 and wanted > room:
            text = f"{', '.join(here)} want {wanted} places of pool {pool}, jobs that compile included: it has {room}"
            with problems.under(f"{list(here)[-1]}.pool"):
                raise refuse("", text, f"raise its bounds, lower replicas, or take another pool for {list(here)[-1]}")
    for key, server in servers.items():
        if server.compiled and (job := f"{key}-fill") in fleet.models:
            with problems.under(job):
                raise refuse("", f"is the name of the job that compiles for {key}", "choose another key")
    problems.raise_any()


def budgeted(fleet: FleetSpec) -> tuple[str, ...]:
    """The clusters and servers that stand for an AWS account each: where the fleet has a budget, it is made once in
    each."""
    if fleet.budget is None:
        return ()
    first: dict[str | None, str] = {}
    for key, home in {**fleet.clusters, **fleet.servers}.items():
        if isinstance(home, EksClusterSpec | ExistingEksClusterSpec | SingleNodeServerSpec):
            first.setdefault(home.account, key)
    return tuple(first.values())


def _ranges(fleet: FleetSpec) -> dict[str, str]:
    """Ranges that networks must reach when they are connected, by their YAML path. A VPC that is there may be home to
    several, and counts once."""
    networks: list[tuple[str, object, dict[str, str]]] = [
        *((f"clusters.{key}", cluster.network, routed_ranges(cluster)) for key, cluster in fleet.clusters.items()),
        *((f"servers.{key}", server.network, eks_ranges(server.network)) for key, server in fleet.servers.items()),
    ]
    ranges: dict[str, str] = {}
    there: set[tuple[str, ...]] = set()
    for path, network, own in networks:
        if isinstance(network, ExistingEksNetworkSpec):
            if network.cidrs in there:
                continue
            there.add(network.cidrs)
        ranges |= {f"{path}.{name}": cidr for name, cidr in own.items()}
    return ranges


def _named(stated: Mapping[str, object], planned: Mapping[str, Value], key: str, noun: str) -> Value | None:
    """The plan under `key`; None where it was refused already."""
    if key not in stated:
        fix = one_of(sorted(stated), key) if stated else f"add it under {noun}s"
        raise refuse(noun, f"got {key!r}, and there is no such {noun}", fix)
    return planned.get(key)
