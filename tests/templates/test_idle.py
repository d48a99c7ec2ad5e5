"""The script that stops a machine which nobody asks, run as the machine runs it, against a server on this one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.conftest import ROOT

SCRIPT = ROOT / "components" / "polysilicon" / "templates" / "aws" / "single_node" / "idle.py"
IDLE, START = 600, 300


class Server:
    """Metrics of a model server."""

    def __init__(self) -> None:
        self.running, self.tokens = 0, 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(server.text().encode())

            def log_message(self, *words: object) -> None:
                """Nothing on the test's output."""

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/metrics"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def text(self) -> str:
        return (
            "# HELP vllm:num_requests_running Number of requests in model execution batches.\n"
            f'vllm:num_requests_running{{engine="0",model_name="m"}} {float(self.running)}\n'
            'vllm:num_requests_waiting{engine="0",model_name="m"} 0.0\n'
            f'vllm:prompt_tokens_total{{engine="0",model_name="m"}} {float(self.tokens)}\n'
            f'vllm:generation_tokens_total{{engine="0",model_name="m"}} {float(2 * self.tokens)}\n'
        )


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def look(url: str, folder: Path, *, ago: float | None = None) -> bool:
    """One look; whether it stopped the machine.

    Args:
        ago: How long ago it last saw somebody ask, if not as it noted itself.
    """
    note, stopped = folder / "idle.json", folder / "stopped"
    if ago is not None:
        _, done = json.loads(note.read_text())
        note.write_text(json.dumps([time.monotonic() - ago, done]))
    words = [sys.executable, str(SCRIPT), url, str(note), str(IDLE), str(START), "touch", str(stopped)]
    subprocess.run(words, check=True, timeout=30, capture_output=True)
    return stopped.exists()


def test_a_machine_that_nobody_asks_is_stopped(server: Server, tmp_path: Path) -> None:
    assert not look(server.url, tmp_path), "it has just begun to look"
    assert not look(server.url, tmp_path, ago=IDLE - 60)
    assert look(server.url, tmp_path, ago=IDLE)


def test_a_request_that_came_and_went_between_two_looks_counts(server: Server, tmp_path: Path) -> None:
    look(server.url, tmp_path)
    server.tokens += 10
    assert not look(server.url, tmp_path, ago=IDLE)
    assert not look(server.url, tmp_path)


def test_a_request_that_runs_counts_however_long_it_takes(server: Server, tmp_path: Path) -> None:
    server.running = 1
    look(server.url, tmp_path)
    assert not look(server.url, tmp_path, ago=10 * IDLE)


def test_a_server_that_has_not_answered_yet_has_its_time_to_start(server: Server, tmp_path: Path) -> None:
    silent = "http://127.0.0.1:9/metrics"
    assert not look(silent, tmp_path)
    assert not look(silent, tmp_path, ago=IDLE + START - 60)
    assert look(silent, tmp_path, ago=IDLE + START)


def test_once_it_answers_it_is_idle_from_then_on(server: Server, tmp_path: Path) -> None:
    look("http://127.0.0.1:9/metrics", tmp_path)
    assert not look(server.url, tmp_path, ago=IDLE + 60)
    assert not look(server.url, tmp_path, ago=IDLE - 60)
    assert look(server.url, tmp_path, ago=IDLE)


def test_one_that_broke_after_it_had_answered_is_stopped_as_well(server: Server, tmp_path: Path) -> None:
    look(server.url, tmp_path)
    assert look("http://127.0.0.1:9/metrics", tmp_path, ago=IDLE)
