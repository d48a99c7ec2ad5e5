"""Everything fails once, and the engine is killed: nothing is lost, nothing doubled, nothing orphaned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from polysilicon.rehearsal import Accounts, Call, Hooks, Problem, RefusedError, Rehearsal
from polysilicon.rehearsal.outcome import Outcome
from tests.conftest import ROOT
from tests.stacks.project import copy_project, edit

pytestmark = pytest.mark.engine
MOST_RUNS = 25
"""More than the longest chain of any stack: each run gets one link further."""


class EachOnce:
    """Fails the first call of one kind for every resource."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.failed: set[str] = set()

    def __call__(self, call: Call, accounts: Accounts) -> None:
        """A hook before every change."""
        if call.operation == self.operation and call.urn not in self.failed:
            self.failed.add(call.urn)
            raise RefusedError(Problem(f"{self.operation} of {call.name} fails once"))


def rehearsal(project: Path, stack: str, state: Path, *before: EachOnce, **options: Any) -> Rehearsal:
    """A rehearsal that goes on as far as it can when something fails."""
    hooks = Hooks(before=before)
    passed = ("PULUMI_CONTINUE_ON_ERROR=true",)
    return Rehearsal(project, stack, state=state, quiet=True, hooks=hooks, passed=passed, **options)


def until_it_works(operation: Callable[[], Outcome]) -> tuple[Outcome, int]:
    """Repeats as a person would, and says how often it failed."""
    for failures in range(MOST_RUNS):
        outcome = operation()
        if outcome.exit_code == 0:
            return outcome, failures
    raise AssertionError(outcome.log)


def whole(outcome: Outcome) -> Counter[tuple[str, str]]:
    """What there is, by type and name, after checking that accounts and state hold the same."""
    assert list(outcome.leftovers) == [], "nothing is orphaned"
    held = {(resource.urn, resource.id) for resource in outcome.resources if resource.custom}
    missing = [urn for urn, id_ in held if id_ and not urn_is_there(outcome, urn, id_)]
    assert missing == [], "nothing is lost"
    return Counter((record.type, record.name) for record in outcome.accounts if not record.maker)


def urn_is_there(outcome: Outcome, urn: str, id_: str) -> bool:
    """Whether the accounts hold a resource of the state; providers are nowhere else."""
    return "pulumi:providers:" in urn or any(r.urn == urn and r.id == id_ for r in outcome.accounts)


def both_clouds(config: dict[str, Any]) -> None:
    """Adds to the fleet of `dev` what `staging` has: a run for each link of the longest chain is dear, and so the
    resources of both fail in the same runs."""
    staging = yaml.safe_load((ROOT / "stacks" / "Pulumi.staging.yaml").read_text())["config"]["polysilicon:fleet"]
    fleet = config["polysilicon:fleet"]
    fleet["clusters"] |= staging["clusters"]
    fleet["pools"] |= staging["pools"]
    fleet["models"] |= {"chat-tpu": staging["models"]["chat"]}


@pytest.mark.timeout(1800)  # a run for each link of the longest chain, thrice
def test_everything_of_dev_and_staging_fails_once(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    edit(project, "dev", both_clouds)
    clean = rehearsal(project, "dev", tmp_path / "clean").up()
    assert clean.ok, clean.log
    creates, updates, deletes = EachOnce("create"), EachOnce("update"), EachOnce("delete")
    trying = rehearsal(project, "dev", tmp_path / "state", creates, updates, deletes)

    made, failures = until_it_works(trying.up)
    assert failures > 3
    assert len(creates.failed) == whole(clean).total()
    assert whole(made) == whole(clean)

    edit(project, "dev", lambda config: config["polysilicon:fleet"]["owner"].update(cost_center="other"))
    changed, failures = until_it_works(trying.up)
    assert failures
    assert len(updates.failed) > 10
    assert whole(changed) == whole(clean)

    gone, failures = until_it_works(trying.destroy)
    assert failures > 3
    assert len(deletes.failed) == whole(clean).total()
    assert list(gone.accounts) == list(gone.resources) == []


@pytest.mark.parametrize(("stack", "step"), [("dev", 10), ("staging", 10)])
def test_killed_at_every_so_many_steps(stack: str, step: int, tmp_path: Path) -> None:
    clean = rehearsal(ROOT, stack, tmp_path / "clean").up()
    assert clean.ok, clean.log
    made, kills = until_it_lives(stack, step, tmp_path / "state", Rehearsal.up)
    assert kills >= whole(clean).total() // step - 1
    assert whole(made) == whole(clean)
    gone, kills = until_it_lives(stack, 2 * step, tmp_path / "state", Rehearsal.destroy)
    assert kills
    assert list(gone.accounts) == list(gone.resources) == []


def until_it_lives(
    stack: str, step: int, state: Path, operation: Callable[[Rehearsal], Outcome]
) -> tuple[Outcome, int]:
    """Kills the engine again and again, each time some steps further, and recovers."""
    for kills in range(MOST_RUNS):
        trying = rehearsal(ROOT, stack, state, kill_after=step)
        outcome = operation(trying)
        if outcome.exit_code == 0:
            return outcome, kills
        assert outcome.exit_code == 137, outcome.log
        recovery = trying.recover()
        named = {(decision.wanted.urn, found.id) for decision in recovery.decisions for found in decision.found}
        orphans = {(record.urn, record.id) for record in outcome.leftovers if not record.maker}
        assert orphans <= named, "every orphan is named before anything is done"
        assert {decision.action for decision in recovery.decisions} <= {"import", "clear", "refresh"}
        assert list(recovery.leftovers) == []
    raise AssertionError("it never ended")
