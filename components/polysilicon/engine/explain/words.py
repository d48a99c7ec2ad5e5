"""What resources are called in an explanation: the pool `chat` instead of a URN."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import translate
from functools import cache
from pathlib import Path

from polysilicon.engine.explain.events import Known

_FILE = Path(__file__).parent / "words.toml"
_STACK = "pulumi:pulumi:Stack"


def owner(urn: str, resources: Mapping[str, Known]) -> str:
    """What a resource is a part of, such as `the pool chat`; empty if it stands alone.

    The nearest component that has a word of its own, else the nearest component at all.
    """
    components = [known for known in _around(urn, resources) if not known.custom and known.type != _STACK]
    for component in components:
        if word := _word(component.type):
            return f"the {word} {component.name}"
    return f"the component {components[0].name} ({components[0].type})" if components else ""


def kind(type_: str) -> str:
    """The class of a resource: `NodeGroup` of `aws:eks/nodeGroup:NodeGroup`."""
    return type_.rsplit(":", 1)[-1]


def type_of(urn: str) -> str:
    """The type token in a URN."""
    parts = urn.split("::")
    return parts[2].rsplit("$", 1)[-1] if len(parts) > 2 else ""


def billed(types: Iterable[str]) -> list[str]:
    """What of these types is paid for by the hour, counted: `1 control plane`, `2 NAT gateways`."""
    table = [(_any(row["types"]), row["words"]) for row in _table()["billed"]]
    counts: Counter[int] = Counter()
    for type_ in types:
        counts.update([number for number, (pattern, _) in enumerate(table) if pattern.fullmatch(type_)][:1])
    return [
        f"{counts[number]} {words[counts[number] > 1]}" for number, (_, words) in enumerate(table) if counts[number]
    ]


def _around(urn: str, resources: Mapping[str, Known]) -> Iterator[Known]:
    seen = {urn}
    known = resources.get(urn)
    while known and known.parent and known.parent not in seen:
        seen.add(known.parent)
        # A parent that the log does not tell of still has a type and a name in its URN.
        known = resources.get(known.parent) or Known(known.parent, type_of(known.parent), "", custom=False)
        yield known


@cache
def _word(type_: str) -> str:
    return next((str(row["word"]) for row in _table()["owner"] if _any(row["types"]).fullmatch(type_)), "")


@cache
def _table() -> Mapping[str, Sequence[Mapping[str, Sequence[str]]]]:
    with _FILE.open("rb") as stream:
        return tomllib.load(stream)


def _any(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns))
