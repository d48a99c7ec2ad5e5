"""How the servers of a pool share its nodes: whole devices each, or parts of one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import Machine, Silicon
from polysilicon.planning.problems import refuse
from polysilicon.planning.versions import numbers
from polysilicon.specs import EksGpuPoolSpec, Mig, TimeSlicing
from polysilicon.specs.pool import EksPoolSpec

_GB_IN_GIB = 1e9 / 1024**3

NEURON_SCHEDULER = "neuron-scheduler"
"""Name of the scheduler that gives a pod Neuron chips that are neighbours: pods ask for it by that name."""


@dataclass(frozen=True)
class Slot:
    """What one server has of a node."""

    devices: int
    """How many of the extended resource it asks for."""
    of_node: int
    """How many servers one node has room for."""
    device_memory_gib: float
    """Memory of all its devices."""
    device_share: float = 1
    """The part of each device's memory that is its own, where nothing else sees to that."""
    scheduler: str | None = None
    """Scheduler that must choose its devices; none where any will do."""


def slot_of(spec: EksPoolSpec, machine: Machine, silicon: Silicon) -> Slot:
    """The slot of each server of a pool. Raises `SpecError` where the node cannot be shared like that."""
    sharing = spec.sharing if isinstance(spec, EksGpuPoolSpec) else None
    if isinstance(sharing, TimeSlicing | Mig):
        _require_apart(spec)
        return _part_of_device(sharing, spec, machine, silicon)
    devices = spec.devices_per_server or machine.accelerators
    _require_whole_shares(devices, spec, machine, silicon)
    # Several of a node's Neuron chips must be neighbours; one, and all of them, always are.
    chosen = spec.kind == "neuron" and 1 < devices < machine.accelerators
    memory_gib, scheduler = devices * silicon.memory_gib, NEURON_SCHEDULER if chosen else None
    return Slot(devices, machine.accelerators // devices, memory_gib, scheduler=scheduler)


def require_packed(slot: Slot, spec: EksPoolSpec, machine: Machine, silicon: Silicon) -> None:
    """Raises `SpecError` where Karpenter, which is to add nodes, would count wrong.

    Of a new node it knows the machine's whole GPUs, not how they are shared. And it does not see which Neuron chips the
    scheduler has chosen, so that a node's free chips may be no neighbours: only powers of two come out right.

    Source: aws/karpenter-provider-aws@1d92708 website/content/en/docs/concepts/scheduling.md.
    """
    if isinstance(spec, EksGpuPoolSpec) and spec.sharing.kind != "whole":
        text = f"got {spec.sharing.kind} in a pool that Karpenter adds nodes to, which counts whole GPUs alone"
        raise refuse(
            "sharing", text, "make min and max of each choice of capacity equal, or take sharing: {kind: whole}"
        )
    if slot.scheduler is None or not slot.devices & (slot.devices - 1):
        return
    packed = [n for n in _equal_shares(spec, machine, silicon) if not n & (n - 1) or n == machine.accelerators]
    text = f"got {slot.devices} in a pool that Karpenter adds nodes to, which packs 1, 2, 4 or 8 chips of a node right"
    fix = f"allowed: {', '.join(map(str, packed))}; or make min and max of each choice of capacity equal"
    raise refuse("devices_per_server", text, fix)


def require_scheduler(slot: Slot, kubernetes: str, catalog: Catalog) -> None:
    """Raises `SpecError` where the slot needs a scheduler that does not fit the cluster's version of Kubernetes: no
    scheduler is newer than the API that it asks, nor more than one minor version older.

    Source: kubernetes.io, version skew policy.
    """
    image = catalog.default("neuron.kube_scheduler_image")
    tagged = re.search(r":v(\d+\.\d+)", image)
    if slot.scheduler is None or tagged is None:
        return
    (major, minor), (api_major, api_minor) = numbers(tagged[1]), numbers(kubernetes)[:2]
    if major == api_major and minor in (api_minor, api_minor - 1):
        return
    text = f"got {slot.devices}, which needs a scheduler, and {image} does not fit Kubernetes {kubernetes}"
    fix = "add a row under polysilicon:overlay, defaults, neuron.kube_scheduler_image, with the cluster's version"
    raise refuse("devices_per_server", text, fix)


def operator_labels(spec: EksPoolSpec) -> dict[str, str]:
    """Labels by which NVIDIA's GPU operator cuts the GPUs of a node, or leaves it alone.

    Source: docs.nvidia.com/datacenter/cloud-native/gpu-operator, getting-started and gpu-operator-mig.
    """
    if not isinstance(spec, EksGpuPoolSpec):
        return {}
    if isinstance(spec.sharing, Mig):
        return {"nvidia.com/mig.config": spec.sharing.profile}
    return {"nvidia.com/gpu.deploy.operands": "false"}


def _require_apart(spec: EksPoolSpec) -> None:
    if spec.efa:
        text = "got true for a pool whose servers have a part of a GPU: models over several nodes take whole ones"
        raise refuse("efa", text, "take sharing: {kind: whole}, or efa: false")
    if spec.devices_per_server is not None:
        text = f"got {spec.devices_per_server} for a pool whose servers have a part of a GPU each"
        raise refuse("devices_per_server", text, "remove it, or take sharing: {kind: whole}")


def _part_of_device(sharing: TimeSlicing | Mig, spec: EksPoolSpec, machine: Machine, silicon: Silicon) -> Slot:
    if isinstance(sharing, TimeSlicing):
        share = 1 / sharing.replicas
        return Slot(1, machine.accelerators * sharing.replicas, silicon.memory_gib * share, share)
    if sharing.profile not in silicon.mig_profiles:
        known = ", ".join(silicon.mig_profiles)
        fix = f"allowed: {known}" if known else "take whole or time_slicing: this chip cannot be cut"
        raise refuse("sharing.profile", f"got {sharing.profile!r}, which {spec.machine} cannot be cut into", fix)
    instances, memory_gb = silicon.mig_profiles[sharing.profile], int(sharing.profile.rsplit(".", 1)[1].rstrip("gb"))
    return Slot(1, machine.accelerators * instances, memory_gb * _GB_IN_GIB)


def _equal_shares(spec: EksPoolSpec, machine: Machine, silicon: Silicon) -> list[int]:
    shares = [n for n in range(1, machine.accelerators + 1) if machine.accelerators % n == 0]
    if spec.kind != "neuron":
        return shares
    return [n for n in shares if n in (1, machine.accelerators, *silicon.neighbours)]


def _require_whole_shares(devices: int, spec: EksPoolSpec, machine: Machine, silicon: Silicon) -> None:
    allowed = _equal_shares(spec, machine, silicon)
    if devices not in allowed:
        text = f"got {devices}, but {spec.machine} has {machine.accelerators}, to be given out in equal shares"
        which = " of chips that AWS's scheduler finds next to each other" if spec.kind == "neuron" else ""
        raise refuse("devices_per_server", text + which, f"allowed: {', '.join(map(str, allowed))}")
    if spec.efa and devices != machine.accelerators:
        text = f"got {devices} of {machine.accelerators} with efa: a model over several nodes takes whole nodes"
        raise refuse("devices_per_server", text, "remove it, or take efa: false")
