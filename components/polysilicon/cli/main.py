"""`polysilicon`: the command line. Each command's module is loaded when it is called, so that `--help` is quick."""

from __future__ import annotations

import importlib
import sys

import click

from polysilicon import __version__
from polysilicon.errors import UserError, one_of

COMMANDS = {
    "catalog": "Ask a cloud for current prices, as rows that take the place of the catalog's.",
    "doctor": "What this machine has for rehearsals and real accounts, and what is missing.",
    "explain": "Say why a Pulumi run failed, from the engine's event log.",
    "preflight": "Ask AWS, read-only, whether a stack can be deployed there.",
    "recover": "Settle what a killed update left: its lock, and what it had begun.",
    "rehearse": "Run a Pulumi program with the real engine against simulated clouds.",
    "schema": "Print the JSON schema of a stack's YAML, for editors.",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"polysilicon.cli.{cmd_name}").command  # type: ignore[no-any-return]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS:
            ctx.fail(f"got {args[0]!r}, which is no command: {one_of(sorted(COMMANDS), args[0])}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="polysilicon")
def cli() -> None:
    """AI inference clusters on any silicon, as Pulumi components."""


def main() -> None:
    """Runs the command line; a user's mistake ends as its message and exit code 1, never as a traceback."""
    try:
        cli()
    except UserError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
