"""`polysilicon rehearse`: a Pulumi program with the real engine against simulated clouds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import click
from rich.console import Console

from polysilicon.cli.options import in_project
from polysilicon.cli.report import sections, stack_catalog
from polysilicon.engine import console_report
from polysilicon.rehearsal import Operation, Outcome, Rehearsal
from polysilicon.rehearsal.faults import SYNTAX, Fail
from polysilicon.rehearsal.project import find_project
from polysilicon.rehearsal.summary import first_line, last_line, render_summary


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("operation", type=click.Choice(get_args(Operation)))
@click.argument("stack", required=False)
@in_project
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="NAME=PATH",
    help="Run a real plugin for a package instead of simulating it: its binary, or the folder it is in.",
)
@click.option("-c", "--config", multiple=True, metavar="KEY=VALUE", help="Configuration on top of the stack's file.")
@click.option("--exists", "existing", multiple=True, metavar="NAME", help="An id, ARN, name or server that is there.")
@click.option("--env", "passed", multiple=True, metavar="NAME[=VALUE]", help="Let an environment variable through.")
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep state and accounts here. Projects that refer to each other's stacks share one.",
)
@click.option(
    "--quota", "quotas", multiple=True, metavar="NAME=NUMBER", help="The most that may run at once: L-1945791B=64."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Which of the orders that the program allows.")
@click.option(
    "--fail",
    "faults",
    multiple=True,
    metavar=SYNTAX,
    help="Fail the Nth call (default: the first create) of a type, given as token or class, with a code of its cloud"
    " (InsufficientInstanceCapacity, ZONE_RESOURCE_POOL_EXHAUSTED …) or a cause (quota, throttling, denied, died …).",
)
@click.option(
    "--kill-after",
    type=click.IntRange(min=1),
    metavar="N",
    help="Kill the engine (SIGKILL) when N changes are done, before it hears of the last one.",
)
@click.option(
    "--checkpoints/--no-checkpoints",
    default=None,
    help="Save the state after every step, as in life. It takes long for many resources; default: with --kill-after.",
)
@click.option("--expect-no-changes", is_flag=True, help="Fail if anything changes.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the outcome as JSON; the engine's progress goes to stderr."
)
def command(
    operation: Operation,
    stack: str | None,
    directory: Path,
    providers: Sequence[str],
    config: Sequence[str],
    existing: Sequence[str],
    passed: Sequence[str],
    state: Path | None,
    quotas: Sequence[str],
    seed: int,
    faults: Sequence[str],
    kill_after: int | None,
    checkpoints: bool | None,
    expect_no_changes: bool,
    as_json: bool,
) -> None:
    """Run a Pulumi program with the real engine against simulated clouds.

    The stack is `dev` unless you name one. No cloud account is needed and none is touched: engine and program see none
    of the machine's credentials, and nothing is written into the project. State and simulated accounts last from one
    call to the next. The exit code is 0 if the engine succeeded, nothing came in time by luck alone and, after a
    destroy, nothing is left over.
    """
    project = find_project(directory)
    stack = project.choose(stack)
    catalog = stack_catalog(project.stacks.get(stack))
    rehearsal = Rehearsal(
        directory,
        stack,
        catalog=catalog,
        providers={name: Path(path) for name, path in _pairs("--provider", providers).items()},
        state=state,
        config=_pairs("--config", config),
        existing=existing,
        passed=passed,
        quotas=_numbers("--quota", quotas),
        seed=seed,
        checkpoints=checkpoints,
        faults=[Fail.parse(fault) for fault in faults],
        kill_after=kill_after or 0,
        quiet=as_json,
    )
    click.echo(first_line(stack), err=as_json)
    with console_report() as report:
        rehearsal.prepare(report)
    outcome = _operation(rehearsal, operation, expect_no_changes)()
    if as_json:
        click.echo(outcome.log, err=True)
        click.echo(json.dumps(outcome.as_json(), indent=2))
    else:
        render_summary(outcome, Console(highlight=False), sections(catalog))
    click.echo(last_line(outcome), err=as_json)
    sys.exit(0 if outcome.ok else outcome.exit_code or 1)


def _operation(rehearsal: Rehearsal, operation: Operation, expect_no_changes: bool) -> Callable[[], Outcome]:
    if operation == "destroy":
        return rehearsal.destroy
    run: Callable[..., Outcome] = getattr(rehearsal, operation)
    return lambda: run(expect_no_changes=expect_no_changes)


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    wrong = [item for item in given if "=" not in item]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} has no `=`", param_hint=option)
    return dict(item.split("=", 1) for item in given)


def _numbers(option: str, given: Sequence[str]) -> dict[str, float]:
    try:
        return {name: float(number) for name, number in _pairs(option, given).items()}
    except ValueError as error:
        raise click.BadParameter(f"{error}: write NAME=NUMBER", param_hint=option) from None
