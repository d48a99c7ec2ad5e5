"""The values that controllers move while nobody looks: replicas, sizes of node groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.controllers.clusters import cluster_of, runs
from polysilicon.rehearsal.controllers.table import Bound, Move, move_of
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.values import at

Running: TypeAlias = dict[tuple[int, tuple[str, ...]], bool]
"""Whether a cluster, by the key of its record, runs one of some programs."""

SCALE = {"manager": "kube-controller-manager", "operation": "Update", "subresource": "scale"}
"""Who owns a field that was set through the subresource `scale`."""


def move_all(accounts: Accounts) -> list[Record]:
    """Moves every value that something in the accounts moves, by one, inside its bounds.

    Returns:
        What was changed, as it is now.
    """
    moved: list[Record] = []
    known: Running = {}
    for record in accounts.of_types(lambda type_: move_of(type_) is not None):
        move = move_of(record.type)
        if move is not None and _is_there(move, record, accounts, known):
            for target in _targets(move, record, accounts):
                moved += _move(move, record, target, accounts)
    return moved


def _is_there(move: Move, record: Record, accounts: Accounts, known: Running) -> bool:
    """Whether who moves it runs in the cluster. Moving starts and ends nothing, so one look at a cluster is enough."""
    if not move.running:
        return True
    cluster = cluster_of(record, accounts, move.cluster_at)
    key = cluster.key if cluster else 0, move.running
    if key not in known:
        known[key] = runs(cluster, accounts, move.running)
    return known[key]


def _targets(move: Move, record: Record, accounts: Accounts) -> Iterator[Record]:
    """What is moved: the record itself, if its program gave the value, or what a scaler names."""
    if not move.target:
        yield from [record] if at(record.inputs, move.property) is not None else []
        return
    named = at(record.inputs, move.target) or {}
    # The kind is optional for a ScaledObject: a Deployment, as its specification says.
    kind, namespace = named.get("kind") or "Deployment", at(record.outputs, "metadata.namespace")
    for found in accounts.called(f"{namespace}/{named.get('name')}"):
        if found.scope == record.scope and found.type.rsplit(":", 1)[-1] == kind:
            yield found


def _move(move: Move, scaler: Record, target: Record, accounts: Accounts) -> list[Record]:
    present = at(target.outputs, move.property)
    now = 1 if present is None else int(present)
    least, most = _bound(scaler, move.least), _bound(scaler, move.most)
    value = now if least is None or most is None else _next(now, least, most)
    if value == now:
        return []
    path = move.property.split(".")
    given = at(target.inputs, move.property) is not None
    inputs = _with(target.inputs, path, value) if given else target.inputs
    outputs = _with(target.outputs, path, value)
    if target.package == "kubernetes":
        outputs = _owned(outputs, path, target)
    changed = replace(target, inputs=inputs, outputs=outputs)
    accounts.change(changed)
    return [changed]


def _next(now: int, least: int, most: int) -> int:
    """One more, one less at the upper bound, or the nearest bound for what is outside of them."""
    if not least <= now <= most:
        return min(max(now, least), max(least, most))
    return now + 1 if now < most else max(least, now - 1)


def _bound(scaler: Record, bound: Bound) -> int | None:
    found = at(scaler.outputs, bound.at)
    return bound.default if found is None else int(found)


def _owned(outputs: Mapping[str, Any], path: list[str], target: Record) -> dict[str, Any]:
    """The outputs, with the mover in the object's list of who owns which field."""
    version = target.type.split(":")[1]
    fields: dict[str, Any] = {}
    for step in reversed(path):
        fields = {f"f:{step}": fields}
    entry = {**SCALE, "apiVersion": version, "fieldsType": "FieldsV1", "fieldsV1": fields}
    others = [e for e in at(outputs, "metadata.managedFields") or [] if e.get("subresource") != "scale"]
    return _with(outputs, ["metadata", "managedFields"], [*others, entry])


def _with(value: Any, path: list[str], new: Any) -> dict[str, Any]:
    step, *rest = path
    inner = value.get(step) if isinstance(value, Mapping) else None
    return {**(value or {}), step: _with(inner or {}, rest, new) if rest else new}
