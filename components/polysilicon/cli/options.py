"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

in_project = click.option(
    "-C",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The project's folder, or one below it. Default: where you are.",
)
"""The project that a command is about."""
