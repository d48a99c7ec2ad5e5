"""What `Pulumi.yaml` says about how to run a program."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

if TYPE_CHECKING:
    from pulumi.runtime.proto import language_pb2

OFFICIAL = "install Pulumi (https://www.pulumi.com/docs/install), whose own language host can do it"
_TYPECHECKERS = ("", "mypy", "pyright")


class HostError(Exception):
    """What the engine is told when a request cannot be served; a person reads it below the engine's own words."""


@contextmanager
def told_to(context: Any) -> Iterator[None]:
    """Turns a `HostError` into the answer of the call instead of a traceback."""
    try:
        yield
    except HostError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))


@dataclass(frozen=True)
class Program:
    """A program, policy pack or plugin, and the Python that runs it.

    Attributes:
        root: The folder of `Pulumi.yaml`; relative paths in its options are meant from here.
        folder: The folder of the program.
        entry_point: What is run in it, `.` as a rule.
        virtualenv: The virtual environment it wants, or None.
        typechecker: `mypy` or `pyright` if the program is to be checked before each run, else empty.
    """

    root: Path
    folder: Path
    entry_point: str
    virtualenv: Path | None
    typechecker: str

    @property
    def python(self) -> str:
        """The interpreter; raises `HostError` if the virtual environment that was asked for is not there."""
        if self.virtualenv is None:
            return default_python()
        if not has_python(self.virtualenv):
            raise HostError(
                f"Pulumi.yaml wants the virtual environment {self.virtualenv}, and there is no Python in it\n"
                f"  fix: run `pulumi install`, or python3 -m venv {self.virtualenv} and install what the program needs"
            )
        return str(self.virtualenv / "bin" / "python")

    def environment(self, base: Mapping[str, str] = os.environ) -> dict[str, str]:
        """`base`, with the virtual environment activated if there is one."""
        if self.virtualenv is None:
            return dict(base)
        kept = {name: value for name, value in base.items() if name != "PYTHONHOME"}
        path = os.pathsep.join(filter(None, [str(self.virtualenv / "bin"), base.get("PATH", "")]))
        return {**kept, "PATH": path, "VIRTUAL_ENV": str(self.virtualenv)}


def program_of(info: language_pb2.ProgramInfo) -> Program:
    """Reads the options of a request; raises `HostError` for one that we do not know."""
    options = dict(info.options.items())
    root, folder = Path(info.root_directory), Path(info.program_directory)
    typechecker = _text(options, "typechecker")
    if typechecker not in _TYPECHECKERS:
        raise HostError(f"Pulumi.yaml: typechecker is {typechecker!r}; allowed: mypy, pyright")
    return Program(root, folder, info.entry_point or ".", _virtualenv(options, root, folder), typechecker)


def is_plugin(root: Path) -> bool:
    """Whether this is the folder of a component provider, and not of a program or a policy pack."""
    return (root / "PulumiPlugin.yaml").is_file()


def has_python(virtualenv: Path) -> bool:
    """Whether this is a virtual environment that can run something."""
    return (virtualenv / "bin" / "python").is_file()


def _virtualenv(options: Mapping[str, Any], root: Path, folder: Path) -> Path | None:
    toolchain = _text(options, "toolchain")
    if toolchain == "poetry":
        raise HostError(
            f"Pulumi.yaml: toolchain is 'poetry', which this language host does not know\n"
            f"  fix: set `virtualenv` instead (`poetry env info --path` prints it), or {OFFICIAL}"
        )
    if toolchain not in ("", "pip", "uv"):
        raise HostError(f"Pulumi.yaml: toolchain is {toolchain!r}; allowed: pip, uv, poetry")
    if named := _text(options, "virtualenv"):
        return root / named
    if toolchain == "uv":
        return _uv_environment(folder) or root / ".venv"
    # Like the official host, but never required: an environment that uv keeps for the project, or a plugin's `venv`.
    usual = root / "venv" if is_plugin(root) else _uv_environment(folder, "uv.lock")
    return usual if usual and has_python(usual) else None


def _uv_environment(folder: Path, *marks: str) -> Path | None:
    for mark in marks or ("uv.lock", "pyproject.toml"):
        for parent in (folder, *folder.parents):
            if (parent / mark).is_file():
                return parent / ".venv"
    return None


def _text(options: Mapping[str, Any], name: str) -> str:
    value = options.get(name, "")
    if not isinstance(value, str):
        raise HostError(f"Pulumi.yaml: the runtime option {name} must be text, not {value!r}")
    return value


def default_python() -> str:
    chosen = os.environ.get("PULUMI_PYTHON_CMD", "")
    return (shutil.which(chosen) if chosen else None) or sys.executable
