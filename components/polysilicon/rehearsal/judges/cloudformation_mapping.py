"""How the SDK's types and properties are called in CloudFormation: by their own names, or as a table says."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.judges.cloudformation_schemas import HOME, Node, index, properties


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """What is known of one type of the SDK.

    Attributes:
        schema: The CloudFormation type.
        part: The definition inside its schema that this type is, where Terraform makes a resource of a part.
        curated: Every property has been looked at: what must be there is judged too.
        inside: The object of the schema in which most top-level properties stand.
        names: Properties by dotted path whose counterpart has another name or place. The counterpart's path starts at
            the object that the property is in; `.` stands for that object itself, whose members stand directly in it;
            with `[Type]` at the end each item of a list becomes an object with that one member.
        unlike: Properties that are not judged, each with the reason; a `*` at the end stands for any.
        also: Values that are valid though the schema lacks them.
        optional: What the schema requires of a template and AWS or Terraform fills in, with the reason.
        loose: Keywords not judged at a property: the schema is wrong there, with the reason.
        updates: What the schema calls create-only and the provider changes in place, with the source.
        replaces: What the provider cannot change in place though the schema does not say so, with the source.
        machines: Where instance types are named.
        extensions: Further schemas of cfn-lint, by the CloudFormation path where they hold (empty: the resource).
    """

    schema: str
    part: str = ""
    curated: bool = False
    inside: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    unlike: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    loose: Mapping[str, str] = field(default_factory=dict)
    updates: Mapping[str, str] = field(default_factory=dict)
    replaces: Mapping[str, str] = field(default_factory=dict)
    machines: Sequence[str] = ()
    extensions: Mapping[str, str] = field(default_factory=dict)

    def counterpart(self, path: str, name: str, node: Node) -> str:
        """Where a property stands in CloudFormation, from the object that it is in; nothing if it has no counterpart.

        Args:
            path: The property's dotted path, without indices.
            name: Its last step.
            node: The schema of the object.
        """
        if path in self.names:
            return self.names[path]
        found = like_named(name, node)
        if not found and self.inside and path == name:
            deeper = like_named(name, properties(node)[self.inside])
            return f"{self.inside}.{deeper}" if deeper else ""
        return found

    def reason_against(self, path: str) -> str:
        """Why a property is not judged; nothing if it is."""
        if path in self.unlike:
            return self.unlike[path]
        return next((why for key, why in self.unlike.items() if key.endswith("*") and path.startswith(key[:-1])), "")

    def own_name(self, path: str, counterpart: str) -> str:
        """The property that stands for a member of the object at `path`."""
        inside = f"{path}." if path else ""
        for own, theirs in self.names.items():
            if theirs == counterpart and own.startswith(inside) and "." not in own[len(inside) :]:
                return own
        wrapper = next((own for own, theirs in self.names.items() if theirs == "."), "")
        if self.part and wrapper and not path:
            return f"{wrapper}.{camel(counterpart)}"
        return inside + camel(counterpart)


def rules() -> Mapping[str, Any]:
    """The table."""
    found: Mapping[str, Any] = table("aws")["cloudformation"]
    return found


@functools.lru_cache(maxsize=4096)
def mapped(type_: str) -> Mapped | None:
    """What a type is in CloudFormation; nothing if it has no counterpart."""
    rest = type_.partition(":")[2]
    row = _row(rest)
    told = row.get("schema") or next(iter(_like_named_types(rest)), "")
    schema, _, part = told.partition("#")
    return Mapped(**{"curated": bool(row), **row, "schema": schema, "part": part}) if told else None


def _row(rest: str) -> Mapping[str, Any]:
    rows: Mapping[str, Mapping[str, Any]] = rules()["types"]
    row = rows.get(rest, {})
    return rows[row["as"]] if "as" in row else row


def _like_named_types(rest: str) -> list[str]:
    module, _, kind = rest.partition(":")
    first = module.split("/")[0]
    services: Sequence[str] = rules()["services"].get(first, [first])
    found = (index(HOME).get((service, kind.lower())) for service in services)
    return [name for name in found if name is not None]


def like_named(name: str, node: Node) -> str:
    """The member of an object that a property means by its name, in the plural or the singular."""
    members = _by_lower(node)
    small = name.lower()
    ways = (small, f"{small}s", f"{small}es", f"{small[:-1]}ies", small.removesuffix("s"))
    return next((members[way] for way in ways if way in members), "")


def _by_lower(node: Node) -> Mapping[str, str]:
    if isinstance(node, bool):
        return {}
    known: Mapping[str, str] | None = node.get("by_lower")
    if known is None:
        known = node["by_lower"] = {name.lower(): name for name in properties(node)}
    return known


def camel(name: str) -> str:
    """A CloudFormation name as the SDK would write it: `KmsKeyId` is `kmsKeyId`, `VPCRegion` is `vpcRegion`."""
    capitals = len(name) - len(name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    head = max(1, capitals - 1 if capitals < len(name) else capitals)
    return name[:head].lower() + name[head:]
