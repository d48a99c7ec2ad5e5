"""What a rehearsal comes to: the engine's result, the state, the accounts, and what was left over."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from polysilicon.rehearsal.clock import Timeline
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.provenance import made_by, note_of, owner_seed
from polysilicon.rehearsal.values import MASK

Operation: TypeAlias = Literal["up", "preview", "refresh", "destroy"]
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_STACK = "pulumi:pulumi:Stack"
_TOLD_APART = ("resources", "accounts", "leftovers", "events", "timeline")


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource in the stack's state, secrets masked."""

    urn: str
    type: str
    id: str = ""
    parent: str = ""
    provider: str = ""
    dependencies: Sequence[str] = ()
    property_dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    custom: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def links(self) -> Iterator[str]:
        """The URNs of all that was made before it for sure."""
        yield from self.dependencies
        for others in self.property_dependencies.values():
            yield from others
        yield from (urn for urn in (self.parent, self.provider.rpartition("::")[0]) if urn)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of one rehearsed operation.

    Attributes:
        exit_code: The engine's.
        changes: How many resources the engine created, updated, replaced, deleted, left the same …
        resources: The stack's state afterwards.
        outputs: The stack's outputs, secrets masked.
        accounts: All that exists in the simulated accounts, other stacks' resources included.
        leftovers: What exists on behalf of this stack although its state does not hold it, nor what it was made for.
        judged: How many inputs each judge held against what it knows.
        unjudged: What was not judged and why, with how often.
        notes: What was assumed or made up.
        errors: The engine's error messages, as it showed them.
        lucky: What came in time by luck alone: dependencies that the program forgot, each in a sentence.
        events: The engine's event log, until the next operation.
        timeline: How long it would have taken, in simulated seconds; None for a preview or refresh.
        log: The engine's output, if it was captured.
        seconds: How long the engine took.
        state: The folder that keeps state and accounts.
    """

    operation: Operation
    project: str
    stack: str
    exit_code: int
    changes: Mapping[str, int] = field(default_factory=dict)
    resources: Sequence[Resource] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    accounts: Sequence[Record] = ()
    leftovers: Sequence[Record] = ()
    judged: Mapping[str, int] = field(default_factory=dict)
    unjudged: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    errors: Sequence[str] = ()
    lucky: Sequence[str] = ()
    events: Path | None = None
    timeline: Timeline | None = None
    log: str = ""
    seconds: float = 0.0
    state: str = ""

    @property
    def ok(self) -> bool:
        """Whether the engine succeeded, by more than luck, and, after a destroy, nothing is left."""
        left = self.operation == "destroy" and self.leftovers
        return self.exit_code == 0 and not self.lucky and not left

    @property
    def changed(self) -> int:
        """How many resources the engine did not leave the same."""
        return sum(count for kind, count in self.changes.items() if kind not in ("same", "read", "refresh"))

    def by_type(self, type_: str) -> list[Resource]:
        """The resources of a type, in the order of the state."""
        return [resource for resource in self.resources if resource.type == type_]

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON data, for other programs."""
        return {
            **{name: value for name, value in vars(self).items() if name not in _TOLD_APART},
            "ok": self.ok,
            "events": str(self.events) if self.events else None,
            "timeline": self.timeline.as_json() if self.timeline else None,
            "resources": [vars(resource) for resource in self.resources],
            "accounts": [_record(record) for record in self.accounts],
            "leftovers": [_record(record) for record in self.leftovers],
        }


def resources_of(export: Mapping[str, Any]) -> list[Resource]:
    """The resources in an exported state."""
    deployment = export.get("deployment") or {}
    names = {name: name for name in Resource.__dataclass_fields__} | {"propertyDependencies": "property_dependencies"}
    return [
        Resource(**{names[name]: masked(value) for name, value in told.items() if name in names and value is not None})
        for told in deployment.get("resources") or ()
    ]


def outputs_of(resources: Sequence[Resource]) -> dict[str, Any]:
    """The stack's outputs."""
    return next((dict(resource.outputs) for resource in resources if resource.type == _STACK), {})


def masked(value: Any) -> Any:
    """A value of the state without its secrets."""
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) == _SECRET:
            return MASK
        return {key: masked(item) for key, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, list) else value


def leftovers_of(accounts: Sequence[Record], resources: Sequence[Resource], project: str, stack: str) -> list[Record]:
    """What exists on behalf of a stack although its state does not hold it."""
    held = {(resource.urn, resource.id) for resource in resources}
    urns = {resource.urn for resource in resources}
    seeds = {record.seed for record in accounts}
    mine = f"urn:pulumi:{stack}::{project}::"

    def is_held(record: Record) -> bool:
        # What a controller made lives as long as what it was made for, not a successor of that.
        made_for_held = record.urn in urns and owner_seed(record) in seeds
        return made_for_held if record.maker else (record.urn, record.id) in held

    return [record for record in accounts if record.urn.startswith(mine) and not is_held(record)]


def read_events(file: Path) -> tuple[dict[str, int], list[str]]:
    """The counts of changes and the error messages from the engine's event log."""
    changes: Counter[str] = Counter()
    errors: list[str] = []
    if not file.exists():
        return {}, []
    for event in _events(file):
        if "summaryEvent" in event:
            changes.update(event["summaryEvent"].get("resourceChanges") or {})
        told = event.get("diagnosticEvent") or {}
        if told.get("severity") == "error":
            errors.append(_plain(told.get("message", "")))
    return dict(changes), errors


def _events(file: Path, having: str = "") -> Iterator[Mapping[str, Any]]:
    """The events of a log whose lines have a text: reading all is slow."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if having not in line:
            continue
        try:
            event = json.loads(line)
        except ValueError:
            continue  # the last line of an engine that was killed while it wrote
        yield event


def read_operations(file: Path) -> list[tuple[str, str]]:
    """What the engine has done, in its order, from its event log: the operation's name, and the URN."""
    if not file.exists():
        return []
    told = [event["resOutputsEvent"]["metadata"] for event in _events(file, '"resOutputsEvent"')]
    return [(step["op"], step["urn"]) for step in told]


def _plain(message: str) -> str:
    """A message without the engine's colour marks, which look like `<{%reset%}>`."""
    parts = message.split("<{%")
    return "".join([parts[0], *(part.split("%}>", 1)[-1] for part in parts[1:])]).strip()


def _record(record: Record) -> dict[str, Any]:
    told = {"type": record.type, "id": record.id, "urn": record.urn, "scope": str(record.scope)}
    return {**told, "made_by": made_by(record), "fix": note_of(record, "fix")} if record.maker else told
