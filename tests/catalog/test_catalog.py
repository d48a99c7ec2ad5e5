from __future__ import annotations

import re
from typing import Any

import pytest

from polysilicon.catalog import Catalog, Overlay
from polysilicon.errors import SpecError
from tests.chips import NEW_CHIP

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
    images = [row.image for row in catalog.runtimes] + [catalog.default("neuron.device_plugin_image")]
    for image in images:
        tag = image.rsplit(":", 1)[1]
        assert tag not in ("latest", "nightly", "main")
        assert any(character.isdigit() for character in tag)


def test_every_default_kubernetes_version_has_node_images_and_add_ons(catalog: Catalog) -> None:
    version = catalog.default("aws.kubernetes")
    assert any(row.kubernetes == version for row in catalog.ami_releases.values())
    names = {row.name for row in catalog.addons if row.kubernetes == version}
    assert names == {"vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent"}


def test_every_kubernetes_version_that_can_be_chosen_has_its_add_ons(catalog: Catalog) -> None:
    assert {row.kubernetes for row in catalog.ami_releases.values()} == {row.kubernetes for row in catalog.addons}


def test_an_overlay_adds_and_replaces_and_leaves_the_rest(catalog: Catalog) -> None:
    row: dict[str, Any] = catalog.machines["inf2.xlarge"].model_dump() | {"memory_gib": 17}
    changed = catalog.overlaid(Overlay.parse({"machines": {"inf2.xlarge": row, "inf2.new": row}}))
    assert changed.machines["inf2.xlarge"].memory_gib == 17
    assert changed.machines.keys() - catalog.machines.keys() == {"inf2.new"}
    assert catalog.machines["inf2.xlarge"].memory_gib == 16, "the shipped catalog is not touched"


def test_zones_that_sell_inferentia2_are_zones_of_their_region(catalog: Catalog) -> None:
    zones = {row.region: row.zones for row in catalog.regions}
    for offering in catalog.offerings:
        if offering.machine.startswith("inf2."):
            assert set(offering.zones) <= set(zones[offering.region])


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
