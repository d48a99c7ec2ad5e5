"""Rules about the values of one resource that no schema holds: rows of a table, for any package.

A row of `[[rules]]` in `data/<package>.*.toml`:

    [[rules]]
    types = ["eks/nodeGroup:NodeGroup"]        # tokens without the package; `*` stands for anything
    each = "networkInterfaces.*"               # optional: judged for each of these; the paths below start there
    with = { cluster = ["clusterName", "eks/cluster:Cluster"] } # optional: the resources that a path names, of a type
    when = { amiType = { matches = "^AL2_" } } # all of these must hold …
    refuse = { "cluster.*.version" = { matches = "^1[.]3[3-9]" } } # … and all of these, for a refusal
    message = "{value} is not offered …"       # {value}: what is at `property`; {given}: what `refuse` found first
    property = "amiType"                       # what is to blame; by default the first path of `refuse`
    source = "EKSD:eks-ami-build-scripts"      # who says so
    trap = "aws 23"                            # optional: its number in the facts

A path is dotted; `*` is every item of a list or of an object. What `with` has found is a list under its name
(`cluster.*.version`). A condition is

    a value                equal to it (text, number or boolean, `"8"` and `8` are the same)
    a list of values       equal to one of them
    { not = [ … ] }        there, and equal to none of them
    { none_of = [ … ] }    equal to none of them, or not there at all
    { given = true }       there and not empty; with `false`: missing, empty or false
    { matches = "re" }     text in which the expression is found; `not_matches`: text in which it is not
    { has_name = "re" }    an object in one of whose names the expression is found
    { decoded = "re" }     base64 text in which it is found once decoded; `not_decoded`: is not
    { more_than = 1 }      a longer list, or a greater number; `less_than`: a shorter or smaller one
    { same_as = "path" }   equal to the value at that path; `not_same_as`, `exceeds`: differs from it, is greater
    { not_begins_with = "path" } text that does not begin with the value at that path and a dot
    { other_region_than = "path" } a Google region or zone that is not in the region of the one at that path

It holds if any value at the path fulfils it (`given = false`: if none is there; `none_of`: if all do). What is unknown
fulfils nothing, so that a value that is not known yet is never refused.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.model import Call, Problem, Tally
from polysilicon.rehearsal.values import UNKNOWN, Path, shown

Found: TypeAlias = Iterator[tuple[Path, Any]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A row; see the module."""

    refuse: Mapping[str, Any]
    message: str
    source: str
    types: tuple[str, ...] = ()
    each: str = ""
    joins: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    when: Mapping[str, Any] = field(default_factory=dict)
    property: str = ""
    trap: str = ""

    def problems(self, inputs: Mapping[str, Any], joined: Mapping[str, Any]) -> Iterator[Problem]:
        """What the row refuses in `inputs`.

        Args:
            joined: The resources that `joins` names, by its names.
        """
        for path, part in values_at(inputs, self.each):
            scene = {**part, **joined} if isinstance(part, Mapping) else {"": part}
            if all(holds(scene, where, test) for where, test in {**self.when, **self.refuse}.items()):
                yield self._problem(scene, path)

    def _problem(self, scene: Mapping[str, Any], path: Path) -> Problem:
        first = next(iter(self.refuse))
        guilty = next(((p, v) for p, v in values_at(scene, first) if fulfils(v, self.refuse[first], scene)), None)
        blamed, value = _first(scene, self.property) if self.property else guilty or _first(scene, first)
        given = guilty[1] if guilty else ""
        return Problem(self.message.format(value=value, given=given), shown((*path, *blamed)))


class Rules:
    """Judges what the `rules` of the tables say; see the module."""

    name = "rules"

    def __init__(self) -> None:
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """What is wrong with the inputs of a check."""
        if call.operation != "check":
            return
        for rule in rules_of(call.type):
            if rule.joins and call.unchanged:
                continue  # what it goes with has changed: the cloud was asked about that, and is not asked about this
            self.tally.inputs += 1
            yield from rule.problems(call.inputs, _joined(rule, call, accounts))


@functools.lru_cache(maxsize=4096)
def rules_of(type_: str) -> tuple[Rule, ...]:
    """The rules for a type."""
    package, _, rest = type_.partition(":")
    return tuple(r for r in all_rules(package) if any(fnmatch.fnmatchcase(rest, pattern) for pattern in r.types))


@functools.cache
def all_rules(package: str) -> tuple[Rule, ...]:
    """The rules of a package, in the order of its tables."""
    rows: Iterable[Mapping[str, Any]] = table(package).get("rules", ())
    return tuple(Rule(**{("joins" if name == "with" else name): value for name, value in row.items()}) for row in rows)


def values_at(value: Any, path: str) -> Found:
    """Everything at a path, with where it is; nothing where there is nothing."""
    yield from _walk(value, tuple(path.split(".")) if path else (), ())


def _walk(value: Any, steps: tuple[str, ...], so_far: Path) -> Found:
    if not steps:
        if value is not None:
            yield so_far, value
    elif steps[0] == "*" and isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _walk(item, steps[1:], (*so_far, index))
    elif steps[0] == "*" and isinstance(value, Mapping):
        for name, item in value.items():
            yield from _walk(item, steps[1:], (*so_far, name))
    elif isinstance(value, Mapping):
        yield from _walk(value.get(steps[0]), steps[1:], (*so_far, steps[0]))
    elif value == UNKNOWN:
        yield so_far, UNKNOWN


def holds(scene: Mapping[str, Any], path: str, test: Any) -> bool:
    """Whether what is at `path` fulfils a condition."""
    found = [value for _, value in values_at(scene, path)]
    if isinstance(test, Mapping) and test.get("given") is False:
        return not any(is_given(value) for value in found)
    if isinstance(test, Mapping) and "none_of" in test:
        return all(fulfils(value, test, scene) for value in found)
    return any(fulfils(value, test, scene) for value in found)


def is_given(value: Any) -> bool:
    """Whether a value is there and not empty; a number always is, and so is what is not known yet."""
    return bool(value) or (isinstance(value, (int, float)) and not isinstance(value, bool))


def fulfils(value: Any, test: Any, scene: Mapping[str, Any]) -> bool:
    """Whether one value fulfils a condition; one that is unknown fulfils none."""
    if value == UNKNOWN:
        return False
    if isinstance(test, Mapping):
        return all(_TESTS[name](value, wanted, scene) for name, wanted in test.items())
    return any(_same(value, wanted) for wanted in (test if isinstance(test, list) else [test]))


def _same(value: Any, wanted: Any) -> bool:
    return bool(_plain(value) == _plain(wanted))


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value


def _size(value: Any) -> float:
    if isinstance(value, (list, tuple, Mapping)):
        return len(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _decoded(value: Any) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (binascii.Error, TypeError, ValueError):
        return ""


def _other(scene: Mapping[str, Any], path: str) -> list[Any]:
    return [value for _, value in values_at(scene, path) if value != UNKNOWN]


def _exceeds(value: Any, path: str, scene: Mapping[str, Any]) -> bool:
    return any(_size(value) > _size(other) for other in _other(scene, path))


def _differs(value: Any, path: str, scene: Mapping[str, Any]) -> bool:
    others = _other(scene, path)
    return bool(others) and not any(_same(value, other) for other in others)


def _begins_otherwise(value: Any, path: str, scene: Mapping[str, Any]) -> bool:
    beginnings = [f"{_plain(other)}." for other in _other(scene, path)]
    return isinstance(value, str) and bool(beginnings) and not value.startswith(tuple(beginnings))


def _elsewhere(value: Any, path: str, scene: Mapping[str, Any]) -> bool:
    regions = {_region(other) for other in _other(scene, path)}
    return bool(regions) and _region(value) not in regions


def _region(place: Any) -> str:
    """The region of a Google region or zone, or of a link to one: `us-central1` of `us-central1-a`."""
    return "-".join(str(place).rsplit("/", 1)[-1].split("-")[:2])


_TESTS: Mapping[str, Callable[[Any, Any, Mapping[str, Any]], bool]] = {
    "not": lambda value, wanted, _: not any(_same(value, one) for one in wanted),
    "none_of": lambda value, wanted, _: not any(_same(value, one) for one in wanted),
    "given": lambda value, wanted, _: is_given(value) is wanted,
    "matches": lambda value, regex, _: isinstance(value, str) and re.search(regex, value) is not None,
    "not_matches": lambda value, regex, _: isinstance(value, str) and re.search(regex, value) is None,
    "has_name": lambda value, regex, _: isinstance(value, Mapping) and any(re.search(regex, name) for name in value),
    "decoded": lambda value, regex, _: re.search(regex, _decoded(value)) is not None,
    "not_decoded": lambda value, regex, _: bool(_decoded(value)) and re.search(regex, _decoded(value)) is None,
    "more_than": lambda value, number, _: _size(value) > number,
    "less_than": lambda value, number, _: _size(value) < number,
    "same_as": lambda value, path, scene: any(_same(value, other) for other in _other(scene, path)),
    "not_same_as": _differs,
    "exceeds": _exceeds,
    "not_begins_with": _begins_otherwise,
    "other_region_than": _elsewhere,
}


def _first(scene: Mapping[str, Any], path: str) -> tuple[Path, Any]:
    return next(values_at(scene, path), (tuple(step for step in path.split(".") if step != "*"), ""))


def _joined(rule: Rule, call: Call, accounts: Accounts) -> dict[str, list[Mapping[str, Any]]]:
    return {name: list(_named(call, accounts, path, type_)) for name, (path, type_) in rule.joins.items()}


def _named(call: Call, accounts: Accounts, path: str, type_: str) -> Iterator[Mapping[str, Any]]:
    """What a path names; of those that have the same name in several places, the ones in the place of the call."""
    for _, name in values_at(call.inputs, path):
        called = accounts.called(name) if isinstance(name, str) else []
        ours = [r for r in called if r.type == f"{call.package}:{type_}" and r.scope.owner == call.scope.owner]
        yield from (accounts.planned(r) for r in [r for r in ours if r.scope == call.scope] or ours)
