"""Inputs of the SDK as the document that CloudFormation would take, and the way back from each of its parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from polysilicon.rehearsal.judges.cloudformation_mapping import Mapped
from polysilicon.rehearsal.judges.cloudformation_schemas import Node, properties
from polysilicon.rehearsal.values import UNKNOWN, Path, leaves

NAMELESS = "AWS properties without a counterpart of that name in the CloudFormation schema"
FREE = "AWS properties that are documents or maps of free text"
OPAQUE = UNKNOWN
"""What stands in a document for something that is there and cannot be judged."""


class Translation:
    """Translates on creation.

    Args:
        inputs: The SDK's inputs.
        mapped: What their type is in CloudFormation.
        node: The schema of that.

    Attributes:
        document: The inputs in CloudFormation's words. What is empty is left out, as Terraform does.
        origins: The property behind each path of the document.
        judged: How many inputs are in the document.
        unjudged: Why the others are not, with how many.
    """

    def __init__(self, inputs: Mapping[str, Any], mapped: Mapped, node: Node) -> None:
        self._mapped = mapped
        self.document: dict[str, Any] = {}
        self.origins: dict[Path, Path] = {(): ()}
        self.judged = 0
        self.unjudged: Counter[str] = Counter()
        self._object(inputs, node, (), "", self.document, ())

    def origin(self, path: Path) -> Path:
        """The property behind a part of the document, or behind the nearest part around it."""
        while path not in self.origins:
            path = path[:-1]
        return self.origins[path]

    def _object(
        self, value: Mapping[str, Any], node: Node, own: Path, key: str, into: dict[str, Any], place: Path
    ) -> None:
        for name, item in value.items():
            inner = f"{key}.{name}" if key else name
            reason = self._mapped.reason_against(inner) or (COMMON.get(name) if not key else None)
            target = "" if reason else self._mapped.counterpart(inner, name, node)
            if target == "." and isinstance(item, Mapping):
                self._object(item, node, (*own, name), inner, into, place)
            elif target:
                self._put(item, node, (*own, name), inner, into, place, target)
            else:
                self._pass_over(item, reason or NAMELESS)

    def _put(self, value: Any, node: Node, own: Path, key: str, into: dict[str, Any], place: Path, target: str) -> None:
        target, _, member = target.removesuffix("]").partition("[")
        *outer, last = target.split(".")
        for step in outer:
            node = properties(node)[step]
            into = into.setdefault(step, {})
            place = (*place, step)
            self.origins.setdefault(place, own[:-1])
        before = into.get(last)
        start = len(before) if isinstance(before, list) else 0
        found = self._value(_wrapped(value, member), properties(node)[last], own, key, (*place, last), start)
        if member:
            self._forget(member, (*place, last))
        if found is None or found in ("", [], {}):
            return
        into[last] = [*before, *found] if isinstance(before, list) and isinstance(found, list) else found

    def _forget(self, member: str, below: Path) -> None:
        """Takes a step that only the translation has made out of the properties behind what is below a path."""
        for path, own in self.origins.items():
            if path[: len(below)] == below and own[-1] == member:
                self.origins[path] = own[:-1]

    def _value(self, value: Any, node: Node, own: Path, key: str, place: Path, start: int = 0) -> Any:
        if isinstance(node, bool) or value == UNKNOWN:
            self.origins[place] = own
            return value
        self.origins[place] = own
        if "items" in node:
            return self._list(value, node["items"], own, key, place, start)
        if isinstance(value, (list, tuple)):
            return self._single(value, node, own, key, place)
        if properties(node) and isinstance(value, Mapping):
            made: dict[str, Any] = {}
            self._object(value, node, own, key, made, place)
            return made
        if isinstance(value, Mapping) or properties(node) or is_free(node):
            self._pass_over(value, FREE)
            return OPAQUE
        self.judged += 1
        return coerced(value, node.get("kind"))

    def _list(self, value: Any, items: Node, own: Path, key: str, place: Path, start: int) -> Any:
        if isinstance(value, Mapping) and {"Value"} < set(properties(items)):
            self._pass_over(value, FREE)
            return None
        if not isinstance(value, (list, tuple)):
            found = self._value(value, items, own, key, (*place, start))
            return None if found is None or found == {} else [found]
        places = ((*place, start + index) for index in range(len(value)))
        return [self._value(v, items, (*own, i), key, next(places)) for i, v in enumerate(value)]

    def _single(self, value: Any, node: Node, own: Path, key: str, place: Path) -> Any:
        """A list of the SDK where CloudFormation has one thing."""
        if len(value) == 1:
            return self._value(value[0], node, (*own, 0), key, place)
        self._pass_over(value, FREE)
        return None

    def _pass_over(self, value: Any, reason: str) -> None:
        self.unjudged[reason] += sum(1 for _ in leaves(value))


COMMON: Mapping[str, str] = {
    "tags": "AWS tags",
    "tagsAll": "AWS tags",
    "region": "the provider's own properties",
}
"""Properties of many types that mean nothing, or another thing, in CloudFormation."""


def _wrapped(value: Any, member: str) -> Any:
    if not member or not isinstance(value, (list, tuple)):
        return value
    return [{member: item} for item in value]


def is_free(node: Node) -> bool:
    """Whether a schema wants an object and says nothing of its members."""
    return not isinstance(node, bool) and node.get("kind") in ("object", ["object", "string"], ["string", "object"])


def coerced(value: Any, kind: Any) -> Any:
    """A scalar as the schema's kind: Terraform takes numbers as text and the other way round."""
    if kind in ("integer", "number") and isinstance(value, str):
        try:
            return float(value) if "." in value else int(value)
        except ValueError:
            return value
    if kind == "string" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value
