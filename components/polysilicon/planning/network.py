"""Address plans: which subnets a network has, and which ranges may not meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import combinations

from polysilicon.errors import SpecError
from polysilicon.planning.endpoints import endpoint_services
from polysilicon.planning.problems import refuse
from polysilicon.specs import EksNetworkSpec, ExistingEksNetworkSpec

_EIGHTHS = 3
"""A VPC is cut into eighths: one for the private subnet of each zone, the last for all public subnets."""


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


def plan_eks_network(spec: EksNetworkSpec) -> EksNetworkPlan:
    """Cuts the VPC. A zone's ranges follow from its place in the list, so that a zone added last moves no other."""
    vpc = IPv4Network(spec.cidr)
    if not 16 <= vpc.prefixlen <= 20:
        fix = "take a range between /16 and /20: a smaller one leaves too few addresses for pods, AWS has no larger"
        raise refuse("cidr", f"got {spec.cidr}", fix)
    eighths = list(vpc.subnets(_EIGHTHS))
    public = list(eighths[-1].subnets(_EIGHTHS))
    zones = tuple(
        Zone(zone, str(eighths[i]), str(public[i]), has_nat=spec.nat == "per_zone" or (spec.nat == "single" and i == 0))
        for i, zone in enumerate(spec.zones)
    )
    return EksNetworkPlan(spec.cidr, zones, endpoint_services(spec))


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
