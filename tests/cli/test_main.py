from __future__ import annotations

import pytest
from click.testing import CliRunner

from polysilicon.cli.main import COMMANDS, cli


def test_help_lists_every_command_without_loading_one() -> None:
    text = CliRunner().invoke(cli, ["--help"]).output
    assert all(name in text for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_loaded(name: str) -> None:
    assert CliRunner().invoke(cli, [name, "--help"]).exit_code == 0


def test_an_unknown_command_is_answered_with_the_near_one() -> None:
    result = CliRunner().invoke(cli, ["reherse"])
    assert result.exit_code == 2
    assert (
        "got 'reherse', which is no command: did you mean 'rehearse'? allowed: rehearse, catalog, doctor, explain,"
        in result.output
    )
