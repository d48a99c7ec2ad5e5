"""Property values on the wire and in Python, and ways to walk through them.

A value in Python is plain JSON data. Secrets arrive opened (the engine keeps track of what is secret, because the
simulation tells it that it does not take secrets), an unknown value is the string `UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from google.protobuf import struct_pb2

Properties: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str | int, ...]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands for a value that is not known yet, during a preview (the engine's own mark)."""

_OTHER_UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # a list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    }
)

SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
FILES = frozenset({"c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"})
"""The signatures of assets and archives, which are compared by their hash alone."""

MASK = "[secret]"
"""What stands for a secret in what people read."""

INTERNAL = "__"
"""Properties whose name begins so are bookkeeping between Check and Diff (`__defaults`), not part of the resource."""


def decode(struct: struct_pb2.Struct) -> Properties:
    """The properties of a message from the engine; null properties are left out, as the engine does."""
    found = {name: _decode(value) for name, value in struct.fields.items()}
    return {name: value for name, value in found.items() if value is not None}


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in _OTHER_UNKNOWNS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _decode_object(value.struct_value)
    return None


def _decode_object(struct: struct_pb2.Struct) -> Any:
    found = decode(struct)
    signature = found.get(SIGNATURE)
    if signature == _SECRET:
        return found.get("value")
    if signature == _OUTPUT:
        return found.get("value", UNKNOWN)
    if signature == _REFERENCE:
        return found.get("id") or found.get("urn")
    return found


def encode(properties: Mapping[str, Any], secret: frozenset[str] = frozenset()) -> struct_pb2.Struct:
    """The message for `properties`; those named in `secret` are marked as secrets."""
    struct = struct_pb2.Struct()
    for name, value in properties.items():
        sealed = {SIGNATURE: _SECRET, "value": value} if name in secret else value
        _encode(sealed, struct.fields[name])
    return struct


def _encode(value: Any, into: struct_pb2.Value) -> None:
    if value is None:
        into.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, (int, float)):
        into.number_value = value
    elif isinstance(value, str):
        into.string_value = value
    elif isinstance(value, Mapping):
        into.struct_value.SetInParent()
        for name, item in value.items():
            _encode(item, into.struct_value.fields[str(name)])
    else:
        into.list_value.SetInParent()
        for item in value:
            _encode(item, into.list_value.values.add())


def is_file(value: Any) -> bool:
    """Whether `value` is an asset or an archive."""
    return isinstance(value, Mapping) and value.get(SIGNATURE) in FILES


def public(properties: Mapping[str, Any]) -> Properties:
    """The properties without the bookkeeping of Check."""
    return {name: value for name, value in properties.items() if not name.startswith(INTERNAL)}


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every scalar inside `value` with the path to it."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from leaves(item, (*path, str(name)))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def strings(value: Any) -> Iterator[tuple[Path, str]]:
    """Every known, non-empty string inside `value` with the path to it."""
    for path, leaf in leaves(value):
        if isinstance(leaf, str) and leaf and leaf != UNKNOWN:
            yield path, leaf


def at(value: Any, path: str) -> Any:
    """What is at a dotted path (`vpcConfig.subnetIds.0`), or nothing."""
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, (list, tuple)) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def every(value: Any, path: str) -> Iterator[tuple[Path, Any]]:
    """All that is at a dotted path in which `*` is any item (`cidrBlocks.*.cidrBlock`), with the path to each."""
    yield from _every(value, tuple(path.split(".")), ())


def _every(value: Any, steps: tuple[str, ...], done: Path) -> Iterator[tuple[Path, Any]]:
    if not steps:
        yield done, value
    elif steps[0] == "*":
        items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            yield from _every(item, steps[1:], (*done, key))
    elif (item := at(value, steps[0])) is not None:
        yield from _every(item, steps[1:], (*done, steps[0]))


def shown(path: Path) -> str:
    """A path in the engine's notation: `spec.containers[0].image`, `tags["a.b"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.isidentifier():
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text
