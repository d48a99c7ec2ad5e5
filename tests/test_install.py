"""A wheel in a foreign project: the AWS extra alone, a program of ten lines, rehearsed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.install

PROJECT = """\
name: foreign
runtime: python
"""
PROGRAM = """\
import pulumi
from polysilicon.aws import EksNetwork, EksNetworkArgs
from polysilicon.specs import EksNetworkSpec

network = EksNetwork(
    "team-network",
    EksNetworkArgs(spec=EksNetworkSpec(cidr="10.90.0.0/16", zones=("use1-az4", "use1-az6"))),
)

pulumi.export("subnets", network.private_subnet_ids)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that has the wheel with its AWS extra, and nothing else of this project."""
    folder = tmp_path_factory.mktemp("install")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    pip = [str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--no-compile"]
    pins = folder / "pins.txt"
    pins.write_text("\n".join(re.findall(r"^([a-z0-9-]+==[^ ;]+)", (ROOT / "requirements.lock").read_text(), re.M)))
    subprocess.run([*pip, "--constraint", str(pins), f"{wheel}[aws]"], check=True, capture_output=True)
    return folder / "venv" / "bin"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (folder / "Pulumi.prod.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (folder / "__main__.py").write_text(PROGRAM)
    return folder


def run(installed: Path, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["POLYSILICON_STATE"] = str(project.parent / "state")
    command = [str(installed / "polysilicon"), "rehearse", *arguments, "prod", "-C", str(project)]
    return subprocess.run(command, env=environment, cwd=project.parent, capture_output=True, text=True, check=False)


def test_the_machine_has_no_google_sdk(installed: Path) -> None:
    code = "import importlib.util as u; print(u.find_spec('pulumi_aws') is not None, u.find_spec('pulumi_gcp'))"
    out = subprocess.run([str(installed / "python"), "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "True None\n"


def test_a_component_in_a_program_of_ten_lines(installed: Path, project: Path) -> None:
    assert len(PROGRAM.splitlines()) <= 10
    up = run(installed, project, "up")
    assert up.returncode == 0, up.stdout + up.stderr
    assert up.stdout.splitlines()[0].startswith("REHEARSAL of prod")
    assert up.stdout.splitlines()[-1].startswith("REHEARSAL of prod: up succeeded")
    again = run(installed, project, "up", "--expect-no-changes")
    assert again.returncode == 0, again.stdout + again.stderr
    destroy = run(installed, project, "destroy")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr


def test_a_mistake_is_told_without_a_traceback(installed: Path, project: Path) -> None:
    (project / "__main__.py").write_text(PROGRAM.replace("10.90.0.0/16", "10.90.0.0/25"))
    up = run(installed, project, "up")
    assert up.returncode != 0
    assert "cidr: got 10.90.0.0/25" in up.stdout + up.stderr
    assert "take a range between /16 and /20" in up.stdout + up.stderr
    assert "Traceback" not in up.stdout + up.stderr
