"""How the servers of a pool share its nodes: whole devices each, or parts of one."""

from __future__ import annotations

from dataclasses import dataclass

from polysilicon.catalog.rows import Machine, Silicon
from polysilicon.planning.problems import refuse
from polysilicon.specs import EksGpuPoolSpec, Mig, TimeSlicing
from polysilicon.specs.pool import EksPoolSpec

_GB_IN_GIB = 1e9 / 1024**3


@dataclass(frozen=True)
class Slot:
    """What one server has of a node."""

    devices: int
    """How many of the extended resource it asks for."""
    of_node: int
    """How many servers one node has room for."""
    device_memory_gib: float
    """Memory of all its devices."""


def slot_of(spec: EksPoolSpec, machine: Machine, silicon: Silicon) -> Slot:
    """The slot of each server of a pool. Raises `SpecError` where the node cannot be shared like that."""
    sharing = spec.sharing if isinstance(spec, EksGpuPoolSpec) else None
    if isinstance(sharing, TimeSlicing | Mig):
        _require_apart(spec)
        return _part_of_device(sharing, spec, machine, silicon)
    devices = spec.devices_per_server or machine.accelerators
    _require_whole_shares(devices, spec, machine)
    return Slot(devices, machine.accelerators // devices, devices * silicon.memory_gib)


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
        return Slot(1, machine.accelerators * sharing.replicas, silicon.memory_gib / sharing.replicas)
    if sharing.profile not in silicon.mig_profiles:
        known = ", ".join(silicon.mig_profiles)
        fix = f"allowed: {known}" if known else "take whole or time_slicing: this chip cannot be cut"
        raise refuse("sharing.profile", f"got {sharing.profile!r}, which {spec.machine} cannot be cut into", fix)
    instances, memory_gb = silicon.mig_profiles[sharing.profile], int(sharing.profile.rsplit(".", 1)[1].rstrip("gb"))
    return Slot(1, machine.accelerators * instances, memory_gb * _GB_IN_GIB)


def _require_whole_shares(devices: int, spec: EksPoolSpec, machine: Machine) -> None:
    allowed = [n for n in range(1, machine.accelerators + 1) if machine.accelerators % n == 0]
    text = f"got {devices}, but {spec.machine} has {machine.accelerators}, to be given out in equal shares"
    if spec.kind == "neuron":
        # Several of a node must be neighbours, which only AWS's own scheduler sees to; without it they may be any.
        allowed = [1, machine.accelerators]
        text = (
            f"got {devices} of {machine.accelerators}: several chips of a node that are not all need not be neighbours"
        )
    if devices not in allowed:
        raise refuse("devices_per_server", text, f"allowed: {', '.join(map(str, allowed))}")
    if spec.efa and devices != machine.accelerators:
        text = f"got {devices} of {machine.accelerators} with efa: a model over several nodes takes whole nodes"
        raise refuse("devices_per_server", text, "remove it, or take efa: false")
