"""Waits for what a cluster makes of an object, as the official Kubernetes provider does, in no time at all.

Sources: pulumi/pulumi-kubernetes@94977969d, provider/pkg/await and provider/pkg/provider/provider.go. An object that
does not become ready exists all the same: the engine is told so, keeps it with its errors, and updates it next time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from polysilicon.catalog import Catalog
from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.cluster.images import pulled_by_luck, unpullable
from polysilicon.rehearsal.cluster.needs import unmet
from polysilicon.rehearsal.cluster.nodes import Cluster
from polysilicon.rehearsal.cluster.placement import Memory, Placement, cluster_of
from polysilicon.rehearsal.cluster.probes import idle, never_ready
from polysilicon.rehearsal.cluster.timing import declared, killed, lasts, overdue, patience, surge_of
from polysilicon.rehearsal.cluster.undone import JOB, ended
from polysilicon.rehearsal.cluster.workloads import Workload, workload, workload_of
from polysilicon.rehearsal.cluster.world import World, given, place_of, unbound
from polysilicon.rehearsal.luck import Need
from polysilicon.rehearsal.model import Call, Record, Tally
from polysilicon.rehearsal.schedule import Schedule
from polysilicon.rehearsal.values import at

_SKIP, _WAIT_FOR = "pulumi.com/skipAwait", "pulumi.com/waitFor"
_SERVICE, _CLAIM = "kubernetes:core/v1:Service", "kubernetes:core/v1:PersistentVolumeClaim"
_NO_PODS = (
    "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not match labels "
    "on any Pods"
)


class NotReadyError(Exception):
    """An object was made or changed, and does not become ready.

    Attributes:
        record: What exists now.
        reasons: Why, the first in one sentence.
    """

    def __init__(self, record: Record, reasons: list[str]) -> None:
        self.record, self.reasons = record, reasons
        super().__init__(reasons[0])


class Rollouts:
    """Awaits objects; counts as a judge in the summary.

    Args:
        accounts: What exists.
        catalog: What machines have.
        schedule: Tells when nothing else goes on, so that what a pod lacks will not come any more.
        note: Takes a sentence for the summary.

    Attributes:
        needs: What pods found in time; whether by more than luck, the state tells afterwards.
    """

    name = "rollouts"

    def __init__(self, accounts: Accounts, catalog: Catalog, schedule: Schedule, note: Callable[[str], None]) -> None:
        self.tally = Tally()
        self.needs: list[Need] = []
        self._there = {record.urn for record in accounts.records()}
        self._accounts, self._catalog, self._schedule, self._note = accounts, catalog, schedule, note
        self._starting: dict[int, float] = {}
        self._judged = {record.key for record in accounts.records()}
        self._counted: set[int] = set()
        self._memory = Memory()

    def wait(self, call: Call, record: Record) -> Record:
        """Returns what exists when an object is ready, or raises `NotReadyError`.

        Args:
            call: The create or update that was done; for an update with what there was before.
            record: What it has come to.
        """
        if not record.type.startswith("kubernetes:"):
            return record
        if self._skips(record):
            self._let_go(call, record)
            return self._marked(record, ready=True) if record.type == JOB else record
        if record.type == _SERVICE:
            reasons = self._service(call, record)
        elif record.type == _CLAIM:
            reasons = self._claim(call, record)
        else:
            reasons = self._pods(call, record)
        if reasons:
            raise NotReadyError(self._marked(record, ready=False), [_headline(call, record), *reasons])
        return self._marked(record, ready=True)

    def _skips(self, record: Record) -> bool:
        annotations = at(record.inputs, "metadata.annotations") or {}
        if annotations.get(_WAIT_FOR):
            self._unjudged("objects that are awaited by a condition of their own (pulumi.com/waitFor)")
        return str(annotations.get(_SKIP)).lower() == "true" or bool(annotations.get(_WAIT_FOR))

    def _let_go(self, call: Call, record: Record) -> None:
        """Pods that nobody waits for start all the same."""
        current = workload_of(record) if call.operation == "create" else None
        seconds = lasts(current, rolls=False) if current else None
        if current and current.replicas and never_ready(current):
            seconds = math.inf
        if seconds:
            self._starting[record.key] = seconds
        self._judged.add(record.key)

    def _unjudged(self, what: str) -> None:
        self.tally.unjudged[what] += 1

    def _marked(self, record: Record, ready: bool) -> Record:
        """The object with its status: how many of its pods are there, or that they are done, is what programs read."""
        kept = _status(record, ready)
        if kept is None:
            return record
        with self._accounts.changing():  # it may have been changed or taken away while it was waited for
            here = self._accounts.get(record.scope, record.type, record.id, record.urn)
            if here is not None and here.key == record.key:
                self._accounts.change(replace(here, outputs={**here.outputs, "status": kept}))
        return replace(record, outputs={**record.outputs, "status": kept})

    # ── Pods ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _pods(self, call: Call, record: Record) -> list[str]:
        current = workload_of(record)
        self._memory.parsed[record.key] = (record, current)
        if current is None or (current.replicas == 0 and current.kind != "DaemonSet"):
            return []
        self.tally.inputs += 1
        try:
            return self._rollout(call, record, current)
        finally:
            self._judged.add(record.key)

    def _rollout(self, call: Call, record: Record, current: Workload) -> list[str]:
        old = _earlier(call.record, current)
        rolls = old is not None and (old.template != current.template or _hangs(call.record))
        found = self._settled(lambda: self._stuck(current, old, rolls, record))
        if overdue(current):
            self._tell_overdue(current)
        for sentence in idle(current):
            self._note(sentence)
        first, *more = found or never_ready(current) or self._slow(current, rolls, call) or [""]
        return [*_summaries(current, rolls), f"[Pod {current.pod_name}]: {first}", *more] if first else []

    def _settled(self, look: Callable[[], list[str]]) -> list[str]:
        """What `look` finds once nothing can change it any more."""
        found: list[str] = []

        def is_well() -> bool:
            found[:] = look()
            return not found

        self._schedule.until(is_well)
        return found

    def _stuck(self, current: Workload, old: Workload | None, rolls: bool, record: Record) -> list[str]:
        """Why pods do not start, whatever time they are given."""
        with self._accounts.changing():
            world = World(record.scope, self._accounts, self._memory.parsed)
            lacks = unmet(current, world)
            for stage in ("admission", "scheduling", "start"):
                if messages := [lack.message for lack in lacks if lack.stage == stage]:
                    return messages
            cluster = cluster_of(record.scope, world, self._accounts, self._catalog, self._memory)
            if cluster.open:
                self._unjudged_once(record, f"where pods of {current.kind}s find a node: {cluster.open}")
                return []
            if not self._is_scheduled(current, world):
                return [f"no scheduler of the name {current.spec['schedulerName']} runs in the cluster"]
            spare = rolls and current.kind == "Deployment" and surge_of(current).hangs_without_room
            placement = Placement(record.scope, cluster, world, self._memory)
            refusal = placement.refuses(current, old, spare=False)
            refusal = refusal or (placement.refuses(current, old, spare=True) if spare else [])
            refusal = refusal or unpullable(current, cluster, self._accounts)
            if not refusal:
                self._note_needs(current, cluster, record)
            return refusal

    def _note_needs(self, current: Workload, cluster: Cluster, record: Record) -> None:
        """What was there when the operation began is no luck."""
        needs = pulled_by_luck(current, cluster, record.urn, self._accounts)
        self.needs += [need for need in needs if not any(way & self._there for way in need.ways)]

    def _is_scheduled(self, current: Workload, world: World) -> bool:
        name = str(current.spec.get("schedulerName") or "")
        users = {f"kubernetes:apps/v1:{kind}" for kind in ("Deployment", "StatefulSet", "DaemonSet")}
        if not name or given("schedulers", name):
            return True
        runs = any(name in text for each in world.workloads if each.key != current.key for text in _told(each))
        return runs or world.mentions(name, without={*users, "kubernetes:core/v1:Pod", "kubernetes:batch/v1:Job"})

    def _unjudged_once(self, record: Record, what: str) -> None:
        """Looking again at the same object is not another one."""
        if record.key not in self._counted:
            self._counted.add(record.key)
            self._unjudged(what)

    def _slow(self, current: Workload, rolls: bool, call: Call) -> list[str]:
        """Why pods that start do not become ready in time."""
        seconds = lasts(current, rolls)
        if seconds is None:
            self._unjudged("cold starts: the pod template does not declare one (polysilicon.dev/cold-start-seconds)")
            return []
        if dead := killed(current):
            return [dead]
        limit = patience(current.inputs, call.timeout)
        if seconds <= limit:
            self._linger(call, current, seconds)
            return []
        return [
            f"containers with unready status: [{current.containers[0].get('name')}]; all pods are ready after "
            f"{seconds:g} seconds, it is waited for {limit:g}: give the resource a longer timeout (custom_timeouts)"
        ]

    def _linger(self, call: Call, current: Workload, seconds: float) -> None:
        """A long rollout goes on while whatever else can be made is made; what comes meanwhile finds pods not ready."""
        if call.operation != "create" or seconds <= patience({}, 0):
            return
        self._starting[current.key] = seconds
        self._judged.add(current.key)
        try:
            self._schedule.until(lambda: False, last=False)
        finally:
            self._starting.pop(current.key, None)

    def _tell_overdue(self, current: Workload) -> None:
        self._note(
            f"{current.kind} {current.namespace}/{current.name} is marked ProgressDeadlineExceeded while its pods "
            f"still start ({declared(current):g} seconds): the provider waits on, others that watch it may not. Raise "
            "progressDeadlineSeconds."
        )

    # ── Services and claims ──────────────────────────────────────────────────────────────────────────────────────────

    def _service(self, call: Call, record: Record) -> list[str]:
        """A Service waits only for pods that are started and not ready; one without any is ready at once."""
        spec: Mapping[str, Any] = record.inputs.get("spec") or {}
        selector = spec.get("selector")
        if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None" or not isinstance(selector, Mapping):
            return []
        self.tally.inputs += 1
        if (
            not selector
            or call.operation != "create"
            or not self._schedule.until(lambda: self._has_pods(record, selector), last=False)
        ):
            return []
        limit = patience(record.inputs, call.timeout)
        late = [each for each in self._selected(record, selector) if self._starting.get(each.key, 0.0) > limit]
        return [_NO_PODS] if late else []

    def _has_pods(self, record: Record, selector: Mapping[str, Any]) -> bool:
        found = self._selected(record, selector)
        return bool(found) and all(each.key in self._judged for each in found)

    def _selected(self, record: Record, selector: Mapping[str, Any]) -> list[Workload]:
        with self._accounts.changing():
            world = World(record.scope, self._accounts, self._memory.parsed)
            return world.selected_by(place_of(record)[0], selector)

    def _claim(self, call: Call, record: Record) -> list[str]:
        """A claim of a class that nobody made is never bound, nor is one of a driver that makes no volumes."""
        wanted = at(record.inputs, "spec.storageClassName")
        if call.operation != "create" or not isinstance(wanted, str) or not wanted:
            return []
        self.tally.inputs += 1

        def is_unbound() -> str:
            return unbound(wanted, World(record.scope, self._accounts))

        if self._accounts.at_endpoint(record.scope.owner) is None or self._schedule.until(lambda: not is_unbound()):
            return []
        return [f"{is_unbound()}: the claim stays Pending"]


def _status(record: Record, ready: bool) -> dict[str, Any] | None:
    """The status that another had before; None where it stays."""
    status = record.outputs.get("status")
    if record.type == JOB:
        return ended(status, ready)
    if not isinstance(status, Mapping) or "replicas" not in status or ready != ("unavailableReplicas" in status):
        return None
    kept = {key: value for key, value in status.items() if key not in ("unavailableReplicas", "updatedReplicas")}
    pods = status["replicas"]
    kept |= {"readyReplicas": pods if ready else 0, "availableReplicas": pods if ready else 0}
    return kept if ready else {**kept, "unavailableReplicas": pods, "updatedReplicas": 0}


def _earlier(record: Record | None, current: Workload) -> Workload | None:
    return workload(current.kind, record.inputs, record.outputs, record.key) if record else None


def _hangs(record: Record | None) -> bool:
    """Whether the last rollout never ended."""
    return bool(at(record.outputs if record else {}, "status.updatedReplicas") == 0)


def _told(other: Workload) -> Iterator[str]:
    yield other.name
    for container in other.containers:
        yield from (str(word) for key in ("command", "args") for word in container.get(key) or ())


def _headline(call: Call, record: Record) -> str:
    """The provider's first sentence (provider.go, Create and Update)."""
    namespace, name = place_of(record)
    timed_out = f"'{name}' timed out waiting to be Ready"
    if record.type == _CLAIM:
        timed_out = f"Timeout occurred polling for '{name}'"
    if call.operation == "create":
        return (
            f'resource "{call.urn}" was successfully created, but the Kubernetes API server reported that it failed to '
            f"fully initialize or become live: {timed_out}"
        )
    return (
        f'the Kubernetes API server reported that "{namespace}/{name}" failed to fully initialize or become live: '
        f"{timed_out}"
    )


def _summaries(current: Workload, rolls: bool) -> list[str]:
    """What the provider says of the whole (await/deployment.go and statefulset.go, errorMessages)."""
    late = [text] if (text := overdue(current)) else []
    if current.kind == "StatefulSet":
        return [f"0 out of {current.replicas} replicas succeeded readiness checks"]
    if current.kind != "Deployment":
        return []
    if rolls:
        return [*late, "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live"]
    return [
        *late,
        "[MinimumReplicasUnavailable] Deployment does not have minimum availability.",
        "Minimum number of live Pods was not attained",
    ]
