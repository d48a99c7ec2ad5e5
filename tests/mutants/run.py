"""Applies each mutant to a copy of the project, and says whether the rehearsal or a test notices.

The rehearsal goes first: up, up again without changes, destroy, for each stack. Only what it lets pass is tried on the
tests. Takes about half an hour on two cores; not part of `scripts/test`, which checks that every row still applies.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from polysilicon.engine import ensure_engine
from polysilicon.engine.explain.exceptions import told_briefly
from polysilicon.rehearsal import Outcome, Rehearsal
from tests.mutants.table import Mutant, copy_project, mutants

TESTS = (
    "tests/components",
    "tests/planning",
    "tests/specs",
    "tests/catalog",
    "tests/stacks/test_stacks.py",
    "tests/stacks/test_order.py",
)
OF_THE_WORKING_TREE = ("tests/stacks/test_stacks.py::test_nothing_appears_in_the_working_tree",)
"""Needs git, which a copy does not have."""
LONGEST_REASON = 90
_COUNTED = re.compile(r"\d+ errors? occurred:")
_HEADLINE = re.compile(
    r"failed to fully initialize or become live: |does not have minimum availability|was not attained$|"
    r"^(update|preview|destroy|resource registration) failed"
)
_SITUATED = re.compile(
    r".*? has a problem: |sdk-v\d+/.*? urn:\S+: |(creating|updating|deleting) urn:\S+: |\[Pod \S+\]: |"
    r"containers with unready status: |configured Kubernetes cluster is unreachable: unable to load .*?: (?=\S)"
)


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: who killed it, if anybody, and by what word."""

    mutant: Mutant
    killer: str
    reason: str

    @property
    def is_well(self) -> bool:
        """Whether it was killed, or is known to live."""
        return bool(self.killer or self.mutant.explained)


def main() -> int:
    """The command line; the exit code is 0 if nothing lives that should not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these mutants (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    parser.add_argument("--rehearsal-only", action="store_true", help="do not try the tests on what is left")
    asked = parser.parse_args()
    rows = mutants()
    chosen = [mutant for mutant in rows if not asked.names or mutant.name in asked.names]
    unknown = set(asked.names) - {mutant.name for mutant in rows}
    problems = [
        *(f"no mutant is called {name}" for name in sorted(unknown)),
        *filter(None, (m.problem() for m in chosen)),
    ]
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 2
    ensure_engine()
    return _report(_verdicts(chosen, asked.jobs, not asked.rehearsal_only))


def _verdicts(chosen: list[Mutant], jobs: int, with_tests: bool) -> list[Verdict]:
    whole = Mutant(name="(none)", file="Pulumi.yaml", find="", put="", breaks="nothing")
    context = multiprocessing.get_context("spawn")
    with Progress() as progress, ProcessPoolExecutor(jobs, mp_context=context) as pool:
        bar = progress.add_task("the project as it is", total=len(chosen) + 1)
        sane = pool.submit(judged, whole, with_tests).result()
        if sane.killer:
            raise SystemExit(f"the project does not pass as it is: {sane.reason}")
        progress.update(bar, advance=1, description="mutants")
        done: list[Verdict] = []
        for future in as_completed([pool.submit(judged, mutant, with_tests) for mutant in chosen]):
            done.append(future.result())
            progress.update(bar, advance=1, description=done[-1].mutant.name)
            if not sys.stdout.isatty():
                print(f"{len(done)}/{len(chosen)} {done[-1].mutant.name}: {done[-1].killer or 'nobody'}", flush=True)
    order = {mutant.name: index for index, mutant in enumerate(chosen)}
    return sorted(done, key=lambda verdict: order[verdict.mutant.name])


def _report(verdicts: list[Verdict]) -> int:
    table = Table("mutant", "killed by", "with the words")
    for verdict in verdicts:
        style = "" if verdict.killer else "yellow" if verdict.mutant.explained else "bold red"
        words = verdict.reason or verdict.mutant.explained or f"SURVIVED: {verdict.mutant.breaks}"
        table.add_row(verdict.mutant.name, verdict.killer or "nobody", Text(words), style=style)
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
    killed = [verdict for verdict in verdicts if verdict.killer]
    by_rehearsal = sum(verdict.killer == "rehearsal" for verdict in killed)
    explained = sum(not verdict.killer and bool(verdict.mutant.explained) for verdict in verdicts)
    left = sum(not verdict.is_well for verdict in verdicts)
    print(
        f"{len(verdicts)} mutants: {by_rehearsal} killed by the rehearsal, {len(killed) - by_rehearsal} by a test, "
        f"{explained} explained, {left} left"
    )
    return 1 if left else 0


def judged(mutant: Mutant, with_tests: bool) -> Verdict:
    """Applies a mutant to a fresh copy and lets rehearsal and tests look at it."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        project = copy_project(Path(folder) / "project")
        if mutant.find:
            mutant.apply(project)
        for outcome in _rehearsed(project, Path(folder) / "state"):
            if not outcome.ok:
                return Verdict(mutant, "rehearsal", f"{outcome.stack} {outcome.operation}: {why(outcome)}")
        failed = _failed_test(project) if with_tests else ""
        return Verdict(mutant, "test" if failed else "", failed)


def _rehearsed(project: Path, state: Path) -> Iterator[Outcome]:
    for file in sorted((project / "stacks").glob("Pulumi.*.yaml")):
        stack = file.name.split(".")[1]
        passed = [f"PYTHONPATH={project / 'components'}"]  # whatever the caller's says
        rehearsal = Rehearsal(project, stack, state=state / stack, passed=passed, quiet=True)
        yield rehearsal.up()
        yield rehearsal.up(expect_no_changes=True)
        yield rehearsal.destroy()


def why(outcome: Outcome) -> str:
    """The most telling sentence of a failure, as short as the table wants it."""
    left = [f"left over: {record.type} {record.id}" for record in outcome.leftovers] if outcome.exit_code == 0 else []
    lucky = outcome.lucky if outcome.exit_code == 0 else ()
    words = next(iter([*lucky, *left, *_telling(outcome)]), "")
    words = words or ("changes, though nothing changed" if outcome.changed else "no reason was given")
    return words if len(words) <= LONGEST_REASON else f"{words[: LONGEST_REASON - 1]}…"


def _telling(outcome: Outcome) -> list[str]:
    """The lines of the errors, those first that say why: not that there are errors, how many, or where."""
    briefly = [told_briefly(error) or error for error in outcome.errors]
    lines = [line.strip().removeprefix("* ") for error in briefly for line in error.splitlines()]
    told = [_SITUATED.sub("", line) for line in lines if line and not _COUNTED.fullmatch(line)]
    reasons = [line for line in told if not _HEADLINE.search(line) and not line.endswith(":")]
    return [*reasons, *told]


def _failed_test(project: Path) -> str:
    """The first test that fails on a copy, or nothing."""
    left_out = [f"--deselect={name}" for name in OF_THE_WORKING_TREE]
    result = subprocess.run(
        [str(project / ".venv/bin/python"), "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *left_out, *TESTS],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "components"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    if result.returncode == 0:
        return ""
    failed = [line for line in result.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].split(" - ")[0].removeprefix("FAILED ") if failed else result.stdout.strip()[-LONGEST_REASON:]


if __name__ == "__main__":
    sys.exit(main())
