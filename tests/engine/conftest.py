"""Machines to look for an engine on: nearly bare ones, and the one that the tests run on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from polysilicon.engine import Engine, console_report, ensure_engine

COMPONENTS = Path(__file__).resolve().parents[2] / "components"


@dataclass
class Machine:
    """A machine with nothing on it: an empty cache, and a PATH without `pulumi` and `go`."""

    cache: Path
    bin: Path

    def script(self, path: Path, body: str) -> Path:
        """An executable that runs `body` in sh."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def pulumi(self, folder: Path, version: str = "v3.250.0", language_host: bool = True) -> Path:
        """A `pulumi` that knows its version, and nothing else."""
        if language_host:
            self.script(folder / "pulumi-language-python", "exit 1")
        return self.script(folder / "pulumi", f'[ "$1" = version ] && echo {version}')

    def cached(self, suffix: str = "") -> Path:
        """Puts a whole engine into the cache; gives the folder of its binaries."""
        folder = self.cache / "toolchain" / f"pulumi-v3.250.0{suffix}" / "bin"
        self.pulumi(folder)
        for name in ("pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
            self.script(folder / name, "exit 1")
        return folder

    def leftovers(self) -> list[str]:
        """What lies in the cache's folder for engines, the lock aside."""
        folder = self.cache / "toolchain"
        return sorted(path.name for path in folder.iterdir() if path.name != ".lock") if folder.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path / "cache", tmp_path / "bin")
    made.bin.mkdir()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "sleep", "cat", "mkdir", "chmod"):
        tool = next(Path(folder, name) for folder in ("/bin", "/usr/bin") if Path(folder, name).exists())
        (tools / name).symlink_to(tool)
    monkeypatch.setenv("PATH", f"{made.bin}{os.pathsep}{tools}")
    monkeypatch.setenv("POLYSILICON_CACHE", str(made.cache))
    for name in ("POLYSILICON_ENGINE", "POLYSILICON_ENGINE_RELEASES"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine of this machine; the first time it may have to be downloaded or built."""
    with console_report() as report:
        return ensure_engine(report)


@dataclass
class Program:
    """A Pulumi project with one stack, `dev`, whose state is a folder beside it."""

    folder: Path
    environment: Mapping[str, str]

    def write(self, program: str, pulumi_yaml: str = "name: tiny\nruntime: python\n") -> None:
        (self.folder / "Pulumi.yaml").write_text(pulumi_yaml)
        (self.folder / "__main__.py").write_text(program)

    def pulumi(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Runs `pulumi`; gives what it printed, whatever its exit code."""
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def program(engine: Engine, tmp_path: Path) -> Program:
    folder, state = tmp_path / "project", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    made = Program(folder, {**engine.environment(os.environ), **_isolation(tmp_path, state)})
    made.write("")
    assert made.pulumi("stack", "init", "dev").returncode == 0
    return made


def _isolation(tmp_path: Path, state: Path) -> dict[str, str]:
    return {
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "only for tests",
        "PULUMI_HOME": str(tmp_path / "pulumi-home"),
        "PULUMI_PYTHON_CMD": sys.executable,
        # The language host names the plugins of all SDKs that are installed; these programs need none of them.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PYTHONPATH": str(COMPONENTS),
    }
