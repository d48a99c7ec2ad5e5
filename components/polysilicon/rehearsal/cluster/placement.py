"""Where the pods of a cluster are, and whether those of one workload find a place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from polysilicon.catalog import Catalog
from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.cluster.devices import may_be_offered, with_devices
from polysilicon.rehearsal.cluster.eks import eks
from polysilicon.rehearsal.cluster.gke import gke
from polysilicon.rehearsal.cluster.nodes import Cluster
from polysilicon.rehearsal.cluster.scheduler import Scheduler
from polysilicon.rehearsal.cluster.workloads import Workload
from polysilicon.rehearsal.cluster.world import Parsed, World
from polysilicon.rehearsal.model import Record, Scope

_CLOUDS: Mapping[str, Callable[[Record, World, Accounts, Catalog], Cluster]] = {
    "aws:eks/cluster:Cluster": eks,
    "gcp:container/cluster:Cluster": gke,
}


def cluster_of(scope: Scope, world: World, accounts: Accounts, catalog: Catalog) -> Cluster:
    """The nodes of the cluster that objects go to, with what their machines offer."""
    record = accounts.at_endpoint(scope.owner)
    worked_out = _CLOUDS.get(record.type) if record else None
    if record is None or worked_out is None:
        return Cluster(open="the nodes of clusters that nothing in the program made are not known")
    found = worked_out(record, world, accounts, catalog)
    if record.type.startswith("aws:"):
        return Cluster(with_devices(found.nodes, world, catalog), found.open, found.tolerated)
    return found


class Memory:
    """What was worked out before, so that a thousand workloads are not placed anew for each of them."""

    def __init__(self) -> None:
        self.parsed: Parsed = {}
        self._last: dict[Scope, tuple[Cluster, list[Workload], Scheduler]] = {}

    def scheduler(self, scope: Scope, cluster: Cluster, world: World, before: list[Workload]) -> Scheduler:
        """A scheduler that has placed the pods of `before`; it belongs to the caller until it is kept."""
        known, placed, scheduler = self._last.pop(scope, (None, [], None))
        may_be = partial(may_be_offered, world=world)
        if scheduler is None or known != cluster or placed != before[: len(placed)]:
            placed, scheduler = [], Scheduler(cluster.nodes, cluster.tolerated, may_be)
        scheduler.may_be = may_be
        for other in before[len(placed) :]:
            _put(scheduler, other)
        return scheduler

    def keep(self, scope: Scope, cluster: Cluster, placed: list[Workload], scheduler: Scheduler) -> None:
        """Remembers a scheduler with what it has placed."""
        self._last[scope] = (cluster, placed, scheduler)


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
        before = self._before(workload, old is not None)
        scheduler = self._memory.scheduler(self._scope, self._cluster, self._world, before)
        if old is not None and spare:
            _put(scheduler, old)
            reason = scheduler.place(workload, 1)
        else:
            reason = _put(scheduler, workload)
        if not reason and old is None and not workload.is_critical:
            self._memory.keep(self._scope, self._cluster, [*before, workload], scheduler)
        return [reason, *scheduler.lacking(workload)] if reason else []

    def _before(self, workload: Workload, changed: bool) -> list[Workload]:
        """Whose pods have their places: jobs have ended, what is critical to the system goes first."""
        others = [each for each in self._world.workloads if each.key != workload.key and each.kind != "Job"]
        critical = [each for each in others if each.is_critical]
        return critical + [each for each in others if not each.is_critical and (changed or each.key < workload.key)]


def _put(scheduler: Scheduler, workload: Workload) -> str:
    if workload.kind == "DaemonSet":
        return scheduler.daemons(workload)
    return scheduler.place(workload, workload.replicas)
