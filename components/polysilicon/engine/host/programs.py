"""Runs a Pulumi program."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import language_pb2

from polysilicon.engine.host.children import Children, when_over
from polysilicon.engine.host.options import OFFICIAL, HostError, Program, program_of

EXEC = "pulumi-language-python-exec"

BAIL = 32
"""The exit code by which a program says that its user has already read what is wrong."""


def run_program(
    request: language_pb2.RunRequest, context: Any, *, engine: str, executor: Path, children: Children
) -> language_pb2.RunResponse:
    """Runs the program to its end; what it prints goes to the host's own output, where the engine picks it up."""
    if request.attach_debugger:
        raise HostError(f"this language host cannot attach a debugger\n  fix: {OFFICIAL}")
    program = program_of(request.info)
    python, environment = program.python, program.environment()
    if problem := _typecheck(program, python, environment, children):
        return language_pb2.RunResponse(error=problem)
    # -u: what the program prints is seen when it prints it, and not lost if it is stopped.
    command = [python, "-u", str(executor), *_arguments(request, engine)]
    child = children.start(command, env={**environment, **_configuration(request)})
    when_over(context, child.stop)
    code = children.ended(child)
    return _response(BAIL if child.stopped else code)


def _arguments(request: language_pb2.RunRequest, engine: str) -> list[str]:
    named = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": "true" if request.dryRun else "false",
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    options = [word for name, value in named.items() if value for word in (f"--{name}", value)]
    return [*options, request.info.entry_point or ".", *request.args]


def _configuration(request: language_pb2.RunRequest) -> dict[str, str]:
    return {
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
    }


def _typecheck(program: Program, python: str, environment: dict[str, str], children: Children) -> str:
    if not program.typechecker:
        return ""
    command = [python, "-m", program.typechecker, str(program.folder)]
    code = children.ended(children.start(command, env=environment, cwd=program.folder))
    return f"{program.typechecker} found problems in the program (exit code {code})" if code else ""


def _response(code: int) -> language_pb2.RunResponse:
    if code == 0:
        return language_pb2.RunResponse()
    if code == BAIL:
        return language_pb2.RunResponse(bail=True)
    if code < 0:
        return language_pb2.RunResponse(error=f"program ended by {_signal(-code)}")
    return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {code}")


def _signal(number: int) -> str:
    name = signal.Signals(number).name if number in {int(known) for known in signal.Signals} else str(number)
    return f"{name} (out of memory?)" if name == "SIGKILL" else name
