"""What became of the operations that a killed engine had begun, and how its stack is put right again.

The engine notes what it begins. When it is killed, those notes stay in the state with a lock, and only the cloud knows
whether a resource was made: the next update would make a second one. Here each note is held against the account, and
the state is edited so that the next update finds everything where it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeAlias

from polysilicon.engine.workbench import Workbench
from polysilicon.errors import UserError

Action: TypeAlias = Literal["import", "discard", "refresh", "clear", "keep"]
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"


class UnfindableError(Exception):
    """Why a resource cannot be looked for; the text completes «cannot be looked up: …»."""


@dataclass(frozen=True)
class Interrupted:
    """An operation that was begun and of which nobody knows the end.

    Attributes:
        operation: `creating`, `updating`, `deleting`, `reading` or `importing`.
        inputs: What the resource was to be, secrets opened.
        settings: The configuration of its provider.
        held: The ids under which the state knows this resource, or others of its type that may be in the same place.
        again: The state has a resource of this name already.
        physical: It would be in an account; components and providers are in the state alone.
    """

    urn: str
    type: str
    operation: str
    inputs: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    again: bool = False
    physical: bool = True

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True)
class Found:
    """A resource in the account that may be the one.

    Attributes:
        id: The id by which the provider imports it.
        place: Where it is, for a person.
        sure: Its name is what the program gave, or its tags say whose it is; otherwise it only looks alike.
    """

    id: str
    place: str = ""
    sure: bool = True


class Finder(Protocol):
    """Looks into accounts."""

    def find(self, wanted: Interrupted) -> Sequence[Found]:
        """What exists of that type with that identity, in no state; raises `UnfindableError` if it cannot say."""


@dataclass(frozen=True)
class Decision:
    """What is to be done about one interrupted operation.

    Attributes:
        action: `import`: it becomes part of the state. `discard`: it becomes part of the state as one that the next
            update deletes, because another took its place. `refresh`: it is read back. `clear`: nothing is there, the
            note goes. `keep`: a person must look; the note stays.
        told: What was found, in a few words.
        fix: What to do by hand, if anything.
    """

    wanted: Interrupted
    action: Action
    told: str
    found: Sequence[Found] = ()
    fix: str = ""


def interrupted(exported: Mapping[str, Any]) -> list[Interrupted]:
    """The operations that a state says were begun.

    Args:
        exported: What `pulumi stack export --show-secrets` gives.
    """
    deployment = exported.get("deployment") or {}
    resources = deployment.get("resources") or []
    providers = {r["urn"]: plain(r.get("inputs") or {}) for r in resources if _is_provider(r)}
    return [_interrupted(begun, resources, providers) for begun in deployment.get("pending_operations") or ()]


def _interrupted(
    begun: Mapping[str, Any], resources: Sequence[Mapping[str, Any]], providers: Mapping[str, Mapping[str, Any]]
) -> Interrupted:
    told = begun["resource"]
    here = _place(told, providers)
    alike = [r for r in resources if r["type"] == told["type"] and r.get("id")]
    return Interrupted(
        urn=told["urn"],
        type=told["type"],
        operation=begun["type"],
        inputs=plain(told.get("inputs") or {}),
        settings=_settings(told, providers),
        held=frozenset(str(r["id"]) for r in alike if not _apart(here, _place(r, providers))),
        again=any(r["urn"] == told["urn"] and not r.get("delete") for r in resources),
        physical=bool(told.get("custom", True)) and not _is_provider(told),
    )


_PLACES = ("kubeconfig", "context", "project", "region", "location", "zone")
"""Inputs, and settings of providers, that say where a resource is."""


def _is_provider(resource: Mapping[str, Any]) -> bool:
    return str(resource["type"]).startswith("pulumi:providers:")


def _settings(resource: Mapping[str, Any], providers: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The configuration of a resource's provider."""
    return providers.get(str(resource.get("provider") or "").rpartition("::")[0], {})


def _place(resource: Mapping[str, Any], providers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    inputs, settings = resource.get("inputs") or {}, _settings(resource, providers)
    return {name: plain(inputs.get(name)) or settings.get(name) for name in _PLACES}


def _apart(here: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    """Whether two places are surely different ones, where the same id means different things."""
    return any(here[name] and there[name] and here[name] != there[name] for name in _PLACES)


def plain(value: Any) -> Any:
    """A value of the state with its secrets opened, as far as they were exported open."""
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) == _SECRET:
            return json.loads(value["plaintext"]) if "plaintext" in value else None
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def decide(operations: Sequence[Interrupted], finder: Finder) -> list[Decision]:
    """What is to be done about each of them; two that would claim the same resource claim none."""
    decisions = [_decide(operation, finder) for operation in operations]
    claims = Counter((d.wanted.type, found.id) for d in decisions if d.action != "keep" for found in d.found)
    return [_unless_claimed(decision, claims) for decision in decisions]


def _decide(wanted: Interrupted, finder: Finder) -> Decision:
    if wanted.operation in ("updating", "deleting"):
        return Decision(wanted, "refresh", f"was {wanted.operation}: the provider is asked how it is now")
    if not wanted.physical:
        return Decision(wanted, "clear", "is no resource of an account")
    if wanted.operation != "creating":
        return Decision(wanted, "clear", f"was {wanted.operation}: nothing was changed")
    try:
        found = list({one.id: one for one in finder.find(wanted) if one.id not in wanted.held}.values())
    except UnfindableError as why:
        return Decision(wanted, "keep", f"cannot be looked up: {why}", fix=_BY_HAND)
    return _decide_found(wanted, found)


def _decide_found(wanted: Interrupted, found: Sequence[Found]) -> Decision:
    if not found:
        return Decision(wanted, "clear", "not in the account")
    names = ", ".join(one.id for one in found)
    if len(found) > 1 or not found[0].sure:
        return Decision(wanted, "keep", f"may be {names}", found, _BY_HAND)
    if wanted.again:
        return Decision(wanted, "discard", f"{names}, beside the one in the state", found)
    return Decision(wanted, "import", f"{names}", found)


def _unless_claimed(decision: Decision, claims: Mapping[tuple[str, str], int]) -> Decision:
    if any(claims[decision.wanted.type, found.id] > 1 for found in decision.found):
        return replace(decision, action="keep", told=f"{decision.told}, which another one may be too", fix=_BY_HAND)
    return decision


_BY_HAND = (
    "look in the account; then `pulumi refresh --import-pending-creates URN,ID` for one that is there, and "
    "`pulumi refresh --clear-pending-creates` for those that are not"
)


def carry_out(decisions: Sequence[Decision], bench: Workbench) -> None:
    """Cancels the update that is no more, edits the state, and reads back what was taken into it.

    Raises `UserError` with the engine's own words if it refuses a step; each step can be repeated.
    """
    bench.cancel()
    if not decisions:
        return
    bench.put(edited(bench.export(), decisions))
    read_back = [d.wanted.urn for d in decisions if d.action in ("import", "discard", "refresh")]
    if read_back:
        bench.refresh(sorted(set(read_back)))


def edited(exported: Mapping[str, Any], decisions: Sequence[Decision]) -> dict[str, Any]:
    """The state after the decisions: found resources among the others, and only those notes that must stay.

    The decisions are in the order of the notes; `UserError` if they are about others than the state has. A resource
    that is taken in has no outputs yet: by that the providers know that they are to read it by its id alone.
    """
    deployment = dict(exported["deployment"])
    notes = deployment.pop("pending_operations", None) or []
    _require_same(notes, decisions)
    kept = [note for note, decision in zip(notes, decisions, strict=True) if decision.action == "keep"]
    taken = list(_taken(notes, decisions))
    if kept:
        deployment["pending_operations"] = kept
    return {**exported, "deployment": {**deployment, "resources": [*(deployment.get("resources") or []), *taken]}}


def _require_same(notes: Sequence[Mapping[str, Any]], decisions: Sequence[Decision]) -> None:
    """Raises unless the state still has what was decided about: between the two a person was asked."""
    got = [f"{note['type']} {note['resource']['urn']}" for note in notes]
    decided = [f"{decision.wanted.operation} {decision.wanted.urn}" for decision in decisions]
    if got != decided:
        raise UserError(
            "what was begun is not what was decided about: the state has changed meanwhile\n"
            f"  got: {', '.join(got) or 'nothing that was begun'}\n  allowed: {', '.join(decided) or 'nothing'}\n"
            "  fix: make sure that nothing else updates the stack, and run `polysilicon recover` again"
        )


def _taken(notes: Sequence[Mapping[str, Any]], decisions: Sequence[Decision]) -> Iterator[dict[str, Any]]:
    for note, decision in zip(notes, decisions, strict=True):
        if decision.action in ("import", "discard"):
            discarded = {"delete": True} if decision.action == "discard" else {}
            yield {**note["resource"], "id": decision.found[0].id, **discarded}
