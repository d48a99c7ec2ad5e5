"""The file that the engine starts: it runs on this Python, is renewed when it is not, and says so when it cannot."""

from __future__ import annotations

import subprocess
import sys

import pytest

from polysilicon.engine import ensure, ensure_engine
from polysilicon.engine.shim import write_language_host
from polysilicon.errors import UserError


def test_a_stale_language_host_is_renewed_when_the_engine_is_used(machine):
    shim = machine.cached() / "pulumi-language-python"
    shim.write_text("#!/bin/sh\npython=/gone/python\n")
    ensure_engine()
    assert f"python={sys.executable}\n" in shim.read_text()
    written = shim.stat().st_mtime_ns
    ensure_engine()
    assert shim.stat().st_mtime_ns == written


def test_a_language_host_that_cannot_be_renewed_is_told(machine, monkeypatch):
    (machine.cached() / "pulumi-language-python").write_text("stale")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ensure, "write_language_host", refuse)
    with pytest.raises(UserError, match=r"cannot be renewed: Permission denied\n  fix: make the folder writable"):
        ensure_engine()


def test_a_released_language_host_is_left_alone(machine):
    shim = machine.cached("-release") / "pulumi-language-python"
    before = shim.read_text()
    ensure_engine()
    assert shim.read_text() == before


def test_it_serves_and_its_first_line_is_the_port(tmp_path):
    folder = tmp_path / "with a space"
    folder.mkdir()
    write_language_host(folder)
    command = [folder / "pulumi-language-python", "127.0.0.1:1"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as host:
        assert 0 < int(host.stdout.readline()) < 65536
        host.terminate()
        assert host.stdout.read() == ""
    assert host.returncode == 0


def test_a_python_that_is_gone_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "bin" / "python"))
    write_language_host(tmp_path)
    done = subprocess.run([tmp_path / "pulumi-language-python"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "venv/bin/python is gone; run 'polysilicon doctor --install'" in done.stderr


@pytest.mark.parametrize("unwanted", ["pulumi.runtime.stack", "pydantic", "rich", "click", "polysilicon.engine.build"])
def test_it_loads_nothing_heavy(unwanted):
    code = (
        "import sys; from polysilicon.engine import language_host as host; host._load_stubs_alone();"
        "import polysilicon.engine.host.servicer; print(*sys.modules, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert unwanted not in done.stdout.splitlines()
