"""What this machine has for rehearsals, and what is missing. Installs nothing and calls nobody."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from polysilicon.engine.build import needed_go, usable_go
from polysilicon.engine.find import find_engine
from polysilicon.engine.model import LANGUAGE_HOST, TOOLCHAIN_VERSION, Engine, UnavailableError

State = Literal["ok", "missing", "optional"]

INSTALL = "polysilicon doctor --install"
_ORIGINS = {"path": "found on PATH", "download": "the official release", "build": "built from Go modules"}
_CLOUD_SDKS = {"pulumi-aws": "aws", "pulumi-gcp": "gcp", "pulumi-kubernetes": "kubernetes"}


@dataclass(frozen=True)
class Check:
    """One thing that was looked for.

    Attributes:
        what: Its name.
        state: `ok`; `missing`: something does not work without it; `optional`: not all need it, or it comes by itself.
        found: What was found, never a secret.
        fix: The command or the words that get it; empty if there is nothing to do.
    """

    what: str
    state: State
    found: str
    fix: str = ""


def rehearsal_checks() -> list[Check]:
    """What a rehearsal needs. It can run if none of these is missing."""
    engine = find_engine()
    go, go_problem = _go()
    return [
        Check("Python", "ok", platform.python_version()),
        _pulumi_sdk(),
        *_engine(engine, can_build=go is not None),
        _go_check(go, go_problem, needed=engine is None),
        *_cloud_sdks(),
    ]


def shown(path: Path) -> str:
    """A path as a person writes it, the home folder as `~`."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if home in path.parents else str(path)


def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, None if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _pulumi_sdk() -> Check:
    version = installed_version("pulumi")
    if version is None:
        return Check("Pulumi SDK", "missing", "not installed in this Python", "pip install polysilicon")
    return Check("Pulumi SDK", "ok", version)


def _engine(engine: Engine | None, can_build: bool) -> Iterator[Check]:
    if engine is not None:
        yield Check(
            "engine", "ok", f"pulumi {engine.version}, {_ORIGINS[engine.origin]}\n{shown(engine.pulumi.parent)}"
        )
        yield Check("language host", "ok", _language_host(engine))
    elif can_build:
        found = f"pulumi {TOOLCHAIN_VERSION} comes with the first rehearsal: downloaded, or built in minutes"
        yield Check("engine", "optional", found, f"{INSTALL}, to have it now")
    else:
        found = "there is none, and no Go to build it with; it may yet be downloaded"
        yield Check("engine", "missing", found, f"{INSTALL}, or install Pulumi: https://www.pulumi.com/docs/install")


def _language_host(engine: Engine) -> str:
    whose = "Polysilicon's own" if engine.origin == "build" else "Pulumi's own"
    folders = [folder for folder in engine.bin_dirs if (folder / LANGUAGE_HOST).exists()]
    return f"{whose}, beside the engine" if engine.pulumi.parent in folders else f"{whose}\n{shown(folders[0])}"


def _go() -> tuple[str | None, str]:
    try:
        return usable_go(), ""
    except UnavailableError as why:
        return None, str(why)


def _go_check(go: str | None, problem: str, needed: bool) -> Check:
    if go is not None:
        return Check("Go", "ok", shown(Path(go)) if needed else f"{shown(Path(go))} (there is an engine already)")
    fix = f"install Go {needed_go()} or newer: https://go.dev/dl" if needed else ""
    found = problem if needed else "not found, and not needed: there is an engine"
    return Check("Go", "optional", found, fix)


def _cloud_sdks() -> Iterator[Check]:
    for name, extra in _CLOUD_SDKS.items():
        version = installed_version(name)
        if version is None:
            yield Check(
                name, "optional", f"not installed; {extra} components need it", f"pip install 'polysilicon[{extra}]'"
            )
        else:
            yield Check(name, "ok", version)


def tool(what: str, names: tuple[str, ...], why: str, fix: str, *, needed: bool) -> Check:
    """Whether one of the commands `names` is on PATH."""
    for name in names:
        if path := shutil.which(name):
            return Check(what, "ok", shown(Path(path)))
    return Check(what, "missing" if needed else "optional", f"not on PATH; {why}", fix)
