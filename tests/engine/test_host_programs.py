"""What a program is started with, and what its end means: with a stand-in for the SDK's script that starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import language_pb2

from polysilicon.engine.host.children import Children
from polysilicon.engine.host.options import HostError
from polysilicon.engine.host.programs import run_program


class Call:
    """The context of a call that is never cancelled; or of one that is over before it begins."""

    def __init__(self, over: bool = False) -> None:
        self.over = over

    def add_callback(self, _: object) -> bool:
        return not self.over


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.delenv("PULUMI_PYTHON_CMD", raising=False)

    def call(ending: str = "", context: Call | None = None, **more: object) -> language_pb2.RunResponse:
        executor = tmp_path / "executor"
        executor.write_text(
            "import json, os, signal, sys, time\n"
            f"json.dump([sys.argv[1:], dict(os.environ)], open({str(tmp_path / 'seen')!r}, 'w'))\n{ending}\n"
        )
        options = Struct()
        options.update(more.pop("options", {}))  # type: ignore[arg-type]
        info = language_pb2.ProgramInfo(
            root_directory=str(tmp_path), program_directory=str(tmp_path), entry_point=".", options=options
        )
        request = language_pb2.RunRequest(project="p", stack="dev", pwd=str(tmp_path), info=info, parallel=4, **more)
        return run_program(request, context or Call(), engine="127.0.0.1:1", executor=executor, children=Children())

    call.seen = lambda: json.loads((tmp_path / "seen").read_text())
    return call


def test_the_program_is_started_with_what_the_engine_says(run, tmp_path):
    run(monitor_address="127.0.0.1:2", organization="o", dryRun=True, args=["a", "b"])
    given, _ = run.seen()
    options = dict(zip(given[:-3:2], given[1:-3:2], strict=True))
    assert options == {
        "--monitor": "127.0.0.1:2",
        "--engine": "127.0.0.1:1",
        "--project": "p",
        "--root_directory": str(tmp_path),
        "--stack": "dev",
        "--pwd": str(tmp_path),
        "--dry_run": "true",
        "--parallel": "4",
        "--organization": "o",
    }
    assert given[-3:] == [".", "a", "b"]


def test_configuration_comes_in_the_environment(run):
    run(config={"p:x": "1", "p:s": "é"}, configSecretKeys=["p:s"])
    _, environment = run.seen()
    assert json.loads(environment["PULUMI_CONFIG"]) == {"p:x": "1", "p:s": "é"}
    assert json.loads(environment["PULUMI_CONFIG_SECRET_KEYS"]) == ["p:s"]
    assert environment["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("ending", "error", "bail"),
    [
        ("", "", False),
        ("sys.exit(32)", "", True),
        ("sys.exit(1)", "program exited with non-zero exit code: 1", False),
        ("os.kill(os.getpid(), signal.SIGKILL)", "program ended by SIGKILL (out of memory?)", False),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "program ended by SIGSEGV", False),
    ],
)
def test_each_end_has_its_meaning(run, ending, error, bail):
    answer = run(ending)
    assert (answer.error, answer.bail) == (error, bail)


def test_a_program_whose_call_is_over_is_stopped_and_blamed_for_nothing(run):
    answer = run("time.sleep(60)", Call(over=True))
    assert (answer.error, answer.bail) == ("", True)


@pytest.mark.parametrize("code", [0, 1])
def test_a_typechecker_runs_first(run, tmp_path, monkeypatch, code):
    (tmp_path / "mypy.py").write_text(f"import sys; sys.exit({code})")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    answer = run(options={"typechecker": "mypy"})
    assert answer.error == ("mypy found problems in the program (exit code 1)" if code else "")
    assert (tmp_path / "seen").exists() == (code == 0)


def test_a_debugger_is_refused_with_the_way_to_have_one(run):
    with pytest.raises(HostError, match="cannot attach a debugger\n  fix: install Pulumi"):
        run(attach_debugger=True)


def test_the_host_of_the_machine_runs_nothing_of_the_projects_folder(tmp_path):
    (tmp_path / "grpc.py").write_text("raise SystemExit('a module of the project was loaded')")
    (tmp_path / "queue.py").write_text("raise SystemExit('a module of the project was loaded')")
    from polysilicon.engine.shim import write_language_host

    write_language_host(tmp_path)
    command = [Path(tmp_path, "pulumi-language-python"), "127.0.0.1:1"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        assert host.stdout.readline().strip().isdigit(), sys.executable
        host.terminate()
