"""AWS inputs against the CloudFormation resource schemas that cfn-lint carries."""

from __future__ import annotations

import csv
import functools
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Any

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.judges.cloudformation_machines import machines
from polysilicon.rehearsal.judges.cloudformation_mapping import Mapped, mapped
from polysilicon.rehearsal.judges.cloudformation_schemas import HOME, Linker, Node, extension, folder, offered, schema
from polysilicon.rehearsal.judges.cloudformation_translation import Translation
from polysilicon.rehearsal.judges.rules import values_at
from polysilicon.rehearsal.model import Call, Problem, Tally
from polysilicon.rehearsal.values import Path, leaves, shown

INSTALL = "AWS inputs: install polysilicon[rehearse] to have them judged"
REASONS: Mapping[str, str] = {
    "split": "AWS inputs of types that Terraform splits from another resource",
    "tie": "AWS inputs of types that only tie resources together",
    "default": "AWS inputs of types that adopt what AWS makes itself",
    "no resource": "AWS inputs of types of which no CloudFormation resource goes by the name",
    "no service": "AWS inputs of types of services that CloudFormation does not have",
    "": "AWS inputs of types that were not known when the tables were made",
}
"""What the reasons in `data/unjudged_aws.csv` mean, for types without a CloudFormation schema of their own."""
NOT_THERE = "AWS inputs of types that CloudFormation does not list in {region}"


class CloudFormation:
    """Judges values on AWS; see the module."""

    name = "AWS schemas"

    def __init__(self) -> None:
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """What the schema of the resource's type refuses in the inputs of a check."""
        if call.operation != "check" or call.package != "aws":
            return
        if not is_installed():
            self._pass_over(call, INSTALL)
            return
        known = mapped(call.type)
        if known is None:
            self._pass_over(call, REASONS[without_schema().get(call.type.partition(":")[2], "")])
            return
        node = schema(known.schema, region_of(call), known.part, known.curated)
        if node is None:
            self._pass_over(call, NOT_THERE.format(region=region_of(call)))
            return
        yield from self._held(call, known, node)
        yield from machines(call.inputs, tuple(known.machines), region_of(call))

    def _held(self, call: Call, known: Mapped, node: Node) -> Iterator[Problem]:
        translation = Translation(call.inputs, known, node)
        self.tally.inputs += translation.judged
        for reason, count in translation.unjudged.items():
            self.tally.unjudged[reason if reason.startswith("AWS") else f"AWS properties: {reason}"] += count
        for error in errors(translation.document, known, node):
            problem = _problem(error, known, translation)
            if problem is not None:
                yield problem

    def _pass_over(self, call: Call, reason: str) -> None:
        self.tally.unjudged[reason] += sum(1 for _ in leaves(call.inputs))


@functools.cache
def without_schema() -> Mapping[str, str]:
    """The types without a CloudFormation schema of their own, each with the reason: a key of `REASONS`."""
    file = resources.files("polysilicon.rehearsal") / "data" / "unjudged_aws.csv"
    return {row["type"]: row["reason"] for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines())}


@functools.cache
def is_installed() -> bool:
    """Whether the schemas, and what judges by them, are there."""
    return folder() is not None and importlib.util.find_spec("jsonschema") is not None


def region_of(call: Call) -> str:
    """Whose schemas hold: the region's; those of the home region for what has none."""
    return call.scope.place if offered(call.scope.place) or call.scope.place not in ("", "global") else HOME


def errors(document: Mapping[str, Any], known: Mapped, node: Node) -> Iterator[Any]:
    """What the schemas of a type refuse in a document."""
    from polysilicon.rehearsal.judges.cloudformation_keywords import validator_for

    yield from validator_for(node).iter_errors(document)
    for name, place in known.extensions.items():
        yield from _extended(document, name, place)


def _extended(document: Mapping[str, Any], name: str, place: str) -> Iterator[Any]:
    from polysilicon.rehearsal.judges.cloudformation_keywords import validator_for

    for path, part in values_at(document, place):
        for error in validator_for(_extension_node(name)).iter_errors(part):
            error.relative_path.extendleft(reversed(path))
            yield error


@functools.cache
def _extension_node(name: str) -> Node:
    found = extension(name)
    return Linker(found, whole=True).node(found)


def _problem(error: Any, known: Mapped, translation: Translation) -> Problem | None:
    """The problem behind an error; nothing where the table knows better."""
    place: Path = tuple(error.absolute_path)
    where = ".".join(str(step) for step in place if not isinstance(step, int))
    own = translation.origin(place)
    key = ".".join(str(step) for step in own if not isinstance(step, int))
    if known.loose.get(key) or _is_allowed(error, known, key):
        return None
    names = [known.own_name(key, name) for name in error.cause_names]
    theirs = [f"{where}.{name}" if where else name for name in error.cause_names]
    if theirs and all(name in known.optional for name in theirs):
        return None
    path = shown(own) or (names[0] if names else "")
    return Problem(f"{error.words(path, names)} ({known.schema})", path)


def _is_allowed(error: Any, known: Mapped, key: str) -> bool:
    return error.validator in ("enum", "anyOf", "pattern") and error.instance in known.also.get(key, ())
