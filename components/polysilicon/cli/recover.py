"""`polysilicon recover`: after a killed update, in a real account or in a rehearsal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from polysilicon.cli.options import in_project
from polysilicon.engine import console_report, ensure_engine
from polysilicon.engine.recover import Decision, carry_out, decide, interrupted
from polysilicon.engine.workbench import Workbench
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.project import find_project

_DOES = {
    "import": "is imported into the state",
    "discard": "is noted; the next update deletes it",
    "refresh": "is read back",
    "clear": "its note is cleared",
    "keep": "left as it is",
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("stack", required=False)
@in_project
@click.option("--rehearsal", "rehearsed", is_flag=True, help="The rehearsed stack, in its simulated accounts.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the rehearsal keeps state and accounts; implies --rehearsal.",
)
@click.option(
    "--yes", is_flag=True, help="Do it without asking. Where there is no terminal to ask at, nothing is done."
)
def command(stack: str | None, directory: Path, rehearsed: bool, state: Path | None, yes: bool) -> None:
    """Settle what a killed update left: its lock, and what it had begun.

    The stack is `dev` unless you name one. Every operation that was begun is held against the account: what was made
    becomes part of the state, what was not is forgotten, and what cannot be told is named with what to do about it.
    Resources are matched by the name that the program or the engine gave them, else by the tags that say which resource
    of which stack they are; what only looks alike is named. Nothing in the account is changed. Make sure first that the
    update is dead: its lock is taken away.

    In a real account the backend, the passphrase and the credentials are those that `pulumi up` would use. The exit
    code is 0 if nothing is left to do, 1 otherwise.
    """
    if rehearsed or state:
        _rehearsed(stack, directory, state, yes)
    else:
        _real(stack, directory, yes)


def _real(stack: str | None, directory: Path, yes: bool) -> None:
    from polysilicon.lookups import AccountFinder

    project = find_project(directory)
    with console_report() as report:
        engine = ensure_engine(report)
    bench = Workbench(engine.pulumi, project.folder, project.choose(stack), engine.environment(os.environ))
    decisions = decide(interrupted(bench.export(open_secrets=True)), AccountFinder())
    done = _agree(decisions, bench.stack, yes)
    if done:
        carry_out(decisions, bench)
    _end(decisions, done, bench.stack, ())


def _rehearsed(stack: str | None, directory: Path, state: Path | None, yes: bool) -> None:
    from polysilicon.rehearsal import Rehearsal

    rehearsal = Rehearsal(directory, stack, state=state, quiet=True)
    with console_report() as report:
        rehearsal.prepare(report)
    recovery = rehearsal.recover(lambda decisions: _agree(decisions, rehearsal.stack, yes))
    _end(recovery.decisions, recovery.done, rehearsal.stack, recovery.leftovers)


def _agree(decisions: Sequence[Decision], stack: str, yes: bool) -> bool:
    _show(decisions, stack)
    if yes or not sys.stdin.isatty():
        return yes
    return click.confirm(f"Cancel the update of {stack} that was killed, and do this?")


def _show(decisions: Sequence[Decision], stack: str) -> None:
    console = Console(highlight=False)
    if not decisions:
        console.print(f"Nothing that was begun is open in the state of {stack}.")
        return
    table = Table("resource", "type", "found", "what is done", title_justify="left")
    table.title = f"What an update of {stack} had begun"
    for decision in decisions:
        wanted = decision.wanted
        table.add_row(wanted.name, wanted.type.rsplit(":", 1)[-1], decision.told, _DOES[decision.action])
    console.print(table)


def _end(decisions: Sequence[Decision], done: bool, stack: str, leftovers: Sequence[Record]) -> None:
    """The last lines, and the exit code."""
    console = Console(highlight=False)
    for decision in decisions:
        if decision.fix:
            console.print(f"{decision.wanted.urn} {decision.told}: {decision.fix}", style="yellow")
    for record in _strays(decisions, done, leftovers):
        console.print(f"{record.type} {record.id} in {record.scope} is in no state: {_STRAY}", style="yellow")
    if not done:
        console.print("Nothing was done. With --yes it is.")
        sys.exit(1)
    console.print(f"{stack} can be updated again: `pulumi up`, which should change nothing that is there.")
    sys.exit(1 if any(decision.action == "keep" for decision in decisions) or leftovers else 0)


def _strays(decisions: Sequence[Decision], done: bool, leftovers: Sequence[Record]) -> list[Record]:
    """What no decision names either: whose provider died was taken for refused, and forgotten."""
    named = {(d.wanted.type, found.id) for d in decisions for found in d.found}
    return [record for record in leftovers if done or (record.type, record.id) not in named]


_STRAY = "its provider died while it was made. Delete it, or take it over with `pulumi import`"
