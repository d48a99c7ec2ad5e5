from __future__ import annotations

from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysilicon.catalog import Catalog
from polysilicon.errors import SpecError
from polysilicon.planning.fleet import plan_fleet
from polysilicon.planning.network import kept_ranges, network_zones, plan_eks_network, require_kept
from polysilicon.specs import EksNetworkSpec, FleetSpec

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


def moved(before: tuple[str, ...], after: tuple[str, ...], **more: Any) -> str:
    """What is refused when the zones of a network that is there change."""
    there = kept_ranges(plan_eks_network(EksNetworkSpec(zones=before)))
    try:
        require_kept(there, plan_eks_network(EksNetworkSpec(zones=after, **more)))
    except SpecError as error:
        return str(error)
    return ""


@given(zone_lists, zone_lists)
def test_ranges_that_are_there_are_neither_moved_nor_given_to_others(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    there = {zone.id: IPv4Network(zone.private_cidr) for zone in plan_eks_network(EksNetworkSpec(zones=before)).zones}
    new = plan_eks_network(EksNetworkSpec(zones=after)).zones
    meets = any(
        there[zone].overlaps(range_) and not (zone == each.id and there[zone] == range_)
        for zone in there
        for each in new
        for range_ in [IPv4Network(each.private_cidr)]
    )
    moves = any(there.get(each.id, IPv4Network(each.private_cidr)) != IPv4Network(each.private_cidr) for each in new)
    assert bool(moved(before, after)) == (meets or moves)


def test_a_zone_that_comes_between_others_is_refused_with_its_place() -> None:
    assert moved(("use1-az4", "use1-az6"), ("use1-az4", "use1-az2", "use1-az6")) == (
        "network.zones: got use1-az4, use1-az2, use1-az6, which moves ranges of subnets that are there: those of"
        " use1-az2, use1-az6\n"
        "  fix: keep the zones that are there in their order, new ones behind: use1-az4, use1-az6, use1-az2"
    )
    assert moved(("use1-az4", "use1-az6"), ("use1-az4", "use1-az6", "use1-az2")) == ""
    assert moved(("use1-az4", "use1-az6", "use1-az2"), ("use1-az4", "use1-az6"), nat="per_zone") == ""


def test_a_network_does_not_move_to_another_region() -> None:
    assert moved(("use1-az4", "use1-az6"), ("usw2-az1", "usw2-az2")) == (
        "network.zones: got usw2-az1, usw2-az2, but the network is there in use1-az4, use1-az6\n"
        "  fix: add another cluster or server in that region; or destroy the stack first"
    )


def test_another_range_of_a_vpc_that_is_there_is_refused() -> None:
    assert moved(("use1-az4", "use1-az6"), ("use1-az4", "use1-az6"), cidr="10.99.0.0/16") == (
        "network.cidr: got 10.99.0.0/16, but the VPC is there with 10.20.0.0/16, and all that is in it would have to go"
        " first\n  fix: keep 10.20.0.0/16; or take a network of its own for what is new; or destroy the stack first"
    )


def test_zones_that_are_left_out_are_those_of_the_region_whichever_pools_there_are(
    mixed: dict[str, Any], catalog: Catalog
) -> None:
    mixed["clusters"]["aws"]["network"] = {}
    before = plan_fleet(FleetSpec.parse(mixed), catalog)
    mixed["pools"]["trn1n"] = {**mixed["pools"]["inf2"], "machine": "trn1n.32xlarge"}
    after = plan_fleet(FleetSpec.parse(mixed), catalog)
    region = ("use1-az1", "use1-az2", "use1-az4", "use1-az5", "use1-az6")
    assert before.clusters["aws"].zones == after.clusters["aws"].zones == region
    assert before.pools["inf2"].zones == after.pools["inf2"].zones == ("use1-az2", "use1-az4", "use1-az5", "use1-az6")
    assert after.pools["trn1n"].zones == ("use1-az6",), "each pool finds the zones that sell its machine"


def test_naming_the_zones_that_were_left_out_moves_nothing(catalog: Catalog) -> None:
    spec = EksNetworkSpec()
    zones = network_zones(spec, "us-west-2", catalog)
    assert plan_eks_network(spec, zones) == plan_eks_network(EksNetworkSpec(zones=zones))


def test_zones_that_nothing_says_are_asked_for() -> None:
    with pytest.raises(SpecError, match="zones: is left out, and no region says which there are"):
        plan_eks_network(EksNetworkSpec())


def test_every_region_has_its_zones_in_order_so_that_a_new_one_comes_last(catalog: Catalog) -> None:
    for row in catalog.regions:
        assert 2 <= len(row.zones) <= 6
        assert list(row.zones) == sorted(row.zones)


def test_one_nat_serves_all_zones_or_each_its_own() -> None:
    single = plan_eks_network(EksNetworkSpec(zones=("use1-az4", "use1-az6")))
    assert [single.nat_of(zone.id) for zone in single.zones] == ["use1-az4", "use1-az4"]
    each = plan_eks_network(EksNetworkSpec(zones=("use1-az4", "use1-az6"), nat="per_zone"))
    assert [each.nat_of(zone.id) for zone in each.zones] == ["use1-az4", "use1-az6"]
