"""Whether a VPC has addresses enough for the nodes that can be in it, and for their pods."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from itertools import combinations

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import Machine
from polysilicon.planning.cluster import EksClusterPlan
from polysilicon.planning.network import EksNetworkPlan
from polysilicon.planning.pool_parts import EksPoolPlan
from polysilicon.planning.problems import refuse

_KEPT_BY_AWS = 5
"""Of each subnet, the first four and the last: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html."""
CONTROL_PLANE = 16
"""What EKS wants free in each of its subnets: awsdocs/amazon-eks-user-guide networking/network-reqs.adoc."""
_LARGEST_VPC = 16
_HOST_NETWORK_PODS = 2
"""Pods of `max_pods` that need no address: awslabs/amazon-eks-ami@81fec2e nodeadm/internal/kubelet/eni_max_pods.go."""


@dataclass(frozen=True)
class Demand:
    """Nodes that will be in some of these zones."""

    who: str
    zones: frozenset[str]
    least: int
    """Nodes that always run."""
    most: int
    """With all that may come."""
    per_node: int
    """Addresses of one."""

    def always(self) -> Demand:
        """Without those that may come."""
        return replace(self, most=self.least)

    def __str__(self) -> str:
        return f"{self.who} {self.most} x {self.per_node}"


@dataclass(frozen=True)
class Shortage:
    """Zones whose subnets have not room for all that can be in no others."""

    zones: tuple[str, ...]
    room: int
    demands: tuple[Demand, ...]

    @property
    def wanted(self) -> int:
        """Addresses that the nodes have when all are there."""
        return sum(demand.most * demand.per_node for demand in self.demands)

    def __str__(self) -> str:
        return f"{', '.join(str(demand) for demand in self.demands)} want {self.wanted}"


def require_addresses(network: EksNetworkPlan, demands: Collection[Demand]) -> None:
    """Raises `SpecError` where the nodes that can be there, all at their maximum, cannot all have addresses."""
    kept = _KEPT_BY_AWS + CONTROL_PLANE + len(network.endpoints)
    short = shortage(demands, {zone.id: _size(zone.private_cidr) - kept for zone in network.zones})
    if short:
        have = f"got {network.cidr}, whose private subnets have {short.room} addresses for nodes in"
        raise refuse("cidr", f"{have} {', '.join(short.zones)}, but {short}", _fix(network, short, kept))


def shortage(demands: Collection[Demand], room: Mapping[str, int]) -> Shortage | None:
    """The smallest set of zones that is too small for the nodes that can be in no others; none where all find room.

    Nodes of several zones may be in any of them; whichever zones they are in, all must find room. The network plugin
    takes whole interfaces, and keeps one full interface spare, so that a node holds more addresses than it has pods.

    Args:
        room: Addresses for nodes in the subnet of each zone.
    """
    for zones in _sets_of([*room]):
        here = tuple(demand for demand in demands if demand.zones <= zones)
        short = Shortage(tuple(zone for zone in room if zone in zones), sum(max(room[zone], 0) for zone in zones), here)
        if short.wanted > short.room:
            return short
    return None


def demands_of(cluster: EksClusterPlan, pools: Collection[EksPoolPlan], catalog: Catalog) -> tuple[Demand, ...]:
    """What the nodes of a cluster and of its pools need; machines whose interfaces the catalog does not have are not
    judged."""
    return (*_system(cluster, catalog), *(each for pool in pools for each in _of_pool(pool, catalog)))


def subnet_room(cidr: str) -> int:
    """Addresses for nodes in a subnet that holds nothing but what EKS puts there."""
    return _size(cidr) - _KEPT_BY_AWS - CONTROL_PLANE


def _system(cluster: EksClusterPlan, catalog: Catalog) -> Iterator[Demand]:
    if cluster.system is None:
        return
    machine, everywhere = catalog.machines[cluster.system.machine], frozenset(cluster.zones)
    if (each := node_addresses(machine, machine.max_pods or 0)) is not None:
        yield Demand("system nodes", everywhere, cluster.system.min, cluster.system.max, each)


def _of_pool(pool: EksPoolPlan, catalog: Catalog) -> Iterator[Demand]:
    pods = pool.landing.servers_per_node + int(catalog.assumptions["daemon_pods"].value)
    each = node_addresses(catalog.machines[pool.machine], pods)
    for nodes in pool.nodes if each is not None else ():
        most = nodes.floor + nodes.elastic
        yield Demand(f"pool {pool.key}", frozenset(nodes.zones), nodes.floor, most, each or 0)


def node_addresses(machine: Machine, pods: int) -> int | None:
    """Addresses that a node holds while `pods` run on it; none where the catalog does not say.

    Source: aws/amazon-vpc-cni-k8s@0f77b52 docs/eni-and-ip-target.md, WARM_ENI_TARGET, which is 1 by default: the
    addresses of one whole interface stay free, and its table has a p3dn.24xlarge with 3 pods hold two interfaces.
    """
    each = machine.addresses_per_interface
    if each is None or machine.max_pods is None:
        return None
    most = (machine.max_pods - _HOST_NETWORK_PODS) // (each - 1)
    return min(math.ceil(pods / (each - 1)) + 1, most) * each


def _sets_of(zones: list[str]) -> Iterator[frozenset[str]]:
    """All sets of zones, the small ones first: what does not fit one zone is told of that zone."""
    return (frozenset(chosen) for count in range(1, len(zones) + 1) for chosen in combinations(zones, count))


def _size(cidr: str) -> int:
    return IPv4Network(cidr).num_addresses


def _fix(network: EksNetworkPlan, short: Shortage, kept: int) -> str:
    subnet = _size(network.zones[0].private_cidr)
    now = IPv4Network(network.cidr).prefixlen
    for prefix in range(now - 1, _LARGEST_VPC - 1, -1):
        if len(short.zones) * (subnet * 2 ** (now - prefix) - kept) >= short.wanted:
            return f"take a /{prefix} while the VPC is not there yet, since its range stays; or lower max"
    return "lower max, give pools more zones, or move some to a cluster of their own: a VPC has at most a /16"
