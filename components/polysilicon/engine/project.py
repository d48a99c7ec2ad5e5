"""What `Pulumi.yaml` and the stacks' files beside it say, as far as running them needs to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from polysilicon.errors import UserError


@dataclass(frozen=True)
class Project:
    """A Pulumi project on disk.

    Attributes:
        folder: The folder of `Pulumi.yaml`.
        name: The project's name.
        backend: The URL of the backend that it names itself, or empty.
        virtualenv: The virtual environment that its programs run in, or None for the Python that is there.
        stacks: What each stack's file says, by the stack's name.
    """

    folder: Path
    name: str
    backend: str
    virtualenv: Path | None
    stacks: Mapping[str, Mapping[str, Any]]

    def passphrase_stacks(self, by_default: bool) -> list[str]:
        """The stacks whose secrets are locked with a passphrase; `by_default`: those that do not say are too."""
        return [name for name, written in self.stacks.items() if _by_passphrase(written, by_default)]


def find_project(start: Path) -> Project | None:
    """The project that `start` is in: the nearest `Pulumi.yaml` upward. Raises `UserError` if it cannot be read."""
    for folder in (start, *start.parents):
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            if (folder / name).is_file():
                return _project(folder / name)
    return None


def _project(path: Path) -> Project:
    written = _read(path)
    runtime = written.get("runtime")
    options = _mapping(_mapping(runtime).get("options"))
    virtualenv = options.get("virtualenv")
    stacks = _stacks(path.parent / str(written.get("stackConfigDir") or "."), path.stem)
    return Project(
        folder=path.parent,
        name=str(written.get("name") or path.parent.name),
        backend=str(_mapping(written.get("backend")).get("url") or ""),
        virtualenv=path.parent / str(virtualenv) if virtualenv else None,
        stacks=dict(stacks),
    )


def _stacks(folder: Path, stem: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path in sorted([*folder.glob(f"{stem}.*.yaml"), *folder.glob(f"{stem}.*.yml")]):
        yield path.stem.removeprefix(f"{stem}."), _read(path)


def _by_passphrase(written: Mapping[str, Any], by_default: bool) -> bool:
    provider = str(written.get("secretsprovider") or "")
    if provider in ("", "passphrase", "default"):
        return "encryptionsalt" in written or provider == "passphrase" or by_default
    return False


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return _mapping(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
