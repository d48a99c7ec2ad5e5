"""What runs pods in a cluster, as far as it was given: Deployments, StatefulSets, DaemonSets, Jobs and bare Pods."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from polysilicon.rehearsal.cluster.matching import Plain, selected
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.quantities import number
from polysilicon.rehearsal.values import Properties, at

_JUDGED = ("cpu", "memory", "ephemeral-storage", "hugepages-")
_REPLICAS = {"Deployment": "spec.replicas", "StatefulSet": "spec.replicas", "Job": "spec.parallelism"}
_KINDS = {
    "kubernetes:apps/v1:Deployment": "Deployment",
    "kubernetes:apps/v1:StatefulSet": "StatefulSet",
    "kubernetes:apps/v1:DaemonSet": "DaemonSet",
    "kubernetes:batch/v1:Job": "Job",
    "kubernetes:core/v1:Pod": "Pod",
}


@dataclass(frozen=True)
class Workload:
    """Something that runs pods.

    Attributes:
        kind: `Deployment`, `StatefulSet`, `DaemonSet`, `Job` or `Pod`.
        template: Metadata and spec of its pods.
    """

    key: int
    kind: str
    namespace: str
    name: str
    inputs: Properties
    template: Plain

    @cached_property
    def spec(self) -> Plain:
        """The spec of its pods."""
        return _mapping(self.template.get("spec"))

    @cached_property
    def labels(self) -> Any:
        """The labels of its pods."""
        return at(self.template, "metadata.labels") or {}

    @cached_property
    def annotations(self) -> Plain:
        """The annotations of its pods."""
        return _mapping(at(self.template, "metadata.annotations"))

    @property
    def replicas(self) -> int:
        """How many pods it wants; one where that is not known. A DaemonSet's count is that of its nodes."""
        told = at(self.inputs, _REPLICAS.get(self.kind, "-"))
        return int(told) if isinstance(told, (int, float)) else 1

    @cached_property
    def requests(self) -> Mapping[str, float]:
        """What each of its pods asks of a node."""
        return requested(self.spec)

    @cached_property
    def demand(self) -> list[tuple[str, float]]:
        """What is looked at of it when a place is sought: extended resources, cpu, memory, huge pages, disk, and that
        a node takes one more pod."""
        judged = [(name, amount) for name, amount in self.requests.items() if "/" in name or name.startswith(_JUDGED)]
        return [*judged, ("pods", 1.0)]

    @cached_property
    def selected(self) -> frozenset[str]:
        """The labels by which it selects nodes."""
        return selected(self.spec)

    @cached_property
    def is_critical(self) -> bool:
        """Whether its pods push others aside."""
        return str(self.spec.get("priorityClassName") or "").startswith("system-")

    @cached_property
    def containers(self) -> list[Plain]:
        """The containers that run for good."""
        return _containers(self.spec, "containers")

    @cached_property
    def lasting(self) -> list[Plain]:
        """Those, and the sidecars among the init containers, of which pods are made up when they are ready."""
        sidecars = [each for each in _containers(self.spec, "initContainers") if each.get("restartPolicy") == "Always"]
        return [*sidecars, *self.containers]

    @cached_property
    def images(self) -> list[str]:
        """The images of all containers."""
        every = [*self.containers, *_containers(self.spec, "initContainers")]
        return [str(container.get("image") or "") for container in every]

    @cached_property
    def words(self) -> list[str]:
        """What its containers run."""
        every = [*self.containers, *_containers(self.spec, "initContainers")]
        return [str(word) for each in every for key in ("command", "args") for word in each.get(key) or ()]

    @property
    def pod_name(self) -> str:
        """What its first pod is called, with the provider's spelling of the namespace."""
        digest = hashlib.sha256(f"{self.namespace}/{self.name}".encode()).hexdigest()
        suffix = {"Deployment": f"-{digest[:10]}-{digest[10:15]}", "StatefulSet": "-0", "Pod": ""}
        name = self.name + suffix.get(self.kind, f"-{digest[:5]}")
        return name if self.namespace in ("", "default") else f"{self.namespace}/{name}"


def is_workload(type_: str) -> bool:
    """Whether objects of a type run pods."""
    return type_ in _KINDS


def workload_of(record: Record) -> Workload | None:
    """The workload that an object is, if it is one."""
    kind = _KINDS.get(record.type)
    if kind is None:
        return None
    return workload(kind, record.inputs, record.outputs, record.key)


def workload(kind: str, inputs: Properties, outputs: Properties, key: int) -> Workload:
    """The workload of a kind with these inputs."""
    template = inputs if kind == "Pod" else _mapping(at(inputs, "spec.template"))
    name, namespace = (str(at(outputs, f"metadata.{part}") or "") for part in ("name", "namespace"))
    return Workload(key, kind, namespace, name, inputs, template)


def requested(spec: Plain) -> dict[str, float]:
    """What a pod asks of a node: its containers together, or its hungriest init container if that asks for more."""
    total: defaultdict[str, float] = defaultdict(float)
    first: defaultdict[str, float] = defaultdict(float)
    for container in _containers(spec, "initContainers"):
        sidecar = container.get("restartPolicy") == "Always"
        for name, amount in _asked(container):
            total[name] += amount if sidecar else 0.0
            first[name] = max(first[name], amount)
    for container in _containers(spec, "containers"):
        for name, amount in _asked(container):
            total[name] += amount
    largest = {name: max(total[name], first[name]) for name in {*total, *first}}
    return {name: amount for name, amount in largest.items() if amount}


def _asked(container: Plain) -> Iterator[tuple[str, float]]:
    """What stands in the limits only is requested too."""
    resources = _mapping(container.get("resources"))
    merged = {**_mapping(resources.get("limits")), **_mapping(resources.get("requests"))}
    for name, told in merged.items():
        amount = number(told)
        if amount is not None:
            yield name, amount


def _containers(spec: Plain, key: str) -> list[Plain]:
    told = spec.get(key)
    return [container for container in told if isinstance(container, Mapping)] if isinstance(told, list) else []


def _mapping(value: Any) -> Plain:
    return value if isinstance(value, Mapping) else {}
