"""The landing: what a model server must know of the silicon under it, the same for every pool on every cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

LANDING_LABEL = "polysilicon.dev/landing"
"""Nodes of a pool carry it with the landing's key, and pods select it; so one landing may span several node groups."""

Plain = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class PodPatch:
    """What a pod needs on this silicon, as plain Kubernetes data. `patched` lays it over a pod template."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Plain, ...] = ()
    resources: Mapping[str, str] = field(default_factory=dict)
    """Extended resources of the serving container: requests, and limits equal to them."""
    env: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[Plain, ...] = ()
    volume_mounts: tuple[Plain, ...] = ()
    init_containers: tuple[Plain, ...] = ()
    sidecars: tuple[Plain, ...] = ()
    scheduler_name: str | None = None
    capabilities: tuple[str, ...] = ()
    """Linux capabilities that the serving container must add."""


@dataclass(frozen=True)
class PerNode:
    """What pods can have of one node, after what Kubernetes keeps for itself."""

    accelerators: int
    cpu_millicores: int
    memory_gib: float
    ephemeral_gib: float
    architecture: str


@dataclass(frozen=True)
class Group:
    """How many hosts form one server: one alone, a fixed slice of hosts, or up to so many."""

    kind: Literal["none", "fixed", "up_to"] = "none"
    hosts: int = 1


@dataclass(frozen=True)
class Interruption:
    """Capacity that may be taken back while serving."""

    reason: str
    notice_seconds: int


@dataclass(frozen=True, kw_only=True)
class Landing:
    """Where a model can land."""

    key: str
    ground: Literal["pool", "server"] = "pool"
    """What has the key in the YAML: a pool, or a server that is a machine of its own."""
    cluster: str
    """Key of the cluster; a component refuses the landing of another cluster."""
    silicon: str
    machine: str
    region: str
    per_node: PerNode
    pod: PodPatch
    group: Group = field(default_factory=Group)
    interruption: Interruption | None = None
    fabric: str | None = None
    """Network between the hosts of one server; none where a server fits one host."""
    host_driver: str | None = None
    """Driver on the nodes, where the node image brings it."""
    nodes: int = 1
    """How many nodes there can be without anybody changing the YAML."""
    scaled: bool = True
    """Whether the cloud scales the pool by itself; if not, its nodes are those that always run."""
    absent: str = ""
    """Why no node can come now: its capacity block has not begun, or has ended. Empty where nodes can; where they
    cannot, nobody waits for pods."""
    servers_per_node: int = 1
    """How many servers share a node; each has its part of the CPU and the memory."""
    device_memory_gib: float = 0
    """Memory of the chips that one server has."""
    devices: int = 1
    """Chips, or parts of one, that one server has."""
    device_share: float = 1
    """The part of each chip's memory that a server may take, where it must keep to that by itself."""

    @property
    def called(self) -> str:
        """What a person calls it: pool inf2."""
        return f"{self.ground} {self.key}"

    @property
    def chosen_by(self) -> str:
        """The key in the entry of a model, or of a server, that chose it."""
        return "pool" if self.ground == "pool" else "machine"


def overlaid(patch: PodPatch, extra: PodPatch) -> PodPatch:
    """Both patches as one; of two with one name in a mapping, that of `extra` wins."""
    return PodPatch(
        node_selector={**patch.node_selector, **extra.node_selector},
        tolerations=(*patch.tolerations, *extra.tolerations),
        resources={**patch.resources, **extra.resources},
        env={**patch.env, **extra.env},
        annotations={**patch.annotations, **extra.annotations},
        volumes=(*patch.volumes, *extra.volumes),
        volume_mounts=(*patch.volume_mounts, *extra.volume_mounts),
        init_containers=(*patch.init_containers, *extra.init_containers),
        sidecars=(*patch.sidecars, *extra.sidecars),
        scheduler_name=extra.scheduler_name or patch.scheduler_name,
        capabilities=(*patch.capabilities, *extra.capabilities),
    )


def patched(template: Plain, patch: PodPatch) -> dict[str, Any]:
    """The pod template with `patch` laid over it; the template's first container is the serving one.

    What the template says itself wins over the patch in `env` and annotations. A selector that says something else than
    the patch is a contradiction and raises `ValueError`, since the pod could run nowhere.
    """
    metadata, spec = dict(template.get("metadata", {})), dict(template["spec"])
    main, *others = spec["containers"]
    if patch.annotations:
        metadata["annotations"] = {**patch.annotations, **metadata.get("annotations", {})}
    spec["nodeSelector"] = _agreeing(spec.get("nodeSelector", {}), patch.node_selector)
    spec["tolerations"] = [*spec.get("tolerations", []), *(dict(t) for t in patch.tolerations)]
    spec["volumes"] = [*spec.get("volumes", []), *(dict(v) for v in patch.volumes)]
    spec["containers"] = [_patched_container(main, patch), *others, *(dict(s) for s in patch.sidecars)]
    if patch.init_containers:
        spec["initContainers"] = [*(dict(c) for c in patch.init_containers), *spec.get("initContainers", [])]
    if patch.scheduler_name:
        spec["schedulerName"] = patch.scheduler_name
    return {"metadata": metadata, "spec": spec}


def _patched_container(container: Plain, patch: PodPatch) -> dict[str, Any]:
    own = container.get("resources", {})
    named = {variable["name"] for variable in container.get("env", [])}
    added = [{"name": name, "value": value} for name, value in patch.env.items() if name not in named]
    changed = {
        **container,
        "env": [*container.get("env", []), *added],
        "resources": {part: {**own.get(part, {}), **patch.resources} for part in ("requests", "limits")},
        "volumeMounts": [*container.get("volumeMounts", []), *(dict(m) for m in patch.volume_mounts)],
    }
    return _with_capabilities(changed, patch.capabilities) if patch.capabilities else changed


def _with_capabilities(container: dict[str, Any], capabilities: tuple[str, ...]) -> dict[str, Any]:
    security = dict(container.get("securityContext", {}))
    held = security.get("capabilities", {})
    security["capabilities"] = {**held, "add": [*held.get("add", []), *capabilities]}
    return {**container, "securityContext": security}


def _agreeing(own: Mapping[str, str], patch: Mapping[str, str]) -> dict[str, str]:
    for key in own.keys() & patch.keys():
        if own[key] != patch[key]:
            raise ValueError(f"the pod selects {key}={own[key]}, its landing {key}={patch[key]}: no node has both")
    return {**own, **patch}
