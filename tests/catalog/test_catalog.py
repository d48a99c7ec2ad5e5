from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polysilicon.catalog import Catalog, Overlay
from polysilicon.errors import SpecError
from polysilicon.planning.versions import within
from tests.chips import NEW_CHIP

DATA = Path(__file__).resolve().parents[2] / "components/polysilicon/catalog/data"
INF2 = ("inf2.xlarge", "inf2.8xlarge", "inf2.24xlarge", "inf2.48xlarge")
V5E = ("ct5lp-hightpu-1t", "ct5lp-hightpu-4t", "ct5lp-hightpu-8t")


def test_inferentia2_and_v5e_are_there_in_full(catalog: Catalog) -> None:
    assert {name for name, row in catalog.machines.items() if row.silicon == "inferentia2"} == set(INF2)
    assert {name for name, row in catalog.machines.items() if row.silicon == "tpu-v5e"} == set(V5E)
    for machine in (*INF2, *V5E):
        assert catalog.regions_of(machine)
        assert any(p.item == machine for p in catalog.prices)


def test_every_reference_between_rows_holds(catalog: Catalog) -> None:
    assert {row.silicon for row in catalog.machines.values() if row.silicon} <= catalog.silicon.keys()
    assert {chip for row in catalog.runtimes for chip in row.silicon} <= catalog.silicon.keys()
    assert {offering.machine for offering in catalog.offerings} <= catalog.machines.keys()
    assert {name for row in catalog.runtimes for name in row.models if name.startswith("Qwen/Qwen3")} <= (
        catalog.models.keys()
    )


def test_a_source_has_one_text_and_is_used() -> None:
    """Files are merged, so that a second source of the same name would silently take the place of the first."""
    tables = [tomllib.loads(file.read_text()) for file in sorted(DATA.glob("*.toml"))]
    names = [name for table in tables for name in table.get("sources", {})]
    assert len(names) == len(set(names))
    rows = [row for file in DATA.glob("*.csv") for row in csv.DictReader(file.read_text().splitlines())]
    used = {row["source"] for row in rows} | {found for table in tables for found in _sources(table)}
    assert used == set(names)


def _sources(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _sources(item)
    elif isinstance(value, dict):
        yield from [value["source"]] if isinstance(value.get("source"), str) else []
        for name, item in value.items():
            yield from _sources(item) if name != "sources" else ()


def test_a_slice_has_the_chips_of_its_shape(catalog: Catalog) -> None:
    for machine in V5E:
        row = catalog.machines[machine]
        for topology in row.topologies:
            width, height = map(int, topology.shape.split("x"))
            assert topology.chips == width * height == topology.hosts * row.accelerators


def test_the_default_model_is_listed_by_the_default_line_of_both(catalog: Catalog) -> None:
    for silicon in ("inferentia2", "tpu-v5e"):
        assert "Qwen/Qwen3-0.6B" in catalog.runtime_rows("vllm", silicon)[0].models
    assert not catalog.models["Qwen/Qwen3-0.6B"].gated


def test_no_image_moves(catalog: Catalog) -> None:
    pinned = [row.value for name, row in catalog.defaults.items() if name.endswith("_image")]
    assert len(pinned) > 5
    for image in [*(row.image for row in catalog.runtimes), *pinned]:
        tag = image.rsplit(":", 1)[1]
        assert tag not in ("latest", "nightly", "main")
        assert any(character.isdigit() for character in tag)


def test_every_default_kubernetes_version_has_node_images_and_add_ons(catalog: Catalog) -> None:
    version = catalog.default("aws.kubernetes")
    assert any(row.kubernetes == version for row in catalog.ami_releases.values())
    names = {row.name for row in catalog.addons if row.kubernetes == version}
    assert names == {
        *("vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent"),
        *("aws-ebs-csi-driver", "aws-mountpoint-s3-csi-driver", "eks-node-monitoring-agent"),
    }


def test_every_kubernetes_version_that_can_be_chosen_has_its_add_ons(catalog: Catalog) -> None:
    assert {row.kubernetes for row in catalog.ami_releases.values()} == {row.kubernetes for row in catalog.addons}


def test_an_overlay_adds_and_replaces_and_leaves_the_rest(catalog: Catalog) -> None:
    row: dict[str, Any] = catalog.machines["inf2.xlarge"].model_dump() | {"memory_gib": 17}
    changed = catalog.overlaid(Overlay.parse({"machines": {"inf2.xlarge": row, "inf2.new": row}}))
    assert changed.machines["inf2.xlarge"].memory_gib == 17
    assert changed.machines.keys() - catalog.machines.keys() == {"inf2.new"}
    assert catalog.machines["inf2.xlarge"].memory_gib == 16, "the shipped catalog is not touched"


def test_zones_that_sell_a_machine_of_aws_are_zones_of_their_region_that_eks_takes_or_not(catalog: Catalog) -> None:
    refused = {"use1-az3", "usw1-az2", "cac1-az3"}
    zones = {row.region: {*row.zones, *refused} for row in catalog.regions}
    for offering in catalog.offerings:
        if catalog.machines[offering.machine].cloud == "aws":
            assert set(offering.zones) <= zones[offering.region]


def test_a_machine_is_found_by_its_chip_for_each_chip_and_a_server_for_each(catalog: Catalog) -> None:
    for silicon in catalog.silicon:
        assert any(row.silicon == silicon for row in catalog.machines.values()), silicon
        assert catalog.runtime_rows("vllm", silicon)[0].opt_in is False, silicon


def test_what_cold_starts_are_made_of_is_known_for_each_family(catalog: Catalog) -> None:
    for family in {row.family for row in catalog.silicon.values()}:
        for part in ("image_gib", "node_seconds", "compile_seconds", "warm_up_seconds"):
            assert f"{family}.{part}" in catalog.assumptions


def test_a_default_image_line_starts_on_the_newest_node_image_that_suits_it(catalog: Catalog) -> None:
    drivers = {
        "neuron": {row.neuron_driver for row in catalog.ami_releases.values()},
        "nvidia": {row.nvidia_driver for row in catalog.ami_releases.values() if row.nvidia_driver},
    }
    for name, silicon in catalog.silicon.items():
        if silicon.family in drivers:
            line = catalog.runtime_rows("vllm", name)[0]
            assert any(within(d, line.driver_min, line.driver_max) for d in drivers[silicon.family]), name


def test_parts_of_a_gpu_do_not_hold_more_than_the_gpu(catalog: Catalog) -> None:
    cut = {name: row for name, row in catalog.silicon.items() if row.mig_profiles}
    assert cut.keys() == {"a100-40gb", "a100-80gb", "h100", "h200", "b200", "b300"}
    for row in cut.values():
        for profile, parts in row.mig_profiles.items():
            gigabytes = int(profile.rsplit(".", 1)[1].removesuffix("gb"))
            assert parts > 1
            assert parts * gigabytes * 10**9 <= row.memory_gib * 2**30


def test_what_is_hard_to_get_again_is_marked(catalog: Catalog) -> None:
    assert {name for name, row in catalog.silicon.items() if row.scarce} == {
        "trainium2",
        "h100",
        "h200",
        "b200",
        "b300",
    }


def wrong_overlay(change: dict[str, Any]) -> dict[str, Any]:
    (runtime,) = NEW_CHIP["runtimes"]
    return {**NEW_CHIP, "runtimes": [{**runtime, **change}]}


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        (
            wrong_overlay({"arguments": {"modle": "--model"}}),
            "runtimes[0].arguments.modle: got 'modle'\n  fix: did you mean 'model'?",
        ),
        (
            wrong_overlay({"image": "{account}.example/vllm:1"}),
            "runtimes[0].image: got '{account}.example/vllm:1', with a placeholder that nothing fills"
            "\n  fix: allowed: {region}",
        ),
        (
            wrong_overlay({"silicon": ["inferentia8"]}),
            "polysilicon:overlay.runtimes[0].silicon: got 'inferentia8', a silicon that the catalog does not have"
            "\n  fix: did you mean 'inferentia9'",
        ),
    ],
)
def test_a_wrong_row_of_an_overlay_is_one_message(overlay: dict[str, Any], message: str, catalog: Catalog) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        catalog.overlaid(Overlay.parse(overlay))


def test_a_row_of_an_overlay_without_a_source_is_refused() -> None:
    with pytest.raises(SpecError, match=r"polysilicon:overlay.prices\[0\].source: is required and missing"):
        Overlay.parse({"prices": [{"item": "x", "region": "r", "as_of": "2026-11"}]}, "polysilicon:overlay")
