"""How long pods take to become ready, and who loses patience first: the kubelet, the rollout, or the provider.

Time is worked out, nothing waits. Only what the program declares is held against its deadlines: the cold start in the
annotations of the pod template. How long other pods take is not known, and not judged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from polysilicon.rehearsal.cluster.matching import Plain
from polysilicon.rehearsal.cluster.nodes import facts
from polysilicon.rehearsal.cluster.workloads import Workload
from polysilicon.rehearsal.quantities import number
from polysilicon.rehearsal.values import at

COLD_START = "polysilicon.dev/cold-start-seconds"
"""From «wanted» to «ready»: node, image, and what the container does until it answers."""
CONTAINER_START = "polysilicon.dev/container-start-seconds"
"""The part of it that passes after the container has started; without it, all of it."""
TIMEOUT = "pulumi.com/timeoutSeconds"


@dataclass(frozen=True)
class Surge:
    """How a rollout goes: how many pods it may add, and how many it may do without, at any moment."""

    more: int
    fewer: int

    @property
    def hangs_without_room(self) -> bool:
        """Whether nothing goes on unless a pod finds a place beside all the old ones."""
        return self.fewer == 0


def declared(workload: Workload, name: str = COLD_START) -> float | None:
    """The seconds that the pod template declares, if it does."""
    return number(workload.annotations.get(name))


def patience(inputs: Mapping[str, Any], timeout: float, otherwise: str = "seconds") -> float:
    """How long the provider waits: the option, else the annotation, else what it does by itself."""
    annotated = number((at(inputs, "metadata.annotations") or {}).get(TIMEOUT))
    return timeout or annotated or float(facts()["patience"][otherwise])


def killed(workload: Workload) -> str:
    """What the kubelet says if it kills the serving container, the first, before it can be ready; else nothing."""
    cold = declared(workload, CONTAINER_START) or declared(workload)
    if cold is None or not workload.containers:
        return ""
    container = workload.containers[0]
    kind = next((each for each in ("startupProbe", "livenessProbe") if container.get(each)), "")
    allowed = _allowed(container.get(kind) or {}) if kind else math.inf
    if cold <= allowed:
        return ""
    word = kind.removesuffix("Probe")
    return (
        f"containers with unready status: [{container.get('name')}][CrashLoopBackOff] Container "
        f"{container.get('name')} failed {word} probe, will be restarted: its {kind} allows {allowed:g} seconds "
        f"(initialDelaySeconds + periodSeconds * failureThreshold), it needs {cold:g} ({COLD_START})"
    )


def _allowed(probe: Plain) -> float:
    """The defaults are those of kubernetes.io "Configure Liveness, Readiness and Startup Probes"."""
    period, failures = number(probe.get("periodSeconds")), number(probe.get("failureThreshold"))
    return (number(probe.get("initialDelaySeconds")) or 0) + (period or 10) * (failures or 3)


def surge_of(workload: Workload) -> Surge:
    """The Deployment's strategy: a share of the surplus is rounded up, one of the shortage down (apps/v1 defaults)."""
    if at(workload.inputs, "spec.strategy.type") == "Recreate":
        return Surge(0, max(1, workload.replicas))
    told = at(workload.inputs, "spec.strategy.rollingUpdate") or {}
    more = _share(told.get("maxSurge", "25%"), workload.replicas, math.ceil)
    fewer = _share(told.get("maxUnavailable", "25%"), workload.replicas, math.floor)
    return Surge(more, fewer if more or fewer else 1)


def _share(told: Any, replicas: int, rounded: Any) -> int:
    if isinstance(told, str) and told.endswith("%"):
        return int(rounded(replicas * (number(told[:-1]) or 0) / 100))
    return int(number(told) or 0)


def lasts(workload: Workload, rolls: bool) -> float | None:
    """How long until all pods are ready, if that is declared.

    Args:
        rolls: Pods of another template are there, to be replaced a few at a time.
    """
    cold = declared(workload)
    if cold is None:
        return None
    return cold * (_waves(workload, rolls) if workload.replicas else 0)


def _waves(workload: Workload, rolls: bool) -> int:
    if workload.kind == "StatefulSet":
        ordered = rolls or at(workload.inputs, "spec.podManagementPolicy") != "Parallel"
        return workload.replicas if ordered else 1
    if workload.kind != "Deployment" or not rolls:
        return 1
    surge = surge_of(workload)
    return math.ceil(workload.replicas / max(1, surge.more + surge.fewer))


def overdue(workload: Workload) -> str:
    """What the Deployment's controller says of a pod that takes longer than the rollout may go without progress."""
    cold, allowed = declared(workload), number(at(workload.inputs, "spec.progressDeadlineSeconds"))
    limit = allowed or float(facts()["patience"]["progress_seconds"])
    if workload.kind != "Deployment" or cold is None or cold <= limit:
        return ""
    replica_set = workload.pod_name.rpartition("/")[2].rpartition("-")[0]
    return f'[ProgressDeadlineExceeded] ReplicaSet "{replica_set}" has timed out progressing.'
