"""The engine built from Go modules, for machines that reach a module proxy but not Pulumi's own site."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Callable
from pathlib import Path

from polysilicon.engine.cache import cached_engine, staged
from polysilicon.engine.model import BESIDE_THE_ENGINE, TOOLCHAIN_VERSION, Engine, UnavailableError, version_numbers
from polysilicon.engine.progress import Report
from polysilicon.engine.shim import write_language_host

_PULUMI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_SCRIPTS = {"pulumi-language-python-exec": "python/cmd", "pulumi-resource-pulumi-python": "python/dist"}
# As the release is built: no debug symbols, and without gRPC's trace pages, whose templates keep the linker from
# leaving unused code out.
_FLAGS = (
    "-mod=readonly",
    "-trimpath",
    "-tags=osusergo,grpcnotrace",
    f"-ldflags=-s -w -X {_SDK}/go/common/version.Version=v{TOOLCHAIN_VERSION}",
)
assert set(_SCRIPTS) == set(BESIDE_THE_ENGINE)


def build_engine(report: Report) -> Engine:
    """Builds the engine with `go` from the pinned modules and puts our language host beside it: minutes, once.

    What `go` has compiled stays in its own cache, so an interrupted build goes on where it stopped. Raises
    `UnavailableError` if there is no `go`, it is too old, the modules cannot be had, or the build fails.
    """
    go = usable_go()
    with staged("build") as folder:
        binaries = folder / "bin"
        _compile(go, binaries / "pulumi", report)
        _copy_scripts(go, binaries)
        write_language_host(binaries)
    return cached_engine("build")


def needed_go() -> str:
    """The oldest Go that builds the engine, as its `go.mod` says."""
    try:
        written = (module_dir() / "go.mod").read_text()
    except UnavailableError:
        written = ""
    found = re.search(r"^go (\S+)$", written, re.MULTILINE)
    return found.group(1) if found else "1.25"


def module_dir() -> Path:
    """The folder with the pinned `go.mod`: inside the installed package, or at the root of a source checkout."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "toolchain" / "pulumi", here.parents[3] / "toolchain" / "pulumi"):
        if (folder / "go.mod").is_file():
            return folder
    raise UnavailableError("this installation of Polysilicon lacks its folder toolchain/pulumi")


def usable_go() -> str:
    """The path of a `go` that is new enough, or can fetch the Go that is; raises `UnavailableError`."""
    go = shutil.which("go")
    if go is None:
        raise UnavailableError(f"there is no `go` on PATH; {needed_go()} or newer is needed")
    # Asked in the module's folder: a `go` that may switch to a newer toolchain does so here, or says why it cannot.
    version = _ask(go, "env", "GOVERSION").removeprefix("go")
    if version_numbers(version) < version_numbers(needed_go()):
        raise UnavailableError(f"{go} is {version}; {needed_go()} or newer is needed")
    return go


def _compile(go: str, target: Path, report: Report) -> None:
    packages = _packages_to_build(go, report)
    text = f"building pulumi {TOOLCHAIN_VERSION} with Go (minutes, once)"
    done = 0

    def built(_: str) -> None:
        nonlocal done
        done += 1
        report(text, min(done / packages, 1.0) if packages else None)

    report(text, 0.0)
    # -v names each package when it has been compiled.
    _run([go, "build", "-v", *_FLAGS, "-o", str(target), _PULUMI], built)


def _packages_to_build(go: str, report: Report) -> int:
    """How many packages Go has not compiled yet; downloads what it has not downloaded yet."""
    report("looking up the Go modules of pulumi")
    found = 0

    def listed(line: str) -> None:
        nonlocal found
        if line.startswith("go: downloading"):
            report("downloading the Go modules of pulumi")
        elif line:
            found += 1

    _run([go, "list", *_FLAGS, "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", _PULUMI], listed)
    return found


def _copy_scripts(go: str, binaries: Path) -> None:
    sdk = Path(_ask(go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", _SDK))
    for name, folder in _SCRIPTS.items():
        try:
            shutil.copyfile(sdk / folder / name, binaries / name)
        except OSError as error:
            raise UnavailableError(f"the module {_SDK} has no {folder}/{name}") from error
        (binaries / name).chmod(0o755)


def _ask(go: str, *arguments: str) -> str:
    lines: list[str] = []
    _run([go, *arguments], lines.append)
    return lines[-1] if lines else ""


def _run(command: list[str], on_line: Callable[[str], None]) -> None:
    """Runs `go` and hands over what it says line by line; its last words are the reason if it fails."""
    last: deque[str] = deque(maxlen=5)
    with subprocess.Popen(
        command,
        cwd=module_dir(),
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                last.append(line.strip())
                on_line(line.strip())
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise UnavailableError(f"`go {command[1]}` failed: {' | '.join(last) or process.returncode}")


def _environment() -> dict[str, str]:
    # A go.work or a vendored tree of the user's must not choose other versions; without cgo no C compiler is needed.
    return {**os.environ, "GOWORK": "off", "CGO_ENABLED": "0"}
