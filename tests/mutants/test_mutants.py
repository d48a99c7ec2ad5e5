"""The table of mutants keeps up with the code: each breakage still applies, and a few are tried."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.run import judged
from tests.mutants.table import ROOT, Mutant, mutants

TRIED = ("nodes-before-cni", "plugin-stays-away", "no-such-image")


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_a_mutant_applies_once_and_is_still_a_program(mutant: Mutant) -> None:
    assert mutant.problem() == ""
    if mutant.file.endswith(".py"):
        ast.parse((ROOT / mutant.file).read_text().replace(mutant.find, mutant.put))


def test_names_are_used_once() -> None:
    names = [mutant.name for mutant in mutants()]
    assert len(names) == len(set(names)) >= 40


@pytest.mark.engine
@pytest.mark.parametrize("name", TRIED)
def test_the_rehearsal_kills(name: str) -> None:
    (mutant,) = (mutant for mutant in mutants() if mutant.name == name)
    assert judged(mutant, with_tests=False).killer == "rehearsal"
