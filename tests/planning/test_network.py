from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from polysilicon.planning.network import plan_eks_network
from polysilicon.specs import EksNetworkSpec

ZONES = [f"use1-az{n}" for n in range(1, 7)]
zone_lists = st.lists(st.sampled_from(ZONES), min_size=2, max_size=6, unique=True).map(tuple)
vpcs = st.builds(lambda second, prefix: f"10.{second}.0.0/{prefix}", st.integers(0, 255), st.integers(16, 20))


@given(vpcs, zone_lists, st.sampled_from(["single", "per_zone"]))
def test_subnets_lie_inside_the_vpc_and_share_nothing(cidr: str, zones: tuple[str, ...], nat: str) -> None:
    plan = plan_eks_network(EksNetworkSpec(cidr=cidr, zones=zones, nat=nat))
    subnets = [IPv4Network(c) for zone in plan.zones for c in (zone.private_cidr, zone.public_cidr)]
    assert all(subnet.subnet_of(IPv4Network(cidr)) for subnet in subnets)
    assert not any(a.overlaps(b) for a, b in combinations(subnets, 2))


@given(vpcs, zone_lists)
def test_a_zone_added_last_moves_no_other(cidr: str, zones: tuple[str, ...]) -> None:
    before = plan_eks_network(EksNetworkSpec(cidr=cidr, zones=zones)).zones
    more = tuple(zones) + tuple(z for z in ZONES if z not in zones)
    assert plan_eks_network(EksNetworkSpec(cidr=cidr, zones=more)).zones[: len(zones)] == before


def test_one_nat_serves_all_zones_or_each_its_own() -> None:
    single = plan_eks_network(EksNetworkSpec(zones=("use1-az4", "use1-az6")))
    assert [single.nat_of(zone.id) for zone in single.zones] == ["use1-az4", "use1-az4"]
    each = plan_eks_network(EksNetworkSpec(zones=("use1-az4", "use1-az6"), nat="per_zone"))
    assert [each.nat_of(zone.id) for zone in each.zones] == ["use1-az4", "use1-az6"]
