"""The schemas of custom resources: of the definitions in the simulated cluster, else of pinned ones in `data/crds`."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.judges.fields import Field, Stage
from polysilicon.rehearsal.judges.structure import Check, Node, Structure
from polysilicon.rehearsal.model import Call, Record
from polysilicon.rehearsal.values import UNKNOWN, Properties, at, leaves

DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
_OPEN = "x-kubernetes-preserve-unknown-fields"
_RULES = "x-kubernetes-validations"


@dataclass(frozen=True)
class CustomSchema:
    """What is known of a custom resource.

    Attributes:
        node: Its shape.
        rules: How many rules in CEL its schema has; they are not evaluated.
        namespaced: Whether its objects live in a namespace.
    """

    node: Node
    rules: int
    namespaced: bool


@functools.cache
def pinned(api_version: str, kind: str) -> CustomSchema | None:
    """The schema of a kind among the pinned definitions."""
    group, _, version = api_version.partition("/")
    found = next((told for told in _pinned() if told["group"] == group and told["kind"] == kind), None)
    if found is None or version not in found["versions"]:
        return None
    return _compiled(found["versions"][version], found["scope"])


@functools.cache
def _pinned() -> tuple[Mapping[str, Any], ...]:
    files = (resources.files("polysilicon.rehearsal") / "data" / "crds").iterdir()
    return tuple(json.loads(file.read_text(encoding="utf-8")) for file in files if file.name.endswith(".json"))


class Installed:
    """The schemas of the definitions in a simulated cluster."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], tuple[Properties, CustomSchema | None]] = {}

    def schema(self, call: Call, accounts: Accounts, api_version: str, kind: str) -> CustomSchema | None:
        """The schema of a kind, if the cluster that is called has a definition of it."""
        group, _, version = api_version.partition("/")
        for record in accounts.mentioning(kind):
            if record.type == DEFINITION and record.scope == call.scope and at(record.inputs, "spec.group") == group:
                return self._compiled(record, version)
        return None

    def _compiled(self, record: Record, version: str) -> CustomSchema | None:
        key = record.key, version
        if key not in self._known or self._known[key][0] is not record.inputs:
            told = [one for one in at(record.inputs, "spec.versions") or () if at(one, "name") == version]
            schema = at(told[0], "schema.openAPIV3Schema") if told else None
            known = isinstance(schema, Mapping) and UNKNOWN not in {leaf for _, leaf in leaves(schema)}
            made = _compiled(schema, at(record.inputs, "spec.scope")) if known and schema is not None else None
            self._known[key] = record.inputs, made
        return self._known[key][1]


def _compiled(schema: Mapping[str, Any], scope: str) -> CustomSchema:
    node = _node(schema)
    anything = {name: Node() for name in ("apiVersion", "kind", "metadata", "status")}
    node.members = {**node.members, **anything}
    return CustomSchema(node, _rules(schema), scope == "Namespaced")


def _rules(schema: Any) -> int:
    if isinstance(schema, Mapping):
        own = schema.get(_RULES, 0)
        count = own if isinstance(own, int) else len(own) if isinstance(own, list) else 0
        return count + sum(_rules(inner) for name, inner in schema.items() if name != _RULES)
    return sum(map(_rules, schema)) if isinstance(schema, list) else 0


def _node(told: Mapping[str, Any], closed: bool = True) -> Node:
    """The node of a schema.

    Args:
        closed: Fields that it does not name are refused; not so in the alternatives of `anyOf` and the like.
    """
    members = {name: _node(inner, closed) for name, inner in told.get("properties", {}).items()}
    rest = told.get("additionalProperties")
    either = told.get("x-kubernetes-int-or-string")
    type_ = told.get("type")
    return Node(
        types=frozenset({"integer", "string"}) if either else frozenset({type_} if type_ else ()),
        members=members,
        rest=_node(rest, closed) if isinstance(rest, Mapping) else None,
        closed=closed and bool(members) and not told.get(_OPEN) and rest in (None, False),
        items=_node(told["items"], closed) if isinstance(told.get("items"), Mapping) else None,
        keys=tuple(told.get("x-kubernetes-list-map-keys", ())),
        defaults={name: inner["default"] for name, inner in told.get("properties", {}).items() if "default" in inner},
        required=tuple(told.get("required", ())),
        checks=tuple(_checks(told, skip=("anyOf",) if either else ())),
    )


def _checks(told: Mapping[str, Any], skip: tuple[str, ...]) -> Iterator[Check]:
    if "enum" in told:
        yield _enumerated(told["enum"])
    for keyword, (applies, holds, text) in _LIMITS.items():
        if keyword in told and not isinstance(told[keyword], bool):
            yield _limited(told[keyword], applies, holds, text)
    if "pattern" in told:
        yield from _patterned(told["pattern"])
    for keyword, verdict in _COMBINATIONS.items():
        if keyword in told and keyword not in skip:
            inner = told[keyword] if isinstance(told[keyword], list) else [told[keyword]]
            yield _combined([Structure(_node(schema, closed=False)) for schema in inner], verdict)


def _size(value: Any) -> Any:
    return value if isinstance(value, (int, float)) else len(value)


# Texts: k8s.io/kube-openapi/pkg/validation/errors/schema.go, as k8s.io/apiextensions-apiserver passes them on.
_LIMITS: Mapping[str, tuple[tuple[type, ...], Callable[[Any, Any], bool], str]] = {
    "minLength": ((str,), lambda size, limit: size >= limit, "should be at least {limit} chars long"),
    "maxLength": ((str,), lambda size, limit: size <= limit, "Too long: may not be more than {limit} bytes"),
    "minimum": ((int, float), lambda size, limit: size >= limit, "should be greater than or equal to {limit}"),
    "maximum": ((int, float), lambda size, limit: size <= limit, "should be less than or equal to {limit}"),
    "minItems": ((list,), lambda size, limit: size >= limit, "should have at least {limit} items"),
    "maxItems": ((list,), lambda size, limit: size <= limit, "Too many: {size}: must have at most {limit} items"),
    "minProperties": ((Mapping,), lambda size, limit: size >= limit, "should have at least {limit} properties"),
    "maxProperties": ((Mapping,), lambda size, limit: size <= limit, "should have at most {limit} properties"),
}
_COMBINATIONS: Mapping[str, tuple[Callable[[int, int], bool], str]] = {
    "allOf": (lambda fitting, all_: fitting == all_, "must validate all the schemas (allOf)"),
    "anyOf": (lambda fitting, all_: fitting > 0, "must validate at least one schema (anyOf)"),
    "oneOf": (lambda fitting, all_: fitting == 1, "must validate one and only one schema (oneOf)"),
    "not": (lambda fitting, all_: fitting == 0, "must not validate the schema (not)"),
}


def _limited(limit: Any, applies: tuple[type, ...], holds: Callable[[Any, Any], bool], text: str) -> Check:
    def check(value: Any) -> Iterator[tuple[Stage, str]]:
        if not isinstance(value, applies) or isinstance(value, bool) or holds(_size(value), limit):
            return
        told = text.format(limit=limit, size=_size(value))
        whole = told[0].isupper()
        shown = value if isinstance(value, (str, int, float)) else _size(value)
        yield "validation", told if whole else Field(shown).invalid(f"{{path}} in body {told}").text

    return check


def _enumerated(allowed: list[Any]) -> Check:
    def check(value: Any) -> Iterator[tuple[Stage, str]]:
        if value not in allowed:
            yield "validation", Field(value).unsupported(allowed).text

    return check


def _patterned(pattern: str) -> Iterator[Check]:
    try:
        compiled = re.compile(pattern)
    except re.error:  # what Go's expressions have and Python's have not
        return

    def check(value: Any) -> Iterator[tuple[Stage, str]]:
        if isinstance(value, str) and not compiled.search(value):
            yield "validation", Field(value).invalid(f"{{path}} in body should match '{pattern}'").text

    yield check


def _combined(inner: list[Structure], verdict: tuple[Callable[[int, int], bool], str]) -> Check:
    holds, text = verdict

    def check(value: Any) -> Iterator[tuple[Stage, str]]:
        if any(leaf == UNKNOWN for _, leaf in leaves(value)):
            return  # what is unknown may fit any of them
        fitting = sum(not structure.findings(value) for structure in inner)
        if not holds(fitting, len(inner)):
            yield "validation", Field(value).invalid(f'"{{path}}" {text}').text

    return check
