"""Who owns a field of an object: server-side apply does not take it back from a controller that has set it since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.model import Call, Fault, Problem, Tally
from polysilicon.rehearsal.values import UNKNOWN, at

FORCE = "pulumi.com/patchForce"


class Ownership:
    """Refuses an update that applies another value to a field that a controller owns."""

    name = "ownership"

    def __init__(self) -> None:
        self.tally = Tally()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """The conflict, if there is one; it may be forced, or switched off with server-side apply."""
        record = call.record
        if call.operation != "update" or record is None or call.package != "kubernetes":
            return ()
        owners = at(record.outputs, "metadata.managedFields")
        if not owners or _is_forced(call) or call.settings.get("enableServerSideApply") in (False, "false"):
            return ()
        self.tally.inputs += 1
        return [_problem(call, owner, path) for owner, path in _owned(owners) if _differs(call, path)]


def _is_forced(call: Call) -> bool:
    annotations = at(call.inputs, "metadata.annotations") or {}
    return isinstance(annotations, dict) and str(annotations.get(FORCE, "")).lower() == "true"


def _owned(owners: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    for owner in owners:
        for path in _paths(owner.get("fieldsV1") or {}):
            yield owner, path


def _paths(fields: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, inner in fields.items():
        path = f"{prefix}.{name.removeprefix('f:')}".lstrip(".")
        yield from _paths(inner, path) if inner else [path]


def _differs(call: Call, path: str) -> bool:
    wanted = at(call.inputs, path)
    there = at(call.record.outputs, path) if call.record else None
    return wanted not in (None, UNKNOWN) and wanted != there


def _problem(call: Call, owner: dict[str, Any], path: str) -> Problem:
    # The words of apimachinery (managedfields, internal/conflict.go) and of the provider (await.go).
    kind = call.type.rsplit(":", 1)[-1]
    text = (
        f"the Kubernetes API server reported that {call.id!r} failed to fully initialize or become live: "
        "Server-Side Apply field conflict detected. Apply failed with 1 conflict: conflict with "
        f'"{owner["manager"]}" with subresource "{owner["subresource"]}" using {owner["apiVersion"]}: .{path}\n'
        f"{kind} {call.id}: an autoscaler set {path} to {at(call.record.outputs, path) if call.record else None}, "
        f"the program applies {at(call.inputs, path)}. Leave {path} out of the program, or set "
        f'ignore_changes=["{path}"]; the annotation {FORCE}: "true" takes it back'
    )
    return Problem(text, path, Fault.IN_USE)
