"""The mutants: one-line breakages, each a row of `mutants.toml`."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
COPIED = ("components", "stacks", "tests", "benchmarks", "docs")
LINKED = ("toolchain", "pyproject.toml", "README.md", "CHANGELOG.md", "requirements.lock", "scripts")


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A breakage.

    Attributes:
        file: Relative to the project.
        find: Text that occurs once in the file.
        put: What stands in its place.
        breaks: What would go wrong in a real deployment.
        explained: Why it may survive; empty for one that must be killed.
    """

    name: str
    file: str
    find: str
    put: str
    breaks: str
    explained: str = ""

    def problem(self) -> str:
        """Why it cannot be applied, if so."""
        count = (ROOT / self.file).read_text(encoding="utf-8").count(self.find)
        return "" if count == 1 else f"{self.name}: `find` occurs {count} times in {self.file}"

    def apply(self, project: Path) -> None:
        """Breaks a copy of the project."""
        file = project / self.file
        file.write_text(file.read_text(encoding="utf-8").replace(self.find, self.put), encoding="utf-8")


def mutants() -> list[Mutant]:
    """All rows."""
    rows = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text(encoding="utf-8"))
    return [Mutant(**row) for row in rows["mutants"]]


def copy_project(to: Path) -> Path:
    """A copy that runs on the project's own environment."""
    to.mkdir(parents=True)
    for name in COPIED:
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in LINKED:
        (to / name).symlink_to(ROOT / name)
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    project["runtime"]["options"]["virtualenv"] = str(ROOT / ".venv")
    (to / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    return to
