"""The simulated clouds behind the providers: check, compare, create, read, update and delete, for any package.

Nothing here knows a cloud: what differs between them is in `data/`, and where a resource is comes from `places`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from polysilicon.catalog import Catalog, load_catalog
from polysilicon.rehearsal.accounts import Accounts, address
from polysilicon.rehearsal.cluster import Rollouts
from polysilicon.rehearsal.defaults import with_defaults
from polysilicon.rehearsal.differences import Difference, Replacement, differences, under
from polysilicon.rehearsal.discretion import discreet
from polysilicon.rehearsal.forms import Form, arn_parts, form_of, table
from polysilicon.rehearsal.guesses import guessed, masked
from polysilicon.rehearsal.identifiers import names_of, normal
from polysilicon.rehearsal.model import Call, Fault, Hooks, Judge, Operation, Problem, Record, RefusedError, Tally
from polysilicon.rehearsal.naming import Proposal, named, was_made
from polysilicon.rehearsal.outside import is_outside, told_by_id
from polysilicon.rehearsal.places import ByKubeconfig, ByTable, Places
from polysilicon.rehearsal.read_back import advice, read_back
from polysilicon.rehearsal.remains import HalfMadeError, Remains, asks_nothing, remains_of, sentence_of
from polysilicon.rehearsal.replacement import create_only
from polysilicon.rehearsal.schedule import Schedule
from polysilicon.rehearsal.shapes import Sdk, Shape
from polysilicon.rehearsal.synthesis import Synthesis
from polysilicon.rehearsal.templates import Maker
from polysilicon.rehearsal.values import UNKNOWN, Properties, at, public, strings
from polysilicon.rehearsal.wording import already_exists


@dataclass(frozen=True)
class Comparison:
    """What changed, and whether the old resource must go before the new one can come."""

    changes: Sequence[Difference]
    delete_first: bool

    @property
    def replaces(self) -> bool:
        """Whether any change makes a new resource."""
        return any(change.replaces for change in self.changes)


class Simulation:
    """Answers for every package at once.

    Args:
        accounts: What exists.
        sdk: What the program's SDKs declare.
        judges: Who may refuse a call.
        hooks: What else happens around every change.
        folder: Where the program runs.
        schedule: In which order creates end.
        catalog: What machines have; by default the shipped catalog.
    """

    def __init__(
        self,
        accounts: Accounts,
        sdk: Sdk,
        judges: Sequence[Judge],
        hooks: Hooks,
        folder: Path,
        schedule: Schedule | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        self.accounts, self.sdk, self.judges, self.hooks = accounts, sdk, judges, hooks
        self.schedule = schedule or Schedule()
        self.notes: dict[str, None] = {}
        self.made_up: set[str] = set()  # what was told of things that nobody here knows
        self.rollouts = Rollouts(accounts, catalog or load_catalog(), self.schedule, self.note)
        self._folder = folder
        self._places: dict[str, Places] = {}
        self._forms: dict[str, tuple[Form, Shape | None]] = {}
        self._lock = threading.Lock()

    def note(self, text: str) -> None:
        """Remembers a sentence for the summary, once."""
        self.notes.setdefault(text)

    def tallies(self) -> dict[str, Tally]:
        """How much each judge could judge, and how much of the rollouts."""
        judged = {judge.name: judge.tally for judge in self.judges}
        return {**judged, self.rollouts.name: self.rollouts.tally}

    def places(self, package: str) -> Places:
        """Where resources of a package are."""
        if package not in self._places:
            by_cluster = table(package).get("scope", {}).get("by") == "kubeconfig"
            made: Places = ByTable(package, self.note)
            if by_cluster:
                made = ByKubeconfig(self.accounts, self.note, self._folder)
            self._places[package] = made
        return self._places[package]

    def known(self, type_: str) -> tuple[Form, Shape | None]:
        """What the tables and the SDK know of a type."""
        with self._lock:
            if type_ not in self._forms:
                # A Kubernetes object answers what it was given; only charts have outputs of their own to make up.
                reflected = table(type_.split(":")[0]).get("reflected")
                asked = reflected is None or any(type_.startswith(prefix) for prefix in reflected)
                shape = self.sdk.resource(type_) if asked else None
                self._forms[type_] = form_of(type_, shape), shape
            return self._forms[type_]

    def call(
        self,
        operation: Operation,
        settings: Mapping[str, Any],
        urn: str,
        inputs: Properties,
        id_: str = "",
        outputs: Properties | None = None,
        preview: bool = False,
        timeout: float = 0.0,
    ) -> Call:
        """A call with its place and, if it has an id, with what exists under that id.

        Args:
            outputs: What is known of it already: a place that was once decided does not move with the settings.
        """
        type_, name = parts(urn)
        package = type_.split(":")[0]
        scope = self.places(package).scope(settings, type_, {**(outputs or {}), **inputs})
        return Call(
            operation=operation,
            package=package,
            type=type_,
            urn=urn,
            name=name,
            scope=scope,
            inputs=public(inputs),
            settings=settings,
            record=self.accounts.get(scope, type_, id_, urn) if id_ else None,
            id=id_,
            preview=preview,
            timeout=timeout,
        )

    def check(
        self, settings: Mapping[str, Any], urn: str, inputs: Properties, old: Properties, proposal: Proposal
    ) -> Properties:
        """The inputs as the provider takes them: named, completed.

        The engine's own random seed is not used: a rehearsal of the same program gives the same names each time, and
        still another one each time that a resource is made anew.
        """
        type_, name = parts(urn)
        form, shape = self.known(type_)
        completed = self.places(type_.split(":")[0]).complete(settings, type_, shape, inputs)
        if form.autoname is None:
            return completed
        return named(completed, old, form.autoname, name, self._seed(urn), proposal)

    def _seed(self, urn: str) -> str:
        return f"{urn}|{self.accounts.times_made(urn)}"

    def judge(self, call: Call) -> list[Problem]:
        """What the judges say, one call at a time."""
        with self.accounts.changing():
            problems = [problem for judge in self.judges for problem in judge.judge(call, self.accounts)]
        return discreet(problems, call.inputs, self.known(call.type)[0].secret)

    def judge_check(
        self, settings: Mapping[str, Any], urn: str, inputs: Properties, old: Properties | None = None
    ) -> list[Problem]:
        """What the judges say of the inputs alone. A place that cannot be reached yet is no matter here."""
        try:
            call = self.call("check", settings, urn, masked(inputs, self.made_up), preview=True)
            return self.judge(replace(call, unchanged=bool(old) and public(old or {}) == public(inputs)))
        except RefusedError:
            return []

    def compare(
        self, type_: str, old: Properties, new: Properties, settings: Mapping[str, Any], more: Iterable[Difference] = ()
    ) -> Comparison:
        """The difference between two sets of inputs, the old ones as the cloud answers them; and what more there is."""
        form, _ = self.known(type_)
        changes = [*differences(read_back(type_, old), new, self.replacement(type_, form, settings, new)), *more]
        replaced = any(change.replaces for change in changes)
        return Comparison(changes, replaced and self._takes_same_name(form, old, new))

    def replacement(self, type_: str, form: Form, settings: Mapping[str, Any], new: Properties) -> Replacement:
        """Which changes make a new resource: those of its identity, and what the cloud cannot change in place."""
        mutable = form.mutable_with and settings.get(form.mutable_with) and not new.get("immutable")
        asked = {name for flag, names in form.replaces_if.items() if new.get(flag) is True for name in names}
        replaces = form.replaces | create_only(type_) | asked
        return under(*(replaces - CONTENTS if mutable else replaces))

    def preview(self, call: Call) -> Properties:
        """What a create would give, as far as it is known."""
        self._plan(call)
        return self._synthesis(call, seed="", preview=True).make(with_defaults(call.type, call.inputs))[1]

    def preview_update(self, call: Call) -> Properties:
        """What an update would give: what was computed before stays."""
        self._plan(call)
        before = kept_outputs(call.record) if call.record else None
        return self._synthesis(call, seed="", preview=True).make(with_defaults(call.type, call.inputs), before)[1]

    def _plan(self, call: Call) -> None:
        self._refuse(self.judge(call))
        self.accounts.plan(call.urn, call.inputs)

    def create(self, call: Call) -> Record:
        """Makes a resource; raises `HalfMadeError` where that fails and leaves something."""
        self.schedule.hold(call)
        try:
            self._run(self.hooks.before, call)
            record = self._make(call)
        except RefusedError as refusal:
            self._leave(call, refusal)
            raise
        self._run(self.hooks.after, replace(call, record=record, id=record.id))
        return self.rollouts.wait(call, record)

    def _leave(self, call: Call, refusal: RefusedError) -> None:
        """Raises `HalfMadeError` if a refused create has begun, and nothing else would have stopped it at once."""
        if (left := remains_of(call.type, refusal)) is None:
            return
        try:
            record = self._make(call, left)
        except RefusedError:
            return
        if not left.note:  # it comes right by itself, and what others make of it is made
            self._run(self.hooks.after, replace(call, record=record, id=record.id))
        raise HalfMadeError(record, refusal) from refusal

    def _make(self, call: Call, left: Remains | None = None) -> Record:
        seed = self._seed(call.urn)
        synthesis = self._synthesis(call, seed)
        with self.accounts.changing():
            self._refuse([each for each in self.judge(call) if left is None or not left.told_by(each)])
            id_, outputs = synthesis.make(with_defaults(call.type, call.inputs))
            self._refuse(self._taken(call, id_, synthesis.form))
            outputs = self._answered(call.type, outputs)
            outputs |= left.outputs if left else {}
            made = Record(
                key=0,
                package=call.package,
                type=call.type,
                urn=call.urn,
                name=call.name,
                id=id_,
                scope=call.scope,
                inputs=call.inputs,
                outputs=outputs,
                names=names_of(call.package, id_, call.inputs, outputs),
                seed=seed,
            )
            return self.accounts.add(made)

    def update(self, call: Call) -> Properties:
        """Changes a resource in place."""
        if call.record is not None:
            self._note_broken(call.record)
        if call.record is not None and asks_nothing(call):
            return call.record.outputs
        self._run(self.hooks.before, call)
        record = call.record
        if record is None:
            raise RefusedError(
                Problem(f"updating {call.kind} ({call.id}): it does not exist any more", fault=Fault.NOT_FOUND)
            )
        synthesis = self._synthesis(call, record.seed)
        with self.accounts.changing():
            self._refuse(self.judge(call))
            _, outputs = synthesis.make(with_defaults(call.type, call.inputs), kept_outputs(record))
            outputs = self._answered(call.type, outputs)
            for name in synthesis.form.increments & outputs.keys():
                outputs[name] = int(outputs[name]) + 1
            names = names_of(call.package, record.id, call.inputs, outputs)
            changed = replace(record, inputs=call.inputs, outputs=outputs, names=names, urn=call.urn)
            self.accounts.change(changed)
        self._run(self.hooks.after, replace(call, record=changed))
        return self.rollouts.wait(call, changed).outputs

    def _answered(self, type_: str, outputs: Properties) -> Properties:
        if told := advice(type_, outputs):
            self.note(told)
        return read_back(type_, outputs)

    def _note_broken(self, record: Record) -> None:
        if told := sentence_of(record):
            self.note(told)

    def delete(self, call: Call) -> None:
        """Takes a resource away, and what vanishes with it; what is gone already is no mistake."""
        self._run(self.hooks.before, call)
        with self.accounts.changing():
            if call.record is not None:
                self._refuse(self.judge(call))
                self.accounts.remove(call.record)
                self._vanish(call.record)
        self._run(self.hooks.after, call)

    def find(self, call: Call) -> Record | None:
        """What exists under an id, for a read: by its exact id, or by any other name that a person may give."""
        if call.record is not None:
            return call.record
        called = self.accounts.called(normal(call.package, call.id))
        return next((record for record in called if record.type == call.type and record.scope == call.scope), None)

    def outside(self, call: Call, before: Properties) -> Properties | None:
        """What a read tells of something that is there and was not made here; nothing if it is not there.

        Args:
            before: What was told of it the last time: that stays.
        """
        if not is_outside(call, self.accounts):
            return None
        synthesis, other = (self._synthesis(call, seed=f"{call.type}|{call.id}{draw}") for draw in ("", "again"))
        known = {**told_by_id(synthesis.form.id, call.id), **call.inputs}
        self.made_up |= guessed(synthesis.make(known)[1], other.make(known)[1])
        return synthesis.make(known, before)[1]

    def _synthesis(self, call: Call, seed: str, preview: bool = False) -> Synthesis:
        form, shape = self.known(call.type)
        facts = {**self.places(call.package).facts(call.settings, call.scope), **arn_parts(call.type)}
        return Synthesis(call.package, shape, form, Maker(seed, facts, self._follow), preview)

    def _follow(self, value: str, path: str) -> Any:
        found = self.accounts.called(value)
        return at(found[-1].outputs, path) if found else None

    def _taken(self, call: Call, id_: str, form: Form) -> list[Problem]:
        there = self.accounts.get(call.scope, call.type, id_)
        if there is None or form.upserts or call.settings.get("upsertExistingObjects"):
            return []
        return [Problem(already_exists(call, id_), fault=Fault.EXISTS)]

    def _takes_same_name(self, form: Form, old: Properties, new: Properties) -> bool:
        """Two with the same name cannot exist side by side, so the old one must go first - unless we made the name."""
        if form.autoname is None or was_made(new, form.autoname.property):
            return False
        identity = (form.autoname.property, "metadata.namespace", "namespace", "region", "project", "location", "zone")
        return all(at(old, path) == at(new, path) or at(new, path) == UNKNOWN for path in identity)

    def _vanish(self, gone: Record) -> None:
        if gone.type == NAMESPACE:
            self.accounts.remove_where(lambda r: r.scope == gone.scope and namespace_of(r) == gone.id)
        if gone.type.endswith(":CustomResourceDefinition"):
            self.accounts.remove_where(partial(_is_of_kind, gone))
        for path, text in strings(gone.outputs):
            if path[-1] == "endpoint" and self.accounts.at_endpoint(text) is None:
                server = address(text)
                self.accounts.remove_where(partial(_lives_at, server))

    def _run(self, hooks: Iterable[Any], call: Call) -> None:
        for hook in hooks:
            hook(call, self.accounts)

    def _refuse(self, problems: list[Problem]) -> None:
        if problems:
            raise RefusedError(*problems)


CONTENTS = frozenset({"data", "stringData", "binaryData"})
NAMESPACE = "kubernetes:core/v1:Namespace"


def _lives_at(server: str, record: Record) -> bool:
    return record.scope.cloud == "kubernetes" and record.scope.owner == server


def _is_of_kind(definition: Record, record: Record) -> bool:
    group, kind = at(definition.inputs, "spec.group"), at(definition.inputs, "spec.names.kind")
    same = record.type.startswith(f"kubernetes:{group}/") and record.type.endswith(f":{kind}")
    return same and record.scope == definition.scope


def namespace_of(record: Record) -> str:
    """The namespace that an object lives in."""
    found = at(record.outputs, "metadata.namespace") or record.outputs.get("namespace")
    return str(found or "")


def kept_outputs(record: Record) -> Properties:
    """The outputs that do not come from the inputs: what an update carries over."""
    return {name: value for name, value in record.outputs.items() if name not in record.inputs}


def parts(urn: str) -> tuple[str, str]:
    """The type and the logical name in a URN."""
    *_, types, name = urn.split("::", 3)
    return types.rsplit("$", 1)[-1], name
