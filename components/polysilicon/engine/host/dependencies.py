"""Installs what a program needs: `pulumi install`."""

from __future__ import annotations

from collections.abc import Iterator

from pulumi.runtime.proto import language_pb2

from polysilicon.engine.host.children import Children
from polysilicon.engine.host.options import HostError, Program, default_python, has_python, program_of


def install_dependencies(
    request: language_pb2.InstallDependenciesRequest, children: Children
) -> Iterator[language_pb2.InstallDependenciesResponse]:
    """Makes the virtual environment if it is wanted and missing, then installs `requirements.txt` with pip."""
    program = program_of(request.info)
    if _toolchain(request) == "uv":
        raise HostError("this language host installs with pip only\n  fix: run `uv sync` in the program's folder")
    for command in _commands(program, request.is_plugin):
        child = children.start(command, env=program.environment(), cwd=program.folder, piped=True)
        for stream, part in child.output():
            yield language_pb2.InstallDependenciesResponse(**{stream: part})
        if code := children.ended(child):
            raise HostError(f"`{' '.join(command)}` ended with exit code {code}")


def _commands(program: Program, is_plugin: bool) -> Iterator[list[str]]:
    if program.virtualenv is not None and not has_python(program.virtualenv):
        yield [default_python(), "-m", "venv", str(program.virtualenv)]
    if (program.folder / "requirements.txt").is_file():
        yield [program.python, "-m", "pip", "install", "-r", "requirements.txt"]
    elif is_plugin and (program.folder / "pyproject.toml").is_file():
        yield [program.python, "-m", "pip", "install", str(program.folder)]


def _toolchain(request: language_pb2.InstallDependenciesRequest) -> str:
    return str(dict(request.info.options.items()).get("toolchain", ""))
