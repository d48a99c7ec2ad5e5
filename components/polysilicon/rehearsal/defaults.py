"""What an API server fills into an object: the rows of `data/kubernetes.defaults.toml`.

A refresh reads the filled-in object back; the program's inputs stay as they are, so that nothing changes for it.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.values import UNKNOWN, Properties, at

_STEP = re.compile(r"(?:\\.|[^.\\])+")
_PLACE = re.compile(r"\{([^{}|]+)(\|pull)?\}")


def with_defaults(type_: str, given: Properties) -> Properties:
    """A copy of an object with what the server fills in where nothing was given.

    Args:
        type_: The type token; types of other packages and kinds without a row come back unchanged.
        given: The object.
    """
    package, _, rest = type_.partition(":")
    if package != "kubernetes" or not (_parts_of(rest) or rest in table(package)["defaults"]):
        return given
    filled = copy.deepcopy(given)
    _fill(rest, filled)
    return filled


def _fill(part: str, value: Any) -> None:
    """Fills in a part, and then what is inside it."""
    rows = table("kubernetes")["defaults"].get(part, {})
    for path, told in _ordered(rows, value):
        _put(value, _steps(path), _value(told, value))
    for inner, path in _parts_of(part):
        for found in _found(value, path.split(".")):
            _fill(inner, found)


def _ordered(rows: Mapping[str, Any], value: Any) -> Iterator[tuple[str, Any]]:
    """The rows that apply: those with a condition first where they say the same, the others after."""
    for path, inner in rows.get("given", {}).items():
        if at(value, path) is not None:
            yield from inner.items()
    yield from ((path, told) for path, told in rows.items() if path not in ("if", "given"))
    for condition, inner in rows.get("if", {}).items():
        path, _, wanted = condition.partition("=")
        if at(value, path) == wanted:
            yield from inner.items()


def _value(told: Any, part: Any) -> Any:
    match = _PLACE.fullmatch(told) if isinstance(told, str) else None
    if match is None:
        return copy.deepcopy(told)
    found = at(part, match[1])
    return pull_policy(found) if match[2] else found


def pull_policy(image: Any) -> str | None:
    """When an image is pulled that says nothing of it: always if its tag is `latest` or it has none.

    Source: SetDefaults_Container; an image with a digest and no tag has none that is `latest`.
    """
    if not isinstance(image, str) or image == UNKNOWN:
        return None
    name, digest, _ = image.partition("@")
    _, colon, tag = name.rsplit("/", 1)[-1].partition(":")
    return "Always" if tag == "latest" or not (colon or digest) else "IfNotPresent"


def _put(value: Any, steps: list[str], told: Any) -> None:
    if not isinstance(value, dict) or told is None:
        return
    step, *rest = steps
    if not rest:
        if value.get(step) is None:
            value[step] = told
    elif value.get(step) is None:
        value[step] = {}
        _put(value[step], rest, told)
    else:
        _put(value[step], rest, told)


def _found(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        if isinstance(value, dict):
            yield value
        return
    step, *rest = path
    inside = value if step == "*" and isinstance(value, list) else [at(value, step)]
    for item in inside:
        yield from _found(item, rest)


@functools.cache
def _parts_of(part: str) -> tuple[tuple[str, str], ...]:
    rows = table("kubernetes")["parts"]
    return tuple((row["part"], row["at"]) for row in rows if part in row["types"])


@functools.cache
def _steps_of(path: str) -> tuple[str, ...]:
    return tuple(step.replace("\\.", ".") for step in _STEP.findall(path))


def _steps(path: str) -> list[str]:
    return list(_steps_of(path))
