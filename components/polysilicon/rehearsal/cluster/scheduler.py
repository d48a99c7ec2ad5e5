"""Which pods find a node: selectors, taints, and what is left of each node when earlier pods have taken theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from polysilicon.rehearsal.cluster.matching import selects, untolerated
from polysilicon.rehearsal.cluster.nodes import NodeSet
from polysilicon.rehearsal.cluster.workloads import Workload

_NOTHING = -1.0
"""Stands for a resource of which nothing is said; compared by identity."""

MayBe = Callable[[str], bool]
"""Whether an extended resource may be offered by something that is not known here."""


@dataclass
class _Node:
    """What pods have taken of one node."""

    taken: dict[str, float] = field(default_factory=dict)


@dataclass
class _Room:
    """The nodes of a set: those with pods on them; the others are all alike, empty."""

    nodes: NodeSet
    begun: list[_Node] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return self.nodes.count if self.nodes.count is not None else len(self.begun) + 1

    @property
    def has_empty(self) -> bool:
        """Whether there is a node without pods beside those."""
        return len(self.begun) < self.size


class Scheduler:
    """Puts pods on nodes, one after the other, where they fit first.

    Args:
        sets: The nodes.
        tolerated: Resources and labels of which a request or a selector is a toleration too, for taints of that name.
        may_be: Whether an extended resource that no node is known to offer may be there all the same.
    """

    def __init__(self, sets: Sequence[NodeSet], tolerated: frozenset[str], may_be: MayBe) -> None:
        # The plainest nodes first, so that nothing takes room beside accelerators that need not.
        self._rooms = [_Room(each) for each in sorted(sets, key=lambda nodes: len(nodes.capacity))]
        self._tolerated, self.may_be = tolerated, may_be
        self._open: dict[int, tuple[Workload, list[_Room]]] = {}

    def clear(self) -> None:
        """Takes all pods off the nodes."""
        for room in self._rooms:
            room.begun.clear()

    def daemons(self, workload: Workload) -> str:
        """Puts a pod on every node that the DaemonSet selects; why one finds no room, if so."""
        reason = ""
        for room in self._rooms_of(workload):
            room.begun += [_Node() for _ in range((room.nodes.count or 0) - len(room.begun))]
            failed = [short for node in room.begun if (short := self._short(workload, room.nodes, node))]
            for node in room.begun:
                if not self._short(workload, room.nodes, node):
                    _take(node, workload)
            reason = reason or (_told(1, Counter(failed[:1])) if failed else "")
        return reason

    def place(self, workload: Workload, pods: int) -> str:
        """Puts so many pods of a workload on nodes, or none: then why one finds no node, in the scheduler's words."""
        before: list[tuple[_Node, dict[str, float]]] = []
        for _ in range(pods):
            node = self._find(workload, self._rooms_of(workload))
            if node is None:
                reason = self._why(workload)
                for each, taken in reversed(before):  # as it was: sums of floats do not come back exactly
                    each.taken = taken
                return reason
            before.append((node, dict(node.taken)))
            _take(node, workload)
        return ""

    def _rooms_of(self, workload: Workload) -> list[_Room]:
        """The nodes that a workload may use, however full they are."""
        known, rooms = self._open.get(workload.key, (None, []))
        if known is not workload:
            rooms = [room for room in self._rooms if not self._barred(workload, room.nodes)]
            self._open[workload.key] = workload, rooms
        return rooms

    def _find(self, workload: Workload, rooms: Iterable[_Room]) -> _Node | None:
        for room in rooms:
            for node in room.begun:
                if not self._short(workload, room.nodes, node):
                    return node
            if room.has_empty and not self._short(workload, room.nodes, _Node()):
                room.begun.append(_Node())
                return room.begun[-1]
        return None

    def _barred(self, workload: Workload, nodes: NodeSet) -> str:
        return barred(workload, nodes, self._tolerated)

    def _short(self, workload: Workload, nodes: NodeSet, node: _Node) -> str:
        for name, amount in workload.demand:
            there = nodes.capacity.get(name, _NOTHING)
            if there is _NOTHING:
                there = None if "/" not in name or self.may_be(name) else 0.0
            if there is not None and node.taken.get(name, 0.0) + amount > there:
                return "Too many pods" if name == "pods" else f"Insufficient {name}"
        return ""

    def _why(self, workload: Workload) -> str:
        """The scheduler's message (kubernetes pkg/scheduler/framework/types.go, FitError)."""
        reasons: Counter[str] = Counter()
        for room in self._rooms:
            barred = self._barred(workload, room.nodes)
            empty = max(0, room.size - len(room.begun))
            if barred:
                reasons[barred] += room.size
                continue
            for node in room.begun:
                reasons[self._short(workload, room.nodes, node)] += 1
            if empty:
                reasons[self._short(workload, room.nodes, _Node())] += empty
        return _told(sum(room.size for room in self._rooms), reasons)

    def lacking(self, workload: Workload) -> list[str]:
        """What stands behind a missing extended resource: which nodes lack it and why, those that it selects first."""
        named = [
            (bool(self._barred(workload, room.nodes)), room.nodes.lacking[resource])
            for room in self._rooms
            for resource in workload.requests
            if resource in room.nodes.lacking
        ]
        return [text for barred, text in sorted(named) if not barred] or [text for _, text in sorted(named)]


def barred(workload: Workload, nodes: NodeSet, tolerated: frozenset[str]) -> str:
    """Why none of the nodes may take the pods, however empty: the first of the scheduler's filters that says so.

    Args:
        tolerated: As for `Scheduler`.
    """
    given = tolerated & {*workload.requests, *workload.selected}
    taint = untolerated(workload.spec, (taint for taint in nodes.taints if taint.key not in given))
    if taint:
        return f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}"
    return "" if selects(workload.spec, nodes.labels) else "node(s) didn't match Pod's node affinity/selector"


def _take(node: _Node, workload: Workload) -> None:
    for name, amount in workload.demand:
        node.taken[name] = node.taken.get(name, 0.0) + amount


def _told(size: int, reasons: Mapping[str, int]) -> str:
    if not size:
        return "no nodes available to schedule pods"
    listed = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
    return (
        f"0/{size} nodes are available: {listed}. preemption: 0/{size} nodes are available: "
        f"{size} Preemption is not helpful for scheduling."
    )
