"""The example programs in the documentation of pulumi-aws, as resources with literal inputs."""

from __future__ import annotations

import ast
import enum
import importlib
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from polysilicon.rehearsal.shapes import Shape
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.simulated import installed

_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def types() -> dict[tuple[str, str], str]:
    """The type tokens of pulumi-aws by module and class."""
    importlib.import_module("pulumi_aws")
    from pulumi.runtime import rpc

    known: dict[str, list[Any]] = rpc._RESOURCE_MODULES  # type: ignore[assignment]
    told = [module.mod_info for key, modules in known.items() if key.startswith("aws:") for module in modules]
    return {
        (t["fqn"].rpartition("pulumi_aws")[2].strip("."), c): token for t in told for token, c in t["classes"].items()
    }


def examples(wanted: frozenset[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every resource of the wanted types in the documentation of their modules: its type and its inputs.

    What is not a literal is unknown.
    """
    tokens = {place: token for place, token in types().items() if token in wanted}
    modules = {module for module, _ in tokens}
    root = Path(str(importlib.import_module("pulumi_aws").__file__)).parent
    blocks = {b for m in modules for file in sorted((root / m).glob("*.py")) for b in _BLOCK.findall(file.read_text())}
    for block in sorted(blocks):
        for call in _nodes(textwrap.dedent(block)):
            if isinstance(call, ast.Call) and call.args and ast.unparse(call.func).startswith("aws."):
                _, *module, kind = ast.unparse(call.func).split(".")
                token = tokens.get((".".join(module), kind))
                shape = installed().resource(token) if token else None
                if token and shape:
                    yield token, _inputs(call, shape)


def _nodes(block: str) -> Iterator[ast.AST]:
    try:
        yield from ast.walk(ast.parse(block))
    except SyntaxError:
        return  # not every example in the documentation is Python


def _inputs(call: ast.Call, shape: Shape) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for keyword in call.keywords:
        name = _camel(keyword.arg or "", shape.inputs)
        value = _value(keyword.value)
        if name in shape.inputs and value is not None:
            found[name] = _renamed(value, shape.outputs[name].type if name in shape.outputs else "any", shape)
    return found


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Dict):
        return {str(_value(key)): _value(value) for key, value in zip(node.keys, node.values, strict=True) if key}
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "json.dumps":
        return json.dumps(_value(node.args[0]))
    return _member(ast.unparse(node)) if isinstance(node, ast.Attribute) else UNKNOWN


def _member(text: str) -> Any:
    """The value of a member of an enumeration such as `aws.ec2.InstanceType.T3_MICRO`."""
    package, *steps = text.split(".")
    found: Any = sys.modules["pulumi_aws"] if package == "aws" else None
    for step in steps:
        found = getattr(found, step, None)
    return found.value if isinstance(found, enum.Enum) else UNKNOWN


def _renamed(value: Any, type_: Any, shape: Shape) -> Any:
    if isinstance(type_, list) and type_[0] == "list" and isinstance(value, list):
        return [_renamed(item, type_[1], shape) for item in value]
    members = shape.members(type_)
    if members is None or not isinstance(value, dict):
        return value
    names = {name: _camel(name, members) for name in value}
    return {
        names[name]: _renamed(item, members[names[name]].type if names[name] in members else "any", shape)
        for name, item in value.items()
    }


def _camel(name: str, known: Any) -> str:
    small = name.replace("_", "").lower()
    return next((one for one in known if one.lower() == small), name)
