"""Where the pods of a cluster are, and whether those of one workload find a place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from polysilicon.catalog import Catalog
from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.cluster.devices import Runs, may_be_offered, runs_of, with_devices
from polysilicon.rehearsal.cluster.eks import eks
from polysilicon.rehearsal.cluster.gke import gke
from polysilicon.rehearsal.cluster.nodes import Cluster, NodeSet
from polysilicon.rehearsal.cluster.scheduler import MayBe, Scheduler
from polysilicon.rehearsal.cluster.workloads import Workload
from polysilicon.rehearsal.cluster.world import Parsed, World
from polysilicon.rehearsal.model import Record, Scope

_CLOUDS: Mapping[str, Callable[[Record, World, Accounts, Catalog], Cluster]] = {
    "aws:eks/cluster:Cluster": eks,
    "gcp:container/cluster:Cluster": gke,
}


class Memory:
    """What was worked out before, so that a thousand workloads are not placed anew for each of them."""

    def __init__(self) -> None:
        self.parsed: Parsed = {}
        self._devices: dict[Scope, tuple[Sequence[NodeSet], Runs, Sequence[NodeSet]]] = {}
        self._last: dict[tuple[Scope, bool], tuple[Cluster, list[Workload], Scheduler]] = {}

    def with_devices(self, scope: Scope, sets: Sequence[NodeSet], world: World, catalog: Catalog) -> Sequence[NodeSet]:
        """The nodes of a cluster with their devices, worked out again only where nodes or device plugins differ."""
        known, ran, found = self._devices.get(scope, ((), None, ()))
        runs = runs_of(world)
        if ran != runs or known != sets:
            found = [with_devices(each, runs, catalog) for each in sets]
        self._devices[scope] = sets, runs, found
        return found

    def scheduler(
        self, scope: Scope, critical: bool, cluster: Cluster, before: list[Workload], may_be: MayBe
    ) -> Scheduler:
        """A scheduler that has placed the pods of `before` and of nobody else.

        Args:
            critical: Whether it is for workloads that push others aside.
            may_be: As for `Scheduler`.
        """
        known, placed, scheduler = self._last.pop((scope, critical), (None, [], None))
        if scheduler is None or known != cluster:
            placed, scheduler = [], Scheduler(cluster.nodes, cluster.tolerated, may_be)
        scheduler.may_be = may_be
        if placed != before[: len(placed)]:
            placed = []
            scheduler.clear()
        for other in before[len(placed) :]:
            _put(scheduler, other)
        return scheduler

    def keep(
        self, scope: Scope, critical: bool, cluster: Cluster, placed: list[Workload], scheduler: Scheduler
    ) -> None:
        """Remembers a scheduler with what it has placed."""
        self._last[scope, critical] = cluster, placed, scheduler


def cluster_of(scope: Scope, world: World, accounts: Accounts, catalog: Catalog, memory: Memory) -> Cluster:
    """The nodes of the cluster that objects go to, with what their machines offer."""
    record = accounts.at_endpoint(scope.owner)
    worked_out = _CLOUDS.get(record.type) if record else None
    if record is None or worked_out is None:
        return Cluster(open="the nodes of clusters that nothing in the program made are not known")
    found = worked_out(record, world, accounts, catalog)
    if record.type.startswith("aws:"):
        return replace(found, nodes=memory.with_devices(scope, found.nodes, world, catalog))
    return found


class Placement:
    """The pods of one cluster at one moment.

    Args:
        scope: The cluster.
        cluster: Its nodes.
        world: Its objects.
        memory: Of earlier moments.
    """

    def __init__(self, scope: Scope, cluster: Cluster, world: World, memory: Memory) -> None:
        self._scope, self._cluster, self._world, self._memory = scope, cluster, world, memory

    def refuses(self, workload: Workload, old: Workload | None, spare: bool) -> list[str]:
        """Why a pod of a workload finds no node, and what is behind it; nothing if all find one.

        Args:
            old: What the workload was before, if it is changed: the others hold their places already.
            spare: One pod more than there are of `old` must find a place.
        """
        before, critical = self._before(workload, old is not None), workload.is_critical
        may_be = partial(may_be_offered, world=self._world)
        scheduler = self._memory.scheduler(self._scope, critical, self._cluster, before, may_be)
        if old is not None and spare:
            _put(scheduler, old)
            reason = scheduler.place(workload, 1)
        else:
            reason = _put(scheduler, workload)
        if old is None and not (reason and workload.kind == "DaemonSet"):
            placed = before if reason else [*before, workload]
            self._memory.keep(self._scope, critical, self._cluster, placed, scheduler)
        return [reason, *scheduler.lacking(workload)] if reason else []

    def _before(self, workload: Workload, changed: bool) -> list[Workload]:
        """Whose pods have their places: jobs have ended, what is critical to the system pushes others aside."""
        others = [each for each in self._world.workloads if each.key != workload.key and each.kind != "Job"]
        critical = [each for each in others if each.is_critical]
        if workload.is_critical:
            return [each for each in critical if changed or each.key < workload.key]
        return critical + [each for each in others if not each.is_critical and (changed or each.key < workload.key)]


def _put(scheduler: Scheduler, workload: Workload) -> str:
    if workload.kind == "DaemonSet":
        return scheduler.daemons(workload)
    return scheduler.place(workload, workload.replicas)
