"""Both programs of `scripts/bench preflight` ask the same, or their ratio would say nothing."""

from __future__ import annotations

import importlib.util
from collections import Counter

from tests.conftest import ROOT
from tests.lookups.preflight.stand_in import StandIn


def test_both_programs_ask_the_same_questions(aws: StandIn) -> None:
    spec = importlib.util.spec_from_file_location("benchmark_of_preflight", ROOT / "benchmarks" / "preflight.py")
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    assert benchmark._ours(12) > 0
    ours = Counter(aws.operations)
    aws.asked.clear()
    assert benchmark._plain(12) > 0
    # Two of our checks ask who the caller is; each may be the one that fails.
    assert ours - Counter(aws.operations) == Counter({"GetCallerIdentity": 1})
    assert Counter(aws.operations) - ours == Counter()
