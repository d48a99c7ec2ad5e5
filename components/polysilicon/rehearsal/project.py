"""The program under rehearsal, and the scratch copy of its project file that the engine is given.

The engine writes into the folder of `Pulumi.yaml` (a new stack's encryption salt, set configuration). A rehearsal must
not touch the working tree, so the engine gets a project folder of its own whose `main` points at the real program.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from polysilicon.errors import UserError, one_of

DEFAULT_STACK = "dev"
# Made by the engine for the passphrase of `environment`. The placeholder decrypts to the text below: stacks' secrets
# cannot be read without their real key, and what a program gets in their place must still be a secret.
SALT = "v1:u75YjBUEOoc=:v1:QE+tGOV3bo+5EvPw:XzjBhacCgrfNFsseKyxItumGdL8QzQ=="
PLACEHOLDER = "v1:kwji/1KEejNEldO3:1ThPV2i8sLczjP1NSNOaDiPJm16HaO6QSNRgYOeF/yk3R3gxVg=="
PLACEHOLDER_TEXT = "rehearsal-placeholder"


@dataclass(frozen=True)
class Project:
    """A Pulumi Python project on disk.

    Attributes:
        folder: The folder of `Pulumi.yaml`.
        name: The project's name.
        settings: What `Pulumi.yaml` says.
        stacks: The file of every stack that has one, by the stack's name.
    """

    folder: Path
    name: str
    settings: Mapping[str, Any]
    stacks: Mapping[str, Path]

    @property
    def program(self) -> Path:
        """The program: a folder with `__main__.py`, or a file."""
        return (self.folder / str(self.settings.get("main") or ".")).resolve()

    @property
    def program_folder(self) -> Path:
        """Where the program runs."""
        return self.program if self.program.is_dir() else self.program.parent

    @property
    def key(self) -> str:
        """A name for the project that no other one on this machine has."""
        digest = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()
        return f"{self.name}-{digest[:8]}"

    @property
    def python(self) -> Path:
        """The interpreter that runs the program: that of its virtual environment, else the one running now."""
        options = _options(self.settings)
        told = options.get("virtualenv")
        folders = [self.folder / str(told)] if told else _tool_environments(self.folder, options)
        for folder in folders:
            if (folder / "bin" / "python").exists():
                return (folder / "bin" / "python").absolute()
        if told:
            raise UserError(
                f"{self.folder / 'Pulumi.yaml'}: runtime.options.virtualenv: there is no Python in {folders[0]}\n"
                f"Make it with `pulumi install`, or `python3 -m venv {folders[0]}` and install the requirements there."
            )
        return Path(sys.executable)

    def choose(self, stack: str | None) -> str:
        """The stack to rehearse: the one asked for, else `dev`, else the only one there is."""
        if stack is None:
            stack = DEFAULT_STACK if DEFAULT_STACK in self.stacks or not self.stacks else None
        if stack is None and len(self.stacks) == 1:
            (stack,) = self.stacks
        if stack is None:
            raise UserError(f"{self.name} has several stacks and none is called {DEFAULT_STACK}: {one_of(self.stacks)}")
        if self.stacks and stack not in self.stacks:
            raise UserError(f"{self.name} has no stack {stack!r}: {one_of(self.stacks, stack)}")
        return stack


@dataclass(frozen=True)
class Scratch:
    """The copy that the engine works on.

    Attributes:
        folder: Where it is.
        notes: What could not be copied, for the summary.
    """

    folder: Path
    notes: Sequence[str]


def find_project(start: Path) -> Project:
    """The project that `start` is in: the nearest `Pulumi.yaml` upward."""
    start = start.resolve()
    for folder in (start, *start.parents):
        for name in ("Pulumi.yaml", "Pulumi.yml"):
            if (folder / name).is_file():
                return _read_project(folder / name)
    raise UserError(f"there is no Pulumi.yaml in {start} or above it\nName the project's folder with -C DIR.")


def make_scratch(project: Project, stack: str, folder: Path, plugins: Mapping[str, Path]) -> Scratch:
    """Writes the copy of project and stack file into `folder`, new on every run.

    Args:
        plugins: Folders of real plugins that the engine is to start, by package.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = {key: value for key, value in project.settings.items() if key not in _NOT_COPIED}
    replaced: list[str] = []
    settings["main"] = str(project.program)
    settings["runtime"] = {"name": "python", "options": _scratch_options(project)}
    settings["plugins"] = _plugins(project, plugins)
    if "config" in settings:
        settings["config"] = _without_secrets(settings["config"], "", replaced)
    _write(folder / "Pulumi.yaml", settings)
    source = project.stacks.get(stack)
    config = _read(source) if source else {}
    values = _without_secrets(config.get("config") or {}, "", replaced)
    kept = {key: value for key, value in config.items() if key not in _KEYS_OF_SECRETS}
    _write(folder / f"Pulumi.{stack}.yaml", {**kept, "config": values, "encryptionsalt": SALT})
    return Scratch(folder, [*_secrets_note(replaced), *_environment_note(config)])


def _secrets_note(replaced: Sequence[str]) -> list[str]:
    text = (
        "cannot be read without the stack's key; the program got a placeholder (--config KEY=VALUE gives another value)"
    )
    return [f"Secret configuration {text}: {', '.join(replaced)}."] if replaced else []


def _environment_note(config: Mapping[str, Any]) -> list[str]:
    text = "The stack imports environments of Pulumi ESC, which cannot be read here; give what they hold with --config."
    return [text] if config.get("environment") else []


def link_plugin(package: str, told: Path, folder: Path) -> Path:
    """The folder from which the engine starts a real plugin: the one given, or one with a link to the binary given."""
    told = told.expanduser().absolute()
    if told.is_dir():
        return told
    if not told.is_file() or not os.access(told, os.X_OK):
        raise UserError(
            f"--provider {package}={told}: there is no such program\nName the plugin's binary or its folder."
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / f"pulumi-resource-{package}").symlink_to(told)
    return folder


_NOT_COPIED = ("stackConfigDir", "backend", "template", "runtime", "main", "plugins")
_KEYS_OF_SECRETS = ("config", "encryptionsalt", "encryptedkey", "secretsprovider", "environment")


def _read_project(file: Path) -> Project:
    settings = _read(file)
    runtime = settings.get("runtime")
    name = runtime.get("name") if isinstance(runtime, Mapping) else runtime
    if name != "python":
        raise UserError(f"{file}: runtime: {name!r} cannot be rehearsed: allowed: 'python'")
    folder = file.parent / str(settings.get("stackConfigDir") or ".")
    files = sorted([*folder.glob(f"{file.stem}.*.yaml"), *folder.glob(f"{file.stem}.*.yml")])
    stacks = {path.stem.removeprefix(f"{file.stem}."): path for path in files}
    return Project(file.parent, str(settings.get("name") or file.parent.name), settings, stacks)


def _options(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    runtime = settings.get("runtime")
    options = runtime.get("options") if isinstance(runtime, Mapping) else None
    return options if isinstance(options, Mapping) else {}


def _tool_environments(folder: Path, options: Mapping[str, Any]) -> list[Path]:
    """Where uv and poetry put a project's environment, if one of them is the project's tool."""
    if options.get("toolchain") not in ("uv", "poetry"):
        return []
    return [above / ".venv" for above in (folder, *folder.parents)]


def _scratch_options(project: Project) -> dict[str, str]:
    """The environment by its absolute path; the other options are about making it, which a rehearsal never does."""
    prefix = project.python.parent.parent
    return {"virtualenv": str(prefix)} if (prefix / "pyvenv.cfg").exists() else {}


def _plugins(project: Project, real: Mapping[str, Path]) -> dict[str, Any]:
    told = project.settings.get("plugins") or {}
    found = {kind: [_absolute(project.folder, plugin) for plugin in plugins or ()] for kind, plugins in told.items()}
    own = [{"name": name, "path": str(path)} for name, path in real.items()]
    found["providers"] = [*(p for p in found.get("providers", ()) if p.get("name") not in real), *own]
    return found


def _absolute(folder: Path, plugin: Mapping[str, Any]) -> dict[str, Any]:
    return {**plugin, "path": str((folder / plugin["path"]).resolve())} if plugin.get("path") else dict(plugin)


def _without_secrets(value: Any, path: str, replaced: list[str]) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            replaced.append(path)
            return {"secure": PLACEHOLDER}
        return {key: _without_secrets(item, f"{path}.{key}".lstrip("."), replaced) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item, f"{path}[{index}]", replaced) for index, item in enumerate(value)]
    return value


def _read(file: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"{file} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise UserError(f"{file}: a mapping is expected, not {type(found).__name__}")
    return found


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")
