"""The language host as the engine sees it: a process, a port, and the calls."""

from __future__ import annotations

import subprocess
import sys

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from polysilicon.engine.host.options import program_of
from polysilicon.engine.host.packages import required_packages
from polysilicon.engine.shim import write_language_host


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    folder = tmp_path_factory.mktemp("host")
    write_language_host(folder)
    command = [folder / "pulumi-language-python", "--tracing", "x", "127.0.0.1:1"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            yield language_pb2_grpc.LanguageRuntimeStub(channel)
        process.terminate()


@pytest.fixture
def info(tmp_path, monkeypatch):
    monkeypatch.setenv("PULUMI_PYTHON_CMD", sys.executable)

    def make(**options):
        given = Struct()
        given.update(options)
        return language_pb2.ProgramInfo(
            root_directory=str(tmp_path), program_directory=str(tmp_path), entry_point=".", options=given
        )

    return make


def test_it_is_of_the_engines_version(host):
    assert host.GetPluginInfo(Empty()).version == "v3.250.0"
    host.Handshake(language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:2"))


def test_both_calls_for_plugins_name_what_is_installed(host, info):
    here = {each.name: each.version for each in required_packages(program_of(info()))}
    packages = host.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info())).packages
    assert {each.name: each.version for each in packages} == here
    plugins = host.GetRequiredPlugins(language_pb2.GetRequiredPluginsRequest(info=info())).plugins
    assert {each.name: each.version for each in plugins} == here
    assert all(each.kind == "resource" for each in [*packages, *plugins])


def test_the_installed_distributions_are_listed(host, info):
    request = language_pb2.GetProgramDependenciesRequest(info=info(), transitiveDependencies=True)
    assert "grpcio" in {each.name for each in host.GetProgramDependencies(request).dependencies}


def test_a_request_that_cannot_be_served_says_why(host, info):
    with pytest.raises(grpc.RpcError, match="wants the virtual environment") as told:
        host.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info(virtualenv="venv")))
    assert told.value.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_code_is_generated_by_the_official_host_only(host):
    with pytest.raises(grpc.RpcError, match=r"does not generate or package code; install Pulumi") as told:
        host.GenerateProgram(language_pb2.GenerateProgramRequest())
    assert told.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_what_a_program_needs_is_installed_into_its_environment(host, info, tmp_path):
    (tmp_path / "requirements.txt").write_text("# nothing\n")
    request = language_pb2.InstallDependenciesRequest(info=info(virtualenv="venv"))
    parts = list(host.InstallDependencies(request))
    assert (tmp_path / "venv" / "bin" / "pip").exists()
    assert all(part.stdout or part.stderr for part in parts)


def test_a_failed_installation_names_the_command(host, info, tmp_path):
    (tmp_path / "requirements.txt").write_text("./not-there\n")
    with pytest.raises(grpc.RpcError, match=r"pip install -r requirements\.txt` ended with exit code"):
        list(host.InstallDependencies(language_pb2.InstallDependenciesRequest(info=info())))


def test_a_plugin_that_cannot_be_run_is_told(host, info):
    request = language_pb2.RunPluginRequest(info=info(), kind="resource")
    with pytest.raises(grpc.RpcError, match=r"no __main__\.py, and no pyproject\.toml"):
        list(host.RunPlugin(request))


def test_a_plugin_gets_its_arguments_its_environment_and_its_folder(host, info, tmp_path):
    (tmp_path / "__main__.py").write_text("import os, sys; print(sys.argv[1:], os.environ['GIVEN']); sys.exit(5)")
    request = language_pb2.RunPluginRequest(
        info=info(), kind="resource", args=["a"], env=["GIVEN=1=2"], pwd=str(tmp_path)
    )
    parts = list(host.RunPlugin(request))
    assert b"".join(part.stdout for part in parts) == b"['a'] 1=2\n"
    assert parts[-1].exitcode == 5


def test_a_call_that_ends_takes_its_plugin_with_it(host, info, tmp_path):
    program = "import sys, time\nsys.stdout.write('1\\n')\ntime.sleep(60)\nopen('late', 'w')"
    (tmp_path / "__main__.py").write_text(program)
    call = host.RunPlugin(language_pb2.RunPluginRequest(info=info(), kind="resource", pwd=str(tmp_path)))
    assert next(call).stdout == b"1\n"
    call.cancel()
    with pytest.raises(grpc.RpcError):
        list(call)
