"""What the plans of all pools have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import Machine, Silicon, Topology
from polysilicon.errors import one_of
from polysilicon.planning.fabric import Interface
from polysilicon.planning.landing import LANDING_LABEL, Interruption, Landing, PerNode, PodPatch, overlaid
from polysilicon.planning.problems import refuse
from polysilicon.planning.sharing import Slot
from polysilicon.specs import GpuSharing, PoolSpec, TpuSlicePoolSpec
from polysilicon.specs.capacity import Reservation

Terms = Literal["on_demand", "spot", "reserved", "capacity_block"]


@dataclass(frozen=True)
class NodeGroup:
    """Nodes on GKE on one set of terms; its autoscaler moves them between the bounds."""

    key: str
    """The terms, as part of a name: on-demand, spot."""
    spot: bool
    min: int
    max: int


@dataclass(frozen=True, kw_only=True)
class EksNodes:
    """Nodes on EKS on one set of terms: some that always run, and some that come when pods ask for them."""

    key: str
    """The terms, as part of a name: on-demand, spot, or the id of a reservation."""
    terms: Terms
    floor: int
    """Nodes of the managed node group."""
    elastic: int
    """Nodes that Karpenter may add to them."""
    weight: int
    """Rank among the pool's choices: Karpenter tries the greatest first."""
    zones: tuple[str, ...]
    reservation: Reservation | None = None
    begins: datetime | None = None
    """When a capacity block begins that has not begun yet: until then its nodes cannot start."""
    ended: bool = False
    """Whether it is a capacity block whose machines are gone."""
    placement_group: bool = False
    """Whether they stand close together."""
    in_group: str | None = None
    """The placement group that the reservation was made in."""


@dataclass(frozen=True, kw_only=True)
class _PoolPlan:
    key: str
    cluster: str
    machine: str
    zones: tuple[str, ...]
    labels: dict[str, str]
    taint: tuple[str, str, str]
    landing: Landing


@dataclass(frozen=True, kw_only=True)
class EksPoolPlan(_PoolPlan):
    """EKS nodes with accelerators."""

    nodes: tuple[EksNodes, ...]
    ami_type: str
    ami_release: str
    root_disk_gib: int
    interfaces: tuple[Interface, ...]
    """All EFA interfaces, if the pool has EFA; else the cloud's own single one."""
    raid: bool
    """Whether the machine's own disks are one fast disk for images, logs and what pods write."""
    parallel_pulls: bool
    """Whether layers of images are fetched and unpacked at once."""
    protected: bool
    """Whether replacing or deleting its nodes is refused."""
    sharing: GpuSharing | None = None
    """How pods share a GPU; none where there are no GPUs."""

    @property
    def elastic(self) -> bool:
        """Whether Karpenter has a part in it."""
        return any(nodes.elastic for nodes in self.nodes)


@dataclass(frozen=True, kw_only=True)
class TpuSlicePoolPlan(_PoolPlan):
    """GKE node pools with TPU chips."""

    groups: tuple[NodeGroup, ...]
    project: str
    topology: Topology
    boot_disk_gib: int


def shared(key: str, spec: PoolSpec, silicon: Silicon, zones: tuple[str, ...], landing: Landing) -> dict[str, Any]:
    """The fields of every pool's plan."""
    return {
        "key": key,
        "cluster": spec.cluster,
        "machine": spec.machine,
        "zones": zones,
        "labels": {LANDING_LABEL: key},
        "taint": (silicon.taint.key, silicon.taint.value, silicon.taint.effect),
        "landing": landing,
    }


def require_home(spec: PoolSpec, cluster: str) -> None:
    """Raises `SpecError` unless the pool names the cluster that it was given."""
    if spec.cluster != cluster:
        fix = f"name {cluster!r}, or give the component the home of {spec.cluster!r}"
        raise refuse("cluster", f"got {spec.cluster!r}, but the pool was given the home of cluster {cluster!r}", fix)


def machines_for(cloud: str, family: str, catalog: Catalog) -> Mapping[str, Machine]:
    """The catalog's machines of a cloud with silicon of a family."""
    return {
        name: row
        for name, row in catalog.machines.items()
        if row.cloud == cloud and row.silicon in catalog.silicon and catalog.silicon[row.silicon].family == family
    }


def machine_of(name: str, what_for: str, known: Mapping[str, Machine], catalog: Catalog) -> tuple[Machine, Silicon]:
    """The row of a machine and of its silicon. Raises `SpecError` where it is not one of those that are fit.

    Args:
        what_for: What it is to be a machine for, such as a neuron pool.
        known: Those that are fit.
    """
    if name not in known:
        fix = f"{one_of(sorted(known), name)}; or add a row under polysilicon:overlay, machines"
        raise refuse("machine", f"got {name!r}, which is no machine for {what_for}", fix)
    return known[name], catalog.silicon[known[name].silicon or ""]


def zones_of(spec: PoolSpec, region: str, at_hand: tuple[str, ...], catalog: Catalog) -> tuple[str, ...]:
    """Zones that sell the machine, of those named or at hand. Machines without recorded offerings are not judged."""
    regions, sold = catalog.regions_of(spec.machine), require_sold(spec.machine, region, catalog)
    for index, zone in enumerate(spec.zones):
        if regions and zone not in sold:
            fix = one_of(_with_clusters(sold, region, catalog), zone)
            raise refuse(f"zones[{index}]", f"got {zone!r}, where {spec.machine} is not offered", fix)
        if not isinstance(spec, TpuSlicePoolSpec) and zone not in at_hand:
            raise refuse(f"zones[{index}]", f"got {zone!r}, where the cluster has no subnet", one_of(at_hand, zone))
    return spec.zones or selling_zones(spec.machine, region, at_hand, catalog)


def require_sold(machine: str, region: str, catalog: Catalog) -> tuple[str, ...]:
    """The zones of a region that sell a machine. Raises `SpecError` where others do and this one does not."""
    regions, sold = catalog.regions_of(machine), catalog.zones(machine, region)
    if regions and not sold:
        fix = f"move to another region, or take another machine; regions that have it: {', '.join(regions)}"
        raise refuse("machine", f"{machine} is not offered in {region}", fix)
    return sold


def selling_zones(machine: str, region: str, at_hand: tuple[str, ...], catalog: Catalog) -> tuple[str, ...]:
    """Those of the zones at hand that sell the machine; all, where its offerings are not recorded. Raises `SpecError`
    where none does."""
    sold = require_sold(machine, region, catalog)
    chosen = tuple(zone for zone in at_hand if zone in sold or not sold)
    if not chosen:
        fix = f"add a zone to the network that has it: {', '.join(_with_clusters(sold, region, catalog))}"
        raise refuse("machine", f"{machine} is not offered in the network's zones {', '.join(at_hand)}", fix)
    return chosen


def _with_clusters(zones: tuple[str, ...], region: str, catalog: Catalog) -> tuple[str, ...]:
    """Those of the zones in which the cloud puts clusters; all, where the catalog does not say."""
    for row in catalog.regions:
        if row.region == region:
            return tuple(zone for zone in zones if zone in row.zones)
    return zones


def landing_of(
    key: str,
    spec: PoolSpec,
    silicon: Silicon,
    per_node: PerNode,
    region: str,
    catalog: Catalog,
    *,
    slot: Slot,
    nodes: int,
    scaled: bool = True,
    shape: Mapping[str, str] | None = None,
    driver: str | None = None,
    absent: str = "",
    fabric: str | None = None,
    extra: PodPatch | None = None,
) -> Landing:
    """The landing of a pool.

    Args:
        slot: What one server has of a node.
        nodes: Nodes that there can be without anybody changing the YAML.
        scaled: Whether they come and go by themselves.
        absent: Why no node can come now.
        shape: What fills the placeholders of the silicon's node selector.
        extra: What pods need beside what the silicon asks of them.
    """
    pod = _pod(key, silicon, slot, shape or {})
    return Landing(
        key=key,
        cluster=spec.cluster,
        silicon=catalog.machines[spec.machine].silicon or "",
        machine=spec.machine,
        region=region,
        per_node=per_node,
        pod=overlaid(pod, extra) if extra else pod,
        interruption=_interruption(spec, catalog),
        fabric=fabric,
        host_driver=driver,
        nodes=nodes,
        scaled=scaled,
        absent=absent,
        servers_per_node=slot.of_node,
        device_memory_gib=slot.device_memory_gib,
        devices=slot.devices,
        device_share=slot.device_share,
    )


def _pod(key: str, silicon: Silicon, slot: Slot, shape: Mapping[str, str]) -> PodPatch:
    taint = silicon.taint
    selector = {name: value.format(**shape) for name, value in silicon.node_selector.items()}
    shm = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{silicon.shm_gib}Gi"}}
    return PodPatch(
        node_selector={LANDING_LABEL: key, **selector},
        tolerations=({"key": taint.key, "operator": "Equal", "value": taint.value, "effect": taint.effect},),
        resources={silicon.resource: str(slot.devices)},
        env=silicon.env,
        volumes=(shm,) if silicon.shm_gib else (),
        volume_mounts=({"name": "shm", "mountPath": "/dev/shm"},) if silicon.shm_gib else (),
        scheduler_name=slot.scheduler,
    )


_BLOCK_NOTICE_SECONDS = 600
"""EKS takes a managed group down 40 minutes before a block ends, and EC2 its machines 30 minutes before: what is in
between is for the pods. docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html."""


def _interruption(spec: PoolSpec, catalog: Catalog) -> Interruption | None:
    kinds = {choice.kind for choice in spec.capacity}
    if "spot" in kinds:
        cloud = catalog.machines[spec.machine].cloud
        return Interruption("spot", int(catalog.assumptions[f"{cloud}.spot_notice_seconds"].value))
    return Interruption("end of the capacity block", _BLOCK_NOTICE_SECONDS) if "capacity_block" in kinds else None
