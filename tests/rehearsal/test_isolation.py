"""Nothing of the machine reaches a rehearsal, and nothing of a rehearsal reaches the machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from polysilicon._paths import cache_dir
from polysilicon.errors import UserError
from tests.rehearsal.conftest import MakeForeign, succeeded

pytestmark = pytest.mark.engine

POISON = {
    "KUBECONFIG": "/nonexistent/poison",
    "AWS_PROFILE": "poison",
    "AWS_REGION": "poison-1",
    "AWS_ACCESS_KEY_ID": "poison",
    "GOOGLE_APPLICATION_CREDENTIALS": "/nonexistent/poison",
    "GOOGLE_PROJECT": "poison",
    "CLOUDSDK_CORE_PROJECT": "poison",
    "PULUMI_BACKEND_URL": "s3://poison",
    "PULUMI_ACCESS_TOKEN": "poison",
    "PULUMI_CONFIG_PASSPHRASE": "poison",
    "PULUMI_HOME": "/nonexistent/poison",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "HOME": "/nonexistent/poison",
}
SEEN = """
import json, os
import pulumi, pulumi_aws as aws, pulumi_gcp as gcp
aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
gcp.compute.Network("net")
pulumi.export("seen", sorted(name for name, value in os.environ.items() if "poison" in value))
pulumi.export("home", os.path.expanduser("~"))
"""


def test_a_spoilt_machine_changes_nothing(foreign: MakeForeign, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = foreign(SEEN)
    # What this test spoils is also where our own folders are looked for; those a person moves by name.
    monkeypatch.setenv("POLYSILICON_CACHE", str(cache_dir()))
    clean = succeeded(shop.rehearsal(state=shop.state / "first").up())
    for name, value in POISON.items():
        monkeypatch.setenv(name, value)
    poisoned = succeeded(shop.rehearsal(state=shop.state / "second").up())
    assert poisoned.outputs["seen"] == []
    assert poisoned.outputs["home"] == str(shop.state / "second" / "home")
    assert {record.urn: (record.id, record.scope) for record in poisoned.accounts} == {
        record.urn: (record.id, record.scope) for record in clean.accounts
    }
    assert list(poisoned.notes) == list(clean.notes)


def test_what_is_passed_gets_through(foreign: MakeForeign, monkeypatch: pytest.MonkeyPatch) -> None:
    program = """
import os, pulumi
pulumi.export("a", os.environ.get("SHOP_A"))
pulumi.export("b", os.environ.get("SHOP_B"))
pulumi.export("c", os.environ.get("SHOP_C", "unset"))
pulumi.export("d", pulumi.Config().get("d"))
"""
    for name in ("SHOP_A", "SHOP_B", "SHOP_C"):
        monkeypatch.setenv(name, "machine")
    shop = foreign(program)
    shop.configure(shop__d="file")
    outcome = succeeded(shop.rehearsal(passed=["SHOP_A", "SHOP_B=told"], config={"shop:d": "given"}).up())
    assert outcome.outputs == {"a": "machine", "b": "told", "c": "unset", "d": "given"}


def test_dynamic_providers_do_not_run(foreign: MakeForeign, tmp_path: Path) -> None:
    program = f"""
import pulumi
from pulumi import dynamic

class Acts(dynamic.ResourceProvider):
    def create(self, props):
        open({str(tmp_path / "acted")!r}, "w").close()
        return dynamic.CreateResult("real", props)

class Thing(dynamic.Resource):
    size: pulumi.Output[int]

    def __init__(self, name):
        super().__init__(Acts(), name, {{"size": 3}})

pulumi.export("size", Thing("thing").size)
"""
    shop = foreign(program)
    outcome = succeeded(shop.rehearsal().up())
    assert outcome.outputs["size"] == 3
    assert not (tmp_path / "acted").exists()
    assert succeeded(shop.rehearsal().destroy()).ok


def test_a_package_that_nobody_knows(foreign: MakeForeign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = tmp_path / "sdks" / "pulumi_nobody"
    sdk.mkdir(parents=True)
    (sdk / "__init__.py").write_text("")
    (sdk / "pulumi-plugin.json").write_text(json.dumps({"resource": True, "name": "nobody", "version": "1.2.3"}))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(sdk.parent), os.environ.get("PYTHONPATH", "")]))
    program = """
import pulumi

class Thing(pulumi.CustomResource):
    size: pulumi.Output[int]

    def __init__(self, name, size):
        super().__init__("nobody:index:Thing", name, {"size": size, "secret": pulumi.Output.secret("hush")})

pulumi.export("size", Thing("thing", 3).size)
"""
    shop = foreign(program)
    outcome = succeeded(shop.rehearsal().up())
    assert outcome.outputs["size"] == 3
    (thing,) = outcome.by_type("nobody:index:Thing")
    assert thing.outputs["secret"] == "[secret]"
    assert thing.id.startswith("thing-")
    assert succeeded(shop.rehearsal().destroy()).ok


def test_a_real_plugin_instead_of_the_simulation(foreign: MakeForeign, tmp_path: Path) -> None:
    plugin = tmp_path / "real-thing"
    plugin.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).parent / "fake_plugin.py"} "$@"\n')
    plugin.chmod(0o755)
    program = """
import pulumi, pulumi_aws as aws
a, b = (aws.Provider(key, region=f"{key}-region") for key in ("a", "b"))
for key, provider in (("a", a), ("b", b)):
    vpc = aws.ec2.Vpc(key, cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(provider=provider))
    pulumi.export(key, vpc.id)
    pulumi.export(f"{key}_owner", vpc.owner_id)
"""
    shop = foreign(program)
    outcome = succeeded(shop.rehearsal(providers={"aws": plugin}).up())
    assert outcome.outputs == {"a": "real-a", "a_owner": "a-region", "b": "real-b", "b_owner": "b-region"}
    assert not outcome.accounts
    with pytest.raises(UserError, match="there is no such program"):
        shop.rehearsal(providers={"aws": tmp_path / "nothing"}).up()


def test_an_interrupt_ends_the_engine(foreign: MakeForeign, tmp_path: Path) -> None:
    shop = foreign(f"import time\nopen({str(tmp_path / 'started')!r}, 'w').close()\ntime.sleep(300)\n")
    command = [sys.executable, "-m", "polysilicon.cli.main", "rehearse", "up", "-C", str(shop.folder)]
    script = "from polysilicon.cli.main import main; main()"
    command = [sys.executable, "-c", script, *command[3:], "--state", str(shop.state)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        _wait_for(tmp_path / "started")
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode != 0
    lines = output.decode().strip().splitlines()
    assert "REHEARSAL" in lines[0]
    assert "REHEARSAL" in lines[-1]
    assert "FAILED" in lines[-1]


def _wait_for(file: Path) -> None:
    for _ in range(600):
        if file.exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"{file} did not come")
