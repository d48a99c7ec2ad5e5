"""Copies of the project that a test may change and rehearse."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from polysilicon.rehearsal import Rehearsal
from polysilicon.rehearsal.outcome import Outcome, Resource
from tests.conftest import ROOT

GOLDEN = Path(__file__).parent / "golden"


def copy_project(to: Path) -> Path:
    """The project's file and its program in a folder of their own."""
    shutil.copytree(ROOT / "stacks", to / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    project["runtime"]["options"]["virtualenv"] = str(ROOT / ".venv")
    (to / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    return to


def edit(project: Path, stack: str, change: Callable[[dict[str, Any]], object], as_stack: str | None = None) -> None:
    """Changes the fleet in a stack's YAML, or writes the changed one as another stack's."""
    document = yaml.safe_load((project / "stacks" / f"Pulumi.{stack}.yaml").read_text())
    change(document["config"])
    (project / "stacks" / f"Pulumi.{as_stack or stack}.yaml").write_text(yaml.safe_dump(document))


def rehearse(project: Path, stack: str, state: Path) -> Rehearsal:
    """A rehearsal whose output is kept for the test."""
    return Rehearsal(project, stack, state=state, quiet=True)


def tree(outcome: Outcome) -> list[str]:
    """Every resource as `type name, parent, provider`, in an order that does not depend on the run."""
    return sorted(_line(resource) for resource in outcome.resources if not resource.type.startswith("pulumi:pulumi:"))


def _line(resource: Resource) -> str:
    provider = f"  by {_short(resource.provider.rsplit('::', 1)[0])}" if resource.provider else ""
    return f"{_short(resource.parent)} > {resource.type} {resource.name}{provider}"


def _short(urn: str) -> str:
    if not urn:
        return "nothing"
    kind, _, name = urn.split("::", 2)[2].partition("::")
    return f"{kind.rsplit('$', 1)[-1].rsplit(':', 1)[-1]} {name}"


def assert_golden(name: str, lines: list[str]) -> None:
    """Compares with the checked-in tree; UPDATE_GOLDEN=1 writes it instead."""
    file = GOLDEN / f"{name}.txt"
    text = "\n".join(lines) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(text)
    assert file.read_text() == text, "the tree changed: read the difference, then run with UPDATE_GOLDEN=1 on purpose"
