"""The mutants: one-line breakages, each a row of `mutants.toml`."""

from __future__ import annotations

import shutil
import sysconfig
import tomllib
import venv
from dataclasses import dataclass
from pathlib import Path

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
    """A copy with an environment of its own, in which the copied components stand before the installed packages."""
    to.mkdir(parents=True)
    for name in COPIED:
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in LINKED:
        (to / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "Pulumi.yaml", to)  # a link would lead the engine to the project itself
    venv.create(to / ".venv", with_pip=False, symlinks=True)
    (own,) = (to / ".venv").glob("lib/python*/site-packages")
    (own / "packages.pth").write_text(f"{to / 'components'}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return to
