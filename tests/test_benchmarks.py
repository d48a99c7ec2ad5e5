"""The two benchmarked programs register the same, or their ratio would say nothing."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.components.recording import record
from tests.conftest import ROOT

HERE = ROOT / "benchmarks"


def test_both_programs_register_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCHMARK_OUT", str(tmp_path / "figures.json"))
    monkeypatch.setenv("BENCHMARK_PAIRS", "2")
    monkeypatch.setenv("BENCHMARK_DRAIN", str(ROOT / "components/polysilicon/templates/drain.py"))
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setattr("atexit.register", lambda *_: None)
    recorded = {}
    for name in ("ours", "plain"):
        program = str(HERE / name / "__main__.py")
        recording = record(lambda program=program: runpy.run_path(program))  # type: ignore[misc]
        recorded[name] = {(r.type, r.name): r.inputs for r in recording.resources}
    assert recorded["ours"] == recorded["plain"]
    assert len(recorded["ours"]) == 2 * 18 + 1
