"""What AWS cannot change in place: `createOnlyProperties` of the CloudFormation schemas, in the words of the SDK.

The Terraform provider, which the SDK wraps, changes some of them in place all the same; those are exceptions in
`data/aws.cloudformation.toml`, each with its source. What is create-only only under conditions is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from polysilicon.rehearsal.judges.cloudformation_mapping import Mapped, mapped
from polysilicon.rehearsal.judges.cloudformation_schemas import raw


def create_only(type_: str) -> frozenset[str]:
    """The inputs of a type of which a change makes a new resource; none without the schemas.

    Args:
        type_: A type token of the package `aws`.
    """
    known = mapped(type_)
    if known is None:
        return frozenset()
    found = frozenset(_paths(known)) if not known.part else frozenset()
    return frozenset(path for path in found if not _is_updated(known, path)) | frozenset(known.replaces)


def _paths(known: Mapped) -> Iterator[str]:
    for pointer in raw(known.schema).get("createOnlyProperties", ()):
        steps = pointer.removeprefix("/properties/").split("/")
        if "*" not in steps:
            yield from _own_paths(known, steps)


def _own_paths(known: Mapped, steps: list[str]) -> Iterator[str]:
    """The SDK's paths for one of the schema's: several where the SDK tells one thing in several ways."""
    whole = ".".join(steps)
    named = [own for own, theirs in known.names.items() if "." not in own and theirs.partition("[")[0] == whole]
    if named:
        yield from named
        return
    inside = steps[1:] if known.inside and steps[0] == known.inside else steps
    path = ""
    for step in inside:
        path = known.own_name(path, step)
    yield path


def _is_updated(known: Mapped, path: str) -> bool:
    return any(path == own or path.startswith(f"{own}.") for own in ("tags", *known.updates))
