"""`polysilicon explain`: why the engine failed, from its event log."""

from __future__ import annotations

import sys
from typing import TextIO

import click
from rich.console import Console

from polysilicon.engine.explain import explain, read_run
from polysilicon.engine.explain.render import render_explanation


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("log", type=click.File(encoding="utf-8"))
def command(log: TextIO) -> None:
    """Say why a `pulumi` run failed, what to do about it, and what exists now.

    LOG is the engine's event log, `-` for standard input:

    \b
        PULUMI_DEBUG_COMMANDS=true pulumi up --event-log events.json
        polysilicon explain events.json

    Nothing is sent anywhere. The exit code is 1 if the log tells of a failure.
    """
    shown = render_explanation(explain(read_run(log)))
    Console(highlight=False).print(shown or "The log tells of no failure.")
    sys.exit(1 if shown else 0)
