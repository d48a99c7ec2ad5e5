"""`polysilicon doctor`: what this machine has, what is missing, and how to get it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from polysilicon.engine import console_report, ensure_engine
from polysilicon.engine.accounts import account_checks
from polysilicon.engine.checkup import Check, rehearsal_checks, shown
from polysilicon.engine.project import Project, find_project

_STYLES = {"ok": "green", "missing": "bold red", "optional": "yellow"}


@click.command()
@click.option(
    "-C",
    "--stack",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The project to look at: a folder with Pulumi.yaml, or below it. Default: where you are.",
)
@click.option(
    "--install", is_flag=True, help="First get the engine, if there is none: download it, or build it with Go."
)
def command(folder: Path | None, install: bool) -> None:
    """What this machine has for rehearsals and real accounts, and what is missing.

    Nothing is called over the network (unless you ask with --install), and no secret is shown. The exit code is 0 if
    rehearsals can run, 1 if not.
    """
    if install:
        with console_report() as report:
            ensure_engine(report)
    project = find_project((folder or Path.cwd()).resolve())
    rehearsal = [*rehearsal_checks(), *_project_checks(project)]
    console = Console(highlight=False)
    _show(console, "Rehearsals: the real engine against simulated clouds", rehearsal)
    _show(console, "A real account: pulumi up", account_checks(project))
    missing = [check.what for check in rehearsal if check.state == "missing"]
    console.print(f"Rehearsals cannot run: {', '.join(missing)} missing." if missing else "Rehearsals can run.")
    sys.exit(1 if missing else 0)


def _project_checks(project: Project | None) -> list[Check]:
    if project is None:
        return []
    name = f"{project.name} in {shown(project.folder)}"
    if project.virtualenv is None:
        return [Check("project", "ok", f"{name}\nruns on {shown(Path(sys.executable))}")]
    if (project.virtualenv / "bin" / "python").exists():
        return [Check("project", "ok", f"{name}\nruns on {shown(project.virtualenv)}")]
    found = f"{name} wants the virtual environment {shown(project.virtualenv)}, which is not there"
    return [Check("project", "missing", found, "pulumi install")]


def _show(console: Console, title: str, checks: Iterable[Check]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(width=8, no_wrap=True)
    table.add_column(width=18)
    table.add_column(overflow="fold")
    for check in checks:
        table.add_row(Text(check.state, _STYLES[check.state]), check.what, _found(check))
    console.print(Text(title, "bold"))
    console.print(table)
    console.print()


def _found(check: Check) -> Text:
    text = Text(check.found)
    if check.fix:
        text.append(f"\nfix: {check.fix}", "cyan")
    return text
