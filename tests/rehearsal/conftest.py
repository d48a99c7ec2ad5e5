"""Foreign projects to rehearse: programs that know nothing of Polysilicon, in folders of their own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from polysilicon.cli.main import main
from polysilicon.rehearsal import Outcome, Rehearsal

PROGRAMS = Path(__file__).parent / "programs"


@dataclass
class Foreign:
    """A project in a temporary folder, with state and accounts of its own."""

    folder: Path
    state: Path

    def configure(self, stack: str = "dev", **values: Any) -> None:
        """Writes a stack's file; `_` in a name stands for the colon after the project's name or a package's."""
        config = {name.replace("__", ":"): value for name, value in values.items()}
        (self.folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))

    def rehearsal(self, stack: str | None = None, **options: Any) -> Rehearsal:
        """A rehearsal whose output is kept."""
        return Rehearsal(self.folder, stack, **{"state": self.state, "quiet": True, **options})


MakeForeign = Callable[..., Foreign]


@pytest.fixture
def foreign(tmp_path: Path) -> MakeForeign:
    """Makes a project of one of the programs, or of a program's text."""

    def make(program: str, name: str = "shop", settings: Mapping[str, Any] | None = None) -> Foreign:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": name, "runtime": "python", **(settings or {})}))
        if "\n" in program:
            (folder / "__main__.py").write_text(program)
        else:
            shutil.copy(PROGRAMS / f"{program}.py", folder / "__main__.py")
        return Foreign(folder, tmp_path / "state")

    return make


def succeeded(outcome: Outcome) -> Outcome:
    """The outcome, if the engine succeeded; else what it said."""
    assert outcome.exit_code == 0, outcome.log
    return outcome


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An AWS account that is not there."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    from moto import mock_aws

    with mock_aws():
        yield


def called(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit code of the command line with these arguments."""
    monkeypatch.setattr(sys, "argv", ["polysilicon", *(str(argument) for argument in arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)
