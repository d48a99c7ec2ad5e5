"""The project file: what is found, what is chosen, and what the engine's copy says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from polysilicon.errors import UserError
from polysilicon.rehearsal.project import PLACEHOLDER, SALT, find_project, link_plugin, make_scratch


def project(folder: Path, text: str, *stacks: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(text)
    for stack in stacks:
        (folder / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    return folder


def test_found_from_below(tmp_path: Path) -> None:
    project(tmp_path, "name: shop\nruntime: python\n")
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert find_project(tmp_path / "a" / "b").folder == tmp_path
    with pytest.raises(UserError, match="-C DIR"):
        find_project(Path("/"))


def test_the_copy(tmp_path: Path) -> None:
    text = """
name: shop
runtime: {name: python, options: {toolchain: uv, typechecker: mypy}}
main: program
stackConfigDir: stacks
backend: {url: "s3://company"}
plugins: {providers: [{name: mine, path: ./mine}, {name: aws, path: ./aws}]}
config: {region: {default: here}}
"""
    project(tmp_path / "shop", text)
    (tmp_path / "shop" / "program").mkdir()
    stacks = tmp_path / "shop" / "stacks"
    stacks.mkdir()
    (stacks / "Pulumi.dev.yaml").write_text(
        yaml.safe_dump(
            {
                "secretsprovider": "awskms://key",
                "encryptedkey": "xxxx",
                "config": {
                    "shop:plain": "x",
                    "shop:password": {"secure": "v1:a:b"},
                    "shop:db": {"hosts": [{"key": {"secure": "v1:c:d"}}], "port": 1},
                },
            }
        )
    )
    found = find_project(stacks)
    scratch = make_scratch(found, "dev", tmp_path / "scratch", {"aws": tmp_path / "real"})
    settings = yaml.safe_load((scratch.folder / "Pulumi.yaml").read_text())
    assert settings.pop("runtime")["name"] == "python"
    assert settings == {
        "name": "shop",
        "main": str(tmp_path / "shop" / "program"),
        "config": {"region": {"default": "here"}},
        "plugins": {
            "providers": [
                {"name": "mine", "path": str(tmp_path / "shop" / "mine")},
                {"name": "aws", "path": str(tmp_path / "real")},
            ]
        },
    }
    (note,) = scratch.notes
    assert "shop:db.hosts[0].key, shop:password" in note
    stack = yaml.safe_load((scratch.folder / "Pulumi.dev.yaml").read_text())
    assert stack["encryptionsalt"] == SALT
    assert stack["config"]["shop:db"] == {"hosts": [{"key": {"secure": PLACEHOLDER}}], "port": 1}
    assert "secretsprovider" not in stack
    assert "encryptedkey" not in stack


def test_which_stack(tmp_path: Path) -> None:
    text = "name: shop\nruntime: python\n"
    assert find_project(project(tmp_path / "none", text)).choose(None) == "dev"
    assert find_project(project(tmp_path / "none", text)).choose("any") == "any"
    assert find_project(project(tmp_path / "one", text, "production")).choose(None) == "production"
    assert find_project(project(tmp_path / "two", text, "dev", "production")).choose(None) == "dev"
    several = find_project(project(tmp_path / "three", text, "production", "staging"))
    with pytest.raises(UserError, match="none is called dev: allowed: production, staging"):
        several.choose(None)
    with pytest.raises(UserError, match=r"shop has no stack 'stagin': did you mean 'staging'"):
        several.choose("stagin")


def test_which_python(tmp_path: Path) -> None:
    plain = find_project(project(tmp_path / "plain", "name: a\nruntime: python\n"))
    assert plain.python == Path(sys.executable)
    text = "name: a\nruntime: {name: python, options: {virtualenv: venv}}\n"
    wanting = find_project(project(tmp_path / "wanting", text))
    with pytest.raises(UserError, match="there is no Python in"):
        _ = wanting.python
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "wanting" / "venv"], check=True)
    assert wanting.python == tmp_path / "wanting" / "venv" / "bin" / "python"
    scratch = make_scratch(wanting, "dev", tmp_path / "scratch", {})
    settings = yaml.safe_load((scratch.folder / "Pulumi.yaml").read_text())
    assert settings["runtime"]["options"] == {"virtualenv": str(tmp_path / "wanting" / "venv")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nruntime: nodejs\n", "'nodejs' cannot be rehearsed: allowed: 'python'"),
        ("- a\n", "a mapping is expected, not list"),
        ("a: [\n", "cannot be read"),
    ],
)
def test_a_project_that_cannot_be_rehearsed(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        find_project(project(tmp_path, text))


def test_a_plugin_by_its_folder_or_its_binary(tmp_path: Path) -> None:
    binary = tmp_path / "some-name"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    assert link_plugin("aws", tmp_path, tmp_path / "link") == tmp_path
    folder = link_plugin("aws", binary, tmp_path / "link")
    assert (folder / "pulumi-resource-aws").resolve() == binary
    with pytest.raises(UserError, match="no such program"):
        link_plugin("aws", tmp_path / "nothing", tmp_path / "link")
