"""`polysilicon rehearse` as a person calls it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from polysilicon.rehearsal import Outcome, Record, Scope
from polysilicon.rehearsal.summary import last_line, render_summary
from tests.rehearsal.conftest import MakeForeign, called


@pytest.mark.engine
def test_from_the_first_line_to_the_last(
    foreign: MakeForeign, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shop = foreign("misfit")
    shop.configure(shop__case="order")
    place = ("-C", shop.folder, "--state", shop.state)

    assert called(monkeypatch, "rehearse", "up", *place) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "REHEARSAL of dev: the real engine against simulated clouds, nothing is bought"
    assert lines[-1].startswith("REHEARSAL of dev: up succeeded (3 created;")
    assert any("AWS 123456789012 / us-east-1" in line and "Vpc, Subnet" in line for line in lines)
    assert any("creating (" in line for line in lines), "the engine's own progress is shown"

    assert called(monkeypatch, "rehearse", "up", "dev", *place, "--expect-no-changes", "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert told["ok"] is True
    assert told["changes"] == {"same": 3}
    assert [record["type"] for record in told["accounts"]] == ["aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"]

    assert called(monkeypatch, "rehearse", "destroy", *place) != 0
    lines = capfd.readouterr().out.splitlines()
    assert any("LEFT OVER" in line for line in lines)
    assert lines[-1].startswith("REHEARSAL of dev: destroy FAILED")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("up", "stagin"), "error: shop has no stack 'stagin': did you mean 'staging'? allowed: staging, dev"),
        (("up", "--provider", "aws=nowhere"), "--provider aws=nowhere: there is no such program"),
    ],
)
def test_mistakes_are_told_in_one_message(
    foreign: MakeForeign,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    shop = foreign("replaced")
    shop.configure("dev")
    shop.configure("staging")
    monkeypatch.chdir(shop.folder)
    assert called(monkeypatch, "rehearse", *arguments, "--state", shop.state) == 1
    error = capfd.readouterr().err
    assert message in error.replace(f"{shop.folder}/", "")
    assert "Traceback" not in error


def test_a_pair_without_a_value(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    assert called(monkeypatch, "rehearse", "up", "--config", "novalue", "-C", Path(__file__).parents[2]) == 2
    assert "'novalue' has no `=`" in capfd.readouterr().err


def test_the_summary_takes_sections_and_says_what_is_left() -> None:
    here = Scope("aws", "1", "x", "AWS 1 / x")
    left = Record(
        key=1,
        package="aws",
        type="a:b:C",
        urn="urn:pulumi:dev::shop::a:b:C::c",
        name="c",
        id="i",
        scope=here,
        inputs={},
        outputs={},
    )
    outcome = Outcome(
        operation="destroy",
        project="shop",
        stack="dev",
        exit_code=0,
        leftovers=[left],
        accounts=[left],
        notes=["assumed"],
    )
    console = Console(width=100, record=True, file=io.StringIO())
    render_summary(outcome, console, [lambda _: "a section", lambda _: None])
    text = console.export_text()
    assert "LEFT OVER" in text
    assert "a section" in text
    assert "note: assumed" in text
    assert not outcome.ok
    assert last_line(outcome).startswith("REHEARSAL of dev: destroy FAILED (nothing done;")


@pytest.mark.engine
def test_a_state_that_cannot_be_kept_is_told_without_a_traceback(
    foreign: MakeForeign, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    shop = foreign("misfit")
    assert called(monkeypatch, "rehearse", "preview", "-C", shop.folder, "--state", file / "state") == 1
    told = capfd.readouterr().err
    assert f"the state of the rehearsal cannot be kept in {file / 'state'}: Not a directory" in told
    assert "Traceback" not in told
