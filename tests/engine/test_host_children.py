"""Processes of the language host: what they write, and that none outlives it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from polysilicon.engine.host import children as module
from polysilicon.engine.host.children import Children
from polysilicon.engine.host.options import HostError


def start(children: Children, code: str, piped: bool = True):
    return children.start([sys.executable, "-u", "-c", code], env=os.environ, piped=piped)


def gone(pid: int, seconds: float = 5.0) -> bool:
    """Whether the process ends in time; one that nobody has waited for yet counts as ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
        if state.strip()[:1] in ("", "Z"):
            return True
        time.sleep(0.02)
    return False


def drained(child) -> dict[str, bytes]:
    written = {"stdout": b"", "stderr": b""}
    for stream, part in child.output():
        written[stream] += part
    return written


def test_what_a_process_writes_comes_apart_by_stream_and_its_exit_code_last():
    children = Children()
    child = start(children, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert drained(child) == {"stdout": b"out\n", "stderr": b"err\n"}
    assert children.ended(child) == 3


def test_output_comes_as_it_is_written():
    children = Children()
    child = start(children, "import sys, time; sys.stdout.write('1'); time.sleep(60)")
    assert next(iter(child.output())) == ("stdout", b"1")
    child.kill()
    assert children.ended(child) == -9


def test_the_first_line_is_taken_off_the_output():
    children = Children()
    child = start(children, "print(8080); print('more')")
    assert child.first_line() == b"8080\n"
    assert drained(child)["stdout"] == b"more\n"
    children.ended(child)


def test_a_program_that_is_stopped_says_nothing():
    children = Children()
    child = start(children, "import time; print('up'); time.sleep(60)")
    assert child.first_line() == b"up\n"
    children.stop()
    assert drained(child) == {"stdout": b"", "stderr": b""}
    assert children.ended(child) == -15
    assert child.stopped


def test_a_process_that_does_not_listen_is_killed(monkeypatch):
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.1)
    children = Children()
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(60)"
    child = start(children, code)
    child.first_line()
    children.stop()
    drained(child)
    assert children.ended(child) == -9


@pytest.mark.parametrize("ending", ["", "time.sleep(60)"])
def test_what_a_process_has_started_itself_goes_with_it(ending):
    children = Children()
    code = f"import subprocess, time; print(subprocess.Popen(['sleep', '60'], stdout=-3, stderr=-3).pid); {ending}"
    child = start(children, code)
    grandchild = int(child.first_line())
    if ending:
        children.stop()
    drained(child)
    children.ended(child)
    assert gone(grandchild)


def test_a_host_that_is_stopping_starts_nothing_more():
    children = Children()
    children.stop(for_good=True)
    with pytest.raises(HostError, match="stopping"):
        start(children, "")


def test_what_cannot_be_started_is_told(tmp_path):
    with pytest.raises(HostError, match=r"python cannot be started in .*: No such file or directory"):
        Children().start([str(tmp_path / "python")], env=os.environ)
