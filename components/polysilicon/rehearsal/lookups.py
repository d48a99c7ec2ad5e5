"""Functions of the SDKs (`get_…`): answers about the account, about what exists, and about what lies outside.

What a lookup tells the program exists from then on, even if nothing here made it: it is learnt, so that the judge of
references does not refuse what a cloud has just answered. The summary says which answers were made up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from polysilicon.rehearsal.accounts import LONGEST_NAME, address
from polysilicon.rehearsal.forms import Form, arn_parts, table
from polysilicon.rehearsal.guesses import guessed
from polysilicon.rehearsal.identifiers import is_identifier
from polysilicon.rehearsal.listings import listed
from polysilicon.rehearsal.model import Fault, Problem, Record, RefusedError
from polysilicon.rehearsal.policies import policy_document
from polysilicon.rehearsal.shapes import Member, Shape
from polysilicon.rehearsal.simulation import Simulation
from polysilicon.rehearsal.synthesis import Synthesis
from polysilicon.rehearsal.templates import Maker
from polysilicon.rehearsal.values import Properties, strings
from polysilicon.rehearsal.zones import availability_zones

NO_RENDERING = (
    "this function renders a chart or a kustomization inside the provider's plugin, which a rehearsal does not have. "
    "Use helm.v3.Release, or run the real plugin with --provider kubernetes=PATH"
)


def _decode_yaml(args: Properties) -> Properties:
    return {"result": [document for document in yaml.safe_load_all(args.get("text", "")) if document]}


def _cannot_render(args: Properties) -> Properties:
    raise RefusedError(Problem(NO_RENDERING, fault=Fault.UNSUPPORTED))


PURE: Mapping[str, Callable[[Properties], Properties]] = {
    "aws:iam/getPolicyDocument:getPolicyDocument": policy_document,
    "kubernetes:yaml:decode": _decode_yaml,
    "kubernetes:helm:template": _cannot_render,
    "kubernetes:kustomize:directory": _cannot_render,
}
"""Functions whose answer follows from their arguments alone."""

PLACED: Mapping[str, Callable[[str, Properties], Properties]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": availability_zones,
}
"""Functions whose answer follows from the region and their arguments."""


class Lookups:
    """Answers lookups from what the simulation knows.

    Args:
        simulation: Whose accounts and SDKs.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def answer(self, settings: Mapping[str, Any], token: str, args: Properties) -> Properties:
        """The result of a function."""
        if token in PURE:
            return PURE[token](args)
        package = token.split(":")[0]
        shape = self._simulation.sdk.function(token)
        told = table(package).get("functions", {}).get(token)
        found = None if told else self._existing(token, args)
        result = self._complete(settings, token, args, shape, told, found)
        if told is None and found is None:
            self._simulation.note(f"The answer of {token} was made up: nothing in the simulated accounts matches.")
            self._simulation.accounts.learn(_named(result))
            again = self._complete(settings, token, args, shape, told, found, draw="again")
            self._simulation.made_up |= guessed(result, again)
        names = {text for _, text in strings(result) if len(text) <= LONGEST_NAME}
        self._simulation.accounts.learn(name for name in names if is_identifier(package, name))
        return result

    def _complete(
        self,
        settings: Mapping[str, Any],
        token: str,
        args: Properties,
        shape: Shape | None,
        told: Mapping[str, Any] | None,
        found: Record | None,
        draw: str = "",
    ) -> Properties:
        """The answer; what is made up of it is another with each `draw`."""
        places = self._simulation.places(token.split(":")[0])
        scope = places.scope(settings, token, args)
        called = next((text for name, text in args.items() if name.endswith("Name") and isinstance(text, str)), "")
        facts = {**places.facts(settings, scope), "name": called}
        if token in PLACED:
            told = {**(told or {}), **PLACED[token](facts["region"], args)}
        told = listed(self._simulation.accounts, scope, token, args) or told
        kin = "" if told or found else self._kin(token)
        form = self._form_of_kin(kin, shape) if kin else Form(id=found.id if found else "{hex:12}", outputs=told or {})
        maker = Maker(f"{token}|{json.dumps(args, sort_keys=True)}{draw}", {**facts, **arn_parts(kin or token)})
        base = _as_result(found, shape) if found else {}
        id_, result = Synthesis(scope.cloud, shape, form, maker).make({**base, **_given(args, told)})
        return result if shape is None or "id" not in shape.outputs else {**result, "id": args.get("id") or id_}

    def _kin(self, token: str) -> str:
        """The type of what a `getX` asks for, if there is a resource of that type: its answer has the same forms."""
        package, module, name = (*token.split(":"), "", "")[:3]
        wanted = name.removeprefix("get")
        usual = f"{package}:{module.split('/')[0]}/{wanted[:1].lower()}{wanted[1:]}:{wanted}"
        type_: str = table(package).get("asked_by", {}).get(token, usual)
        return type_ if name.startswith("get") and self._simulation.known(type_)[1] is not None else ""

    def _form_of_kin(self, kin: str, shape: Shape | None) -> Form:
        form = self._simulation.known(kin)[0]
        known = shape.outputs if shape else {}
        rows = {path: row for path, row in form.outputs.items() if path.split(".")[0] in known}
        return Form(id=form.id, outputs=rows)

    def _existing(self, token: str, args: Properties) -> Record | None:
        """The resource that a `getX` asks for: one of class X that has all the given values."""
        package, _, name = token.split(":")
        wanted = name.removeprefix("get")
        asked = {key: value for key, value in args.items() if isinstance(value, str)}
        if not asked:
            return None
        for record in reversed(self._simulation.accounts.records()):
            if record.package == package and record.type.rsplit(":", 1)[-1] == wanted and _has(record, asked):
                return record
        return None


def _named(result: Properties) -> list[str]:
    """How what was made up is named and reached: a cluster's name and a zone's id have no form that tells them."""
    told = {name: value for name, value in result.items() if isinstance(value, str) and value}
    named = [value for name, value in told.items() if name in ("id", "name") or name.endswith(("Id", "Name"))]
    return [*named, *(address(value) for name, value in told.items() if name == "endpoint")]


def _given(args: Properties, told: Mapping[str, Any] | None) -> Properties:
    """The arguments, which results repeat - save where the table has the answer."""
    return {name: value for name, value in args.items() if name not in (told or {})}


def _has(record: Record, asked: Mapping[str, str]) -> bool:
    known = {**record.outputs, "id": record.id}
    return all(known.get(key) == value or value in record.names for key, value in asked.items())


def _as_result(record: Record, shape: Shape | None) -> Properties:
    """A resource as its lookup tells it: the same properties, a single block as a list of one where it has lists."""
    outputs = {**record.outputs, "id": record.id}
    if shape is None:
        return outputs
    result = {name: _fitting(name, member, outputs) for name, member in shape.outputs.items()}
    return {name: value for name, value in result.items() if value is not None}


def _fitting(name: str, member: Member, outputs: Properties) -> Any:
    wants_list = isinstance(member.type, list) and member.type[0] == "list"
    value = outputs.get(name)
    if value is None and wants_list:
        singular = re.sub("ies$", "y", name) if name.endswith("ies") else name.removesuffix("s")
        value = outputs.get(singular)
        value = [value] if isinstance(value, Mapping) else value
    if value is None or isinstance(value, list) != wants_list:
        return None
    return value
