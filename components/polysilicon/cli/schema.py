"""`polysilicon schema`: the JSON schema of a stack's YAML."""

from __future__ import annotations

import json
from typing import Any

import click

from polysilicon.catalog import Overlay
from polysilicon.specs import FleetSpec


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
    model = {"fleet": FleetSpec, "overlay": Overlay}[name]
    schema = model.model_json_schema(ref_template="#/$defs/{model}")
    definitions.update(schema.pop("$defs", {}))
    definitions[model.__name__] = schema
    return {"$ref": f"#/$defs/{model.__name__}"}
