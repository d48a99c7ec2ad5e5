"""The official release of the engine, downloaded and checked."""

from __future__ import annotations

import hashlib
import http.client
import os
import platform
import shutil
import sys
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

from polysilicon.engine.cache import cached_engine, staged
from polysilicon.engine.model import TOOLCHAIN_VERSION, Engine, UnavailableError
from polysilicon.engine.progress import Report

MIRROR = "POLYSILICON_ENGINE_RELEASES"
CONNECT_SECONDS = 4.0
READ_SECONDS = 30.0

# Both places carry the archives and, beside them, `pulumi-<version>-checksums.txt` in the form of sha256sum: the
# first is where Pulumi's release workflow puts them and its setup action takes them from, the second is the one that
# its install script asks first.
_RELEASES = (
    "https://get.pulumi.com/releases/sdk",
    f"https://github.com/pulumi/pulumi/releases/download/v{TOOLCHAIN_VERSION}",
)
_SYSTEMS = {"linux": "linux", "darwin": "darwin"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}
_CHUNK = 1 << 18
_NETWORK = (OSError, http.client.HTTPException)
_T = TypeVar("_T")


def download_engine(report: Report) -> Engine:
    """Downloads the release for this system, checks it against the release's own checksums, unpacks it.

    `POLYSILICON_ENGINE_RELEASES` names another place that has the archive and its checksums. Raises `UnavailableError`
    if no place answers within seconds, the download breaks off, or the checksum does not match.
    """
    archive = archive_name()
    base, published = _published(archive, report)
    with staged("download") as folder:
        path = folder / archive
        found = _save(f"{base}/{archive}", path, report)
        if found != published:
            raise UnavailableError(
                f"{archive} from {_host(base)} was thrown away: its SHA-256 is {found}, published is {published}"
            )
        report(f"unpacking pulumi {TOOLCHAIN_VERSION}")
        _unpack(path, folder / "bin")
        path.unlink()
    return cached_engine("download")


def archive_name() -> str:
    """The file name of the release for this system; raises `UnavailableError` where none can be unpacked."""
    system = _SYSTEMS.get(sys.platform)
    machine = _MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise UnavailableError(f"there is no release that can be unpacked here ({sys.platform}, {platform.machine()})")
    return f"pulumi-v{TOOLCHAIN_VERSION}-{system}-{machine}.tar.gz"


def _published(archive: str, report: Report) -> tuple[str, str]:
    """The first place that answers, and the checksum that it publishes for `archive`."""
    mirror = os.environ.get(MIRROR, "").rstrip("/")
    failures = []
    for base in (mirror,) if mirror else _RELEASES:
        report(f"asking {_host(base)} for pulumi {TOOLCHAIN_VERSION}")
        try:
            listing = _within(2 * CONNECT_SECONDS, lambda base=base: _checksums(base))  # type: ignore[misc]
        except _NETWORK as error:
            failures.append(f"{_host(base)}: {_reason(error)}")
            continue
        if archive in listing:
            return base, listing[archive]
        failures.append(f"{_host(base)}: its checksums do not name {archive}")
    raise UnavailableError("; ".join(failures))


def _checksums(base: str) -> dict[str, str]:
    url = f"{base}/pulumi-{TOOLCHAIN_VERSION}-checksums.txt"
    with _open(url, CONNECT_SECONDS) as answer:
        lines = answer.read(1 << 20).decode(errors="replace").splitlines()
    pairs = (line.split() for line in lines)
    return {pair[1].lstrip("*"): pair[0].lower() for pair in pairs if len(pair) == 2}


def _save(url: str, path: Path, report: Report) -> str:
    """Streams `url` into `path`; gives its SHA-256."""
    digest = hashlib.sha256()
    text = f"downloading pulumi {TOOLCHAIN_VERSION} from {_host(url)}"
    try:
        with _open(url, READ_SECONDS) as answer, path.open("wb") as out:
            total = int(answer.headers.get("Content-Length") or 0)
            done = 0
            while chunk := answer.read(_CHUNK):
                out.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                report(text, min(done / total, 1.0) if total else None)
    except _NETWORK as error:
        raise UnavailableError(f"{_host(url)}: {_reason(error)}") from error
    if total and done != total:
        raise UnavailableError(f"{_host(url)}: it broke off after {done} of {total} bytes")
    return digest.hexdigest()


def _open(url: str, seconds: float) -> Any:
    try:
        return urllib.request.urlopen(url, timeout=seconds)
    except urllib.error.HTTPError as error:
        # The error is the answer too, and holds its connection.
        with error:
            raise ConnectionError(f"{error.code} {error.reason}") from None


def _unpack(archive: Path, target: Path) -> None:
    """The files of the release lie flat in one folder, `pulumi/`; anything else in an archive is not taken."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                folder, _, name = member.name.partition("/")
                content = tar.extractfile(member) if member.isfile() else None
                if content is not None and folder == "pulumi" and name and "/" not in name:
                    _write(content, target / name)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UnavailableError(f"{archive.name} cannot be unpacked: {error}") from error


def _write(content: IO[bytes], path: Path) -> None:
    with content, path.open("wb") as out:
        shutil.copyfileobj(content, out)
    path.chmod(0o755)


def _within(seconds: float, call: Callable[[], _T]) -> _T:
    """`call()`, given up after `seconds`: a name server that does not answer knows no time-out of ours."""
    outcome: list[_T | Exception] = []

    def work() -> None:
        try:
            outcome.append(call())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    result = outcome[0] if outcome else TimeoutError("no answer")
    if isinstance(result, Exception):
        raise result
    return result


def _host(url: str) -> str:
    return urlsplit(url).netloc or url


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, TimeoutError):
        return "no answer within seconds"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
