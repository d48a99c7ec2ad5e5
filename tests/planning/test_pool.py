from __future__ import annotations

from typing import Any

import pytest

from polysilicon.catalog import Catalog, Overlay
from polysilicon.errors import SpecError
from polysilicon.planning.fleet import FleetPlan, budgeted, plan_fleet
from polysilicon.planning.landing import Interruption
from polysilicon.planning.versions import within
from polysilicon.specs import FleetSpec
from tests.chips import NEW_CHIP


def plan(document: dict[str, Any], catalog: Catalog) -> FleetPlan:
    return plan_fleet(FleetSpec.parse(document), catalog)


def test_both_clouds_give_the_same_kind_of_landing(mixed: dict[str, Any], catalog: Catalog) -> None:
    inf2, v5e = (plan(mixed, catalog).landings[key] for key in ("inf2", "v5e"))
    assert inf2.pod.resources == {"aws.amazon.com/neuron": "1"}
    assert v5e.pod.resources == {"google.com/tpu": "1"}
    for landing in (inf2, v5e):
        assert landing.pod.node_selector["polysilicon.dev/landing"] == landing.key
        assert landing.pod.tolerations[0]["value"] == "present"


def test_tpu_pods_select_chip_and_shape(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["pools"]["v5e"] |= {"machine": "ct5lp-hightpu-8t", "topology": "2x4"}
    selector = plan(mixed, catalog).landings["v5e"].pod.node_selector
    assert selector["cloud.google.com/gke-tpu-accelerator"] == "tpu-v5-lite-podslice"
    assert selector["cloud.google.com/gke-tpu-topology"] == "2x4"


def test_a_pool_uses_the_zones_that_sell_its_machine(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["clusters"]["aws"]["network"]["zones"] = ["use1-az1", "use1-az4", "use1-az6"]
    assert plan(mixed, catalog).pools["inf2"].zones == ("use1-az4", "use1-az6")


def test_zones_can_be_chosen(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["pools"]["inf2"]["zones"] = ["use1-az6"]
    assert plan(mixed, catalog).pools["inf2"].zones == ("use1-az6",)


# aws trap 31
def test_the_node_image_is_the_newest_that_the_serving_images_start_on(mixed: dict[str, Any], catalog: Catalog) -> None:
    fleet = plan(mixed, catalog)
    assert fleet.pools["inf2"].ami_release == "1.35.6-20260625"
    assert fleet.clusters["aws"].ami_release == "1.35.6-20260714", "system nodes need no Neuron driver"


def test_each_kind_of_capacity_is_a_group_of_its_own(mixed: dict[str, Any], catalog: Catalog) -> None:
    groups = plan(mixed, catalog).pools["v5e"].groups
    assert [(g.key, g.spot, g.min, g.max) for g in groups] == [("on-demand", False, 0, 2), ("spot", True, 0, 4)]


def test_spot_makes_the_landing_interruptible(mixed: dict[str, Any], catalog: Catalog) -> None:
    landings = plan(mixed, catalog).landings
    assert landings["v5e"].interruption == Interruption("spot", 30)
    assert landings["inf2"].interruption is None


@pytest.mark.parametrize(
    ("version", "low", "high", "expected"),
    [
        ("2.28.0.0", None, "2.28", True),
        ("2.28.5.1", None, "2.28", True),
        ("2.29.0.0", None, "2.28", False),
        ("2.27.4.0", "2.27", None, True),
        ("2.26.10.0", "2.27", None, False),
        ("2.9", "2.10", None, False),
        ("2.28.0.0", "2.27", "2.28", True),
    ],
)
def test_drivers_within_bounds(version: str, low: str | None, high: str | None, expected: bool) -> None:
    assert within(version, low, high) is expected


def test_a_chip_that_only_the_overlay_knows_reaches_a_planned_server(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["pools"]["inf2"]["machine"] = "inf9.4xlarge"
    server = plan(mixed, catalog.overlaid(Overlay.parse(NEW_CHIP))).servers["chat"]
    assert server.image == "registry.example/vllm-inf9:1.0"
    assert server.args == ("Qwen/Qwen3-0.6B", "--port", "8000", "--tensor-parallel-size", "8")
    assert server.landing.pod.resources == {"aws.amazon.com/neuron": "2"}


def test_a_budget_is_made_once_in_each_account(mixed: dict[str, Any]) -> None:
    eks = mixed["clusters"]["aws"]
    mixed["clusters"] = {
        "one": {**eks, "account": "111111111111"},
        "two": {**eks, "account": "111111111111"},
        "three": {**eks, "account": "222222222222"},
        "gcp": mixed["clusters"]["gcp"],
    }
    mixed["pools"], mixed["models"] = {}, {}
    assert budgeted(FleetSpec.parse(mixed)) == ()
    mixed["budget"] = {"monthly_usd": 900, "alert_emails": ["ml@example.com"]}
    assert budgeted(FleetSpec.parse(mixed)) == ("one", "three")


# ── What pools and networks share ────────────────────────────────────────────────────────────────────────────────────


def reserving(count: int = 2, most: int = 2) -> dict[str, Any]:
    reservation = {"id": "cr-0123456789abcdef0", "zone": "use1-az4", "count": count}
    capacity = [{"kind": "reserved", "min": 1, "max": most, "reservation": reservation}]
    return {"kind": "neuron", "cluster": "aws", "machine": "inf2.xlarge", "zones": ["use1-az4"], "capacity": capacity}


def test_pools_share_a_reservation_as_far_as_it_goes(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["pools"] |= {"one": reserving(most=1), "two": reserving(most=1)}
    assert plan(mixed, catalog).pools.keys() >= {"one", "two"}


def test_pools_that_take_more_of_a_reservation_than_it_holds_are_refused(
    mixed: dict[str, Any], catalog: Catalog
) -> None:
    mixed["pools"] |= {"one": reserving(), "two": reserving(most=1)}
    with pytest.raises(SpecError) as caught:
        plan(mixed, catalog)
    assert str(caught.value) == (
        "pools.two.capacity[0].max: got max 1, with which pools take 3 machines of cr-0123456789abcdef0: it holds 2\n"
        "  fix: lower max here or in pool one"
    )


def test_pools_that_say_different_things_of_a_reservation_are_refused(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["pools"] |= {"one": reserving(most=1), "two": reserving(count=5, most=1)}
    with pytest.raises(SpecError, match=r"pools\.two\.capacity\[0\]\.reservation: says other things of cr-01234"):
        plan(mixed, catalog)


def test_a_vpc_that_is_there_may_be_home_to_several(mixed: dict[str, Any], catalog: Catalog) -> None:
    network = {
        "kind": "existing",
        "cidrs": ["10.64.0.0/16"],
        "private_subnets": {"use1-az4": "subnet-0aaaaaaaaaaaaaaa4", "use1-az6": "subnet-0aaaaaaaaaaaaaaa6"},
    }
    mixed["clusters"]["aws"]["network"] = network
    mixed["servers"] = {
        "alone": {"cloud": "aws", "region": "us-east-1", "network": network, "model": "Qwen/Qwen3-0.6B"},
        "other": {"cloud": "aws", "region": "us-east-1", "network": network, "model": "Qwen/Qwen3-0.6B"},
    }
    assert plan(mixed, catalog).machines.keys() == {"alone", "other"}
    mixed["servers"]["other"]["network"] = {**network, "cidrs": ["10.64.0.0/18"]}
    with pytest.raises(SpecError, match=r"10\.64\.0\.0/18 overlaps 10\.64\.0\.0/16 of clusters\.aws"):
        plan(mixed, catalog)


def test_nodes_may_be_where_no_control_plane_can(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["clusters"]["aws"]["network"]["zones"] = ["use1-az4", "use1-az6", "use1-az3"]
    assert plan(mixed, catalog).clusters["aws"].zones[2] == "use1-az3"


def test_models_of_one_pool_share_its_places(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["pools"]["inf2"]["capacity"] = [{"kind": "on_demand", "min": 2, "max": 2}]
    mixed["models"]["other"] = {**mixed["models"]["chat"], "replicas": 1}
    assert plan(mixed, catalog).servers.keys() == {"chat", "other"}
    mixed["models"]["other"]["replicas"] = 2
    with pytest.raises(SpecError) as caught:
        plan(mixed, catalog)
    assert str(caught.value) == (
        "models.other.pool: chat, other want 3 places of pool inf2, jobs that compile included: it has 2\n"
        "  fix: raise its bounds, lower replicas, or take another pool for other"
    )


def test_no_model_has_the_name_of_a_job(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["clusters"]["aws"]["weights"] = {}
    mixed["models"]["chat"]["compile_cache"] = True
    mixed["models"]["chat-fill"] = {"model": "Qwen/Qwen3-0.6B", "pool": "v5e", "max_concurrency": 4}
    with pytest.raises(SpecError, match=r"models\.chat-fill: is the name of the job that compiles for chat"):
        plan(mixed, catalog)
