"""Google Cloud inputs against what the provider checks itself and against Google's own API schemas.

The provider checks first, before it calls Google: enumerations, ranges, names, what must be given and what excludes
what. What it lets through is held against the discovery documents that google-api-python-client carries: enumerations,
types, the ranges of numbers, names that no object of the API has.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.judges.discovery_documents import Document, Spec, document, folder
from polysilicon.rehearsal.judges.discovery_mapping import is_listed_whole, is_provider_only, member, names_of, target
from polysilicon.rehearsal.judges.discovery_provider import refused_by_provider
from polysilicon.rehearsal.judges.discovery_slices import refused_resize, refused_shape
from polysilicon.rehearsal.judges.discovery_values import wrong
from polysilicon.rehearsal.model import Call, Problem, Tally
from polysilicon.rehearsal.values import UNKNOWN, Path, leaves, shown

_MISSING = "Google Cloud inputs: install `polysilicon[rehearse]` to judge them"


class Discovery:
    """Judges values on Google Cloud; see the module."""

    name = "Google schemas"

    def __init__(self) -> None:
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """What is wrong with the inputs of a check, and whether an update may be."""
        if call.package != "gcp" or call.operation not in ("check", "update"):
            return ()
        if call.operation == "update":
            return refused_resize(call)
        problems = [*refused_by_provider(call), *refused_shape(call), *self._against_schema(call)]
        # One mistake is told once, by who finds it first.
        return {problem.property or problem.message: problem for problem in reversed(problems)}.values()

    def _against_schema(self, call: Call) -> list[Problem]:
        aim = target(call.type)
        held = document(aim.document) if aim.document else None
        if held is None:
            reason = f"resources of gcp: {aim.reason}" if aim.reason or folder() else _MISSING
            self.tally.unjudged[reason] += 1
            return []
        reading = _Reading(held)
        problems = list(reading.read_object(call.inputs, held.schemas[aim.schema], ()))
        self.tally.inputs += reading.held
        if beside := sum(1 for _ in leaves(call.inputs)) - reading.held:
            self.tally.unjudged["inputs of gcp that the API has no property for"] += beside
        return problems


class _Reading:
    """One walk through the inputs of a resource, along a schema.

    Attributes:
        held: How many inputs were held against it.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self.held = 0

    def read_object(self, value: Mapping[str, Any], spec: Spec, path: Path) -> Iterator[Problem]:
        """The problems of an object's properties; those that the API does not have are passed over."""
        for name, item in value.items():
            found = member(self._document, spec, name)
            if found is not None:
                yield from self._read(item, found, (*path, name))
            elif path and is_listed_whole(self._document, spec) and not is_provider_only(self._document, spec, name):
                yield from _unknown(name, self._document, spec, path)

    def _read(self, value: Any, spec: Spec, path: Path) -> Iterator[Problem]:
        spec = self._document.resolved(spec)
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._read(item, spec.get("items", spec), (*path, index))
        elif isinstance(value, Mapping):
            yield from self._read_mapping(value, self._document.resolved(spec.get("items", spec)), path)
        else:
            yield from self._read_scalar(value, spec, path)

    def _read_mapping(self, value: Mapping[str, Any], spec: Spec, path: Path) -> Iterator[Problem]:
        if "properties" in spec:
            yield from self.read_object(value, spec, path)
        elif isinstance(spec.get("additionalProperties"), Mapping):
            for name, item in value.items():
                yield from self._read(item, spec["additionalProperties"], (*path, name))

    def _read_scalar(self, value: Any, spec: Spec, path: Path) -> Iterator[Problem]:
        if spec.get("type") in ("array", "object"):
            return  # the SDK has flattened it: what it makes of the value is its own affair
        self.held += 1
        if value != UNKNOWN and (reason := wrong(value, spec, path)):
            yield Problem(reason, shown(path))


def _unknown(name: str, document: Document, spec: Spec, path: Path) -> Iterator[Problem]:
    """A name that neither the API nor the SDK has. Only what is sure: a newer SDK may have names that the tables lack,
    but none of them has an underscore, and few differ from a known one by a letter."""
    known = [*names_of(document, spec)]
    camel = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    near = difflib.get_close_matches(camel[:1].lower() + camel[1:], known, 1, 0.84)
    if "_" in name or near:
        meant = f" Did you mean `{near[0]}`?" if near else ""
        # The provider's words, before it calls Google: terraform-plugin-sdk, helper/schema/schema.go.
        yield Problem(f'Invalid or unknown key: "{name}" in {shown(path)}.{meant}', shown((*path, name)))
