"""A rehearsal: the real engine runs the real program against the simulated clouds."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from polysilicon._paths import cache_dir, state_dir
from polysilicon.catalog import Catalog, load_catalog
from polysilicon.engine import Engine, Report, ensure_engine, silent
from polysilicon.engine.recover import Decision, carry_out, decide, interrupted
from polysilicon.engine.workbench import Workbench
from polysilicon.errors import UserError
from polysilicon.rehearsal import controllers
from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.clock import Timeline, plan_timeline
from polysilicon.rehearsal.cluster.services import astray
from polysilicon.rehearsal.environment import clean, rehearsal_environment
from polysilicon.rehearsal.faults import Fail, Faults
from polysilicon.rehearsal.finder import AccountsFinder
from polysilicon.rehearsal.judges import default_judges
from polysilicon.rehearsal.luck import by_luck, needs_of
from polysilicon.rehearsal.model import Hooks, Judge, Record
from polysilicon.rehearsal.outcome import (
    Operation,
    Outcome,
    leftovers_of,
    outputs_of,
    read_events,
    read_operations,
    resources_of,
)
from polysilicon.rehearsal.project import Project, Scratch, find_project, link_plugin, make_scratch
from polysilicon.rehearsal.schedule import STEPS_AT_ONCE, Schedule
from polysilicon.rehearsal.shapes import Sdk
from polysilicon.rehearsal.simulation import Simulation

ALWAYS_SIMULATED = ("pulumi-python",)
"""Plugins that come with the engine and act on the real world: dynamic providers run the program's own code."""


@dataclass(frozen=True)
class _Session:
    """What one operation works with."""

    environment: Mapping[str, str]
    scratch: Scratch
    simulation: Simulation


@dataclass(frozen=True)
class Recovery:
    """What a recovery found.

    Attributes:
        decisions: What is to be done about every operation that was begun.
        done: Whether it was done.
        leftovers: What is on behalf of the stack and in no state, now.
    """

    decisions: Sequence[Decision]
    done: bool
    leftovers: Sequence[Record]


class Rehearsal:
    """Rehearses one stack of one project. State and accounts last from one operation, and one process, to the next.

    Args:
        directory: The project's folder, or one below it.
        stack: The stack; by default `dev`, or the only one.
        providers: Real plugins by package, each the path of a binary or of its folder; they are not simulated.
        state: Where to keep state and accounts; projects that refer to each other's stacks share one. By default a
            folder for the project under Polysilicon's state folder.
        config: Further configuration, `key: value`, on top of the stack's file.
        existing: What is there though nothing here made it: ids, ARNs, names, servers of clusters.
        passed: Environment variables to let through or to set (`NAME`, `NAME=VALUE`).
        judges: Who may refuse a call; by default `default_judges`.
        hooks: What else happens around every change, after what controllers do at once.
        catalog: Machines, and where they are sold; by default the shipped catalog.
        quotas: The most that may run at once, by quota code or metric; what is not named has no limit.
        seed: Which of the orders that the program allows is taken: another one for each number.
        checkpoints: Save the state after every step, as in life, so that a killed engine can be recovered from, instead
            of at the end. The engine writes the whole state each time: a thousand resources take ten times as long.
            By default only where `kill_after` is given.
        faults: Calls that fail though they are right, each once, in whichever operation they come.
        kill_after: Kill the engine, once, when so many changes are done in the accounts; 0 for never. Needs
            `checkpoints`: without them nothing of the operation would be in the state.
        quiet: Capture the engine's output instead of showing it.
        engine: The engine; by default the one that `ensure_engine` gives.
    """

    def __init__(
        self,
        directory: Path,
        stack: str | None = None,
        *,
        providers: Mapping[str, Path] | None = None,
        state: Path | None = None,
        config: Mapping[str, str] | None = None,
        existing: Sequence[str] = (),
        passed: Sequence[str] = (),
        judges: Callable[[Catalog, Mapping[str, float]], Sequence[Judge]] = default_judges,
        hooks: Hooks | None = None,
        catalog: Catalog | None = None,
        quotas: Mapping[str, float] | None = None,
        seed: int = 0,
        checkpoints: bool | None = None,
        faults: Sequence[Fail] = (),
        kill_after: int = 0,
        quiet: bool = False,
        engine: Engine | None = None,
    ) -> None:
        self.project: Project = find_project(directory)
        self.stack = self.project.choose(stack)
        self.folder = (state or state_dir() / "rehearsals" / self.project.key).absolute()
        self._scratch = self.folder / "stacks" / self.project.name / self.stack
        self._providers, self._config, self._passed = dict(providers or {}), dict(config or {}), tuple(passed)
        self._existing = tuple(existing)
        if kill_after and checkpoints is False:
            raise UserError("kill_after needs checkpoints: without them the state knows nothing of a killed operation")
        self._faults = Faults(faults, kill_after)
        self._judges, self._hooks, self._quiet = judges, self._faults.around(_with_controllers(hooks)), quiet
        self._catalog, self._quotas, self._seed = catalog or load_catalog(), dict(quotas or {}), seed
        self._checkpoints, self._engine = bool(kill_after) if checkpoints is None else checkpoints, engine

    def prepare(self, report: Report = silent) -> Engine:
        """Gets the engine, which takes a while if it must be made; the first operation does it otherwise.

        Args:
            report: Told about the progress.
        """
        self._engine = self._engine or ensure_engine(report)
        return self._engine

    def up(self, *, expect_no_changes: bool = False) -> Outcome:
        """Creates or updates the stack."""
        return self._run("up", ["--yes", "--skip-preview", *_no_changes(expect_no_changes)])

    def preview(self, *, expect_no_changes: bool = False) -> Outcome:
        """Shows what an update would do."""
        return self._run("preview", _no_changes(expect_no_changes))

    def refresh(self, *, expect_no_changes: bool = False) -> Outcome:
        """Reads every resource back from the simulated accounts into the state."""
        return self._run("refresh", ["--yes", "--skip-preview", *_no_changes(expect_no_changes)])

    def destroy(self) -> Outcome:
        """Deletes everything of the stack."""
        return self._run("destroy", ["--yes", "--skip-preview"])

    def recover(self, agree: Callable[[Sequence[Decision]], bool] = lambda _: True) -> Recovery:
        """Settles what a killed engine left: its lock, and the operations that it had begun.

        Args:
            agree: Asked with what is to be done, before it is done.
        """
        engine = self.prepare()
        self._make_folder()
        with _alone(self.folder), self._session(engine) as session:
            bench = Workbench(engine.pulumi, session.scratch.folder, self.stack, session.environment)
            pending = interrupted(bench.export(open_secrets=True))
            decisions = decide(pending, AccountsFinder(session.simulation))
            done = agree(decisions)
            if done:
                carry_out(decisions, bench)
            resources = resources_of(bench.export())
            records = session.simulation.accounts.records()
            return Recovery(decisions, done, leftovers_of(records, resources, self.project.name, self.stack))

    def _make_folder(self) -> None:
        """Private, since what a program makes secret is in the accounts."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            text = f"the state of the rehearsal cannot be kept in {self.folder}: {error.strerror}"
            raise UserError(f"{text}\n  fix: name another folder, such as in POLYSILICON_STATE") from None

    def _run(self, operation: Operation, arguments: Sequence[str]) -> Outcome:
        engine = self.prepare()
        self._make_folder()
        with _alone(self.folder), self._session(engine) as session:
            self._select(engine, session)
            events = session.scratch.folder / "events.json"
            events.unlink(missing_ok=True)
            saved = self._saved()
            started = time.monotonic()
            config = [f"--config={key}={value}" for key, value in self._config.items()]
            at_once = ["--parallel", str(STEPS_AT_ONCE)]
            command = [operation, "--stack", self.stack, "--event-log", str(events), *at_once, *arguments, *config]
            exit_code, log = self._pulumi(engine, session, command)
            seconds = time.monotonic() - started
            if operation == "up" and exit_code == 0:
                controllers.settle(session.simulation.accounts)
            outcome = self._outcome(operation, engine, session, exit_code, log, seconds)
            # What a killed engine has told and what it has saved do not agree: no times can be told.
            timeline = None if self._faults.killed else _timeline(outcome, events, saved)
            return replace(outcome, events=events, timeline=timeline)

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[_Session]:
        from polysilicon.rehearsal.server import Server

        allowed = clean(passed=self._passed)
        backend, home = self.folder / "backend", self.folder / "home"
        bytecode = cache_dir() / "bytecode"
        base = rehearsal_environment(home, backend, bytecode, self.project.python, allowed)
        environment = engine.environment(base)
        environment |= {} if self._checkpoints else {"PULUMI_SKIP_CHECKPOINTS": "true"}
        plugins = {
            name: link_plugin(name, path, self.folder / "plugins" / name) for name, path in self._providers.items()
        }
        scratch = make_scratch(self.project, self.stack, self._scratch, plugins)
        accounts = Accounts(self.folder / "accounts.jsonl")
        accounts.learn(self._existing, lasting=False)
        sdk = Sdk(self.project.python, environment, cache_dir() / "shapes")
        judges, folder = self._judges(self._catalog, self._quotas), self.project.program_folder
        simulation = Simulation(accounts, sdk, judges, self._hooks, folder, Schedule(self._seed), self._catalog)
        for note in scratch.notes:
            simulation.note(note)
        try:
            with Server(simulation, self._simulated(sdk)) as server:
                yield _Session({**environment, "PULUMI_DEBUG_PROVIDERS": server.attached}, scratch, simulation)
        finally:
            sdk.close()
            accounts.close()

    def _simulated(self, sdk: Sdk) -> dict[str, str]:
        """The plugins to stand in for, with their versions."""
        known = dict.fromkeys(ALWAYS_SIMULATED, "") | {package.plugin: package.version for package in sdk.packages}
        return {name: version for name, version in sorted(known.items()) if name not in self._providers}

    def _select(self, engine: Engine, session: _Session) -> None:
        """Makes the stack in the rehearsal's own backend, the first time."""
        made = self._scratch / "made"
        if made.exists():
            return
        result = subprocess.run(
            [str(engine.pulumi), "stack", "select", "--create", "--stack", self.stack, "--non-interactive"],
            cwd=session.scratch.folder,
            env=session.environment,
            capture_output=True,
            text=True,
        )
        if result.returncode != 0:
            raise UserError(f"the engine could not make the stack {self.stack}:\n{result.stderr.strip()}")
        made.touch()

    def _pulumi(self, engine: Engine, session: _Session, arguments: Sequence[str]) -> tuple[int, str]:
        # The engine's live display would leave the terminal in disorder when it is killed.
        shown = not self._quiet and sys.stdout.isatty() and not self._faults.kill_after
        style = ["--color", "auto"] if shown else ["--non-interactive", "--color", "never" if self._quiet else "auto"]
        process = subprocess.Popen(
            [str(engine.pulumi), *arguments, *style],
            cwd=session.scratch.folder,
            env=session.environment,
            stdin=None if shown else subprocess.DEVNULL,
            stdout=subprocess.PIPE if self._quiet else None,
            stderr=subprocess.STDOUT if self._quiet else None,
            text=True,
        )
        self._faults.watch(process)
        with _forwarding(process):
            log, _ = process.communicate()
        # Ended by a signal: as shells tell it.
        return process.returncode if process.returncode >= 0 else 128 - process.returncode, log or ""

    def _outcome(
        self, operation: Operation, engine: Engine, session: _Session, exit_code: int, log: str, seconds: float
    ) -> Outcome:
        changes, errors = read_events(session.scratch.folder / "events.json")
        resources = resources_of(self._export(engine, session))
        simulation = session.simulation
        records = simulation.accounts.records()
        needs = needs_of((*simulation.judges, simulation.rollouts)) if operation == "up" else []
        untold = by_luck(needs, resources, retried=True)  # the clouds do not complain of it
        if operation == "up" and exit_code == 0:
            untold += astray(simulation.accounts)
        return Outcome(
            operation=operation,
            project=self.project.name,
            stack=self.stack,
            exit_code=exit_code,
            changes=changes,
            resources=resources,
            outputs=outputs_of(resources),
            accounts=records,
            leftovers=leftovers_of(records, resources, self.project.name, self.stack),
            judged={name: tally.inputs for name, tally in simulation.tallies().items()},
            unjudged=dict(sum((tally.unjudged for tally in simulation.tallies().values()), Counter())),
            notes=(*sorted(simulation.notes), *self._faults.notes(), *untold),  # calls arrive in any order
            errors=errors,
            lucky=by_luck(needs, resources),
            log=log,
            seconds=seconds,
            state=str(self.folder),
        )

    def _saved(self) -> bytes:
        """The state before an operation, as the engine keeps it: reading it is quicker than asking for it."""
        file = self.folder / "backend" / ".pulumi" / "stacks" / self.project.name / f"{self.stack}.json"
        return file.read_bytes() if file.exists() else b"{}"

    def _export(self, engine: Engine, session: _Session) -> dict[str, Any]:
        command = [str(engine.pulumi), "stack", "export", "--stack", self.stack]
        result = subprocess.run(
            command, cwd=session.scratch.folder, env=session.environment, capture_output=True, text=True
        )
        exported: dict[str, Any] = json.loads(result.stdout) if result.returncode == 0 else {}
        return exported


def _timeline(outcome: Outcome, events: Path, saved: bytes) -> Timeline | None:
    if outcome.operation not in ("up", "destroy"):
        return None
    operations = read_operations(events)
    deletes = any("delete" in name for name, _ in operations)
    latest = ((json.loads(saved).get("checkpoint") or {}).get("latest") or {}) if deletes else {}
    return plan_timeline(operations, outcome.resources, resources_of({"deployment": latest}))


def _with_controllers(hooks: Hooks | None) -> Hooks:
    given = hooks or Hooks()
    return replace(given, after=[controllers.follow, *given.after])


def _no_changes(expected: bool) -> list[str]:
    return ["--expect-no-changes"] if expected else []


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two rehearsals at once would write one journal; the second is told so."""
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(
                f"another rehearsal is running in {folder}\nWait for it, or keep this one apart with --state DIR."
            ) from None
        yield


@contextmanager
def _forwarding(process: subprocess.Popen[str]) -> Iterator[None]:
    """Interrupts go to the engine, which ends in order: its first interrupt lets running operations finish.

    At a terminal the engine gets Ctrl-C itself, and a second one would make it stop at once.
    """

    def forward(number: int, _: object) -> None:
        if number != signal.SIGINT or not sys.stdin.isatty():
            process.send_signal(signal.SIGINT)

    try:
        before = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # only the main thread may have signal handlers
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait()


os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
