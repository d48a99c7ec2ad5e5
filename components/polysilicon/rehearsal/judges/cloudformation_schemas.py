"""The CloudFormation resource schemas that cfn-lint carries, cut down to what can be judged of inputs from another SDK.

Only the JSON files are read. Types of values are not judged (the program's SDK has done that, and Terraform's numbers
and texts differ), nor formats, nor patterns that Python cannot read.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

Node: TypeAlias = "dict[str, Any] | bool"
"""A schema whose references are links: it may contain itself."""

HOME = "us-east-1"
"""The region whose schemas hold for what has no region."""

_VALUES = (
    "enum",
    "enumCaseInsensitive",
    "const",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
)
_NAMES = ("required", "requiredXor", "requiredOr", "dependentRequired", "dependentExcluded")
_BRANCHES = ("allOf", "anyOf")
_PARTS = ("items", "if", "then", "else")


@functools.cache
def folder() -> Path | None:
    """Where the schemas are; nothing if cfn-lint is not installed."""
    found = importlib.util.find_spec("cfnlint")
    places = found.submodule_search_locations if found else None
    return Path(places[0]) / "data" / "schemas" if places else None


@functools.cache
def offered(region: str) -> Mapping[str, str]:
    """The resource types of a region with the file of each; empty for a region that cfn-lint does not know."""
    root = folder()
    file = root / "providers" / f"{region}.json" if root else None
    if file is None or not file.exists():
        return {}
    found: Mapping[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return found


@functools.cache
def index(region: str) -> Mapping[tuple[str, str], str]:
    """The resource types of a region by service and class in small letters: `("eks", "nodegroup")`."""
    parts = ((name, name.lower().split("::")) for name in offered(region))
    return {(words[1], words[2]): name for name, words in parts if len(words) == 3 and words[0] == "aws"}


def raw(type_: str, region: str = HOME) -> Mapping[str, Any]:
    """A schema as it stands in its file; empty if the region has none of that type."""
    file = offered(region).get(type_)
    return _file(file) if file else {}


@functools.cache
def _file(name: str) -> Mapping[str, Any]:
    root = folder()
    assert root is not None
    found: Mapping[str, Any] = json.loads((root / "resources" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def schema(type_: str, region: str, part: str = "", whole: bool = False) -> Node | None:
    """The schema of a resource type, or of one of its parts; nothing if the region has none.

    Args:
        part: The name of a definition inside the type's schema: `AccessPolicy` of `AWS::EKS::AccessEntry`.
        whole: Also what must be there and what excludes what. Without it only the values of what is given are judged.
    """
    file = offered(region).get(type_)
    return _linked(file, part, whole) if file else None


def extension(name: str) -> Mapping[str, Any]:
    """One of cfn-lint's own additions: `aws_ec2_securitygroup/all_to_and_from_ports`."""
    root = folder()
    assert root is not None
    file = root / "extensions" / f"{name}.json"
    found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def properties(node: Node) -> Mapping[str, Node]:
    """The members of an object, those that only a branch of its schema names included."""
    if isinstance(node, bool):
        return {}
    known: Mapping[str, Node] | None = node.get("members")
    if known is None:
        known = node["members"] = dict(_members(node))
    return known


def _members(node: dict[str, Any]) -> Iterable[tuple[str, Node]]:
    for branch in (*node.get("allOf", ()), *node.get("anyOf", ()), *node.get("choices", ())):
        yield from properties(branch).items()
    yield from node.get("properties", {}).items()


@functools.cache
def _linked(file: str, part: str, whole: bool) -> Node:
    document = _file(file)
    start = document["definitions"][part] if part else document
    return Linker(document, whole).node(start)


class Linker:
    """Turns a document into nodes.

    Args:
        document: The whole schema, where references lead to.
        whole: See `schema`.
    """

    def __init__(self, document: Mapping[str, Any], whole: bool) -> None:
        self._document, self._whole = document, whole
        self._known: dict[int, dict[str, Any]] = {}

    def node(self, raw: Any) -> Node:
        """The node for a piece of the document."""
        if isinstance(raw, bool):
            return raw
        while "$ref" in raw:
            raw = self._target(raw["$ref"])
        if id(raw) not in self._known:
            made: dict[str, Any] = {}
            self._known[id(raw)] = made
            self._fill(made, raw)
        return self._known[id(raw)]

    def _target(self, reference: str) -> Mapping[str, Any]:
        found: Any = self._document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        result: Mapping[str, Any] = found
        return result

    def _fill(self, made: dict[str, Any], raw: Mapping[str, Any]) -> None:
        made["kind"] = raw.get("type")
        made.update((name, raw[name]) for name in _VALUES if name in raw)
        if not self._whole and "enum" in made:
            # Where nobody has looked, other capitals are no mistake: Terraform translates some.
            made["enumCaseInsensitive"] = made.pop("enum")
        if is_readable(raw.get("pattern")):
            made["pattern"] = raw["pattern"]
        if "properties" in raw:
            made["properties"] = {name: self.node(part) for name, part in raw["properties"].items()}
        if isinstance(raw.get("items"), Mapping):
            made["items"] = self.node(raw["items"])
        for name in _BRANCHES:
            if name in raw and (self._whole or name == "allOf"):
                made[name] = [self.node(part) for part in raw[name]]
        if self._whole:
            self._fill_relations(made, raw)
        elif "anyOf" in raw or "oneOf" in raw:
            made["choices"] = [self.node(part) for part in (*raw.get("anyOf", ()), *raw.get("oneOf", ()))]

    def _fill_relations(self, made: dict[str, Any], raw: Mapping[str, Any]) -> None:
        made.update((name, raw[name]) for name in _NAMES if name in raw)
        made.update((name, self.node(raw[name])) for name in _PARTS[1:] if name in raw)
        if "not" in raw and set(raw["not"]) <= {"enum", "const", "type"}:
            made["not"] = self.node(raw["not"])
        if "oneOf" in raw:
            # Without the types of values two branches may look alike, so that "one of" can only be held as "any of".
            exact = all(set(branch) <= {"required", "type"} for branch in raw["oneOf"])
            made["oneOf" if exact else "choices"] = [self.node(branch) for branch in raw["oneOf"]]


def is_readable(pattern: Any) -> bool:
    """Whether Python understands a pattern; some are written for other languages."""
    if not isinstance(pattern, str):
        return False
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
