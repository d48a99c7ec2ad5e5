"""A stack as the engine's own commands show and change it: export, import, refresh, cancel."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polysilicon.errors import UserError

_NONE_TO_CANCEL = ("has already completed", "has never been updated")
"""What Pulumi Cloud says when no update goes on (pulumi/pulumi issue 5364 and pull request 2254)."""


@dataclass(frozen=True)
class Workbench:
    """Runs the engine's commands on one stack.

    Attributes:
        pulumi: The engine.
        folder: The folder of the project.
        stack: The stack's name.
        environment: Where the backend, the passphrase and the credentials are.
    """

    pulumi: Path
    folder: Path
    stack: str
    environment: Mapping[str, str]

    def export(self, open_secrets: bool = False) -> dict[str, Any]:
        """The state; raises `UserError` if there is none to be had."""
        shown = ["--show-secrets"] if open_secrets else []
        exported: dict[str, Any] = json.loads(self._run("stack", "export", *shown))
        return exported

    def put(self, state: Mapping[str, Any]) -> None:
        """Replaces the state. The engine checks it first, and keeps the one before as its history."""
        self._run("stack", "import", given=json.dumps(state))

    def cancel(self) -> None:
        """Takes away the lock of an update that was killed; there may be none any more."""
        try:
            self._run("cancel", "--yes")
        except UserError as error:
            if not any(text in str(error) for text in _NONE_TO_CANCEL):
                raise

    def refresh(self, urns: Sequence[str]) -> None:
        """Reads these resources back from the providers, and no others."""
        self._run("refresh", "--yes", "--skip-preview", *(f"--target={urn}" for urn in urns))

    def _run(self, *arguments: str, given: str | None = None) -> str:
        result = subprocess.run(
            [str(self.pulumi), *arguments, "--stack", self.stack, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=dict(self.environment),
            input=given if given is not None else "",
            capture_output=True,
            text=True,
        )
        if result.returncode != 0:
            told = "\n".join(part for part in (result.stdout.strip(), result.stderr.strip()) if part)
            raise UserError(f"pulumi {' '.join(arguments[:2])} --stack {self.stack} failed:\n{told}")
        return result.stdout
