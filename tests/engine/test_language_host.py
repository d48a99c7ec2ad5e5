"""Real programs under the real engine, with whichever language host this machine's engine has."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.engine

COMPONENT = """
import pulumi

class Thing(pulumi.ComponentResource):
    def __init__(self, name: str) -> None:
        super().__init__("tests:index:Thing", name, {"size": 2})
        self.register_outputs({})

Thing("thing")
"""


def test_a_program_is_previewed_brought_up_and_taken_down(program):
    program.write(COMPONENT + "print('printed by the program')\npulumi.export('answer', 42)")
    up = program.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout
    assert "printed by the program" in up.stdout
    assert "tests:index:Thing thing" in up.stdout
    assert json.loads(program.pulumi("stack", "output", "--json").stdout) == {"answer": 42}
    preview = json.loads(program.pulumi("preview", "--json").stdout)
    assert {step["op"] for step in preview["steps"]} == {"same"}
    down = program.pulumi("destroy", "--yes", "--skip-preview")
    assert "2 deleted" in down.stdout


def test_configuration_reaches_the_program_and_secrets_stay_secret(program):
    program.write(
        "import pulumi\n"
        "config = pulumi.Config()\n"
        "pulumi.export('plain', config.require('plain'))\n"
        "pulumi.export('nested', config.require_object('nested')['a'])\n"
        "pulumi.export('hidden', config.require_secret('hidden'))\n"
    )
    program.pulumi("config", "set", "plain", "visible")
    program.pulumi("config", "set", "--path", "nested.a", "1")
    program.pulumi("config", "set", "--secret", "hidden", "never shown")
    up = program.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout
    assert "never shown" not in up.stdout
    shown = json.loads(program.pulumi("stack", "output", "--json", "--show-secrets").stdout)
    assert shown == {"plain": "visible", "nested": 1, "hidden": "never shown"}


def test_a_users_mistake_is_its_message_alone(program):
    program.write("import pulumi\nraise pulumi.RunError('the pool is too small; fix: max: 2')")
    preview = program.pulumi("preview")
    assert preview.returncode != 0
    assert "the pool is too small; fix: max: 2" in preview.stdout
    assert "Traceback" not in preview.stdout


def test_our_own_errors_are_their_message_alone(program):
    program.write("import pulumi\nfrom polysilicon.errors import UserError\nraise UserError('the value is wrong')")
    preview = program.pulumi("preview")
    assert preview.returncode != 0
    assert "the value is wrong" in preview.stdout
    assert "Traceback" not in preview.stdout


def test_a_defect_shows_where_it_is(program):
    program.write("def build():\n    raise ValueError('boom')\n\nbuild()")
    preview = program.pulumi("preview")
    assert preview.returncode != 0
    assert "__main__.py" in preview.stdout
    assert "ValueError: boom" in preview.stdout
    # Exit code 32: the program has said it all, and the engine adds nothing of its own.
    assert "exit code" not in preview.stdout


def test_a_folder_without_a_program_is_told(program):
    (program.folder / "__main__.py").unlink()
    assert "unable to find main python program" in program.pulumi("preview").stdout


def test_the_program_may_lie_in_a_folder_of_its_own_and_its_environment_beside_pulumi_yaml(program):
    environment = program.folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    # The SDK is lent from the tests' own environment.
    site = next(environment.glob("lib/python3.*/site-packages"))
    (site / "lent.pth").write_text("\n".join(entry for entry in sys.path if entry.endswith("site-packages")))
    program.write("", "name: tiny\nruntime:\n  name: python\n  options:\n    virtualenv: environment\nmain: stacks\n")
    (program.folder / "stacks").mkdir()
    (program.folder / "stacks" / "__main__.py").write_text(
        "import os, sys, pulumi\n"
        "pulumi.export('where', [sys.prefix, os.environ['VIRTUAL_ENV'], os.getcwd(), pulumi.get_root_directory()])\n"
    )
    up = program.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout
    where = json.loads(program.pulumi("stack", "output", "--json").stdout)["where"]
    assert where == [str(environment), str(environment), str(program.folder / "stacks"), str(program.folder)]


def test_an_environment_that_is_not_there_fails_with_the_fix(program):
    program.write("", "name: tiny\nruntime:\n  name: python\n  options:\n    virtualenv: /nowhere/venv\n")
    preview = program.pulumi("preview")
    assert preview.returncode != 0
    assert "/nowhere/venv" in preview.stdout


def test_the_python_of_the_environment_variable_runs_the_program(program):
    program.write("import sys, pulumi\npulumi.export('python', sys.executable)")
    program.pulumi("up", "--yes", "--skip-preview")
    assert json.loads(program.pulumi("stack", "output", "--json").stdout) == {"python": sys.executable}


def test_a_component_provider_written_in_python_is_run(program, tmp_path):
    plugin = tmp_path / "plugin"
    plugin.mkdir()
    (plugin / "PulumiPlugin.yaml").write_text("name: toy\nruntime: python\n")
    (plugin / "__main__.py").write_text(
        "from typing import TypedDict\n"
        "import pulumi\n"
        "from pulumi.provider.experimental import component_provider_host\n"
        "class ToyArgs(TypedDict):\n"
        "    size: pulumi.Input[int]\n"
        "class Toy(pulumi.ComponentResource):\n"
        "    def __init__(self, name: str, args: ToyArgs, opts: pulumi.ResourceOptions | None = None) -> None:\n"
        "        super().__init__('toy:index:Toy', name, {}, opts)\n"
        "component_provider_host(name='toy', components=[Toy])\n"
    )
    schema = program.pulumi("package", "get-schema", str(plugin))
    assert schema.returncode == 0, schema.stdout
    assert '"toy:index:Toy"' in schema.stdout


def test_a_dynamic_provider_runs_on_the_programs_python(program):
    program.write(
        "import sys, pulumi\n"
        "from pulumi.dynamic import CreateResult, Resource, ResourceProvider\n"
        "class Provider(ResourceProvider):\n"
        "    def create(self, props):\n"
        "        return CreateResult('id', {'python': sys.executable})\n"
        "class Where(Resource):\n"
        "    python: pulumi.Output[str]\n"
        "    def __init__(self, name):\n"
        "        super().__init__(Provider(), name, {'python': None})\n"
        "pulumi.export('python', Where('where').python)\n"
    )
    up = program.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout
    assert json.loads(program.pulumi("stack", "output", "--json").stdout) == {"python": sys.executable}


# A policy pack without pulumi-policy, which cannot be installed beside every SDK: the calls of the engine by hand.
PACK = """
from concurrent.futures import ThreadPoolExecutor
import grpc, pulumi
from pulumi.runtime.proto import analyzer_pb2 as api, analyzer_pb2_grpc, plugin_pb2

STACK, LIMIT = pulumi.get_stack(), pulumi.Config("tiny").require_int("limit")

class Pack(analyzer_pb2_grpc.AnalyzerServicer):
    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="1.0.0")
    def GetAnalyzerInfo(self, request, context):
        policy = api.PolicyInfo(name="sizes", enforcementLevel=api.MANDATORY)
        return api.AnalyzerInfo(name="pack", version="1.0.0", policies=[policy])
    def Analyze(self, request, context):
        if request.type != "tests:index:Thing" or request.properties["size"] <= LIMIT:
            return api.AnalyzeResponse()
        found = api.AnalyzeDiagnostic(
            policyName="sizes", policyPackName="pack", policyPackVersion="1.0.0",
            message=f"too large for {STACK}", enforcementLevel=api.MANDATORY, urn=request.urn)
        return api.AnalyzeResponse(diagnostics=[found])
    def AnalyzeStack(self, request, context):
        return api.AnalyzeResponse()

server = grpc.server(ThreadPoolExecutor(4))
analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Pack(), server)
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
"""


@pytest.mark.parametrize(("limit", "allowed"), [(1, False), (2, True)])
def test_a_policy_pack_judges_and_knows_its_stack(program, tmp_path, limit, allowed):
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (pack / "__main__.py").write_text(PACK)
    program.write(COMPONENT)
    program.pulumi("config", "set", "limit", str(limit))
    preview = program.pulumi("preview", "--policy-pack", str(pack))
    assert (preview.returncode == 0) == allowed, preview.stdout
    assert ("too large for dev" in preview.stdout) == (not allowed)
    assert "Traceback" not in preview.stdout


def test_about_names_the_python(program):
    assert f"executable='{sys.executable}'" in program.pulumi("about").stdout


@pytest.fixture
def sleeper(program):
    """A program that hangs, with a process of its own; gives the engine and the process ids of both."""
    program.write(
        "import os, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '120'])\n"
        "open('pids', 'w').write(f'{os.getpid()} {child.pid}')\n"
        "time.sleep(120)\n"
    )
    process = subprocess.Popen(
        ["pulumi", "preview", "--non-interactive"],
        cwd=program.folder,
        env=program.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    pids = program.folder / "pids"
    until = time.monotonic() + 60
    while not (pids.exists() and len(pids.read_text().split()) == 2):
        assert time.monotonic() < until
        time.sleep(0.05)
    yield process, [int(pid) for pid in pids.read_text().split()]
    process.kill()
    process.communicate()


def test_an_interrupted_engine_ends_its_program_without_a_traceback(sleeper):
    engine, pids = sleeper
    engine.send_signal(signal.SIGINT)
    said, _ = engine.communicate(timeout=30)
    assert "Traceback" not in said
    assert "preview canceled" in said
    assert all(_ended(pid) for pid in pids)


def test_a_killed_engine_leaves_no_process_behind(sleeper):
    engine, pids = sleeper
    engine.kill()
    assert all(_ended(pid) for pid in pids)


def _ended(pid: int) -> bool:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
