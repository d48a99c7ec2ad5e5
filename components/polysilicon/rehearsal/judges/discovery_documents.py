"""Google's API schemas, as the discovery documents inside google-api-python-client tell them.

A discovery document is not JSON Schema: `$ref` is a bare name, numbers may travel as text with a `format`, and most of
it is prose. What is kept of it is what a value can be held against.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

Spec: TypeAlias = Mapping[str, Any]
"""A schema, or a part of one, in the terms of a discovery document."""

_KEPT = ("$ref", "type", "format", "enum", "pattern", "items", "additionalProperties", "properties")


@dataclass(frozen=True)
class Document:
    """The schemas of one version of one API.

    Attributes:
        name: As the file is named: `container.v1beta1`.
        schemas: By name; see `Spec`.
    """

    name: str
    schemas: Mapping[str, Spec]

    def resolved(self, spec: Spec) -> Spec:
        """The schema that a `$ref` means; any other as it is."""
        return self.schemas[spec["$ref"]] if "$ref" in spec else spec


def folder() -> Path | None:
    """Where the documents are; nothing without google-api-python-client, which is found, not imported (it is slow)."""
    spec = find_spec("googleapiclient")
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) / "discovery_cache" / "documents" if places else None


@functools.cache
def document(name: str) -> Document | None:
    """A document by its file's name without `.json`; nothing if there is none. Each is read once, when first needed."""
    place = folder()
    file = place / f"{name}.json" if place else None
    if file is None or not file.exists():
        return None
    told = json.loads(file.read_text(encoding="utf-8"))
    return Document(name, {schema: _reduced(spec) | {"id": schema} for schema, spec in told["schemas"].items()})


def _reduced(spec: Spec) -> dict[str, Any]:
    """The schema without its prose: nine tenths of it."""
    kept = {name: spec[name] for name in _KEPT if name in spec}
    for name in ("items", "additionalProperties"):
        if isinstance(kept.get(name), dict):
            kept[name] = _reduced(kept[name])
    if "properties" in kept:
        kept["properties"] = {name: _reduced(part) for name, part in kept["properties"].items()}
    return kept
