"""Which plugins a program needs, told from what is installed in the Python that runs it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import language_pb2

from polysilicon.engine.host import installed
from polysilicon.engine.host.options import HostError, program_of
from polysilicon.engine.host.packages import dependencies, description, plugin_version, required_packages


def info(root: Path, folder: Path | None = None, **options: object) -> language_pb2.ProgramInfo:
    given = Struct()
    given.update(options)
    return language_pb2.ProgramInfo(
        root_directory=str(root), program_directory=str(folder or root), entry_point=".", options=given
    )


def install(site: Path, name: str, version: str, plugin: dict[str, object] | None = None, requires: str = "") -> None:
    """Puts a distribution there, as pip would."""
    module = site / name.replace("-", "_")
    module.mkdir(parents=True)
    (module / "__init__.py").write_text("raise RuntimeError('nobody may import this')")
    if plugin is not None:
        (module / "pulumi-plugin.json").write_text(json.dumps(plugin))
    metadata = site / f"{module.name}-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory) -> Path:
    """A virtual environment with nothing in it."""
    folder = tmp_path_factory.mktemp("project") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder


@pytest.fixture
def stocked(bare_python, monkeypatch) -> Path:
    """The same, with one package of each kind, and none that the tests' own PYTHONPATH would add."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    site = next(bare_python.glob("lib/python3.*/site-packages"))
    if not (site / "pulumi_cloud").exists():
        install(site, "pulumi-cloud", "1.2.3", {"resource": True, "name": "cloud", "version": "1.2.4", "server": "s"})
        install(site, "pulumi-silent", "1.0", {"resource": False})
        install(site, "pulumi-policy", "1.21.0")
        install(site, "pulumi-old", "2.0.0rc1", None, "pulumi-cloud>=1; python_version>'3'")
        install(site, "bridged", "4.5.6", {
            "resource": True, "name": "terraform-provider", "version": "0.9.0",
            "parameterization": {"name": "b", "version": "4.5.6", "value": base64.b64encode(b"{}").decode()},
        })  # fmt: skip
        install(site, "unrelated", "1", None, "pulumi-old[extra]; extra == 'x'")
    return bare_python


def test_a_programs_own_environment_is_asked_and_not_ours(stocked):
    found = required_packages(program_of(info(stocked.parent, virtualenv="environment")))
    assert [(each.name, each.kind, each.version, each.server) for each in found] == [
        ("terraform-provider", "resource", "v0.9.0", ""),
        ("cloud", "resource", "v1.2.4", "s"),
        ("old", "resource", "v2.0.0-rc.1", ""),
    ]
    given = found[0].parameterization
    assert (given.name, given.version, given.value) == ("b", "4.5.6", b"{}")
    assert not found[1].HasField("parameterization")


def test_the_default_python_is_asked_without_starting_another(monkeypatch, tmp_path):
    monkeypatch.delenv("PULUMI_PYTHON_CMD", raising=False)
    monkeypatch.setattr(subprocess, "run", None)
    install(tmp_path / "site", "pulumi-here", "3.0.0", {"resource": True, "name": "here", "version": "3.0.0"})
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    found = {each.name: each.version for each in required_packages(program_of(info(tmp_path)))}
    assert found["here"] == "v3.0.0"
    # What is really installed here is told as its own file says.
    for name in ("aws", "gcp", "kubernetes"):
        version = next((each["version"] for each in installed.packages() if each["name"] == f"pulumi-{name}"), None)
        assert found.get(name) == (f"v{version}" if version else None)


def test_a_plugin_without_an_environment_of_its_own_needs_nothing_of_what_is_around_it(tmp_path):
    (tmp_path / "PulumiPlugin.yaml").write_text("runtime: python\n")
    assert required_packages(program_of(info(tmp_path))) == []


def test_dependencies_are_all_or_only_those_that_nobody_requires(stocked):
    program = program_of(info(stocked.parent, virtualenv="environment"))
    everything = ["bridged", "pulumi-cloud", "pulumi-old", "pulumi-policy", "pulumi-silent", "unrelated"]
    assert [each.name for each in dependencies(program, transitive=True)] == everything
    direct = [each.name for each in dependencies(program, transitive=False)]
    assert direct == [name for name in everything if name != "pulumi-cloud"]


def test_the_interpreter_is_described(stocked):
    described = description(program_of(info(stocked.parent, virtualenv="environment")))
    assert described["executable"] == str(stocked / "bin" / "python")
    assert described["version"].startswith("3.")


@pytest.mark.parametrize(
    ("package", "plugin"),
    [
        ("1.2.3", "v1.2.3"),
        ("1", "v1.0.0"),
        ("1.2", "v1.2.0"),
        ("1.2.3.4", "v1.2.3.4"),
        ("3.0.0a12", "v3.0.0-alpha.12"),
        ("3.0.0b1", "v3.0.0-beta.1"),
        ("1.2.3.post4", "v1.2.3+post4"),
        ("1.2.3.post4.dev5", "v1.2.3+post4dev5"),
        ("1.2.3rc1.dev5", "v1.2.3-rc.1+dev5"),
        ("1!1.2.3", None),
        ("1.2.3+local", None),
        ("", None),
    ],
)
def test_a_plugins_version_is_told_from_its_packages(package, plugin):
    assert plugin_version(package) == plugin


def test_relative_environments_are_meant_from_the_project_not_from_the_program(stocked):
    program = program_of(info(stocked.parent, stocked.parent / "stacks", virtualenv="environment"))
    assert program.python == str(stocked / "bin" / "python")
    given = program.environment({"PATH": "/bin", "PYTHONHOME": "/x", "KEEP": "1"})
    assert given == {"PATH": f"{stocked}/bin:/bin", "VIRTUAL_ENV": str(stocked), "KEEP": "1"}


def test_an_environment_that_is_not_there_is_told_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(
        HostError, match=rf"wants the virtual environment {tmp_path}/venv.*(?s:.*)fix: run `pulumi install`"
    ):
        _ = program_of(info(tmp_path, virtualenv="venv")).python


def test_without_options_the_python_of_the_host_runs_the_program(tmp_path, monkeypatch):
    monkeypatch.delenv("PULUMI_PYTHON_CMD", raising=False)
    assert program_of(info(tmp_path)).python == sys.executable
    assert program_of(info(tmp_path)).environment({"A": "1"}) == {"A": "1"}


def test_a_python_that_the_user_has_chosen_runs_the_program(tmp_path, stocked, monkeypatch):
    monkeypatch.setenv("PULUMI_PYTHON_CMD", str(stocked / "bin" / "python"))
    assert program_of(info(tmp_path)).python == str(stocked / "bin" / "python")


def test_an_environment_that_uv_keeps_is_used_if_it_is_there(stocked, tmp_path):
    (tmp_path / "uv.lock").write_text("")
    (tmp_path / "stacks").mkdir()
    assert program_of(info(tmp_path, tmp_path / "stacks")).virtualenv is None
    assert program_of(info(tmp_path, tmp_path / "stacks", toolchain="uv")).virtualenv == tmp_path / ".venv"
    (tmp_path / ".venv").symlink_to(stocked)
    assert program_of(info(tmp_path, tmp_path / "stacks")).virtualenv == tmp_path / ".venv"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"toolchain": "poetry"}, "toolchain is 'poetry', which this language host does not know"),
        ({"toolchain": "conda"}, "toolchain is 'conda'; allowed: pip, uv, poetry"),
        ({"typechecker": "pyre"}, "typechecker is 'pyre'; allowed: mypy, pyright"),
        ({"virtualenv": 1}, "the runtime option virtualenv must be text, not 1"),
    ],
)
def test_options_that_are_not_known_are_told(tmp_path, options, reason):
    with pytest.raises(HostError, match=reason):
        program_of(info(tmp_path, **options))
