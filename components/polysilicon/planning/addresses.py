"""Whether a VPC has addresses enough for the nodes that can be in it, and for their pods."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
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
_CONTROL_PLANE = 16
"""What EKS wants free in each of its subnets: awsdocs/amazon-eks-user-guide networking/network-reqs.adoc."""
_LARGEST_VPC = 16
_HOST_NETWORK_PODS = 2
"""Pods of `max_pods` that need no address: awslabs/amazon-eks-ami@81fec2e nodeadm/internal/kubelet/eni_max_pods.go."""


@dataclass(frozen=True)
class _Demand:
    """Nodes that will be in some of these zones."""

    who: str
    zones: frozenset[str]
    nodes: int
    per_node: int

    @property
    def addresses(self) -> int:
        return self.nodes * self.per_node

    def __str__(self) -> str:
        return f"{self.who} {self.nodes} x {self.per_node}"


def require_addresses(
    network: EksNetworkPlan, cluster: EksClusterPlan, pools: Collection[EksPoolPlan], catalog: Catalog
) -> None:
    """Raises `SpecError` where the nodes that can be there, all at their maximum, cannot all have addresses.

    Nodes of several zones may be in any of them; whichever zones they are in, all must find room. The network plugin
    takes whole interfaces, and keeps one full interface spare, so that a node holds more addresses than it has pods.
    """
    demands = [*_system(cluster, catalog), *(each for pool in pools for each in _of_pool(pool, catalog))]
    kept = _KEPT_BY_AWS + _CONTROL_PLANE + len(network.endpoints)
    for zones in _sets_of([zone.id for zone in network.zones]):
        here = [demand for demand in demands if demand.zones <= zones]
        needed = sum(demand.addresses for demand in here)
        room = sum(_size(zone.private_cidr) - kept for zone in network.zones if zone.id in zones)
        if needed > room:
            raise refuse("cidr", _text(network, zones, here, needed, room), _fix(network, zones, here, kept))


def _system(cluster: EksClusterPlan, catalog: Catalog) -> Iterator[_Demand]:
    if cluster.system is None:
        return
    machine, everywhere = catalog.machines[cluster.system.machine], frozenset(cluster.zones)
    if (each := node_addresses(machine, machine.max_pods or 0)) is not None:
        yield _Demand("system nodes", everywhere, cluster.system.max, each)


def _of_pool(pool: EksPoolPlan, catalog: Catalog) -> Iterator[_Demand]:
    pods = pool.landing.servers_per_node + int(catalog.assumptions["daemon_pods"].value)
    each = node_addresses(catalog.machines[pool.machine], pods)
    for nodes in pool.nodes if each is not None else ():
        yield _Demand(f"pool {pool.key}", frozenset(nodes.zones), nodes.floor + nodes.elastic, each or 0)


def node_addresses(machine: Machine, pods: int) -> int | None:
    """Addresses that a node holds while `pods` run on it; none where the catalog does not say.

    Source: aws/amazon-vpc-cni-k8s README.md, WARM_ENI_TARGET, which is 1 by default: one interface stays free.
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


def _text(network: EksNetworkPlan, zones: frozenset[str], here: Collection[_Demand], needed: int, room: int) -> str:
    named = ", ".join(zone.id for zone in network.zones if zone.id in zones)
    have = f"got {network.cidr}, whose private subnets have {room} addresses for nodes in {named}"
    return f"{have}, but {', '.join(str(demand) for demand in here)} want {needed}"


def _fix(network: EksNetworkPlan, zones: frozenset[str], here: Collection[_Demand], kept: int) -> str:
    needed = sum(demand.addresses for demand in here)
    subnet = _size(network.zones[0].private_cidr)
    now = IPv4Network(network.cidr).prefixlen
    for prefix in range(now - 1, _LARGEST_VPC - 1, -1):
        if len(zones) * (subnet * 2 ** (now - prefix) - kept) >= needed:
            return f"take a /{prefix} while the VPC is not there yet, since its range stays; or lower max"
    return "lower max, give pools more zones, or move some to a cluster of their own: a VPC has at most a /16"
