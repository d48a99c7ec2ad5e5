"""Looks into the simulated accounts as `recover` looks into real ones: by what a person could see there, not by whose
a resource is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from polysilicon.engine.recover import Found, Interrupted, UnfindableError
from polysilicon.identity import is_identity
from polysilicon.rehearsal import providers
from polysilicon.rehearsal.model import RefusedError
from polysilicon.rehearsal.simulation import Simulation
from polysilicon.rehearsal.values import at, public


class AccountsFinder:
    """Finds resources of a rehearsal.

    Args:
        simulation: Whose accounts.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def find(self, wanted: Interrupted) -> Sequence[Found]:
        """Resources of the same type and place that have the same name; if the type has no names, the same inputs.

        Of a type that could have tags, equal inputs are no proof without those that tell a resource from all others.
        """
        package = wanted.type.split(":")[0]
        try:
            settings = providers.settings(wanted.settings)
            scope = self._simulation.places(package).scope(settings, wanted.type, wanted.inputs)
        except RefusedError as refusal:
            raise UnfindableError(str(refusal)) from refusal
        there = [r for r in self._simulation.accounts.of_types(wanted.type.__eq__) if r.scope == scope]
        form, shape = self._simulation.known(wanted.type)
        name = form.autoname.property if form.autoname else ""
        if name and at(wanted.inputs, name):
            # An id such as `{clusterName}:{nodeGroupName}` says what else belongs to the name.
            parts = [part for part in re.findall(r"{(\w+)}", form.id) if part in wanted.inputs]
            around = (name, *parts, "metadata.namespace", "namespace")
            there = [r for r in there if all(at(r.inputs, path) == at(wanted.inputs, path) for path in around)]
            return [Found(record.id, str(record.scope)) for record in there]
        sure = shape is None or "tags" not in shape.inputs or is_identity(wanted.inputs.get("tags") or {})
        alike = [r for r in there if _without_empty(r.inputs) == _without_empty(public(wanted.inputs))]
        return [Found(record.id, str(record.scope), sure=sure) for record in alike]


def _without_empty(value: Any) -> Any:
    """A value as the wire has it: an absent property and an empty one are the same."""
    if isinstance(value, Mapping):
        return {key: _without_empty(item) for key, item in value.items() if item is not None}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value
