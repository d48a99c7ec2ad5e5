"""The schemas of the kinds that every API server has, from the package kubernetes-validate, by version.

The schemas know types and fields. Which texts a field takes stands in `data/kubernetes.values.toml`, by the names of
the schemas' definitions.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.judges.fields import Field, Stage
from polysilicon.rehearsal.judges.formats import FORMATS, Format
from polysilicon.rehearsal.judges.structure import Check, Node
from polysilicon.rehearsal.quantities import UNREADABLE, quantity
from polysilicon.rehearsal.values import UNKNOWN

_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_SCALAR = frozenset({"string", "number", "integer"})
_SPECIAL = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": frozenset({"string", "integer"}),
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": frozenset[str](),
}
_PREFIXES = ("io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.")
_DIRECTORY = re.compile(r"v1\.(\d+)\.\d+-local-strict")


@functools.cache
def folder() -> Path | None:
    """Where the package keeps its schemas; nothing without the package."""
    found = importlib.util.find_spec("kubernetes_validate")
    return Path(found.origin).parent / "kubernetes-json-schema" if found and found.origin else None


@functools.cache
def versions() -> Mapping[int, Path]:
    """The minor versions of Kubernetes 1 that there are schemas of, the oldest first, each with its folder."""
    schemas = folder()
    found = [(path, _DIRECTORY.fullmatch(path.name)) for path in (schemas.iterdir() if schemas else ())]
    return dict(sorted((int(match[1]), path) for path, match in found if match))


def nearest(minor: int | None) -> int:
    """The newest version with schemas that is not newer than `minor`; the newest of all if it is not known.

    A newer server has more fields, so the newest is the one that refuses the least.
    """
    known = list(versions())
    return max((known_minor for known_minor in known if minor is None or known_minor <= minor), default=known[0])


@functools.cache
def schema(minor: int, api_version: str, kind: str) -> Node | None:
    """The shape of a kind in a version; nothing if that version does not serve it."""
    group, _, version = api_version.rpartition("/")
    if "." in group and not group.endswith(".k8s.io"):
        return None
    stem = "-".join([kind.lower(), *([group.split(".")[0]] if group else []), version])
    file = versions()[minor] / f"{stem}.json"
    if not file.is_file():
        return None
    told = json.loads(file.read_text(encoding="utf-8"))
    names = told.get("x-kubernetes-group-version-kind", ())
    if not any(name["group"] == group and name["kind"] == kind for name in names):
        return None
    return _compiler(minor).root(told, f"{group.split('.')[0] or 'core'}.{version}.{kind}")


def served_since_and_until(api_version: str, kind: str) -> tuple[int, int] | None:
    """The first and the last of the known versions that serve a kind; nothing if none does."""
    serving = [minor for minor in versions() if schema(minor, api_version, kind) is not None]
    return (serving[0], serving[-1]) if serving else None


@functools.cache
def _compiler(minor: int) -> _Compiler:
    definitions = json.loads((versions()[minor] / "_definitions.json").read_text(encoding="utf-8"))["$defs"]
    return _Compiler(definitions)


class _Compiler:
    """Turns schemas into nodes, each definition once: they refer to each other in circles."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._nodes: dict[str, Node] = {}

    def root(self, told: Mapping[str, Any], name: str) -> Node:
        """The node of a kind. Its status is the server's: whatever is given for it is dropped."""
        node = self._object(Node(), told, name)
        node.members |= {"status": Node()} if "status" in node.members else {}
        return node

    def _node(self, told: Mapping[str, Any]) -> Node:
        if "$ref" in told:
            return self._definition(told["$ref"].rsplit("/", 1)[-1])
        return self._object(Node(), told, "")

    def _definition(self, name: str) -> Node:
        if name not in self._nodes:
            node = self._nodes[name] = Node()
            if name == _QUANTITY:
                node.types, node.checks = _SCALAR, (_is_quantity,)
            elif name in _SPECIAL:
                node.types = _SPECIAL[name]
            else:
                self._object(node, self._definitions[name], _short(name))
        return self._nodes[name]

    def _object(self, node: Node, told: Mapping[str, Any], name: str) -> Node:
        types = told.get("type", ())
        node.types = frozenset([types] if isinstance(types, str) else types) - {"null"}
        rules = table("kubernetes")["values"].get(name, {})
        for field_name, inner in told.get("properties", {}).items():
            node.members[field_name] = _with_rule(self._node(inner), rules.get(field_name))
        rest = told.get("additionalProperties")
        node.rest = self._node(rest) if isinstance(rest, Mapping) else None
        node.closed = bool(node.members) and rest is False
        if "items" in told:
            node.items = self._node(told["items"])
            node.keys = tuple(told.get("x-kubernetes-list-map-keys", ()))
        unchecked = table("kubernetes")["not_required"].get(name, ())
        node.required = tuple(field_name for field_name in told.get("required", ()) if field_name not in unchecked)
        node.defaults = {field_name: rule[0] for field_name, rule in rules.items() if field_name == "protocol"}
        return node


def _short(name: str) -> str:
    """`core.v1.Container` of `io.k8s.api.core.v1.Container`."""
    return next((name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix)), name)


def _with_rule(node: Node, rule: str | list[str] | None) -> Node:
    """A node that also takes only what a row of the table says: one of some texts, or what has a form."""
    if rule is None:
        return node
    check = _one_of(rule) if isinstance(rule, list) else _formed(FORMATS[rule])
    return Node(node.types, node.members, node.rest, node.closed, node.items, node.keys, checks=(*node.checks, check))


def _one_of(allowed: Iterable[str]) -> Check:
    def check(value: Any) -> Iterator[tuple[Stage, str]]:
        for place in Field([value]).items() if not isinstance(value, list) else Field(value).items():
            if place.text and place.text not in allowed:
                yield "validation", place.unsupported(allowed).text

    return check


def _formed(form: Format) -> Check:
    def check(value: Any) -> Iterator[tuple[Stage, str]]:
        for item in value if isinstance(value, list) else [value]:
            # An empty text is an absent one in Go: what must be given is said where it must.
            if item not in ("", None, UNKNOWN):
                yield from (("validation", Field(item).invalid(text).text) for text in form(item))

    return check


def _is_quantity(value: Any) -> Iterator[tuple[Stage, str]]:
    if quantity(value) is None:
        yield "decode", f"{UNREADABLE} (got {json.dumps(value)} at {{path}})"
