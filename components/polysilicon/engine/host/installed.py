"""What is installed in the Python that runs this file. Needs the standard library only: a program's own virtual
environment, which may have another Python and no Polysilicon, runs it as a script and reads the JSON it prints."""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import json
import pathlib
import platform
import re
import sys

# They depend on nothing that the engine would have to install, and older ones do not say so themselves.
_WITHOUT_PLUGIN = {"pulumi", "pulumi-policy", "pulumi-esc-sdk"}


def describe() -> dict[str, object]:
    """The interpreter, and each installed distribution with what its `pulumi-plugin.json` says."""
    return {"executable": sys.executable, "version": platform.python_version(), "packages": packages()}


def packages() -> list[dict[str, object]]:
    """Each installed distribution: name, version, the names it requires, and its plugin, if it has one."""
    found: dict[str, dict[str, object]] = {}
    for distribution in importlib.metadata.distributions():
        name = _normal(distribution.metadata["Name"] or "")
        # The first one on sys.path is the one that is imported.
        if name and name not in found:
            requires = {_required_name(line) for line in distribution.requires or [] if "extra ==" not in line}
            found[name] = {
                "name": name,
                "version": distribution.version,
                "requires": sorted(requires),
                "plugin": _plugin(name),
            }
    return [found[name] for name in sorted(found)]


def _required_name(requirement: str) -> str:
    return _normal(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _plugin(name: str) -> dict[str, object] | None:
    """The content of `pulumi-plugin.json`; `{}` for a package that is one of Pulumi's by its name alone."""
    if name in _WITHOUT_PLUGIN:
        return None
    for folder in _folders(name.replace("-", "_")):
        path = pathlib.Path(folder, "pulumi-plugin.json")
        if path.is_file():
            return dict(json.loads(path.read_text(encoding="utf-8")))
    return {} if name.startswith("pulumi-") else None


def _folders(module: str) -> list[str]:
    # The finders are asked one by one because importlib.util.find_spec would import nothing either, but raises for a
    # module that is half loaded; editable installs put finders of their own into sys.meta_path.
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        spec = find(module, None) if find else None
        if isinstance(spec, importlib.machinery.ModuleSpec):
            return list(spec.submodule_search_locations or [])
    return []


if __name__ == "__main__":
    print(json.dumps(describe()))
