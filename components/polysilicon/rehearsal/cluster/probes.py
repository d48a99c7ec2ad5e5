"""Ports that probes and hooks of a container name, as the kubelet looks them up: among the ports of that container.

The API server takes any name. A probe whose port cannot be found errs, and its result is thrown away: what was taken
for granted before the first one stays, and that is «not started» for a startup probe, «not ready» for a readiness probe
and «alive» for a liveness probe. A container whose postStart hook errs is killed; a preStop hook that errs is over.

Sources: kubernetes v1.35.0, pkg/probe/util.go (ResolveContainerPort), pkg/kubelet/prober/prober.go and worker.go
(newWorker, doProbe), pkg/kubelet/lifecycle/handlers.go (resolvePort), pkg/kubelet/kuberuntime/kuberuntime_container.go
(startContainer).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from polysilicon.rehearsal.cluster.matching import Plain
from polysilicon.rehearsal.cluster.workloads import Workload
from polysilicon.rehearsal.values import UNKNOWN, at

_DIRECTED = ("httpGet", "tcpSocket")


def never_ready(workload: Workload) -> list[str]:
    """What the kubelet says of pods that never get ready because a port that they name is not there; else nothing."""
    for container in workload.lasting:
        named = f"containers with unready status: [{container.get('name')}]"
        if port := _unknown_port(container, at(container, "lifecycle.postStart")):
            return [f"{named}[PostStartHookError] couldn't find port: {port} (lifecycle.postStart; {_told(container)})"]
        for kind in ("startupProbe", "readinessProbe") if _is_to_be_ready(workload) else ():
            if port := _unknown_port(container, container.get(kind)):
                return [
                    f"{named} {kind.removesuffix('Probe').capitalize()} probe errored and resulted in unknown state: "
                    f'strconv.Atoi: parsing "{port}": invalid syntax ({_told(container)})'
                ]
    return []


def idle(workload: Workload) -> Iterator[str]:
    """What is never asked or run for want of its port, though nobody complains: a sentence for each."""
    for container in workload.lasting:
        for what, place in (("livenessProbe", "livenessProbe"), ("preStop hook", "lifecycle.preStop")):
            if port := _unknown_port(container, at(container, place)):
                yield (
                    f"The {what} of container {container.get('name')} of {workload.kind} {workload.namespace}/"
                    f'{workload.name} has no effect: it names port "{port}"; {_told(container)}.'
                )


def _is_to_be_ready(workload: Workload) -> bool:
    """Jobs, and pods that are not started again, may end without ever being ready."""
    return workload.kind not in ("Job", "Pod") or workload.spec.get("restartPolicy", "Always") == "Always"


def _unknown_port(container: Plain, handler: Any) -> str:
    """The name of a port that a handler asks at and its container does not have."""
    told = handler if isinstance(handler, Mapping) else {}
    names = [at(told, f"{kind}.port") for kind in _DIRECTED]
    ports = container.get("ports")
    if ports == UNKNOWN or (isinstance(ports, list) and UNKNOWN in ports):
        return ""
    known = {str(at(port, "name")) for port in ports} if isinstance(ports, list) else set()
    wanted = [name for name in names if isinstance(name, str) and name != UNKNOWN and not name.isdigit()]
    return next((name for name in wanted if name and not {name, UNKNOWN} & known), "")


def _told(container: Plain) -> str:
    names = [str(name) for port in container.get("ports") or () if (name := at(port, "name"))]
    return f"the container names the ports {', '.join(names)}" if names else "the container names no port"
