"""The shape that a schema gives to an object, and what in an object does not have it.

Both kinds of schema that an API server has come to the same `Node`: those of its own kinds, and those of custom
resources. The texts for a wrong shape are those of server-side apply, which the official provider uses unless it is
told not to (sigs.k8s.io/structured-merge-diff v6.3.0, typed/validate.go).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from polysilicon.rehearsal.judges.fields import Finding, Stage
from polysilicon.rehearsal.values import UNKNOWN, Path

Check: TypeAlias = Callable[[Any], Iterator[tuple[Stage, str]]]
"""Says what is wrong with a known value; `{path}` in a text stands for its place."""

_GO = {
    str: "string",
    bool: "bool",
    int: "int64",
    float: "float64",
    dict: "map[string]interface {}",
    list: "[]interface {}",
}


@dataclass(slots=True)
class Node:
    """What may be at one place.

    Attributes:
        types: The JSON types that are taken; without any, everything is, unseen.
        members: The fields of an object.
        rest: What its other members are: a map's values.
        closed: Members that are not among the fields are refused.
        items: The items of a list.
        keys: The fields by which the items of a list are told apart: no two may have the same.
        defaults: What a field of this object is when it is not given.
        required: Fields that must be given.
        checks: Rules on the value itself.
    """

    types: frozenset[str] = frozenset()
    members: dict[str, Node] = field(default_factory=dict)
    rest: Node | None = None
    closed: bool = False
    items: Node | None = None
    keys: tuple[str, ...] = ()
    defaults: dict[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Structure:
    """Looks at a whole object.

    Attributes:
        root: What it must be.
        whole: Required fields must be there; not so in a patch.
        applied: It is sent by server-side apply, which takes neither unknown fields nor doubled items.
    """

    root: Node
    whole: bool = True
    applied: bool = True

    def findings(self, value: Any) -> list[Finding]:
        """Everything in `value` that does not have the shape; what is not known yet fits."""
        found = self._walk(self.root, value, ())
        return [self._finding(value, path, stage, text) for path, stage, text in found]

    def _walk(self, node: Node, value: Any, path: Path) -> Iterator[tuple[Path, Stage, str]]:
        if value is None or value == UNKNOWN:
            return
        if node.types and not node.types & _types(value):
            yield path, *_misfit(node.types, value)
            return
        for check in node.checks:
            for stage, text in check(value):
                yield path, stage, text
        if isinstance(value, Mapping):
            yield from self._members(node, value, path)
        elif isinstance(value, list) and node.items is not None:
            yield from self._doubled(node, value, path)
            for index, item in enumerate(value):
                yield from self._walk(node.items, item, (*path, index))

    def _members(self, node: Node, value: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Stage, str]]:
        for name, item in value.items():
            inner = node.members.get(name, node.rest)
            if inner is not None:
                yield from self._walk(inner, item, (*path, name))
            elif node.closed and self.applied and item is not None:
                yield (*path, name), "patch", f"field not declared in schema{_meant(name, node)}"
        for name in node.required if self.whole else ():
            if value.get(name) is None and name not in node.defaults:
                yield (*path, name), "validation", "Required value"

    def _doubled(self, node: Node, value: list[Any], path: Path) -> Iterator[tuple[Path, Stage, str]]:
        seen: set[str] = set()
        for item in value if node.keys and self.applied else ():
            key = _key(node, item)
            if key and key in seen:
                yield path, "patch", f"duplicate entries for key {key}"
            seen.add(key)

    def _finding(self, value: Any, path: Path, stage: Stage, text: str) -> Finding:
        shown = place(path)
        if stage == "patch":
            return Finding(shown, f"{_place_in_patch(self.root, value, path)}: {text}", stage)
        return Finding(shown, text.replace("{path}", shown), stage)


def place(path: Path) -> str:
    """A path as validation writes it: `spec.containers[0].image`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _place_in_patch(node: Node | None, value: Any, path: Path) -> str:
    """The same as server-side apply writes it: `.spec.containers[name="web"].image`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            value = value[step]
            text += (_key(node, value) if node is not None and node.keys else "") or f"[{step}]"
            node = node.items if node is not None else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
            text += f".{step}"
            node = node.members.get(step, node.rest) if node is not None else None
    return text


def _key(node: Node, item: Any) -> str:
    """The keys of an item of a list: `[name="web"]`; nothing if one is not known."""
    if not isinstance(item, Mapping):
        return ""
    defaults = node.items.defaults if node.items is not None else {}
    values = {name: item.get(name, defaults.get(name)) for name in node.keys}
    if any(value is None or value == UNKNOWN for value in values.values()):
        return ""
    return "[" + ",".join(f"{name}={json.dumps(value)}" for name, value in values.items()) + "]"


def _types(value: Any) -> set[str]:
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, int):
        return {"integer", "number"}
    if isinstance(value, float):
        return {"number", "integer"} if value.is_integer() else {"number"}
    if isinstance(value, str):
        return {"string"}
    return {"object"} if isinstance(value, Mapping) else {"array"}


def _misfit(types: frozenset[str], value: Any) -> tuple[Stage, str]:
    if isinstance(value, float) and types == {"integer"}:  # a patch takes any number, the type in Go does not
        return "decode", f"json: cannot unmarshal number {value} into Go struct field {{path}} of type int64"
    return "patch", f"expected {_expected(types)}, got {_got(types, value)}"


def _expected(types: frozenset[str]) -> str:
    if len(types) > 1 and types != {"integer", "number"}:
        return "any scalar"
    names = {"object": "map", "array": "list", "string": "string", "boolean": "boolean"}
    return next((name for type_, name in names.items() if type_ in types), "numeric (int or float)")


def _got(types: frozenset[str], value: Any) -> str:
    """The value in Go's notation, as the server prints it for each type that it expected."""
    if types & {"integer", "number"} and "string" not in types:
        return _GO.get(type(value), type(value).__name__)
    shown = json.dumps(value)
    return f"&value.valueUnstructured{{Value:{shown}}}" if "string" in types else f"&{{{shown}}}"


def _meant(name: str, node: Node) -> str:
    """A hint at a field with a name much like it."""
    close = difflib.get_close_matches(name, node.members, n=1, cutoff=0.75)
    return f' (did you mean "{close[0]}"?)' if close else ""
