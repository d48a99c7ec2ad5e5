"""What a program's installed SDKs say of their resources, asked of the program's own Python.

This file is run by path in the interpreter that will run the program, which may be another one than ours and need
not have Polysilicon: it uses the standard library and whatever Pulumi SDKs are installed there. It reads one JSON
request a line and answers one JSON line each: the packages with a provider, the shape of a resource, the shape of a
function's result. A type travels as a string or as a tagged list, see `describe`.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import json
import re
import sys
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FORCES_NEW = re.compile(r"forces? (the )?(creation of )?(an? )?(new|resource re-?creat|replace|re-?creat)", re.I)
SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def packages() -> list[dict[str, str]]:
    """Every package on this interpreter's path that has a Pulumi provider: plugin name, version and module."""
    found: dict[str, dict[str, str]] = {}
    for folder in filter(None, sys.path):
        for file in sorted(Path(folder).glob("*/pulumi-plugin.json")):
            told = json.loads(file.read_text())
            if told.get("resource", True) and file.parent.name not in found:
                found[file.parent.name] = _package(file.parent.name, told)
    return list(found.values())


def _package(module: str, told: dict[str, Any]) -> dict[str, str]:
    plugin = told.get("name") or module.removeprefix("pulumi_").replace("_", "-")
    named = told.get("parameterization") or {}
    return {
        "module": module,
        "plugin": plugin,
        "package": named.get("name") or plugin,
        "version": named.get("version") or told.get("version") or "",
    }


class Reflection:
    """Answers questions on the SDKs of this interpreter; each SDK module is imported when first asked about."""

    def __init__(self) -> None:
        self.modules = {package["package"]: package["module"] for package in packages()}

    def resource(self, token: str) -> dict[str, Any] | None:
        """The shape of a resource by its type token, or nothing if no installed SDK has it."""
        cls = self._resource_class(token)
        if cls is None:
            return None
        objects: dict[str, Any] = {}
        source = _source(cls)
        return {
            "outputs": _members(cls, objects),
            "inputs": _inputs(cls),
            "objects": objects,
            "import": _import_form(source, token),
            "replaces": _replaces(cls),
        }

    def function(self, token: str) -> dict[str, Any] | None:
        """The shape of what a function returns, by the function's token."""
        package, module, name = token.split(":")
        result = f"{name[:1].upper()}{name[1:]}Result"
        for fqn in self._modules_of(package, module):
            cls = getattr(importlib.import_module(fqn), result, None)
            if cls is not None:
                objects: dict[str, Any] = {}
                return {"outputs": _members(cls, objects), "inputs": {}, "objects": objects}
        return None

    def _resource_class(self, token: str) -> Any:
        package, module, _ = token.split(":")
        for told in self._registered(package, module):
            name = told["classes"].get(token)
            if name:
                return getattr(importlib.import_module(told["fqn"]), name)
        return None

    def _modules_of(self, package: str, module: str) -> list[str]:
        root = self.modules.get(package)
        if root is None:
            return []
        first = module.split("/")[0]
        inside = [root, *(part for part in (first, module.replace("/", ".")) if part != "index")]
        names = [root] + [f"{root}.{part}" for part in inside[1:]]
        return [name for name in reversed(names) if _importable(name)]

    def _registered(self, package: str, module: str) -> list[dict[str, Any]]:
        root = self.modules.get(package)
        if root is None:
            return []
        importlib.import_module(root)
        from pulumi.runtime import rpc

        known: dict[str, list[Any]] = getattr(rpc, "_RESOURCE_MODULES", {})
        return [m.mod_info for m in known.get(f"{package}:{module}", []) if hasattr(m, "mod_info")]


def _importable(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def _members(cls: Any, objects: dict[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, hint in _hints(cls).items():
        hint, optional = _unwrap(hint)
        members[name] = {"type": describe(hint, objects), "optional": optional}
    return members


def _hints(cls: Any) -> dict[str, Any]:
    import pulumi

    scope: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        scope.update(vars(sys.modules.get(base.__module__, object)))
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        for member in vars(base).values():
            getter = member.fget if isinstance(member, property) else None
            name = getattr(getter, "_pulumi_name", None)
            if name is None:
                continue
            hints = typing.get_type_hints(getter, scope, {"Output": pulumi.Output})
            found[name] = hints.get("return", Any)
    return found


def _unwrap(hint: Any) -> tuple[Any, bool]:
    """The hint without `Output[…]` and `Optional[…]`, and whether it was optional."""
    import pulumi

    if typing.get_origin(hint) is pulumi.Output:
        (hint,) = typing.get_args(hint)
    members = typing.get_args(hint) if _is_union(hint) else ()
    if type(None) not in members:
        return hint, False
    rest = [member for member in members if member is not type(None)]
    return rest[0], True


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) is typing.Union or type(hint).__name__ == "UnionType"


def describe(hint: Any, objects: dict[str, Any]) -> Any:
    """A type as JSON: a scalar's name, `any`, or `["list", T]`, `["map", T]`, `["object", key]`, `["enum", values]`."""
    if hint in SCALARS:
        return SCALARS[hint]
    origin, members = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return ["enum", list(members)]
    if _is_union(hint):
        return describe(members[0], objects)
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return ["map", describe(members[1], objects)]
    if inspect.isclass(origin) and issubclass(origin, Sequence):
        return ["list", describe(members[0], objects)]
    if inspect.isclass(hint):
        return _class(hint, objects)
    return "any"


def _class(cls: Any, objects: dict[str, Any]) -> Any:
    if issubclass(cls, enum.Enum):
        return ["enum", [member.value for member in cls]]
    if not hasattr(cls, "_pulumi_output_type"):
        return "any"
    key = f"{cls.__module__}.{cls.__qualname__}"
    if key not in objects:
        objects[key] = {}
        objects[key] = _members(cls, objects)
    return ["object", key]


def _inputs(cls: Any) -> dict[str, bool]:
    """The input properties by Pulumi's name, with whether each must be given."""
    module = sys.modules[cls.__module__]
    # Where a nested type has the plain name already, the resource's own arguments are called `…InitArgs`.
    args = getattr(module, f"{cls.__name__}InitArgs", None) or getattr(module, f"{cls.__name__}Args", None)
    if args is None:
        return {}
    parameters = inspect.signature(args.__init__).parameters
    found: dict[str, bool] = {}
    for base in reversed(args.__mro__):
        for python_name, member in vars(base).items():
            name = getattr(getattr(member, "fget", None), "_pulumi_name", None)
            if name is not None and python_name in parameters:
                found[name] = parameters[python_name].default is inspect.Parameter.empty
    return found


def _source(cls: Any) -> str:
    file = getattr(sys.modules[cls.__module__], "__file__", None)
    return Path(file).read_text(encoding="utf-8") if file else ""


def _import_form(source: str, token: str) -> str:
    """The first id that the SDK's documentation shows for `pulumi import`."""
    match = re.search(rf"pulumi import {re.escape(token)} \S+ (\S+)", source)
    return match.group(1).strip("'\"`") if match else ""


def _replaces(cls: Any) -> list[str]:
    getters = [m.fget for base in cls.__mro__ for m in vars(base).values() if isinstance(m, property)]
    telling = [getter for getter in getters if FORCES_NEW.search(getattr(getter, "__doc__", None) or "")]
    return sorted({getter.__dict__["_pulumi_name"] for getter in telling if hasattr(getter, "_pulumi_name")})


def answer(reflection: Reflection, request: dict[str, str]) -> Any:
    """The answer to one request; a question that an SDK cannot answer gets nothing, never an error."""
    try:
        if request["ask"] == "packages":
            return packages()
        return getattr(reflection, request["ask"])(request["token"])
    except Exception as error:  # an SDK that cannot be imported or read is as good as none
        print(f"reflect: {request}: {error!r}", file=sys.stderr)
        return None


def main() -> None:
    """Answers the requests on standard input until it ends."""
    replies, sys.stdout = sys.stdout, sys.stderr
    reflection = Reflection()
    for line in sys.stdin:
        print(json.dumps(answer(reflection, json.loads(line))), file=replies, flush=True)


if __name__ == "__main__":
    main()
