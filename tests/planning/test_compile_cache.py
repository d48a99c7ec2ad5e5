"""Compiled code: its place follows from what it is made of, and a start without compilation is planned as one."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from polysilicon.catalog import Catalog, Overlay
from polysilicon.errors import SpecError
from polysilicon.planning.compile_cache import Ingredients
from polysilicon.planning.fleet import plan_fleet
from polysilicon.planning.serving import ServerPlan
from polysilicon.specs import FleetSpec

MADE_OF = Ingredients(
    model="Qwen/Qwen3-8B",
    source="/weights",
    engine="vllm",
    line="aws-0.27",
    image="vllm:0.27.1",
    silicon="h100",
    cores=8,
    max_model_len=4096,
    max_concurrency=8,
    extra_args=(),
    command=("vllm", "serve"),
    env=(),
)
OTHERS: dict[str, Any] = {"cores": 4, "max_model_len": 8192, "max_concurrency": 9, "extra_args": ("--enforce-eager",)}


def server(document: dict[str, Any], catalog: Catalog, **changes: object) -> ServerPlan:
    document["models"]["chat"] |= {"compile_cache": True, **changes}
    document["clusters"]["aws"]["weights"] = {}
    return plan_fleet(FleetSpec.parse(document), catalog).servers["chat"]


def prefix(plan: ServerPlan) -> str:
    assert plan.compiled is not None
    return plan.compiled.prefix


@pytest.mark.parametrize("ingredient", [field.name for field in fields(Ingredients)])
def test_each_ingredient_has_a_place_of_its_own(ingredient: str) -> None:
    values = {field.name: getattr(MADE_OF, field.name) for field in fields(Ingredients)}
    other = Ingredients(**{**values, ingredient: OTHERS.get(ingredient, "other")})
    assert other.prefix != MADE_OF.prefix
    assert Ingredients(**values).prefix == MADE_OF.prefix


@pytest.mark.parametrize(
    "changes",
    [
        {"max_concurrency": 2},
        {"max_model_len": 2048},
        {"line": "aws-sdk2.28"},
        {"weights": {}},
        {"extra_args": ["--task=embed"]},
    ],
)
def test_what_is_compiled_anew(changes: dict[str, object], mixed: dict[str, Any], catalog: Catalog) -> None:
    before = prefix(server(mixed, catalog))
    assert prefix(server(mixed, catalog, **changes)) != before


def test_what_is_not_compiled_anew(mixed: dict[str, Any], catalog: Catalog) -> None:
    before = prefix(server(mixed, catalog))
    mixed["models"]["other"] = mixed["models"].pop("chat")
    mixed["pools"]["more"] = {**mixed["pools"].pop("inf2"), "root_disk_gib": 600}
    mixed["pools"]["more"]["capacity"][0]["max"] = 9
    mixed["models"]["other"] |= {"pool": "more", "replicas": 3, "drain_seconds": 9}
    after = plan_fleet(FleetSpec.parse(mixed), catalog).servers["other"]
    assert prefix(after) == before


TOLD_BY = ("NEURON_COMPILE_CACHE_URL", "NEURON_COMPILED_ARTIFACTS", "VLLM_CACHE_ROOT")
"""Variables that tell a line where to put its compiled code."""


def test_each_line_keeps_its_code_in_a_folder_of_its_cache(catalog: Catalog) -> None:
    for row in catalog.runtimes:
        if row.compiled_path is not None:
            assert within(row.compiled_path, row.cache_path)
            told = [row.env[name] for name in TOLD_BY if name in row.env]
            assert any(within(path, row.compiled_path) or within(row.compiled_path, path) for path in told), row.line
    without = {row.line for row in catalog.runtimes if row.compiled_path is None}
    assert all(line.startswith("tpu") for line in without)


def test_no_line_writes_into_the_folder_of_the_weights(catalog: Catalog) -> None:
    of_nxd_inference = [row for row in catalog.runtimes if "pytorch-inference-vllm-neuronx:0.1" in row.image]
    assert len(of_nxd_inference) == 3
    for row in of_nxd_inference:
        assert within(row.env["NEURON_COMPILED_ARTIFACTS"], row.cache_path), "by default it is the model's folder"


def within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def test_a_start_with_compiled_code_waits_for_no_compiler_and_is_not_killed_without(
    mixed: dict[str, Any], catalog: Catalog
) -> None:
    plan = server(mixed, catalog)
    assert plan.compiled is not None
    slow, fast = plan.compiled.job_start, plan.cold_start
    assert slow.seconds - fast.seconds == catalog.assumptions["neuron.compile_seconds"].value
    assert "compile" not in {phase.what for phase in fast.phases}
    assert fast.startup_deadline_seconds == slow.startup_deadline_seconds
    assert server(mixed, catalog, compile_cache=False).cold_start == slow


def test_a_line_whose_compiled_code_nobody_has_found_is_refused(mixed: dict[str, Any], catalog: Catalog) -> None:
    row = next(row for row in catalog.runtimes if row.line == "huggingface-0.4.5").model_dump()
    row["compiled_path"] = None
    with pytest.raises(SpecError, match=r"compile_cache: line huggingface-0\.4\.5 keeps its compiled code where"):
        server(mixed, catalog.overlaid(Overlay.parse({"runtimes": [row]})))
