"""Which plugins a program needs, told from the packages that its Python has."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import language_pb2, plugin_pb2

from polysilicon.engine.host import installed
from polysilicon.engine.host.options import HostError, Program, is_plugin

_STAGES = {"a": "alpha", "b": "beta", "rc": "rc"}


def description(program: Program) -> dict[str, Any]:
    """What `installed.describe` says about the Python of `program`; raises `HostError` if it cannot be asked."""
    if program.python == sys.executable:
        return installed.describe()
    # -P: the folder of the script holds modules of ours, which must not shadow the standard library's. Pythons
    # before 3.11 do not know it; there -I does the same, and hides PYTHONPATH.
    script = str(Path(installed.__file__))
    for flag in ("-P", "-I"):
        command = [program.python, flag, script]
        done = subprocess.run(
            command, env=program.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return dict(json.loads(done.stdout))
    raise HostError(f"{program.python} cannot tell what is installed: {done.stderr.strip().splitlines()[-1:]}")


def required_packages(program: Program) -> list[plugin_pb2.PackageDependency]:
    """The plugin of each installed Pulumi package, at the version that the package was made for."""
    if program.virtualenv is None and is_plugin(program.root):
        # Whatever else this Python has was not installed for the plugin. The engine gets what it asks for as it runs.
        return []
    found = (_required(package) for package in description(program)["packages"])
    return [package for package in found if package is not None]


def dependencies(program: Program, transitive: bool) -> list[language_pb2.DependencyInfo]:
    """The installed distributions; without `transitive` only those that no other one requires."""
    packages = description(program)["packages"]
    required = set() if transitive else {name for package in packages for name in package["requires"]}
    return [
        language_pb2.DependencyInfo(name=package["name"], version=package["version"])
        for package in packages
        if package["name"] not in required
    ]


def plugin_version(version: str) -> str | None:
    """The plugin's version for a Python package's: `1.2.0rc1` -> `v1.2.0-rc.1`; None if that cannot be told."""
    found = re.fullmatch(r"(\d+(?:\.\d+)*)(?:(a|b|rc)(\d+))?(?:\.post(\d+))?(?:\.dev(\d+))?", version)
    if found is None:
        return None
    release, stage, number, post, dev = found.groups()
    numbers = release + ".0" * (2 - release.count("."))
    before = f"-{_STAGES[stage]}.{number}" if stage else ""
    after = (f"post{post}" if post else "") + (f"dev{dev}" if dev else "")
    return f"v{numbers}{before}{'+' if after else ''}{after}"


def _required(package: dict[str, Any]) -> plugin_pb2.PackageDependency | None:
    plugin = package["plugin"]
    # «resource: false» is how a package says that it has no plugin; one without the file is named like its plugin.
    if plugin is None or plugin.get("resource", not plugin) is False:
        return None
    version = f"v{plugin['version'].removeprefix('v')}" if plugin.get("version") else plugin_version(package["version"])
    if version is None:
        return None
    return plugin_pb2.PackageDependency(
        name=plugin.get("name") or package["name"].removeprefix("pulumi-"),
        kind="resource",
        version=version,
        server=plugin.get("server", ""),
        parameterization=_parameterization(plugin.get("parameterization")),
    )


def _parameterization(written: dict[str, str] | None) -> plugin_pb2.PackageParameterization | None:
    if not written:
        return None
    return plugin_pb2.PackageParameterization(
        name=written["name"], version=written["version"], value=base64.b64decode(written.get("value", ""))
    )
