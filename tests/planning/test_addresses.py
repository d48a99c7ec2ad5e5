"""Addresses: what nodes hold, and VPCs that are too small for them."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.catalog import Catalog
from polysilicon.errors import SpecError
from polysilicon.planning.addresses import node_addresses
from polysilicon.planning.fleet import plan_fleet
from polysilicon.specs import FleetSpec


def fleet(mixed: dict[str, Any], cidr: str, most: int, zones: tuple[str, ...] = ()) -> FleetSpec:
    mixed["clusters"]["aws"]["network"]["cidr"] = cidr
    mixed["pools"]["inf2"] |= {"capacity": [{"kind": "on_demand", "min": 1, "max": most}], "zones": zones}
    return FleetSpec.parse(mixed)


def refused(spec: FleetSpec, catalog: Catalog) -> str:
    with pytest.raises(SpecError) as raised:
        plan_fleet(spec, catalog)
    return str(raised.value)


@pytest.mark.parametrize(
    ("machine", "pods", "addresses"),
    [
        ("inf2.8xlarge", 9, 60),  # one interface for the pods, one spare
        ("inf2.8xlarge", 30, 90),
        ("inf2.8xlarge", 234, 240),  # all eight
        ("p5.48xlarge", 9, 100),
        ("m7i.large", 29, 30),
    ],
)
def test_a_node_holds_whole_interfaces_and_a_spare_one(
    machine: str, pods: int, addresses: int, catalog: Catalog
) -> None:
    assert node_addresses(catalog.machines[machine], pods) == addresses


def test_a_machine_of_unknown_interfaces_is_not_judged(catalog: Catalog) -> None:
    row = catalog.machines["inf2.8xlarge"].model_copy(update={"addresses_per_interface": None})
    assert node_addresses(row, 9) is None


def test_a_vpc_too_small_for_its_pools_is_refused_with_the_sum(mixed: dict[str, Any], catalog: Catalog) -> None:
    # /20: two private subnets of 512, each without 5 of AWS and 16 of EKS; 3 system nodes of 30 and 15 of 60.
    assert plan_fleet(fleet(mixed, "10.20.0.0/20", 14), catalog)
    assert refused(fleet(mixed, "10.20.0.0/20", 15), catalog) == (
        "clusters.aws.network.cidr: got 10.20.0.0/20, whose private subnets have 982 addresses for nodes in use1-az4,"
        " use1-az6, but system nodes 3 x 30, pool inf2 15 x 60 want 990\n"
        "  fix: take a /19 while the VPC is not there yet, since its range stays; or lower max"
    )


def test_a_pool_of_one_zone_must_fit_its_subnet(mixed: dict[str, Any], catalog: Catalog) -> None:
    assert plan_fleet(fleet(mixed, "10.20.0.0/20", 8, ("use1-az6",)), catalog)
    told = refused(fleet(mixed, "10.20.0.0/20", 9, ("use1-az6",)), catalog)
    assert "491 addresses for nodes in use1-az6, but pool inf2 9 x 60 want 540" in told


def test_endpoints_take_addresses_too(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["clusters"]["aws"]["network"]["endpoints"] = ["private_cluster"]
    assert "have 958 addresses" in refused(fleet(mixed, "10.20.0.0/20", 15), catalog)


def test_beyond_the_largest_vpc_there_is_another_cluster(mixed: dict[str, Any], catalog: Catalog) -> None:
    told = refused(fleet(mixed, "10.20.0.0/16", 300), catalog)
    assert told.endswith("or move some to a cluster of their own: a VPC has at most a /16")
