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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polysilicon._paths import cache_dir, state_dir
from polysilicon.catalog import Catalog, load_catalog
from polysilicon.engine import Engine, Report, ensure_engine, silent
from polysilicon.errors import UserError
from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.environment import clean, rehearsal_environment
from polysilicon.rehearsal.judges import default_judges
from polysilicon.rehearsal.model import Hooks, Judge
from polysilicon.rehearsal.outcome import (
    Operation,
    Outcome,
    leftovers_of,
    outputs_of,
    read_events,
    resources_of,
)
from polysilicon.rehearsal.project import Project, Scratch, find_project, link_plugin, make_scratch
from polysilicon.rehearsal.schedule import Schedule
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
        hooks: What else happens around every change.
        catalog: Machines, and where they are sold; by default the shipped catalog.
        seed: Which of the orders that the program allows is taken: another one for each number.
        checkpoints: Save the state after every step, as in life, so that a killed engine can be recovered from.
            Without them it is saved at the end, which for a thousand resources is ten times quicker.
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
        judges: Callable[[Catalog], Sequence[Judge]] = default_judges,
        hooks: Hooks | None = None,
        catalog: Catalog | None = None,
        seed: int = 0,
        checkpoints: bool = True,
        quiet: bool = False,
        engine: Engine | None = None,
    ) -> None:
        self.project: Project = find_project(directory)
        self.stack = self.project.choose(stack)
        self.folder = (state or state_dir() / "rehearsals" / self.project.key).absolute()
        self._scratch = self.folder / "stacks" / self.project.name / self.stack
        self._providers, self._config, self._passed = dict(providers or {}), dict(config or {}), tuple(passed)
        self._existing = tuple(existing)
        self._judges, self._hooks, self._quiet = judges, hooks or Hooks(), quiet
        self._catalog, self._seed = catalog or load_catalog(), seed
        self._checkpoints, self._engine = checkpoints, engine

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

    def _run(self, operation: Operation, arguments: Sequence[str]) -> Outcome:
        engine = self.prepare()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # what a program makes secret is in the accounts
        with _alone(self.folder), self._session(engine) as session:
            self._select(engine, session)
            events = session.scratch.folder / "events.json"
            events.unlink(missing_ok=True)
            started = time.monotonic()
            config = [f"--config={key}={value}" for key, value in self._config.items()]
            command = [operation, "--stack", self.stack, "--event-log", str(events), *arguments, *config]
            exit_code, log = self._pulumi(engine, session, command)
            seconds = time.monotonic() - started
            return self._outcome(operation, engine, session, exit_code, log, seconds)

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
        judges, folder = self._judges(self._catalog), self.project.program_folder
        simulation = Simulation(accounts, sdk, judges, self._hooks, folder, Schedule(self._seed))
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
        shown = not self._quiet and sys.stdout.isatty()
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
        with _forwarding(process):
            log, _ = process.communicate()
        return process.returncode, log or ""

    def _outcome(
        self, operation: Operation, engine: Engine, session: _Session, exit_code: int, log: str, seconds: float
    ) -> Outcome:
        changes, errors = read_events(session.scratch.folder / "events.json")
        resources = resources_of(self._export(engine, session))
        simulation = session.simulation
        records = simulation.accounts.records()
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
            judged={judge.name: judge.tally.inputs for judge in simulation.judges},
            unjudged=dict(sum((judge.tally.unjudged for judge in simulation.judges), Counter())),
            notes=tuple(sorted(simulation.notes)),  # calls arrive in any order
            errors=errors,
            log=log,
            seconds=seconds,
            state=str(self.folder),
        )

    def _export(self, engine: Engine, session: _Session) -> dict[str, Any]:
        command = [str(engine.pulumi), "stack", "export", "--stack", self.stack]
        result = subprocess.run(
            command, cwd=session.scratch.folder, env=session.environment, capture_output=True, text=True
        )
        exported: dict[str, Any] = json.loads(result.stdout) if result.returncode == 0 else {}
        return exported


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
