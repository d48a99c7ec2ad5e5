"""Runs a plugin that is written in Python: a component provider, or a policy pack."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import language_pb2

from polysilicon.engine.host.children import Child, Children, Stream, when_over
from polysilicon.engine.host.options import OFFICIAL, HostError, Program, program_of
from polysilicon.engine.host.policies import PolicyProxy

_POLICY_PACK = "analyzer"


def run_plugin(
    request: language_pb2.RunPluginRequest, context: Any, children: Children
) -> Iterator[language_pb2.RunPluginResponse]:
    """Runs the plugin to its end and gives what it writes, then its exit code. It ends with the call."""
    if request.attach_debugger:
        raise HostError(f"this language host cannot attach a debugger\n  fix: {OFFICIAL}")
    pack = request.kind == _POLICY_PACK
    program = program_of(request.info)
    given = dict(pair.split("=", 1) for pair in request.env if "=" in pair)
    environment = program.environment({**program.environment(), **given})
    if pack:
        yield from _run_pack(request, context, children, program, environment)
        return
    command = [program.python, *_entry(program), *request.args]
    child = children.start(command, env=environment, cwd=Path(request.pwd or program.folder), piped=True)
    when_over(context, child.kill)
    yield from _until_end(child, children)


def _entry(program: Program) -> list[str]:
    if (program.root / "__main__.py").is_file():
        return [str(program.folder)]
    # A plugin without a program of its own: the SDK serves the components that its package exports.
    try:
        project = tomllib.loads((program.root / "pyproject.toml").read_text())["project"]["name"]
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise HostError(
            f"the plugin in {program.root} cannot be run: no __main__.py, and no pyproject.toml with a project name"
        ) from error
    return ["-m", "pulumi.run.plugin", str(project)]


def _run_pack(
    request: language_pb2.RunPluginRequest,
    context: Any,
    children: Children,
    program: Program,
    environment: dict[str, str],
) -> Iterator[language_pb2.RunPluginResponse]:
    """A policy pack reads the stack's configuration from its environment when it starts, but the engine tells it
    only in a call to the running pack. So a proxy takes that call first, and the pack is started behind it."""
    with PolicyProxy() as proxy:
        when_over(context, proxy.give_up)
        yield _written("stdout", f"{proxy.port}\n".encode())
        configured = proxy.await_configuration()
        command = [program.python, "-u", "-m", "pulumi.policy", *request.args, str(program.folder)]
        settings = _pack_settings(configured)
        child = children.start(command, env={**environment, **settings}, cwd=program.folder, piped=True)
        when_over(context, child.kill)
        proxy.attach(child.first_line())
        yield from _until_end(child, children)


def _pack_settings(configured: Any) -> dict[str, str]:
    if configured is None:
        return {}
    settings = {
        "PULUMI_ORGANIZATION": configured.organization,
        "PULUMI_PROJECT": configured.project,
        "PULUMI_STACK": configured.stack,
        "PULUMI_DRY_RUN": "true" if configured.dry_run else "false",
        "PULUMI_CONFIG": json.dumps(dict(configured.config)),
    }
    return {name: value for name, value in settings.items() if value}


def _until_end(child: Child, children: Children) -> Iterator[language_pb2.RunPluginResponse]:
    for stream, part in child.output():
        yield _written(stream, part)
    yield language_pb2.RunPluginResponse(exitcode=children.ended(child))


def _written(stream: Stream, part: bytes) -> language_pb2.RunPluginResponse:
    if stream == "stdout":
        return language_pb2.RunPluginResponse(stdout=part)
    return language_pb2.RunPluginResponse(stderr=part)
