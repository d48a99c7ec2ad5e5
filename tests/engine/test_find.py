"""Which engine is taken, and which is not good enough."""

from __future__ import annotations

import os
import sys

import pytest

from polysilicon.engine import find_engine
from polysilicon.engine.__main__ import main
from polysilicon.engine.find import engine_on_path
from polysilicon.engine.model import Engine, UnavailableError, version_numbers
from polysilicon.errors import UserError


def test_a_new_enough_pulumi_on_path_with_its_language_host_is_taken(machine):
    pulumi = machine.pulumi(machine.bin, "v3.260.1")
    assert find_engine() == Engine(pulumi, "3.260.1", "path", (machine.bin,))


def test_the_language_host_may_lie_in_another_folder_of_path(machine, monkeypatch, tmp_path):
    machine.pulumi(machine.bin, language_host=False)
    elsewhere = machine.script(tmp_path / "hosts" / "pulumi-language-python", "exit 1").parent
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{elsewhere}")
    assert find_engine().bin_dirs == (machine.bin, elsewhere)


def test_the_language_host_may_lie_beside_the_file_that_a_link_on_path_names(machine, tmp_path):
    real = machine.pulumi(tmp_path / "cellar")
    (machine.bin / "pulumi").symlink_to(real)
    assert find_engine().pulumi == machine.bin / "pulumi"


@pytest.mark.parametrize(
    ("version", "language_host", "reason"),
    [
        ("v3.249.9", True, r"pulumi is 3\.249\.9; 3\.250\.0 or newer is needed"),
        ("v2.300.0", True, r"is 2\.300\.0; 3\.250\.0 or newer"),
        ("v3.250.0", False, r"has no `pulumi-language-python` beside it or on PATH"),
        ("hello", True, r"does not say its version: no version in 'hello'"),
    ],
)
def test_a_pulumi_that_will_not_do_is_passed_over_with_the_reason(machine, version, language_host, reason):
    machine.pulumi(machine.bin, version, language_host)
    assert find_engine() is None
    with pytest.raises(UnavailableError, match=reason):
        engine_on_path()


def test_a_pulumi_that_cannot_run_is_passed_over(machine):
    machine.script(machine.bin / "pulumi", "exit 3")
    with pytest.raises(UnavailableError, match=r"does not say its version.*exit status 3"):
        engine_on_path()


def test_nothing_is_found_on_a_bare_machine(machine):
    assert find_engine() is None
    assert machine.leftovers() == []


def test_the_users_own_engine_comes_before_a_downloaded_one_and_that_before_a_built_one(machine):
    built = machine.cached()
    assert find_engine() == Engine(built / "pulumi", "3.250.0", "build", (built,))
    downloaded = machine.cached("-release")
    assert find_engine() == Engine(downloaded / "pulumi", "3.250.0", "download", (downloaded,))
    machine.pulumi(machine.bin)
    assert find_engine().origin == "path"


def test_half_an_engine_in_the_cache_is_none(machine):
    (machine.cached() / "pulumi-language-python-exec").unlink()
    assert find_engine() is None


def test_a_command_that_runs_in_an_engines_environment_does_not_take_the_cached_one_for_the_users(machine, monkeypatch):
    machine.cached()
    monkeypatch.setenv("PATH", find_engine().environment()["PATH"])
    assert find_engine().origin == "build"


def test_the_origin_can_be_chosen(machine, monkeypatch):
    machine.cached()
    machine.pulumi(machine.bin)
    for origin in ("path", "build"):
        monkeypatch.setenv("POLYSILICON_ENGINE", origin)
        assert find_engine().origin == origin
    monkeypatch.setenv("POLYSILICON_ENGINE", "download")
    assert find_engine() is None


def test_a_misspelt_choice_is_told(machine, monkeypatch):
    monkeypatch.setenv("POLYSILICON_ENGINE", "dowload")
    with pytest.raises(UserError, match="POLYSILICON_ENGINE is 'dowload': did you mean 'download'"):
        find_engine()


def test_the_environment_puts_the_engine_first_and_leaves_the_rest_as_it_was(tmp_path):
    engine = Engine(tmp_path / "a" / "pulumi", "3.250.0", "path", (tmp_path / "a", tmp_path / "b"))
    base = {"PATH": os.pathsep.join(["/usr/bin", str(tmp_path / "a")]), "KEEP": "me"}
    given = engine.environment(base)
    assert given["PATH"].split(os.pathsep) == [str(tmp_path / "a"), str(tmp_path / "b"), "/usr/bin"]
    assert given["KEEP"] == "me"
    assert given["PULUMI_SKIP_UPDATE_CHECK"] == "true"
    assert given["PULUMI_PYTHON_CMD"] == sys.executable
    assert base == {"PATH": os.pathsep.join(["/usr/bin", str(tmp_path / "a")]), "KEEP": "me"}


def test_a_python_that_the_user_has_chosen_stays_chosen(tmp_path):
    engine = Engine(tmp_path / "pulumi", "3.250.0", "path", (tmp_path,))
    assert engine.environment({"PULUMI_PYTHON_CMD": "python3.12"})["PULUMI_PYTHON_CMD"] == "python3.12"


@pytest.mark.parametrize(
    ("text", "numbers"), [("v3.250.0", (3, 250, 0)), ("3.261.0-alpha.1+x", (3, 261, 0)), ("go1.26", (1, 26, 0))]
)
def test_versions_are_compared_by_their_numbers(text, numbers):
    assert version_numbers(text) == numbers


def test_the_module_gets_the_engine_ready_and_names_it(machine, capsys):
    pulumi = machine.pulumi(machine.bin)
    main()
    assert capsys.readouterr().out == f"pulumi 3.250.0 (path): {pulumi}\n"


def test_the_module_ends_with_the_reasons_if_there_is_no_engine(machine, monkeypatch):
    monkeypatch.setenv("POLYSILICON_ENGINE", "path")
    with pytest.raises(SystemExit, match="error: there is no Pulumi engine"):
        main()
