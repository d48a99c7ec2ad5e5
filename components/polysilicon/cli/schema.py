"""`polysilicon schema`: the JSON schema of a stack's YAML."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import textwrap
from collections.abc import Iterator
from typing import Any

import click

from polysilicon.catalog import Overlay
from polysilicon.specs import FleetSpec
from polysilicon.specs.base import Spec


@click.command("schema")
def command() -> None:
    """Print the JSON schema of a stack's YAML, for editors that complete and check it while one types."""
    click.echo(json.dumps(stack_schema(), indent=2))


def stack_schema() -> dict[str, Any]:
    """The schema of Pulumi.STACK.yaml: our own keys in full, Pulumi's left to Pulumi."""
    definitions: dict[str, Any] = {}
    config = {f"polysilicon:{name}": _reference(name, definitions) for name in ("fleet", "overlay")}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Polysilicon stack",
        "type": "object",
        "properties": {"config": {"type": "object", "properties": config, "required": ["polysilicon:fleet"]}},
        "$defs": definitions,
    }


def _reference(name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    models: dict[str, type[Spec]] = {"fleet": FleetSpec, "overlay": Overlay}
    model = models[name]
    schema = model.model_json_schema(ref_template="#/$defs/{model}")
    definitions.update(schema.pop("$defs", {}))
    definitions[model.__name__] = schema
    for spec in _subclasses(Spec):
        _describe(definitions.get(spec.__name__, {}).get("properties", {}), spec)
    return {"$ref": f"#/$defs/{model.__name__}"}


def _subclasses(cls: type[Spec]) -> Iterator[type[Spec]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _describe(properties: dict[str, Any], spec: type[Spec]) -> None:
    """Puts what the code says under each field into the schema, for the editor to show."""
    for base in reversed(spec.__mro__):
        if issubclass(base, Spec) and base is not Spec:
            for name, text in _docstrings(base):
                if name in properties:
                    properties[name]["description"] = text


def _docstrings(spec: type[Spec]) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(spec))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for field, text in itertools.pairwise(body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            yield field.target.id, inspect.cleandoc(str(text.value.value))
