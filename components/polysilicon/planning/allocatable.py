"""What pods can have of a node, after kubelet and cloud have taken theirs."""

from __future__ import annotations

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import Machine
from polysilicon.planning.landing import PerNode

_CPU_SHARES = ((1, 0.06), (1, 0.01), (2, 0.005))
_CPU_SHARE_ABOVE = 0.0025
"""Both clouds keep the same share of each next core: awslabs/amazon-eks-ami@81fec2e nodeadm/internal/kubelet/config.go,
and GKE's page on planning node sizes."""
_GKE_MEMORY_SHARES = ((4, 0.25), (4, 0.20), (8, 0.10), (112, 0.06))
_GKE_MEMORY_SHARE_ABOVE = 0.02
"""The same page of GKE."""
_EKS_MEMORY_BASE_MIB, _EKS_MEMORY_PER_POD_MIB = 255, 11
"""The same file of nodeadm."""


def eks_per_node(machine: Machine, disk_gib: int, catalog: Catalog) -> PerNode:
    """Allocatable of an EKS node on Amazon Linux 2023."""
    overhead = machine.memory_gib * catalog.assumptions["aws.vm_overhead_fraction"].value
    kubelet_mib = _EKS_MEMORY_BASE_MIB + _EKS_MEMORY_PER_POD_MIB * (machine.max_pods or 110)
    kept_mib = kubelet_mib + catalog.assumptions["aws.eviction_mib"].value
    return _per_node(machine, machine.memory_gib - overhead - kept_mib / 1024, disk_gib, catalog)


def gke_per_node(machine: Machine, disk_gib: int, catalog: Catalog) -> PerNode:
    """Allocatable of a GKE node."""
    kept = _tiered(machine.memory_gib, _GKE_MEMORY_SHARES, _GKE_MEMORY_SHARE_ABOVE)
    eviction = catalog.assumptions["gcp.eviction_mib"].value / 1024
    return _per_node(machine, machine.memory_gib - kept - eviction, disk_gib, catalog)


def _per_node(machine: Machine, memory_gib: float, disk_gib: int, catalog: Catalog) -> PerNode:
    return PerNode(
        accelerators=machine.accelerators,
        cpu_millicores=round(1000 * (machine.vcpus - _tiered(machine.vcpus, _CPU_SHARES, _CPU_SHARE_ABOVE))),
        memory_gib=round(memory_gib, 2),
        ephemeral_gib=round(disk_gib * catalog.assumptions["ephemeral_share"].value, 1),
        architecture=machine.architecture,
    )


def _tiered(amount: float, tiers: tuple[tuple[float, float], ...], above: float) -> float:
    kept, left = 0.0, amount
    for width, share in tiers:
        kept += min(left, width) * share
        left -= min(left, width)
    return kept + left * above
