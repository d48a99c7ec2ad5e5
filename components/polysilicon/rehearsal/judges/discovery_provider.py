"""What the Google Cloud provider checks before it calls Google: `data/google_provider.csv`, taken from its schemas."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from polysilicon.rehearsal.judges.discovery_mapping import rows_of
from polysilicon.rehearsal.model import Call, Problem
from polysilicon.rehearsal.values import UNKNOWN, Path, shown

Test = Callable[[Any, list[str]], str]


def refused_by_provider(call: Call) -> Iterator[Problem]:
    """What the provider refuses, in its own words. Unknown values pass."""
    for steps, test, values in checks_of(call.type.partition(":")[2]):
        if test == "required":
            yield from _missing(call.inputs, steps)
        elif test == "without":
            yield from _together(call.inputs, steps, values)
        else:
            yield from _refused(call.inputs, steps, test, values)


@functools.lru_cache(maxsize=4096)
def checks_of(type_: str) -> list[tuple[tuple[str, ...], str, list[str]]]:
    """The checks of a type (its token without the package): where, what, and the values that it takes."""
    return _all_checks().get(type_, [])


@functools.cache
def _all_checks() -> Mapping[str, list[tuple[tuple[str, ...], str, list[str]]]]:
    found: dict[str, list[tuple[tuple[str, ...], str, list[str]]]] = defaultdict(list)
    for type_, paths, test, values in rows_of("google_provider.csv"):
        for path in paths.split(" "):
            found[type_].append((tuple(path.split(".")), test, [values] if test == "matches" else values.split("|")))
    return found


def _refused(inputs: Mapping[str, Any], steps: tuple[str, ...], test: str, values: list[str]) -> Iterator[Problem]:
    for path, value in _at(inputs, steps, ()):
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value not in ("", UNKNOWN):
            name = ".".join(str(step) for step in path)
            if reason := _TESTS[test](value, values):
                yield Problem(f"expected {name} {reason}, got {value}", shown(path))


def _missing(inputs: Mapping[str, Any], steps: tuple[str, ...]) -> Iterator[Problem]:
    """A block is there and lacks what it must have."""
    for path, block in _at(inputs, steps[:-1], ()):
        if isinstance(block, Mapping) and block.get(steps[-1]) is None:
            message = f'Missing required argument: The argument "{steps[-1]}" is required, but no definition was found.'
            yield Problem(message, shown((*path, steps[-1])))


def _together(inputs: Mapping[str, Any], steps: tuple[str, ...], others: list[str]) -> Iterator[Problem]:
    """Two inputs that exclude each other. Empty ones are passed over: what the provider makes of them differs."""
    for path, value in _at(inputs, steps, ()):
        for other in others if value not in ("", UNKNOWN) and value else ():
            for where, beside in _at(inputs, tuple(other.split(".")), ()):
                if beside and beside != UNKNOWN:
                    message = f'Conflicting configuration arguments: "{shown(path)}": conflicts with {shown(where)}'
                    yield Problem(message, shown(path))


def _at(value: Any, steps: tuple[str, ...], so_far: Path) -> Iterator[tuple[Path, Any]]:
    """What is at a path; lists are gone through on the way, and at the end where the path says so with `*`."""
    if isinstance(value, list) and steps:
        for index, item in enumerate(value):
            yield from _at(item, steps[1:] if steps[0] == "*" else steps, (*so_far, index))
    elif not steps:
        yield from ((so_far, item) for item in [value] if item is not None)
    elif isinstance(value, Mapping) and steps[0] in value:
        yield from _at(value[steps[0]], steps[1:], (*so_far, steps[0]))


def _one_of(value: Any, values: list[str]) -> str:
    quoted = " ".join(f'"{word}"' for word in values if word)
    return "" if str(value) in values else f"to be one of [{quoted}]"


def _any_case(value: Any, values: list[str]) -> str:
    return "" if str(value).lower() in (word.lower() for word in values) else _one_of(value, values)


def _between(value: Any, values: list[str]) -> str:
    number = _number(value)
    return "" if number is None or float(values[0]) <= number <= float(values[1]) else _in_range(values)


def _in_range(values: list[str]) -> str:
    return f"to be in the range ({values[0]} - {values[1]})"


def _at_least(value: Any, values: list[str]) -> str:
    number = _number(value)
    return "" if number is None or number >= float(values[0]) else f"to be at least ({values[0]})"


def _at_most(value: Any, values: list[str]) -> str:
    number = _number(value)
    return "" if number is None or number <= float(values[0]) else f"to be at most ({values[0]})"


def _length(value: Any, values: list[str]) -> str:
    within = not isinstance(value, str) or int(values[0]) <= len(value) <= int(values[1])
    return "" if within else f"length to be in the range ({values[0]} - {values[1]})"


def _matches(value: Any, values: list[str]) -> str:
    return "" if re.search(values[0], str(value)) else f"to match regular expression {values[0]!r}"


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


_TESTS: Mapping[str, Test] = {
    "one_of": _one_of,
    "any_case": _any_case,
    "between": _between,
    "at_least": _at_least,
    "at_most": _at_most,
    "length": _length,
    "matches": _matches,
}
