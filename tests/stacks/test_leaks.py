"""After destroy the simulated accounts are empty, whatever order things were made and went in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from polysilicon.rehearsal import Rehearsal
from tests.conftest import ROOT
from tests.stacks.project import copy_project

pytestmark = pytest.mark.engine
SEEDS = (0, 1, 2)


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


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("folder", "stack"), list(projects()))
def test_nothing_is_left_in_any_order(folder: str, stack: str, seed: int, tmp_path: Path) -> None:
    rehearsal = Rehearsal(project_of(folder, tmp_path), stack, state=tmp_path / "state", quiet=True, seed=seed)
    up = rehearsal.up()
    assert up.ok, up.log
    assert any(record.maker for record in up.accounts), "controllers have made something too"
    gone = rehearsal.destroy()
    assert gone.ok, gone.log
    assert list(gone.accounts) == []
    assert list(gone.leftovers) == []


def test_every_stack_is_looked_at() -> None:
    assert {stack for folder, stack in projects() if folder == "."} >= {"dev", "mixed", "staging"}
