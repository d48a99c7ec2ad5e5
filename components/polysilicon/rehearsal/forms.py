"""What real clouds' names, ids and answers look like: the tables in `data/` and what the SDKs' documentation adds."""

from __future__ import annotations

import fnmatch
import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from polysilicon.rehearsal.shapes import Shape

_ID_OF_PREFIX = re.compile(r"((?:[a-z]+-)+)(?=[0-9a-f]*\d)[0-9a-f]{5,40}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLACE_IN_DOCS = re.compile(r"\{\{([^{}]+)\}\}")
TABLES = ("aws", "gcp", "kubernetes", "other")


@dataclass(frozen=True)
class Autoname:
    """How a name is made for what the program did not name: `<logical>-<hex>`."""

    property: str = "name"
    prefix: str = ""
    longest: int = 255
    hex: int = 7
    lower: bool = False


@dataclass(frozen=True)
class Form:
    """What is known of one resource type.

    Attributes:
        id: Template of its id.
        outputs: Templates of outputs by dotted path, in the order in which they are filled.
        outputs_if: More of them, by a condition such as `spec.type=LoadBalancer` on the inputs.
        autoname: How it gets a name, if it can have one of its own.
        replaces: Inputs of which a change makes a new resource.
        replaces_if: More of them, by an input that must be true.
        upserts: Creating what exists already takes it over instead of failing.
        increments: Outputs that grow by one with every update.
        secret: Outputs and inputs that the provider itself marks as secret.
        mutable_with: A setting of the provider that lets contents (`data`) change in place.
    """

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)
    outputs_if: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    autoname: Autoname | None = None
    replaces: frozenset[str] = frozenset()
    replaces_if: Mapping[str, Sequence[str]] = field(default_factory=dict)
    upserts: bool = False
    increments: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    mutable_with: str = ""


@functools.cache
def table(package: str) -> Mapping[str, Any]:
    """What the data files say of a package; packages without one of their own share `other`."""
    name = package if package in TABLES else "other"
    folder = resources.files("polysilicon.rehearsal") / "data"
    files = [file for file in folder.iterdir() if file.name.startswith(f"{name}.")]
    told = [tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted(files, key=lambda file: file.name)]
    types = {token: row for part in told for token, row in part.pop("types", {}).items()}
    # Rules stand in several files of a package, each with what it is about.
    rules = [row for part in told for row in part.pop("rules", ())]
    return {key: value for part in told for key, value in part.items()} | {"types": types, "rules": rules}


@functools.lru_cache(maxsize=4096)
def _row(token: str) -> Mapping[str, Any]:
    package, _, rest = token.partition(":")
    rows: Mapping[str, Any] = table(package).get("types", {})
    for key in (rest, token):
        if key in rows:
            row: Mapping[str, Any] = rows[key]
            return row
    return next((row for key, row in rows.items() if fnmatch.fnmatchcase(rest, key)), {})


@functools.lru_cache(maxsize=4096)
def _family(token: str) -> Mapping[str, Any]:
    """What types without a row have in common with others of a like name."""
    package, _, rest = token.partition(":")
    families: list[Mapping[str, Any]] = table(package).get("families", [])
    return next((row for row in families if any(fnmatch.fnmatchcase(rest, type_) for type_ in row["types"])), {})


def form_of(token: str, shape: Shape | None) -> Form:
    """The form of a type: its row in the tables, completed from its SDK."""
    row = _row(token)
    family = _family(token) if not row else {}
    autoname = _autoname(token, family or row, shape)
    id_ = row.get("id") or _derived_id(token, autoname, shape) + family.get("suffix", "")
    identity = {place.split("|")[0] for place in re.findall(r"\{([^{}:]+)\}", id_)}
    always = table(token.partition(":")[0]).get("identity", ())
    return Form(
        id=id_,
        outputs=row.get("outputs", {}),
        outputs_if=row.get("outputs_if", {}),
        autoname=autoname,
        replaces=frozenset({*identity, *always, *row.get("replaces", ()), *(shape.replaces if shape else ())}),
        replaces_if=row.get("replaces_if", {}),
        upserts=row.get("upserts", False) or family.get("upserts", False),
        increments=frozenset(row.get("increments", ())),
        secret=frozenset(row.get("secret", ())),
        mutable_with=row.get("mutable_with", ""),
    )


def _autoname(token: str, row: Mapping[str, Any], shape: Shape | None) -> Autoname | None:
    if "autoname" in row:
        told = row["autoname"]
        return Autoname(**told) if told else None
    defaults = table(token.partition(":")[0]).get("autoname")
    optional_name = shape is not None and shape.inputs.get("name") is False
    is_text = shape is not None and "name" in shape.outputs and shape.outputs["name"].type == "string"
    return Autoname(**defaults) if defaults is not None and optional_name and is_text else None


def _derived_id(token: str, autoname: Autoname | None, shape: Shape | None) -> str:
    """An id's form when no table has it: as the documentation of `pulumi import` shows it, else the name."""
    shown = shape.import_form if shape else ""
    if "{{" in shown:
        return _PLACE_IN_DOCS.sub(lambda place: "{" + _property(place[1], shape) + "}", shown)
    if shown.startswith("arn:"):
        return "{arn}"
    if shown and autoname is None and (prefixed := _ID_OF_PREFIX.fullmatch(shown)):
        return prefixed[1] + "{hex:17}"
    if _UUID.fullmatch(shown):
        return "{uuid:4}"
    if table(token.partition(":")[0]).get("ids_are_names") and autoname is not None:
        return "{" + autoname.property + "}"
    if table(token.partition(":")[0]).get("ids_are_names") and shape is not None and "name" in shape.inputs:
        return "{name}"
    return token.rsplit(":", 1)[-1].lower() + "-{hex:17}"


def _property(place: str, shape: Shape | None) -> str:
    """The property that a place in the documentation means: `{{project_id}}` is `project`, `{{pool_id}}` the name."""
    head, *rest = re.split(r"[._-]", place.strip())
    camel = head + "".join(part.capitalize() for part in rest)
    known = {*(shape.inputs if shape else ()), *(shape.outputs if shape else ()), "project", "region", "zone"}
    bare = head if rest in (["id"], ["name"]) else camel
    guesses = (camel, bare, f"{bare}Id", f"{bare}Name", "name", "hex:12")
    return next(name for name in guesses if name in known or ":" in name)


def arn_parts(type_: str) -> dict[str, str]:
    """A type as ARNs name it: its service, and its class with dashes."""
    kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type_.rsplit(":", 1)[-1]).lower()
    return {"arn_service": service_of(type_), "arn_kind": kind}


def service_of(token: str) -> str:
    """The service that a type belongs to, as the cloud writes it in ARNs and messages: `ec2` of `aws:ec2/vpc:Vpc`."""
    package, module, _ = (*token.split(":"), "", "")[:3]
    first = module.split("/")[0]
    renamed: Mapping[str, str] = table(package).get("services", {})
    return renamed.get(first, first)
