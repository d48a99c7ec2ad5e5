"""Availability zones: names and ids as one account has them, and the filters that programs put on them."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.catalog import load_catalog
from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.lookups import Lookups
from polysilicon.rehearsal.zones import availability_zones
from tests.rehearsal.simulated import Cloud


def zones(region: str, **args: Any) -> list[tuple[str, str]]:
    """Letters and ids of what a lookup tells."""
    cloud = Cloud({"region": region})
    told = Lookups(cloud.simulation).answer(cloud.settings, "aws:index/getAvailabilityZones:getAvailabilityZones", args)
    return [(name.removeprefix(region), id_) for name, id_ in zip(told["names"], told["zoneIds"], strict=True)]


def test_names_and_ids_do_not_run_in_step() -> None:
    assert zones("eu-west-1") == [("a", "euw1-az3"), ("b", "euw1-az1"), ("c", "euw1-az2")]
    assert zones("eu-north-1") == [("a", "eun1-az1"), ("b", "eun1-az2"), ("c", "eun1-az3")]


@pytest.mark.parametrize(
    "args",
    [
        {"excludeZoneIds": ["usw1-az3"]},
        {"excludeNames": ["us-west-1a"]},
        {"filters": [{"name": "zone-id", "values": ["usw1-az1"]}]},
        {"filters": [{"name": "zone-name", "values": ["us-west-1b"]}, {"name": "state", "values": ["available"]}]},
    ],
)
def test_what_is_left_out(args: dict[str, Any]) -> None:
    assert zones("us-west-1", **args) == [("b", "usw1-az1")]


@pytest.mark.parametrize("region", [region for region in table("aws")["zones"] if region != "others"])
def test_ids_are_those_of_the_region(region: str) -> None:
    told = availability_zones(region, {})["zoneIds"]
    known = {row.region: row.zones for row in load_catalog().regions}.get(region, told)
    assert len(set(told)) == len(told)
    assert set(told) <= {*known, "use1-az3"}, "the catalog leaves out a zone that takes no control plane"


@pytest.mark.parametrize("region", ["us-east-1", "us-west-1", "ca-central-1"])
def test_the_first_zones_take_a_control_plane_where_there_are_enough(region: str) -> None:  # aws trap 13
    first = availability_zones(region, {})["zoneIds"][:2]
    assert not {"use1-az3", "usw1-az2", "cac1-az3"} & set(first)
