"""The build from Go modules: with a stand-in for `go` that is quick, so that what goes wrong can be made to."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from polysilicon.engine import TOOLCHAIN_VERSION, build, ensure_engine
from polysilicon.errors import UserError

# Says what `go` says, and writes each build into a log.
GO = """
case "$1 $2" in
"env GOVERSION") echo "${GO_VERSION:-go1.26.8}" ;;
"list -mod=readonly") [ "$3" = -m ] && echo "$GO_SDK" || { echo "go: downloading a v1" >&2; echo a; echo b; echo c; } ;;
build*)
    echo built >> "$GO_LOG"
    [ -z "$GO_FAILS" ] || { echo "# a"; echo "a.go:1:1: expected 'package'"; exit 1; }
    sleep "${GO_SECONDS:-0}"
    echo a; echo b; echo c
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\necho v3.250.0\\n' > "$2"; chmod 755 "$2" ;;
*) echo "unexpected: $*" >&2; exit 9 ;;
esac
"""


@pytest.fixture
def go(machine, monkeypatch, tmp_path):
    """The stand-in on PATH; gives its log."""
    sdk, log = tmp_path / "sdk", tmp_path / "builds"
    for name in ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"):
        (sdk / name).parent.mkdir(parents=True)
        (sdk / name).write_text("#!/bin/sh\n")
        # As in Go's module cache, where nothing can be written or run.
        (sdk / name).chmod(0o444)
    machine.script(machine.bin / "go", GO)
    monkeypatch.setenv("GO_SDK", str(sdk))
    monkeypatch.setenv("GO_LOG", str(log))
    monkeypatch.setenv("POLYSILICON_ENGINE", "build")
    return log


def test_an_engine_is_built_whole_and_found_again(go, machine):
    said = []
    engine = ensure_engine(lambda text, fraction=None: said.append((text, fraction)))
    assert engine.origin == "build"
    assert engine.bin_dirs == (machine.cache / "toolchain" / "pulumi-v3.250.0" / "bin",)
    names = ["pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"]
    assert sorted(path.name for path in engine.pulumi.parent.iterdir()) == names
    assert all(os.access(engine.pulumi.parent / name, os.X_OK) for name in names)
    assert machine.leftovers() == ["pulumi-v3.250.0"]
    assert ("downloading the Go modules of pulumi", None) in said
    assert [round(fraction, 2) for text, fraction in said if fraction is not None] == [0.0, 0.33, 0.67, 1.0]
    assert ensure_engine() == engine
    assert go.read_text() == "built\n"


def test_a_failed_build_tells_the_last_words_of_go_and_leaves_nothing(go, machine, monkeypatch):
    monkeypatch.setenv("GO_FAILS", "1")
    with pytest.raises(UserError, match=re.escape("`go build` failed: # a | a.go:1:1: expected 'package'")):
        ensure_engine()
    assert machine.leftovers() == []


def test_a_half_finished_build_is_done_again(go, machine):
    partial = machine.cache / "toolchain" / ".pulumi-v3.250.0.partial" / "bin"
    partial.mkdir(parents=True)
    (partial / "pulumi").write_text("half a file")
    assert ensure_engine().origin == "build"
    assert machine.leftovers() == ["pulumi-v3.250.0"]


def test_a_broken_engine_in_the_cache_is_replaced(go, machine):
    broken = machine.cached()
    (broken / "pulumi-resource-pulumi-python").unlink()
    (broken / "stray").write_text("")
    ensure_engine()
    assert not (broken / "stray").exists()


def test_two_processes_build_once(go, machine, monkeypatch):
    monkeypatch.setenv("GO_SECONDS", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    code = "from polysilicon.engine import ensure_engine; print(ensure_engine(print).origin)"
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [text.splitlines()[-1] for text in said] == ["build", "build"]
    assert sum("waiting for another process that prepares the engine" in text for text in said) == 1
    assert go.read_text() == "built\n"


def test_without_go_the_way_to_get_it_is_told(machine, monkeypatch):
    monkeypatch.setenv("POLYSILICON_ENGINE", "build")
    with pytest.raises(UserError) as told:
        ensure_engine()
    message = str(told.value)
    assert f"build with Go: there is no `go` on PATH; {build.needed_go()} or newer is needed" in message
    assert f"install Go {build.needed_go()} or newer (https://go.dev/dl)" in message
    assert "unset POLYSILICON_ENGINE" in message


def test_a_go_that_is_too_old_is_told(go, monkeypatch):
    monkeypatch.setenv("GO_VERSION", "go1.19.2")
    with pytest.raises(UserError, match=rf"go is 1\.19\.2; {re.escape(build.needed_go())} or newer is needed"):
        ensure_engine()


def test_an_engine_that_cannot_be_had_is_one_error_with_each_way_its_reason_and_its_fix(machine, monkeypatch):
    monkeypatch.setenv("POLYSILICON_ENGINE_RELEASES", (machine.bin / "nowhere").as_uri())
    machine.pulumi(machine.bin, "v3.1.0")
    with pytest.raises(UserError) as told:
        ensure_engine()
    lines = str(told.value).splitlines()
    assert lines[0].startswith("there is no Pulumi engine: `pulumi` 3.250.0 or newer")
    assert [line.split(":")[0].strip() for line in lines[1:4]] == ["on PATH", "download", "build with Go"]
    assert lines[4] == "  fix, any one of:"
    assert len(lines) == 8


def test_a_cache_that_cannot_be_written_is_told(go, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("POLYSILICON_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="cannot be written: Not a directory"):
        ensure_engine()


def test_the_pinned_modules_are_of_the_version_that_is_promised():
    module = build.module_dir()
    assert f"require github.com/pulumi/pulumi/pkg/v3 v{TOOLCHAIN_VERSION}\n" in (module / "go.mod").read_text()
    sums = (module / "go.sum").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{TOOLCHAIN_VERSION} h1:" in sums
    assert f"github.com/pulumi/pulumi/sdk/v3 v{TOOLCHAIN_VERSION} h1:" in sums
    assert module == Path(__file__).resolve().parents[2] / "toolchain" / "pulumi"
