"""What a stack asks of AWS accounts: what must be allowed, offered and reserved there before anything is created."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from polysilicon.catalog import Catalog
from polysilicon.planning.addresses import Demand, demands_of
from polysilicon.planning.cluster import EksClusterPlan, GkeClusterPlan
from polysilicon.planning.fleet import FleetPlan, stored_servers
from polysilicon.planning.pool_parts import EksNodes, EksPoolPlan
from polysilicon.planning.single_node import SingleNodePlan
from polysilicon.specs import (
    CapacityBlock,
    EksClusterSpec,
    EksNetworkSpec,
    ExistingBucket,
    ExistingEksClusterSpec,
    ExistingEksNetworkSpec,
    FleetSpec,
    NewBucket,
    Reserved,
    SingleNodeServerSpec,
)

QuotaTerms = Literal["on_demand", "spot"]
"""The terms that AWS limits in vCPUs. A reservation has its own limit, and a block was paid beforehand."""
Part = Literal[
    "common",
    "cluster",
    "server",
    "network",
    "karpenter",
    "placement_group",
    "capacity_block",
    "budget",
    "alert_topic",
    "bucket",
    "emptied_bucket",
    "found_bucket",
    "images",
]
"""What a deployment is made of, as far as it needs rights of its own."""


@dataclass(frozen=True)
class VcpusWanted:
    """vCPUs of one machine type on one set of terms, over all pools of a region."""

    machine: str
    terms: QuotaTerms
    least: int
    """Of the nodes that always run."""
    most: int
    """With all that may come."""


@dataclass(frozen=True)
class ReservationWanted:
    """A reservation or a capacity block, as the YAML states it."""

    id: str
    zone: str
    machine: str
    count: int
    nodes: int
    """Nodes that the stack always runs on it."""
    block: bool
    start: datetime | None = None
    end: datetime | None = None
    placement_group: str | None = None


@dataclass(frozen=True)
class ImageWanted:
    """A node image of an EKS release."""

    kubernetes: str
    release: str
    variant: str
    """standard, neuron or nvidia."""


@dataclass(frozen=True)
class MachineImageWanted:
    """The image of a server's machine: the newest of a kind, or one that is named."""

    key: str
    """What it is called in the catalog; the id of one that is named."""
    architecture: str
    name: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class NetworkWanted:
    """A VPC that is there, as the YAML states it."""

    key: str
    """Of the cluster or the server that is to be in it."""
    cidrs: tuple[str, ...]
    subnets: Mapping[str, str]
    """Private subnets by zone id."""
    cluster: bool
    """Whether a cluster is in it, or is to be; else it is a server without one."""
    demands: tuple[Demand, ...] = ()
    """Nodes that want addresses in its subnets, of all clusters that are in no others."""


@dataclass(frozen=True)
class ClusterWanted:
    """A cluster that is there, as the YAML states it."""

    key: str
    name: str
    """In EKS."""
    kubernetes: str
    subnets: tuple[str, ...]
    """Private subnets of its VPC."""


@dataclass(frozen=True)
class StoreWanted:
    """A bucket that is there, as the YAML states it. The region is that of its cluster."""

    key: str
    """Of the cluster that reads it."""
    bucket: str
    models: Mapping[str, str]
    """Of each model that is served or compiled from it: what the names of its files begin with."""


@dataclass(frozen=True)
class RegionRequirements:
    """What is asked of one region. Each thing stands here once, however many pools want it."""

    region: str
    machines: Mapping[str, tuple[str, ...]]
    """Zone ids in which each machine type must be offered."""
    vcpus: tuple[VcpusWanted, ...]
    reservations: tuple[ReservationWanted, ...]
    kubernetes: tuple[str, ...]
    made_kubernetes: tuple[str, ...]
    """Those of `kubernetes` that clusters are made with; the others are of clusters that are there."""
    images: tuple[ImageWanted, ...]
    machine_images: tuple[MachineImageWanted, ...]
    spot: Mapping[str, int]
    """Most spot nodes of each machine type."""
    networks: tuple[NetworkWanted, ...]
    """Those that somebody else looks after."""
    clusters: tuple[ClusterWanted, ...]
    """Those that somebody else looks after, and pools join."""
    stores: tuple[StoreWanted, ...] = ()
    """Those that somebody else looks after."""


@dataclass(frozen=True)
class AwsRequirements:
    """What a stack asks of AWS."""

    regions: tuple[RegionRequirements, ...]
    accounts: tuple[str, ...]
    """Accounts that the clusters and servers may be in; empty where the YAML leaves it open."""
    parts: tuple[Part, ...]
    """Empty where the stack deploys nothing on AWS itself."""
    not_looked_at: tuple[str, ...]
    """Clusters of other clouds."""

    @property
    def has_clusters(self) -> bool:
        return any(region.kubernetes for region in self.regions)

    @property
    def has_servers(self) -> bool:
        """Whether there are servers without a cluster, which have alarms."""
        return any(region.machine_images for region in self.regions)

    @property
    def uses_spot(self) -> bool:
        return any(region.spot for region in self.regions)


def aws_requirements(fleet: FleetSpec, plan: FleetPlan, catalog: Catalog) -> AwsRequirements:
    """What the clusters, pools and servers of a planned fleet ask of AWS, by region."""
    clusters = {key: each for key, each in plan.clusters.items() if isinstance(each, EksClusterPlan)}
    regions = sorted({c.region for c in clusters.values()} | {s.region for s in _servers(fleet, plan).values()})
    homes = [*fleet.clusters.values(), *fleet.servers.values()]
    specs = [each for each in homes if isinstance(each, EksClusterSpec | ExistingEksClusterSpec | SingleNodeServerSpec)]
    return AwsRequirements(
        regions=tuple(_region(region, fleet, plan, catalog) for region in regions),
        accounts=tuple(sorted({spec.account for spec in specs if spec.account})),
        parts=tuple(_parts(fleet, plan)) if regions and "infra" in fleet.layers else (),
        not_looked_at=tuple(key for key, each in plan.clusters.items() if isinstance(each, GkeClusterPlan)),
    )


def _servers(fleet: FleetSpec, plan: FleetPlan) -> Mapping[str, SingleNodePlan]:
    """Those without a cluster belong to the layer of clusters."""
    return plan.machines if "infra" in fleet.layers else {}


def _region(region: str, fleet: FleetSpec, plan: FleetPlan, catalog: Catalog) -> RegionRequirements:
    clusters = {k: c for k, c in plan.clusters.items() if isinstance(c, EksClusterPlan) and c.region == region}
    pools = {k: p for k, p in plan.pools.items() if isinstance(p, EksPoolPlan) and p.cluster in clusters}
    servers = {k: s for k, s in _servers(fleet, plan).items() if s.region == region}
    return RegionRequirements(
        region=region,
        machines=_machines(clusters.values(), pools.values(), servers.values()),
        vcpus=_vcpus(clusters.values(), pools.values(), servers.values(), catalog),
        reservations=tuple(_reservations(fleet, pools)),
        kubernetes=tuple(sorted({cluster.kubernetes for cluster in clusters.values()})),
        made_kubernetes=tuple(sorted({cluster.kubernetes for cluster in clusters.values() if cluster.system})),
        images=_images(clusters, pools.values()),
        machine_images=_machine_images(servers.values()),
        spot=_spot(pools.values()),
        networks=tuple(
            _networks(
                fleet, {key: demands_of(each, _on(key, pools), catalog) for key, each in clusters.items()}, servers
            )
        ),
        clusters=tuple(_clusters(fleet, clusters)),
        stores=tuple(_found_stores(fleet, plan, clusters)),
    )


def _machines(
    clusters: Iterable[EksClusterPlan], pools: Iterable[EksPoolPlan], servers: Iterable[SingleNodePlan]
) -> dict[str, tuple[str, ...]]:
    wanted: dict[str, set[str]] = {}
    for cluster in clusters:
        if cluster.system:
            wanted.setdefault(cluster.system.machine, set()).update(cluster.zones)
    for pool in pools:
        wanted.setdefault(pool.machine, set()).update(zone for nodes in pool.nodes for zone in nodes.zones)
    for server in servers:
        wanted.setdefault(server.machine, set()).add(server.zone)
    return {machine: tuple(sorted(zones)) for machine, zones in sorted(wanted.items())}


def _vcpus(
    clusters: Iterable[EksClusterPlan],
    pools: Iterable[EksPoolPlan],
    servers: Iterable[SingleNodePlan],
    catalog: Catalog,
) -> tuple[VcpusWanted, ...]:
    nodes: dict[tuple[str, QuotaTerms], tuple[int, int]] = {}

    def add(machine: str, terms: QuotaTerms, least: int, most: int) -> None:
        before = nodes.get((machine, terms), (0, 0))
        nodes[machine, terms] = (before[0] + least, before[1] + most)

    for cluster in clusters:
        if cluster.system:
            add(cluster.system.machine, "on_demand", cluster.system.min, cluster.system.max)
    for pool, each in _nodes_of(pools):
        if each.terms == "on_demand" or each.terms == "spot":
            add(pool.machine, each.terms, each.floor, each.floor + each.elastic)
    for server in servers:
        add(server.machine, "on_demand", 1, 1)
    return tuple(
        VcpusWanted(machine, terms, least * catalog.machines[machine].vcpus, most * catalog.machines[machine].vcpus)
        for (machine, terms), (least, most) in sorted(nodes.items())
    )


def _nodes_of(pools: Iterable[EksPoolPlan]) -> Iterator[tuple[EksPoolPlan, EksNodes]]:
    return ((pool, nodes) for pool in pools for nodes in pool.nodes)


def _reservations(fleet: FleetSpec, pools: Mapping[str, EksPoolPlan]) -> Iterator[ReservationWanted]:
    for key, pool in pools.items():
        for choice in fleet.pools[key].capacity:
            if isinstance(choice, Reserved | CapacityBlock):
                stated, block = choice.reservation, choice if isinstance(choice, CapacityBlock) else None
                yield ReservationWanted(
                    id=stated.id,
                    zone=stated.zone,
                    machine=stated.machine or pool.machine,
                    count=stated.count,
                    nodes=choice.min,
                    block=block is not None,
                    start=block.start if block else None,
                    end=block.end if block else None,
                    placement_group=stated.placement_group,
                )


def _images(clusters: Mapping[str, EksClusterPlan], pools: Iterable[EksPoolPlan]) -> tuple[ImageWanted, ...]:
    wanted = {(c.kubernetes, c.ami_release, "standard") for c in clusters.values() if c.system}
    for pool in pools:
        variant = pool.ami_type.rsplit("_", 1)[-1].lower()  # AL2023_x86_64_NEURON
        wanted.add((clusters[pool.cluster].kubernetes, pool.ami_release, variant))
    return tuple(ImageWanted(*each) for each in sorted(wanted))


def _machine_images(servers: Iterable[SingleNodePlan]) -> tuple[MachineImageWanted, ...]:
    wanted = {
        server.image_key: MachineImageWanted(
            server.image_key,
            server.architecture,
            server.image.name if server.image else None,
            server.image.description if server.image else None,
        )
        for server in servers
    }
    return tuple(wanted[key] for key in sorted(wanted))


def _spot(pools: Iterable[EksPoolPlan]) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for pool, nodes in _nodes_of(pools):
        if nodes.terms == "spot":
            wanted[pool.machine] = wanted.get(pool.machine, 0) + nodes.floor + nodes.elastic
    return dict(sorted(wanted.items()))


def _on(cluster: str, pools: Mapping[str, EksPoolPlan]) -> list[EksPoolPlan]:
    return [pool for pool in pools.values() if pool.cluster == cluster]


def _networks(
    fleet: FleetSpec, demands: Mapping[str, tuple[Demand, ...]], servers: Iterable[str]
) -> Iterator[NetworkWanted]:
    """Networks that somebody else looks after. Clusters may share one.

    Args:
        demands: What the nodes of each cluster want.
    """
    homes = {key: fleet.clusters[key].network for key in demands} | {key: fleet.servers[key].network for key in servers}
    there = {key: each for key, each in homes.items() if isinstance(each, ExistingEksNetworkSpec)}
    for key, network in there.items():
        cluster = key in demands
        here = [other for other in there if other in demands and _within(there[other], network)]
        wanted = tuple(demand for other in here for demand in demands[other]) if cluster else ()
        yield NetworkWanted(key, network.cidrs, network.private_subnets, cluster, wanted)


def _within(one: ExistingEksNetworkSpec, other: ExistingEksNetworkSpec) -> bool:
    return one.private_subnets.items() <= other.private_subnets.items()


def _clusters(fleet: FleetSpec, clusters: Mapping[str, EksClusterPlan]) -> Iterator[ClusterWanted]:
    for key, plan in clusters.items():
        spec = fleet.clusters[key]
        if isinstance(spec, ExistingEksClusterSpec):
            yield ClusterWanted(key, spec.name, plan.kubernetes, tuple(spec.network.private_subnets.values()))


def _found_stores(fleet: FleetSpec, plan: FleetPlan, clusters: Iterable[str]) -> Iterator[StoreWanted]:
    for key in clusters:
        spec = fleet.clusters[key]
        if isinstance(spec, EksClusterSpec) and isinstance(spec.weights, ExistingBucket):
            served = {k: s for k, s in stored_servers(plan, key).items() if s.replicas or s.compiled}
            models = {name: server.weights.prefix for name, server in served.items() if server.weights}
            yield StoreWanted(key, spec.weights.bucket, models)


def _parts(fleet: FleetSpec, plan: FleetPlan) -> Iterator[Part]:
    pools = [pool for pool in plan.pools.values() if isinstance(pool, EksPoolPlan)]
    nodes = [each for _, each in _nodes_of(pools)]
    yield "common"
    if any(isinstance(cluster, EksClusterPlan) for cluster in plan.clusters.values()):
        yield "cluster"
    if plan.machines:
        yield "server"
    if any(isinstance(home.network, EksNetworkSpec) for home in (*fleet.clusters.values(), *fleet.servers.values())):
        yield "network"
    if fleet.budget:
        yield "budget"
    if fleet.budget and fleet.budget.topic:
        yield "alert_topic"
    yield from _stores(fleet)
    if any(pool.elastic for pool in pools):
        yield "karpenter"
    if any(each.placement_group for each in nodes):
        yield "placement_group"
    if any(each.terms == "capacity_block" for each in nodes):
        yield "capacity_block"


def _stores(fleet: FleetSpec) -> Iterator[Part]:
    """Buckets, and caches of images."""
    specs = [spec for spec in fleet.clusters.values() if isinstance(spec, EksClusterSpec)]
    if any(isinstance(spec.weights, NewBucket) for spec in specs):
        yield "bucket"
    if any(isinstance(spec.weights, NewBucket) and spec.weights.force_destroy for spec in specs):
        yield "emptied_bucket"
    if any(spec.weights is not None for spec in specs):
        yield "found_bucket"
    if any(spec.images is not None for spec in specs):
        yield "images"
