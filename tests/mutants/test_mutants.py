"""The table of mutants keeps up with the code: each breakage still applies, and a few are tried."""

from __future__ import annotations

import ast

import pytest

from polysilicon.rehearsal import Outcome
from tests.mutants.run import judged, why
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


@pytest.mark.parametrize(
    ("errors", "lucky", "words"),
    [
        (["update failed", "1 error occurred:\n\t* no such image type"], [], "no such image type"),
        (
            [
                'resource "u" was successfully created, but the Kubernetes API server reported that it failed to fully '
                "initialize or become live: 'chat' timed out\n[Pod chat/chat-1]: 0/1 nodes are there"
            ],
            [],
            "0/1 nodes are there",
        ),
        (['Traceback (most recent call last):\n  File "a.py", line 3, in f\nKeyError: 1'], [], "a.py:3: KeyError: 1"),
        (["a:b:C resource 'c': property d value {} has a problem: no such d"], [], "no such d"),
        (["update failed"], [], "update failed"),
        ([], ["A came after B by luck alone"], "A came after B by luck alone"),
        ([], [], "no reason was given"),
        (["x" * 200], [], "x" * 89 + "…"),
    ],
)
def test_the_table_tells_why(errors: list[str], lucky: list[str], words: str) -> None:
    code = 1 if errors else 0
    outcome = Outcome(operation="up", project="p", stack="s", exit_code=code, errors=errors, lucky=lucky)
    assert why(outcome) == words


@pytest.mark.engine
@pytest.mark.parametrize("name", TRIED)
def test_the_rehearsal_kills(name: str) -> None:
    (mutant,) = (mutant for mutant in mutants() if mutant.name == name)
    assert judged(mutant, with_tests=False).killer == "rehearsal"
