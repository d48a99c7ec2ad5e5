"""From failures to an explanation: those with one cause together, what the others follow from first."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from polysilicon.engine.explain.causes import Cause, find_cause, load_left
from polysilicon.engine.explain.events import Failure, Run
from polysilicon.engine.explain.exceptions import TRACEBACK, told_briefly
from polysilicon.engine.explain.words import billed, kind, owner, type_of

_CHECKED = re.compile(r": property (?P<property>\S+) value \{.*?\} has a problem: (?P<reason>.+)")
_DONE = {
    "create": "created",
    "create-replacement": "created, to replace the old one",
    "update": "updated",
    "delete": "deleted",
    "delete-replaced": "deleted, although the new one is there",
    "read": "read",
    "refresh": "read",
    "import": "imported",
}


@dataclass(frozen=True)
class Group:
    """Failures that have one cause.

    Attributes:
        what: What could not be done, a sentence for each failure.
        cause: Why, most likely; None if nobody knows.
        texts: The providers' own words, each once.
        left: What stays broken in the cloud: a step for each, before those of the cause.
    """

    what: Sequence[str]
    cause: Cause | None
    texts: Sequence[str]
    left: Sequence[str] = ()

    @property
    def steps(self) -> Sequence[str]:
        """What to do, the first thing first."""
        return (*self.left, *(self.cause.next if self.cause else ()))


@dataclass(frozen=True)
class Explanation:
    """What a person needs to know after a failed run.

    Attributes:
        groups: What failed, roots first; empty if nothing did.
        now: What exists now, and what of it is paid for meanwhile; sentences.
    """

    groups: Sequence[Group]
    now: Sequence[str]


def explain(run: Run, existing: Collection[str] | None = None) -> Explanation:
    """Explains a run.

    Args:
        existing: The URNs in the state afterwards without components; by default what the log tells, which leaves out
            what an update did not come to.
    """
    told = [(failure, find_cause(failure.text)) for failure in run.failures]
    kept = [(failure, cause) for failure, cause in told if not failure.warning or (cause is not None and cause.warning)]
    gathered: dict[tuple[str, str], list[tuple[Failure, Cause | None]]] = {}
    for failure, cause in sorted(kept, key=_rank):
        gathered.setdefault(_key(failure, cause), []).append((failure, cause))
    groups = [_group(run, members) for members in gathered.values()]
    broken = any(group.left for group in groups)
    return Explanation(groups, _now(run, existing, broken) if groups else ())


def _rank(member: tuple[Failure, Cause | None]) -> tuple[bool, bool]:
    """Failures of resources before what the program says about them, and before what waited for another; stable."""
    failure, cause = member
    return (cause is not None and cause.consequence, not failure.urn)


def _key(failure: Failure, cause: Cause | None) -> tuple[str, str]:
    if cause is not None:
        return (cause.name, "")
    name = failure.urn.rsplit("::", 1)[-1]
    text = failure.text.replace(name, "·") if name else failure.text
    return ("", re.sub(r"[0-9a-f]{6,}|\d+", "#", text))


def _group(run: Run, members: Sequence[tuple[Failure, Cause | None]]) -> Group:
    return Group(
        what=list(dict.fromkeys(_sentence(run, failure) for failure, _ in members)),
        cause=members[0][1],
        texts=list(dict.fromkeys(failure.text for failure, _ in members)),
        left=list(dict.fromkeys(step for failure, _ in members for step in _left(failure))),
    )


def _left(failure: Failure) -> Iterator[str]:
    left = load_left()
    if failure.urn and left.pattern.search(failure.text):
        yield left.next.format(urn=failure.urn)


def _sentence(run: Run, failure: Failure) -> str:
    if not failure.urn or type_of(failure.urn) == "pulumi:pulumi:Stack":
        return _without_resource(run, failure)
    known = run.resources.get(failure.urn)
    type_, name = known.type if known else type_of(failure.urn), failure.urn.rsplit("::", 1)[-1]
    done = _DONE.get(failure.operation)
    fate = f"could not be {done}." if done else f"is refused{_refusal(failure.text)}"
    whole = owner(failure.urn, run.resources)
    if whole:
        return f"{whole[0].upper()}{whole[1:]}: its {kind(type_)} {name} {fate}"
    return f"The {kind(type_)} {name} ({type_}) {fate}"


def _refusal(text: str) -> str:
    """What is wrong with an input, without the value that the engine tells: of nested ones it finds none."""
    found = _CHECKED.search(text)
    return f": {found['property']}: {found['reason']}" if found else "."


def _without_resource(run: Run, failure: Failure) -> str:
    if failure.warning:
        return "The state is not sure of everything."
    if failure.text.startswith("Program failed") or TRACEBACK in failure.text:
        told = told_briefly(failure.text)
        return f"The program itself failed at {told}" if told else "The program itself failed."
    return "The program stopped by itself." if run.program_ended else "The engine stopped."


def _now(run: Run, existing: Collection[str] | None, broken: bool) -> list[str]:
    if run.planned and run.resources:
        return ["Nothing was changed: this was a preview."]
    real = _real(run.existing if existing is None else existing)
    if not real:
        # A log does not tell of what the run did not come to.
        nothing = "The log tells of nothing that exists; pulumi stack shows what the state has."
        return [nothing if existing is None else "Nothing exists, and nothing is to be paid for."]
    paid = billed(type_of(urn) for urn in real)
    return [
        _counted(run, len(real)) + (" That is what the log tells; pulumi stack shows all." if existing is None else ""),
        *([f"Paid for by the hour meanwhile: {', '.join(paid)}."] if paid else []),
        f"The same command again goes on from here{', but repairs nothing that is CREATE_FAILED' if broken else ''}"
        f"{'' if run.gone else '; pulumi destroy takes it all away'}.",
    ]


def _counted(run: Run, count: int) -> str:
    made = len(_real(run.made))
    parts = (
        f"{count} resource{'s exist' if count > 1 else ' exists'}",
        f"{made} made by this run" if made else "",
        f"{run.gone} deleted by this run" if run.gone else "",
    )
    return ", ".join(part for part in parts if part) + "."


def _real(urns: Collection[str]) -> list[str]:
    """Without what exists nowhere but in the engine."""
    return [urn for urn in urns if not type_of(urn).startswith("pulumi:")]
