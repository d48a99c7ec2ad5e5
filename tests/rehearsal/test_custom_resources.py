"""Custom resources are held to the definitions in their cluster, else to pinned ones."""

from __future__ import annotations

import copy
import importlib.util
import json
from importlib import resources
from typing import Any

import pytest

from polysilicon.rehearsal.judges import builtin_schemas, objects
from polysilicon.rehearsal.judges.custom_schemas import pinned
from polysilicon.rehearsal.judges.objects import Objects
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.kubernetes_objects import DEFINITION, DEPLOYMENT, FIRST, VALID, changed, cloud, problems
from tests.rehearsal.simulated import Cloud


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"gpus": 1, "size": "1Gi", "source": {"a": "x"}, "free": {"x": 1}}, ""),
        ({"gpus": 1, "source": {"a": UNKNOWN}}, ""),
        ({}, "spec.gpus: Required value"),
        ({"gpus": 0}, "Invalid value: 0: spec.gpus in body should be greater than or equal to 1"),
        ({"gpus": 1, "source": {"a": "x", "b": "y"}}, '"spec.source" must validate one and only one schema (oneOf)'),
        ({"gpus": 1, "gpu": 1}, ".spec.gpu: field not declared in schema"),
    ],
)
def test_definitions_in_the_cluster_are_held_to(spec: dict[str, Any], text: str) -> None:
    where = cloud()
    where.make("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "crd", **DEFINITION)
    found = problems("example.com/v1:Model", {"spec": spec}, where)
    assert (not found) if not text else (len(found) == 1 and text in found[0])


def test_a_definition_in_the_cluster_goes_before_a_pinned_one() -> None:
    where = cloud()
    wider = copy.deepcopy(DEFINITION)
    wider["spec"] |= {"group": "karpenter.sh", "names": {"kind": "NodePool", "plural": "nodepools"}}  # type: ignore[operator]
    wider["metadata"] = {"name": "nodepools.karpenter.sh"}
    assert problems("karpenter.sh/v1:NodePool", {"spec": {"gpus": 1}}, where)
    where.make("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "crd", **wider)
    assert problems("karpenter.sh/v1:NodePool", {"spec": {"gpus": 1}}, where) == []


def test_what_nobody_knows_and_what_is_not_evaluated_is_counted() -> None:
    judge = Objects()
    where = Cloud(settings={"namespace": "serving"}, judges=[judge])
    assert problems("example.com/v1:Model", {"spec": {"anything": 1}}, where) == []
    assert problems("karpenter.sh/v1:NodePool", VALID["karpenter.sh/v1:NodePool"], where) == []
    assert dict(judge.tally.unjudged) == {objects.NO_DEFINITION: 1, objects.RULES: 1}
    assert judge.tally.inputs > 5


def test_without_the_schemas_it_is_said_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "kubernetes_validate" else find_spec(name)
    )
    for cached in (builtin_schemas.folder, builtin_schemas.versions):
        cached.cache_clear()
    try:
        judge = Objects()
        where = Cloud(settings={"namespace": "serving"}, judges=[judge])
        assert problems(DEPLOYMENT, changed(VALID[DEPLOYMENT], "spec replicas", "3"), where) == []
        assert judge.tally.unjudged == {objects.NO_SCHEMAS: 1}
        # The rules that need no schema hold all the same.
        assert problems(DEPLOYMENT, changed(VALID[DEPLOYMENT], f"{FIRST} resources requests cpu", 2), where)
    finally:
        monkeypatch.undo()
        for cached in (builtin_schemas.folder, builtin_schemas.versions):
            cached.cache_clear()


def test_pinned_definitions_say_where_they_are_from() -> None:
    files = list((resources.files("polysilicon.rehearsal") / "data" / "crds").iterdir())
    definitions = [json.loads(file.read_text()) for file in files if file.name.endswith(".json")]
    for definition in definitions:
        assert definition["source"]
        assert definition["file"]
        assert definition["released"]
        assert all(pinned(f"{definition['group']}/{version}", definition["kind"]) for version in definition["versions"])
    assert len(definitions) == len(files) - 1
    assert sum(len(file.read_text()) for file in files) < 1_000_000
