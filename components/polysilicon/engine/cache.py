"""The part of the cache that holds engines: where each lies, and how one is put there whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polysilicon._paths import cache_dir
from polysilicon.engine.model import (
    BESIDE_THE_ENGINE,
    LANGUAGE_HOST,
    TOOLCHAIN_VERSION,
    Engine,
    Origin,
    UnavailableError,
)
from polysilicon.engine.progress import Report
from polysilicon.errors import UserError


def toolchain_dir() -> Path:
    """The folder of everything downloaded or built."""
    return cache_dir() / "toolchain"


def engine_root(origin: Origin) -> Path:
    """The folder of the engine of this origin, at the version that this Polysilicon wants."""
    suffix = "-release" if origin == "download" else ""
    return toolchain_dir() / f"pulumi-v{TOOLCHAIN_VERSION}{suffix}"


def cached_engine(origin: Origin) -> Engine:
    """The engine that an earlier run put into the cache; raises `UnavailableError` if it is not there, or not whole."""
    binaries = engine_root(origin) / "bin"
    for name in ("pulumi", LANGUAGE_HOST, *BESIDE_THE_ENGINE):
        if not os.access(binaries / name, os.X_OK):
            raise UnavailableError(f"no {name} in {binaries}")
    return Engine(binaries / "pulumi", TOOLCHAIN_VERSION, origin, (binaries,))


@contextmanager
def staged(origin: Origin) -> Iterator[Path]:
    """An empty folder to make an engine in; it takes its place in the cache only when the block ends well.

    What an interrupted run left is thrown away, so that half an engine is never found. Before it takes its place
    the engine must have said its version.
    """
    final = engine_root(origin)
    partial = final.with_name(f".{final.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "bin").mkdir(parents=True)
    try:
        yield partial
        _must_run(partial / "bin" / "pulumi")
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _must_run(pulumi: Path) -> None:
    try:
        said = version_of(pulumi)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UnavailableError(f"the new pulumi does not run here: {error}") from error
    if said != TOOLCHAIN_VERSION:
        raise UnavailableError(f"the new pulumi calls itself {said}, not {TOOLCHAIN_VERSION}")


def version_of(pulumi: Path) -> str:
    """What `pulumi version` says, without the `v`."""
    quiet = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    command = [str(pulumi), "version"]
    done = subprocess.run(
        command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60
    )
    lines = done.stdout.split()
    if not lines:
        raise ValueError("`pulumi version` printed nothing")
    return lines[-1].removeprefix("v")


@contextmanager
def exclusive(report: Report) -> Iterator[None]:
    """Only one process at a time is inside: a second one waits, and then finds what the first has made."""
    path = toolchain_dir() / ".lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("w")
    except OSError as error:
        raise UserError(
            f"the cache folder {toolchain_dir()} cannot be written: {error.strerror}\n"
            "  fix: make it writable, or set POLYSILICON_CACHE to a folder that is"
        ) from error
    with handle:
        while not _locked(handle.fileno()):
            report("waiting for another process that prepares the engine")
            time.sleep(0.2)
        yield


def _locked(descriptor: int) -> bool:
    # Windows has no fcntl; there an engine is only looked for, never made, so nothing needs a lock.
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
