"""Address plans: which subnets a network has, and which ranges may not meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

from polysilicon.catalog import Catalog
from polysilicon.errors import SpecError
from polysilicon.planning.endpoints import endpoint_services
from polysilicon.planning.problems import refuse
from polysilicon.specs import EksNetworkSpec, ExistingEksNetworkSpec

_EIGHTHS = 3
"""A VPC is cut into eighths: one for the private subnet of each zone, the last for all public subnets."""
_MOST_ZONES = 6
_WITHOUT_CONTROL_PLANE = {"ca-central-1": {"cac1-az3"}, "us-east-1": {"use1-az3"}, "us-west-1": {"usw1-az2"}}
"""Zones in which nodes may be, and no control plane: awsdocs/amazon-eks-user-guide networking/network-reqs.adoc."""


@dataclass(frozen=True)
class Zone:
    """The subnets of one zone."""

    id: str
    private_cidr: str
    public_cidr: str
    has_nat: bool


@dataclass(frozen=True)
class EksNetworkPlan:
    """A VPC, zone by zone."""

    cidr: str
    zones: tuple[Zone, ...]
    endpoints: tuple[str, ...] = ()
    """AWS services with an endpoint in each private subnet, beside S3."""

    @property
    def has_nat(self) -> bool:
        """Whether anything leads out; without it there are no public subnets."""
        return any(zone.has_nat for zone in self.zones)

    def nat_of(self, zone: str) -> str | None:
        """The zone whose NAT gateway serves `zone`: its own, else the first; none where there is no NAT."""
        own = [z.id for z in self.zones if z.has_nat and z.id == zone]
        return own[0] if own else next((z.id for z in self.zones if z.has_nat), None)


def network_zones(spec: EksNetworkSpec | ExistingEksNetworkSpec, region: str, catalog: Catalog) -> tuple[str, ...]:
    """Ids of a network's zones: those that it names, else all of the region in which EKS puts clusters.

    They do not follow the pools: a pool that is added would move subnets, and nodes with them. A region that the
    catalog does not have gives none.
    """
    return spec.zones or next((row.zones[:_MOST_ZONES] for row in catalog.regions if row.region == region), ())


def known_zones(region: str, catalog: Catalog) -> tuple[str, ...]:
    """Ids of all zones of a region that the catalog knows of: with clusters, with machines to sell, and those in which
    EKS puts no control plane. A zone that AWS has opened since is added to the region's row by an overlay."""
    with_clusters = {zone for row in catalog.regions if row.region == region for zone in row.zones}
    selling = {zone for row in catalog.offerings if row.region == region for zone in row.zones}
    return tuple(sorted(with_clusters | selling | _WITHOUT_CONTROL_PLANE.get(region, set())))


def plan_eks_network(spec: EksNetworkSpec, zones: tuple[str, ...] = ()) -> EksNetworkPlan:
    """Cuts the VPC. A zone's ranges follow from its place in the list, so that a zone added last moves no other.

    Args:
        zones: Zone ids, where the spec leaves them out.
    """
    if not (spec.zones or zones):
        raise refuse("zones", "is left out, and no region says which there are", "name zone ids, at least two")
    require_range(spec)
    eighths = list(IPv4Network(spec.cidr).subnets(_EIGHTHS))
    public = list(eighths[-1].subnets(_EIGHTHS))
    first = spec.nat == "single"
    planned = tuple(
        Zone(zone, str(eighths[i]), str(public[i]), has_nat=spec.nat == "per_zone" or (first and i == 0))
        for i, zone in enumerate(spec.zones or zones)
    )
    return EksNetworkPlan(spec.cidr, planned, endpoint_services(spec))


def kept_ranges(plan: EksNetworkPlan) -> dict[str, Any]:
    """What must stay of a network once it is there: its range, and the private one of each zone. The public range of a
    zone follows from the same place."""
    return {"cidr": plan.cidr, "zones": {zone.id: zone.private_cidr for zone in plan.zones}}


def require_kept(before: Mapping[str, Any], after: EksNetworkPlan) -> None:
    """Raises `SpecError` where a network that is there would have to move. A VPC keeps its region and its range, and
    the subnets that are there keep theirs until the new ones are made, which then find them taken.

    Args:
        before: What `kept_ranges` said of it.
    """
    there: Mapping[str, str] = before["zones"]
    zones = [zone.id for zone in after.zones]
    if _regions(there).isdisjoint(_regions(zones)):
        text = f"got {', '.join(zones)}, but the network is there in {', '.join(sorted(there))}"
        raise refuse("network.zones", text, "add another cluster or server in that region; or destroy the stack first")
    if (cidr := before["cidr"]) != after.cidr:
        text = f"got {after.cidr}, but the VPC is there with {cidr}, and all that is in it would have to go first"
        fix = f"keep {cidr}; or take a network of its own for what is new; or destroy the stack first"
        raise refuse("network.cidr", text, fix)
    if moved := [zone.id for zone in after.zones if not _stays(zone, there)]:
        text = f"got {', '.join(zones)}, which moves ranges of subnets that are there: those of {', '.join(moved)}"
        known = sorted(there, key=lambda zone: IPv4Network(there[zone]))
        kept = ", ".join([*known, *(zone for zone in zones if zone not in there)])
        raise refuse("network.zones", text, f"keep the zones that are there in their order, new ones behind: {kept}")


def _regions(zones: Iterable[str]) -> set[str]:
    """Short names of regions, as zone ids begin with them."""
    return {zone.split("-")[0] for zone in zones}


def _stays(zone: Zone, there: Mapping[str, str]) -> bool:
    """Whether a zone has the range that it had, or a new zone one that none had."""
    return there.get(zone.id) == zone.private_cidr or (zone.id not in there and zone.private_cidr not in there.values())


def require_range(spec: EksNetworkSpec) -> None:
    """Raises `SpecError` unless AWS has VPCs of that size, and each zone's eighth is one for some nodes at least."""
    if not 16 <= IPv4Network(spec.cidr).prefixlen <= 20:
        fix = "take a range between /16 and /20: a smaller one leaves too few addresses for pods, AWS has no larger"
        raise refuse("cidr", f"got {spec.cidr}", fix)


def eks_ranges(spec: EksNetworkSpec | ExistingEksNetworkSpec) -> dict[str, str]:
    """Ranges of a cluster's VPC, by the YAML path under the cluster."""
    if isinstance(spec, EksNetworkSpec):
        return {"network.cidr": spec.cidr}
    return {f"network.cidrs[{index}]": cidr for index, cidr in enumerate(spec.cidrs)}


def refuse_overlaps(ranges: Mapping[str, str]) -> None:
    """Raises `SpecError` for each two of `ranges` (YAML path to CIDR) that share an address."""
    errors = [
        refuse(second, f"{ranges[second]} overlaps {ranges[first]} of {first}", "choose ranges that share no address")
        for first, second in combinations(ranges, 2)
        if IPv4Network(ranges[first]).overlaps(IPv4Network(ranges[second]))
    ]
    if errors:
        raise SpecError(*(problem for error in errors for problem in error.problems))
