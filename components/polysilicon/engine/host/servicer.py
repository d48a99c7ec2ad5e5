"""The calls that the engine makes to a language host, each answered by the module that knows how."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from polysilicon.engine.host.children import Children
from polysilicon.engine.host.dependencies import install_dependencies
from polysilicon.engine.host.options import OFFICIAL, program_of, told_to
from polysilicon.engine.host.packages import dependencies, description, required_packages
from polysilicon.engine.host.plugins import run_plugin
from polysilicon.engine.host.programs import run_program
from polysilicon.engine.model import TOOLCHAIN_VERSION


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """A language host for one engine.

    Args:
        engine: The address of the engine; empty if it comes with the first call.
        executor: The SDK's script that starts a program.
        children: The processes started on behalf of the engine.
    """

    def __init__(self, engine: str, executor: Path, children: Children) -> None:
        self._engine = engine
        self._executor = executor
        self._children = children

    def Handshake(self, request: Any, context: Any) -> language_pb2.LanguageHandshakeResponse:  # noqa: N802
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=f"v{TOOLCHAIN_VERSION}")

    def GetRequiredPackages(self, request: Any, context: Any) -> language_pb2.GetRequiredPackagesResponse:  # noqa: N802
        with told_to(context):
            packages = required_packages(program_of(request.info))
        return language_pb2.GetRequiredPackagesResponse(packages=packages)

    def GetRequiredPlugins(self, request: Any, context: Any) -> language_pb2.GetRequiredPluginsResponse:  # noqa: N802
        with told_to(context):
            packages = required_packages(program_of(request.info))
        # The older call knows plain plugins only.
        plugins = [
            plugin_pb2.PluginDependency(name=each.name, kind=each.kind, version=each.version, server=each.server)
            for each in packages
            if not each.HasField("parameterization")
        ]
        return language_pb2.GetRequiredPluginsResponse(plugins=plugins)

    def Run(self, request: Any, context: Any) -> language_pb2.RunResponse:  # noqa: N802
        with told_to(context):
            return run_program(request, context, engine=self._engine, executor=self._executor, children=self._children)

    def RunPlugin(self, request: Any, context: Any) -> Iterator[language_pb2.RunPluginResponse]:  # noqa: N802
        with told_to(context):
            yield from run_plugin(request, context, self._children)

    def InstallDependencies(  # noqa: N802
        self, request: Any, context: Any
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        with told_to(context):
            yield from install_dependencies(request, self._children)

    def About(self, request: Any, context: Any) -> language_pb2.AboutResponse:  # noqa: N802
        with told_to(context):
            described = description(program_of(request.info))
        metadata = {"languageHost": "polysilicon"}
        return language_pb2.AboutResponse(
            executable=described["executable"], version=described["version"], metadata=metadata
        )

    def GetProgramDependencies(  # noqa: N802
        self, request: Any, context: Any
    ) -> language_pb2.GetProgramDependenciesResponse:
        with told_to(context):
            found = dependencies(program_of(request.info), request.transitiveDependencies)
        return language_pb2.GetProgramDependenciesResponse(dependencies=found)

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> language_pb2.RuntimeOptionsResponse:  # noqa: N802
        return language_pb2.RuntimeOptionsResponse()

    def Template(self, request: Any, context: Any) -> language_pb2.TemplateResponse:  # noqa: N802
        return language_pb2.TemplateResponse()

    def Cancel(self, request: Any, context: Any) -> Empty:  # noqa: N802
        # Not waited for: the engine refuses the program's calls, which ends it, only when this one is answered.
        threading.Thread(target=self._children.stop, daemon=True).start()
        return Empty()

    def _code_generation(self, request: Any, context: Any) -> Any:
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED, f"this language host does not generate or package code; {OFFICIAL}"
        )

    GenerateProgram = GenerateProject = GeneratePackage = Pack = Link = _code_generation
