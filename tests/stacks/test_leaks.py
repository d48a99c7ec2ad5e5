"""After destroy the simulated accounts are empty, whatever order things were made and went in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from polysilicon.clock import NOW
from polysilicon.rehearsal import Rehearsal
from tests.conftest import ROOT
from tests.stacks.project import copy_project

pytestmark = pytest.mark.engine
SEEDS = (0, 1, 2)
TODAY = "2026-12-01T12:00:00Z"


def projects() -> Iterator[tuple[str, str]]:
    """The folder of each project and a stack of it: the fleet's own, and those of the examples."""
    yield from ((".", stack) for stack in _stacks(ROOT / "stacks"))
    for file in sorted((ROOT / "examples").glob("*/Pulumi.yaml")):
        yield from ((str(file.parent.relative_to(ROOT)), stack) for stack in _stacks(file.parent))


def _stacks(folder: Path) -> list[str]:
    return sorted(file.name.split(".")[1] for file in folder.glob("Pulumi.*.yaml"))


def project_of(folder: str, to: Path) -> Path:
    """A copy of the fleet's project, or an example as it is."""
    return copy_project(to / "project") if folder == "." else ROOT / folder


def with_leave(project: Path, stack: str) -> dict[str, str]:
    """The fleet with leave to take away what is protected, which a person writes before a destroy."""
    fleet = fleet_of(project, stack)
    for each in (*fleet.get("pools", {}).values(), *fleet.get("servers", {}).values()):
        each["replace_ok"] = {"reason": "it goes with the rest", "until": TODAY[:10]}
    return {"polysilicon:fleet": json.dumps(fleet)} if fleet else {}


def reserved(project: Path, stack: str) -> list[str]:
    """Reservations, subnets and clusters that a reader has: nothing here makes one."""
    fleet = fleet_of(project, stack)
    there = [cluster["name"] for cluster in fleet.get("clusters", {}).values() if cluster.get("kind") == "existing"]
    return [*there, *re.findall(r"(?:cr|subnet)-[0-9a-f]{17}", json.dumps(fleet))]


def fleet_of(project: Path, stack: str) -> dict[str, Any]:
    """What an example's YAML says of a fleet; the stacks of the project itself have nothing that is protected."""
    file = project / f"Pulumi.{stack}.yaml"
    config = yaml.safe_load(file.read_text())["config"] if file.exists() else {}
    fleet: dict[str, Any] = config.get("polysilicon:fleet", {})
    return fleet


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("folder", "stack"), list(projects()))
def test_nothing_is_left_in_any_order(folder: str, stack: str, seed: int, tmp_path: Path) -> None:
    project = project_of(folder, tmp_path)
    rehearsal = Rehearsal(
        project,
        stack,
        state=tmp_path / "state",
        quiet=True,
        seed=seed,
        config=with_leave(project, stack),
        existing=reserved(project, stack),
        passed=(f"{NOW}={TODAY}",),
    )
    up = rehearsal.up()
    assert up.ok, up.log
    clusters = fleet_of(project, stack).get("clusters", {}).values()
    if folder == "." or any(cluster.get("kind") != "existing" for cluster in clusters):
        assert any(record.maker for record in up.accounts), "controllers have made something too"
    gone = rehearsal.destroy()
    assert gone.ok, gone.log
    assert list(gone.accounts) == []
    assert list(gone.leftovers) == []


def test_every_stack_is_looked_at() -> None:
    assert {stack for folder, stack in projects() if folder == "."} >= {"dev", "mixed", "staging"}
