"""Looks for an engine, and installs nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import get_args

from polysilicon.engine.cache import cached_engine, toolchain_dir, version_of
from polysilicon.engine.model import LANGUAGE_HOST, MINIMUM_VERSION, Engine, Origin, UnavailableError, version_numbers
from polysilicon.errors import UserError, one_of

CHOICE = "POLYSILICON_ENGINE"


def find_engine() -> Engine | None:
    """The engine that this machine has: on PATH, else one that was downloaded, else one that was built; or None.

    `POLYSILICON_ENGINE` (`path`, `download` or `build`) allows that origin only. Raises `UserError` if it says
    anything else.
    """
    for origin in allowed_origins():
        try:
            return engine_on_path() if origin == "path" else cached_engine(origin)
        except UnavailableError:
            continue
    return None


def allowed_origins() -> tuple[Origin, ...]:
    """The origins to try, best first."""
    origins: tuple[Origin, ...] = get_args(Origin)
    chosen = os.environ.get(CHOICE)
    if not chosen:
        return origins
    if chosen not in origins:
        raise UserError(f"{CHOICE} is {chosen!r}: {one_of(origins, chosen)}\n  fix: set one of these, or unset it")
    return tuple(origin for origin in origins if origin == chosen)


def engine_on_path() -> Engine:
    """The `pulumi` that a shell would run; raises `UnavailableError` if there is none, or it will not do."""
    search = _path_without_ours()
    pulumi = shutil.which("pulumi", path=search)
    if pulumi is None:
        raise UnavailableError("there is no `pulumi` on PATH")
    version = _wanted_version(Path(pulumi))
    host = _language_host_of(Path(pulumi), search)
    if host is None:
        raise UnavailableError(f"{pulumi} ({version}) has no `{LANGUAGE_HOST}` beside it or on PATH")
    # A host that lies beside the resolved binary (a package manager's symlinks) is found by the engine itself.
    return Engine(Path(pulumi), version, "path", tuple(dict.fromkeys([Path(pulumi).parent, host.parent])))


def _path_without_ours() -> str:
    # A command that already runs in an engine's environment must not take the cached one for the user's own.
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if toolchain_dir() not in Path(entry).parents)


def _wanted_version(pulumi: Path) -> str:
    try:
        version = version_of(pulumi)
        numbers = version_numbers(version)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UnavailableError(f"{pulumi} does not say its version: {error}") from error
    if numbers < version_numbers(MINIMUM_VERSION):
        raise UnavailableError(f"{pulumi} is {version}; {MINIMUM_VERSION} or newer is needed")
    return version


def _language_host_of(pulumi: Path, search: str) -> Path | None:
    for folder in (pulumi.parent, pulumi.resolve().parent):
        if os.access(folder / LANGUAGE_HOST, os.X_OK):
            return folder / LANGUAGE_HOST
    elsewhere = shutil.which(LANGUAGE_HOST, path=search)
    return Path(elsewhere) if elsewhere else None
