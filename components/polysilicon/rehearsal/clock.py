"""How long the real clouds would have taken: a timeline in simulated seconds for what the engine did. Nobody waits.

A create or update starts when the last thing that it depends on has ended, and takes what `data/clock.toml` says; the
engine may do any number of things at once. Pods wait for the nodes of their group, which are counted once, there.
Deletes come after all else, in the rounds that the engine makes of them: a round begins when the slowest delete of the
round before has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from polysilicon.rehearsal.clock_nodes import standing_nodes
from polysilicon.rehearsal.times import FREE, Spread, Time, Times, load_times

if TYPE_CHECKING:
    from polysilicon.rehearsal.outcome import Resource

_WHOLE = "#whole"
_FORWARD = {"create": "create", "create-replacement": "create", "update": "update"}
_DELETES = ("delete", "delete-replaced")


@dataclass(frozen=True)
class Step:
    """One thing that the engine asked of a cloud.

    Attributes:
        operation: `create`, `update`, `delete`, or `replace` where the old one had to go first.
        start: When it starts, in simulated seconds from the beginning.
        time: What it takes, and who says so.
    """

    urn: str
    operation: str
    start: float
    time: Time

    @property
    def type(self) -> str:
        """The type token."""
        return _type(self.urn)

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def end(self) -> float:
        """When it has ended."""
        return self.start + self.time.spread.typical


@dataclass(frozen=True)
class Timeline:
    """What one operation would have taken.

    Attributes:
        steps: Everything that a cloud was asked for, in the order of their starts.
        path: The steps that nothing else could have run beside: the time to serving is the sum of theirs.
        total: Seconds until everything is done.
        serving: Seconds until the last workload that was created or updated is ready; None if there was none.
    """

    steps: Sequence[Step]
    path: Sequence[Step]
    total: Spread
    serving: Spread | None

    @property
    def assumed(self) -> int:
        """How many of the steps nobody has published a time for."""
        return sum(step.time.assumed for step in self.steps)

    @property
    def parallelism(self) -> float:
        """How many things went on at once, on average."""
        work = sum(step.time.spread.typical for step in self.steps)
        return work / self.total.typical if self.total.typical else 0.0

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON data; times in seconds."""
        return {
            "total": self.total._asdict(),
            "serving": self.serving._asdict() if self.serving else None,
            "parallelism": round(self.parallelism, 2),
            "assumed": self.assumed,
            "path": [step.urn for step in self.path],
            "steps": [_as_json(step) for step in self.steps],
        }


def plan_timeline(
    operations: Sequence[tuple[str, str]],
    after: Sequence[Resource],
    before: Sequence[Resource] = (),
    times: Times | None = None,
) -> Timeline:
    """The timeline of one operation.

    Args:
        operations: What the engine did, in its order: the operation's name in the event log, and the URN.
        after: The state afterwards.
        before: The state before; only what was deleted is looked up there.
        times: What things take; by default the shipped table.
    """
    clock = _Clock(operations, after, before, times or load_times())
    return clock.timeline()


class _Graph:
    """What waits for what. A component takes no time: who depends on one waits for all that is in it."""

    def __init__(self, resources: Mapping[str, Resource], nodes: Mapping[str, str] | None = None) -> None:
        self._resources, self._nodes = resources, nodes or {}
        self._children: dict[str, list[str]] = {}
        for urn, resource in resources.items():
            self._children.setdefault(resource.parent, []).append(urn)

    def needs(self, node: str) -> list[str]:
        """The nodes that must have ended before `node` may start."""
        if node.endswith(_WHOLE):
            urn = node.removesuffix(_WHOLE)
            return [urn, *(self._ended(child) for child in self._children.get(urn, ()))]
        around = self._around(node)
        # A resource is registered after its parent, and a component when what it needs is there.
        waits = [urn if urn in around else self._ended(urn) for urn in self.direct(node)]
        waits += [self._nodes[node]] if node in self._nodes else []
        return [self._resources[node].parent, *waits] if node in self._resources else waits

    def direct(self, urn: str) -> list[str]:
        """What a resource depends on, the resource that its provider is among it, its parent not."""
        resource = self._resources.get(urn)
        if resource is None:
            return []
        by_property = (item for items in resource.property_dependencies.values() for item in items)
        provider = resource.provider.rsplit("::", 1)[0]
        return [*dict.fromkeys([*resource.dependencies, *by_property, *([provider] if provider else [])])]

    def all(self, urn: str) -> list[str]:
        """What must stay as long as a resource does: what it depends on, and its parent."""
        resource = self._resources.get(urn)
        return [*self.direct(urn), *([resource.parent] if resource and resource.parent else [])]

    def _around(self, urn: str) -> set[str]:
        around: set[str] = set()
        while (resource := self._resources.get(urn)) and resource.parent and resource.parent not in around:
            urn = resource.parent
            around.add(urn)
        return around

    def _ended(self, urn: str) -> str:
        resource = self._resources.get(urn)
        return urn if resource is None or resource.custom else urn + _WHOLE


class _Clock:
    def __init__(
        self,
        operations: Sequence[tuple[str, str]],
        after: Sequence[Resource],
        before: Sequence[Resource],
        times: Times,
    ) -> None:
        self._after = {resource.urn: resource for resource in after}
        self._before = {resource.urn: resource for resource in before}
        self._times = times
        self._nodes = standing_nodes(after, times)
        self._forward, self._deletes = _sorted_out(operations)

    def timeline(self) -> Timeline:
        took = {urn: self._time(urn, operation) for urn, operation in self._forward.items()}
        gone = {urn: self._time(urn, "delete") for urn in self._deletes}
        graph = _Graph(self._after, self._nodes)
        needs = {node: graph.needs(node) for node in _ordered(self._after, graph.needs)}
        rounds = _rounds(self._deletes, _Graph({**self._after, **self._before}))
        plans = [_Plan(needs, took, rounds, gone, part) for part in range(3)]
        return self._told(plans, took, gone)

    def _time(self, urn: str, operation: str) -> Time:
        known = self._before if operation == "delete" else self._after
        resource = known.get(urn)
        if resource is not None and not resource.custom:
            return FREE
        if operation == "replace":
            return self._time(urn, "delete") + self._time(urn, "create")
        group = _type(self._nodes.get(urn, ""))
        return self._times.of(_type(urn), operation, resource.inputs if resource else {}, group)

    def _told(self, plans: Sequence[_Plan], took: Mapping[str, Time], gone: Mapping[str, Time]) -> Timeline:
        least, typical, most = plans
        steps = [Step(urn, self._forward[urn], typical.start[urn], time) for urn, time in took.items() if time.taken]
        steps += [Step(urn, "delete", typical.deleted[urn], time) for urn, time in gone.items() if time.taken]
        workloads = [urn for urn in took if urn in typical.end and self._times.serves(_type(urn))]
        serving = Spread(*(max(plan.end[urn] for urn in workloads) for plan in plans)) if workloads else None
        last = max(workloads, key=typical.end.__getitem__) if workloads else typical.last
        by_urn = {(step.urn, step.operation == "delete"): step for step in steps}
        return Timeline(
            steps=sorted(steps, key=lambda step: (step.start, step.urn)),
            path=[by_urn[key] for key in typical.path(last) if key in by_urn],
            total=Spread(least.total, typical.total, most.total),
            serving=serving,
        )


class _Plan:
    """The starts and ends with the least, the typical or the most that things take; `needs` in a possible order."""

    def __init__(
        self,
        needs: Mapping[str, Sequence[str]],
        took: Mapping[str, Time],
        rounds: Sequence[Sequence[str]],
        gone: Mapping[str, Time],
        part: int,
    ) -> None:
        self.start: dict[str, float] = {}
        self.end: dict[str, float] = {}
        self.deleted: dict[str, float] = {}
        self._after: dict[str, str] = {}
        self._slowest: list[str] = []
        self._forward(needs, took, part)
        self.forward_last = max(self.end, key=self.end.__getitem__, default="")
        self.total = self.end.get(self.forward_last, 0.0)
        for members in rounds:
            self._round(members, gone, part)

    @property
    def last(self) -> str:
        """What ends last, before anything is deleted; empty if things were deleted."""
        return "" if self._slowest else self.forward_last

    def path(self, last: str) -> list[tuple[str, bool]]:
        """The keys of the steps that lead to `last`, the earliest first; all of them for an empty one."""
        deletes = [(urn, True) for urn in self._slowest] if not last else []
        node, path = last or self.forward_last, []
        while node:
            path.append((node, False))
            node = self._after.get(node, "")
        return [*reversed(path), *deletes]

    def _forward(self, needs: Mapping[str, Sequence[str]], took: Mapping[str, Time], part: int) -> None:
        for node, its in needs.items():
            known = [need for need in its if need in self.end]
            after = max(known, key=self.end.__getitem__, default="")
            self._after[node] = after
            self.start[node] = self.end.get(after, 0.0)
            self.end[node] = self.start[node] + (took[node].spread[part] if node in took else 0.0)

    def _round(self, members: Sequence[str], gone: Mapping[str, Time], part: int) -> None:
        slowest = max(members, key=lambda urn: gone[urn].spread[part])
        self._slowest.append(slowest)
        self.deleted |= dict.fromkeys(members, self.total)
        self.total += gone[slowest].spread[part]


def _sorted_out(operations: Sequence[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """What was made or changed, by URN, and what was deleted afterwards."""
    forward: dict[str, str] = {}
    deletes: list[str] = []
    for operation, urn in operations:
        if operation in _DELETES:
            deletes.append(urn)
        elif operation == "create-replacement" and urn in deletes:
            deletes.remove(urn)
            forward[urn] = "replace"
        elif operation in _FORWARD:
            forward[urn] = _FORWARD[operation]
    return forward, list(dict.fromkeys(deletes))


def _ordered(nodes: Iterable[str], needs: Callable[[str], Iterable[str]]) -> list[str]:
    """All nodes that can be reached, each behind what it needs; a circle is cut where it closes."""
    seen: set[str] = set()
    order: list[str] = []
    for root in nodes:
        stack = [] if root in seen else [(root, iter(needs(root)))]
        seen.add(root)
        while stack:
            node, rest = stack[-1]
            need = next((item for item in rest if item not in seen), None)
            if need is None:
                order.append(node)
                stack.pop()
            else:
                seen.add(need)
                stack.append((need, iter(needs(need))))
    return order


def _rounds(deletes: Sequence[str], graph: _Graph) -> list[list[str]]:
    """The rounds in which the engine deletes: whatever is needed by a condemned resource goes in a later one.

    As `ScheduleDeletes` in `pkg/resource/deploy/step_generator.go` of Pulumi 3.250 does it: gathered from the
    resources that need nothing that is condemned, then turned round.
    """
    condemned = set(deletes)

    def needs(urn: str) -> list[str]:
        return [need for need in graph.all(urn) if need in condemned]

    level: dict[str, int] = {}
    for urn in _ordered(deletes, needs):
        level[urn] = 1 + max((level[need] for need in needs(urn) if need in level), default=-1)
    rounds: list[list[str]] = [[] for _ in range(1 + max(level.values(), default=-1))]
    for urn in deletes:
        rounds[level[urn]].append(urn)
    return rounds[::-1]


def _type(urn: str) -> str:
    parts = urn.split("::")
    return parts[2].rsplit("$", 1)[-1] if len(parts) > 2 else ""


def _as_json(step: Step) -> dict[str, Any]:
    spread = step.time.spread
    return {
        "urn": step.urn,
        "operation": step.operation,
        "start": step.start,
        "seconds": spread.typical,
        "least": spread.least,
        "most": spread.most,
        "source": step.time.source,
        "assumed": step.time.assumed,
    }
