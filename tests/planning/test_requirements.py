from __future__ import annotations

from typing import Any

import pytest

from polysilicon.planning.addresses import Demand
from polysilicon.planning.requirements import ImageWanted, NetworkWanted, RegionRequirements, VcpusWanted
from tests.lookups.preflight.fleets import cluster, fleet, pool, requirements

RESERVED = {"id": "cr-0123456789abcdef0", "zone": "use1-az6", "count": 2}

BUDGET = {"monthly_usd": 100, "alert_emails": ["a@example.com"]}
SERVERS = {
    "chat": {
        "cloud": "aws",
        "region": "us-east-1",
        "network": {"cidr": "10.9.0.0/16", "zones": ["use1-az4"]},
        "model": "Qwen/Qwen3-0.6B",
    }
}


def region_of(document: dict[str, Any]) -> RegionRequirements:
    (region,) = requirements(document).regions
    return region


def test_pools_of_one_machine_are_one_wish() -> None:
    region = region_of(fleet(6, ("inf2.8xlarge",)))
    assert region.vcpus == (
        VcpusWanted("inf2.8xlarge", "on_demand", least=6 * 32, most=6 * 32),
        VcpusWanted("inf2.8xlarge", "spot", least=0, most=6 * 2 * 32),
        VcpusWanted("m7i.large", "on_demand", least=2, most=6),
    )
    assert region.spot == {"inf2.8xlarge": 12}
    assert [*region.machines] == ["inf2.8xlarge", "m7i.large"]
    assert len(region.images) == 2


def test_machines_are_wanted_in_the_zones_of_their_pools_only() -> None:
    document = fleet(0)
    document["pools"] = {"one": pool("inf2.xlarge", zones=["use1-az6"])}
    machines = region_of(document).machines
    assert machines["inf2.xlarge"] == ("use1-az6",)
    assert len(machines["m7i.large"]) == 3


def test_each_region_is_asked_for_its_own() -> None:
    wanted = requirements(fleet(3, ("inf2.xlarge", "g6e.4xlarge"), ("us-east-1", "us-west-2")))
    assert {each.region: [*each.spot] for each in wanted.regions} == {
        "us-east-1": ["g6e.4xlarge", "inf2.xlarge"],
        "us-west-2": ["inf2.xlarge"],
    }


def test_a_reservation_is_compared_as_stated_and_takes_no_vcpus() -> None:
    document = fleet(0)
    capacity = [{"kind": "reserved", "min": 1, "max": 2, "reservation": RESERVED}]
    document["pools"] = {"held": pool("inf2.xlarge", zones=["use1-az6"], capacity=capacity)}
    region = region_of(document)
    (wanted,) = region.reservations
    assert (wanted.id, wanted.zone, wanted.machine, wanted.count) == (
        "cr-0123456789abcdef0",
        "use1-az6",
        "inf2.xlarge",
        2,
    )
    assert (wanted.nodes, wanted.block, wanted.start) == (1, False, None)
    assert {need.machine for need in region.vcpus} == {"m7i.large"}


def test_an_image_is_wanted_for_each_kind_of_node() -> None:
    region = region_of(fleet(2, ("inf2.xlarge", "g6.xlarge")))
    assert {image.variant for image in region.images} == {"standard", "neuron", "nvidia"}
    assert all(isinstance(image, ImageWanted) and image.kubernetes == "1.35" for image in region.images)


def test_a_network_that_is_there_is_compared_and_one_that_is_made_is_not() -> None:
    subnets = {"use1-az4": "subnet-0aaaaaaaaaaaaaaa4", "use1-az6": "subnet-0aaaaaaaaaaaaaaa6"}
    network = {"kind": "existing", "cidrs": ["10.64.0.0/16"], "private_subnets": subnets}
    document = {**fleet(0), "clusters": {"theirs": cluster("us-east-1", network=network)}}
    system = Demand("system nodes", frozenset(subnets), least=1, most=3, per_node=30)
    assert region_of(document).networks == (NetworkWanted("theirs", ("10.64.0.0/16",), subnets, True, (system,)),)
    assert "network" not in requirements(document).parts
    assert region_of(fleet(0)).networks == ()


def test_nodes_of_all_clusters_in_a_network_want_its_addresses() -> None:
    subnets = {"use1-az4": "subnet-0aaaaaaaaaaaaaaa4", "use1-az6": "subnet-0aaaaaaaaaaaaaaa6"}
    network = {"kind": "existing", "cidrs": ["10.64.0.0/16"], "private_subnets": subnets}
    homes = {key: cluster("us-east-1", network=network) for key in ("one", "other")}
    document = {**fleet(0), "clusters": homes, "pools": {"inf2": pool("inf2.8xlarge", "other")}}
    inf2 = [Demand("pool inf2", frozenset(subnets), least, most, 60) for least, most in ((1, 1), (0, 2))]
    system = Demand("system nodes", frozenset(subnets), least=1, most=3, per_node=30)
    one, other = region_of(document).networks
    assert one.demands == other.demands == (system, system, *inf2)


BUCKET = {"kind": "existing", "bucket": "acme-weights", "region": "us-east-1"}
FLOOR = [{"kind": "on_demand", "min": 1, "max": 1}]


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({}, {"common", "cluster", "network"}),
        ({"servers": SERVERS}, {"common", "cluster", "network", "server"}),
        ({"servers": SERVERS, "clusters": {}}, {"common", "network", "server"}),
        (
            {"budget": BUDGET},
            {"common", "cluster", "network", "budget"},
        ),
        ({"pools": {"a": pool("inf2.xlarge")}}, {"common", "cluster", "network", "karpenter"}),
        (
            {"budget": {**BUDGET, "topic": True}},
            {"common", "cluster", "network", "budget", "alert_topic"},
        ),
        (
            {"clusters": {"a": cluster("us-east-1", weights={})}},
            {"common", "cluster", "network", "bucket", "found_bucket"},
        ),
        (
            {"clusters": {"a": cluster("us-east-1", weights={"force_destroy": True})}},
            {"common", "cluster", "network", "bucket", "emptied_bucket", "found_bucket"},
        ),
        (
            {
                "clusters": {"a": cluster("us-east-1", weights=BUCKET, images={})},
                "pools": {"a": {**pool("inf2.xlarge", capacity=FLOOR), "cluster": "a"}},
                "models": {"chat": {"model": "Qwen/Qwen3-0.6B", "pool": "a", "max_concurrency": 2, "weights": {}}},
            },
            {"common", "cluster", "network", "found_bucket", "images"},
        ),
        (
            {"pools": {"a": pool("inf2.xlarge", capacity=[{"kind": "on_demand", "min": 1, "max": 1}])}},
            {"common", "cluster", "network"},
        ),
    ],
)
def test_rights_are_asked_for_what_the_fleet_has(changed: dict[str, Any], parts: set[str]) -> None:
    assert set(requirements({**fleet(0), **changed}).parts) == parts


def test_spot_is_known_of_any_region() -> None:
    assert requirements(fleet(1)).uses_spot
    assert not requirements(fleet(0)).uses_spot


def test_a_stack_of_servers_alone_makes_nothing_on_aws() -> None:
    serving = requirements({**fleet(2), "layers": ["serving"], "infra_stack": "acme/chat/infra"})
    assert serving.parts == ()
    assert serving.regions == requirements(fleet(2)).regions


def test_a_server_without_a_cluster_is_asked_for_as_a_machine_on_demand() -> None:
    region = region_of({**fleet(0), "clusters": {}, "servers": SERVERS})
    assert region.machines == {"inf2.8xlarge": ("use1-az4",)}
    assert region.vcpus == (VcpusWanted("inf2.8xlarge", "on_demand", least=32, most=32),)
    assert (region.kubernetes, region.images) == ((), ())
    (image,) = region.machine_images
    assert (image.key, image.architecture) == ("neuron-sdk-2-30", "x86_64")
    assert image.description == "*Neuron SDK 2.30.0*"


def test_a_server_in_a_vpc_that_is_there_has_its_subnets_compared() -> None:
    subnets = {"use1-az4": "subnet-0aaaaaaaaaaaaaaa4"}
    network = {"kind": "existing", "cidrs": ["10.64.0.0/16"], "private_subnets": subnets}
    named = {**SERVERS["chat"], "network": network, "ami": "ami-0123456789abcdef0"}
    region = region_of({**fleet(0), "clusters": {}, "servers": {"chat": named}})
    assert region.networks == (NetworkWanted("chat", ("10.64.0.0/16",), subnets, cluster=False),)
    (image,) = region.machine_images
    assert (image.key, image.name) == ("ami-0123456789abcdef0", None)
