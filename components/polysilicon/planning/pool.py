"""Which nodes a pool has, on which terms and where, and the landing that it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import Machine, Runtime, Silicon, Topology
from polysilicon.errors import one_of
from polysilicon.planning.allocatable import eks_per_node, gke_per_node
from polysilicon.planning.cluster import ClusterPlan, EksClusterPlan, GkeClusterPlan
from polysilicon.planning.landing import LANDING_LABEL, Group, Interruption, Landing, PerNode, PodPatch
from polysilicon.planning.names import require_key
from polysilicon.planning.problems import refuse
from polysilicon.planning.versions import numbers, within
from polysilicon.specs import Capacity, NeuronPoolSpec, PoolSpec, TpuSlicePoolSpec


@dataclass(frozen=True)
class NodeGroup:
    """Nodes on one set of terms."""

    key: str
    """The terms, as part of a name: on-demand, spot."""
    spot: bool
    min: int
    max: int


@dataclass(frozen=True, kw_only=True)
class _PoolPlan:
    key: str
    cluster: str
    machine: str
    zones: tuple[str, ...]
    groups: tuple[NodeGroup, ...]
    labels: dict[str, str]
    taint: tuple[str, str, str]
    landing: Landing


@dataclass(frozen=True, kw_only=True)
class NeuronPoolPlan(_PoolPlan):
    """EKS node groups with Neuron chips."""

    ami_release: str
    root_disk_gib: int


@dataclass(frozen=True, kw_only=True)
class TpuSlicePoolPlan(_PoolPlan):
    """GKE node pools with TPU chips."""

    project: str
    topology: Topology
    boot_disk_gib: int


PoolPlan = NeuronPoolPlan | TpuSlicePoolPlan


def plan_pool(key: str, spec: PoolSpec, cluster: ClusterPlan, catalog: Catalog) -> PoolPlan:
    """The plan of a pool. Raises `SpecError` with paths relative to the pool."""
    if isinstance(spec, NeuronPoolSpec) and isinstance(cluster, EksClusterPlan):
        return plan_neuron_pool(key, spec, cluster, catalog)
    if isinstance(spec, TpuSlicePoolSpec) and isinstance(cluster, GkeClusterPlan):
        return plan_tpu_slice_pool(key, spec, cluster, catalog)
    cloud, kinds = ("AWS", "neuron") if isinstance(cluster, EksClusterPlan) else ("Google Cloud", "tpu_slice")
    fix = f"name a cluster of the other cloud, or take a pool of kind {kinds}"
    raise refuse("cluster", f"got {spec.cluster!r}, which is on {cloud}: a {spec.kind} pool cannot join it", fix)


def plan_neuron_pool(key: str, spec: NeuronPoolSpec, cluster: EksClusterPlan, catalog: Catalog) -> NeuronPoolPlan:
    """Node groups with Neuron chips: zones that sell the machine, an image release whose driver the servers take."""
    require_key(key)
    _require_home(spec, cluster.key)
    machine, silicon = _machine(spec, "aws", "neuron", catalog)
    zones = _zones(spec, cluster.region, cluster.zones, catalog)
    release = _ami_release(spec, silicon, cluster, catalog)
    per_node = eks_per_node(machine, spec.root_disk_gib, catalog)
    driver = catalog.ami_releases[release].neuron_driver
    landing = _landing(key, spec, silicon, per_node, cluster.region, catalog, {}, driver)
    return NeuronPoolPlan(
        **_shared(key, spec, silicon, zones, landing), ami_release=release, root_disk_gib=spec.root_disk_gib
    )


def plan_tpu_slice_pool(
    key: str, spec: TpuSlicePoolSpec, cluster: GkeClusterPlan, catalog: Catalog
) -> TpuSlicePoolPlan:
    """Node pools with TPU chips in one slice shape."""
    require_key(key)
    _require_home(spec, cluster.key)
    machine, silicon = _machine(spec, "gcp", "tpu", catalog)
    topology = _topology(spec, machine, catalog)
    sold = catalog.zones(spec.machine, cluster.region)
    zones = _zones(spec, cluster.region, sold or cluster.zones, catalog)
    per_node = gke_per_node(machine, spec.boot_disk_gib, catalog)
    landing = _landing(key, spec, silicon, per_node, cluster.region, catalog, {"topology": topology.shape}, None)
    return TpuSlicePoolPlan(
        **_shared(key, spec, silicon, zones, landing),
        project=cluster.project,
        topology=topology,
        boot_disk_gib=spec.boot_disk_gib,
    )


def _shared(key: str, spec: PoolSpec, silicon: Silicon, zones: tuple[str, ...], landing: Landing) -> dict[str, Any]:
    """What the plans of all pools have in common."""
    return {
        "key": key,
        "cluster": spec.cluster,
        "machine": spec.machine,
        "zones": zones,
        "groups": _groups(spec.capacity),
        "labels": {LANDING_LABEL: key},
        "taint": (silicon.taint.key, silicon.taint.value, silicon.taint.effect),
        "landing": landing,
    }


def _require_home(spec: PoolSpec, cluster: str) -> None:
    if spec.cluster != cluster:
        fix = f"name {cluster!r}, or give the component the home of {spec.cluster!r}"
        raise refuse("cluster", f"got {spec.cluster!r}, but the pool was given the home of cluster {cluster!r}", fix)


def _machine(spec: PoolSpec, cloud: str, family: str, catalog: Catalog) -> tuple[Machine, Silicon]:
    known = {
        name: row
        for name, row in catalog.machines.items()
        if row.cloud == cloud and row.silicon in catalog.silicon and catalog.silicon[row.silicon].family == family
    }
    if spec.machine not in known:
        fix = f"{one_of(sorted(known), spec.machine)}; or add a row under polysilicon:overlay, machines"
        raise refuse("machine", f"got {spec.machine!r}, which is no machine for a {spec.kind} pool", fix)
    machine = known[spec.machine]
    return machine, catalog.silicon[machine.silicon or ""]


def _zones(spec: PoolSpec, region: str, at_hand: tuple[str, ...], catalog: Catalog) -> tuple[str, ...]:
    """Zones that sell the machine, of those named or at hand. Machines without recorded offerings are not judged."""
    regions, sold = catalog.regions_of(spec.machine), catalog.zones(spec.machine, region)
    if regions and not sold:
        fix = f"move the cluster, or take another machine; regions that have it: {', '.join(regions)}"
        raise refuse("machine", f"{spec.machine} is not offered in {region}", fix)
    for index, zone in enumerate(spec.zones):
        if regions and zone not in sold:
            fix = one_of(sold, zone)
            raise refuse(f"zones[{index}]", f"got {zone!r}, where {spec.machine} is not offered", fix)
        if isinstance(spec, NeuronPoolSpec) and zone not in at_hand:
            raise refuse(f"zones[{index}]", f"got {zone!r}, where the cluster has no subnet", one_of(at_hand, zone))
    chosen = spec.zones or tuple(zone for zone in at_hand if zone in sold or not regions)
    if not chosen:
        fix = f"add a zone to the cluster's network that has it: {', '.join(sold)}"
        raise refuse("machine", f"{spec.machine} is not offered in the network's zones {', '.join(at_hand)}", fix)
    return chosen


def _topology(spec: TpuSlicePoolSpec, machine: Machine, catalog: Catalog) -> Topology:
    shapes = {topology.shape: topology for topology in machine.topologies}
    if spec.topology not in shapes:
        others = [name for name, row in catalog.machines.items() if spec.topology in {t.shape for t in row.topologies}]
        elsewhere = f"; {spec.topology} is a shape of {', '.join(sorted(others))}" if others else ""
        text = f"got {spec.topology!r}, which {spec.machine} cannot form"
        raise refuse("topology", text, f"{one_of(shapes, spec.topology)}{elsewhere}")
    topology = shapes[spec.topology]
    if topology.hosts > 1:
        single = ", ".join(shape for shape, t in shapes.items() if t.hosts == 1)
        text = (
            f"{spec.topology} on {spec.machine} is a slice over {topology.hosts} hosts, and servers over several hosts"
        )
        raise refuse(
            "topology", f"{text} are not built yet", f"single-host shapes of {spec.machine}: {single or 'none'}"
        )
    return topology


def _groups(capacity: tuple[Capacity, ...]) -> tuple[NodeGroup, ...]:
    return tuple(NodeGroup(c.kind.replace("_", "-"), c.kind == "spot", c.min, c.max) for c in capacity)


def _ami_release(spec: NeuronPoolSpec, silicon: Silicon, cluster: EksClusterPlan, catalog: Catalog) -> str:
    releases = {n: r for n, r in catalog.ami_releases.items() if r.kubernetes == cluster.kubernetes}
    if spec.ami_release is not None:
        if spec.ami_release not in releases:
            text = f"got {spec.ami_release!r}, which is no release for Kubernetes {cluster.kubernetes} in the catalog"
            fix = f"{one_of(sorted(releases), spec.ami_release)}; or add a row under polysilicon:overlay, ami_releases"
            raise refuse("ami_release", text, fix)
        return spec.ami_release
    line = preferred_line(spec.machine, catalog)
    fitting = [
        n for n, r in releases.items() if line is None or within(r.neuron_driver, line.driver_min, line.driver_max)
    ]
    if not fitting:
        text = f"no image release for Kubernetes {cluster.kubernetes} has a driver for {line.line if line else ''}"
        raise refuse("ami_release", text, "take another Kubernetes version for the cluster")
    return max(fitting, key=numbers)


def preferred_line(machine: str, catalog: Catalog) -> Runtime | None:
    """The image line that servers on this machine take by default, of whichever engine; None where there is none."""
    silicon = catalog.machines[machine].silicon or ""
    rows = [row for row in catalog.runtimes if silicon in row.silicon]
    return min(rows, key=lambda row: (row.opt_in, row.rank), default=None)


def _landing(
    key: str,
    spec: PoolSpec,
    silicon: Silicon,
    per_node: PerNode,
    region: str,
    catalog: Catalog,
    shape: dict[str, str],
    driver: str | None,
) -> Landing:
    taint = silicon.taint
    # GKE brings an autoscaler; on EKS nothing moves a node group between its bounds.
    scaled = isinstance(spec, TpuSlicePoolSpec)
    selector = {name: value.format(**shape) for name, value in silicon.node_selector.items()}
    shm = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": f"{silicon.shm_gib}Gi"}}
    pod = PodPatch(
        node_selector={LANDING_LABEL: key, **selector},
        tolerations=({"key": taint.key, "operator": "Equal", "value": taint.value, "effect": taint.effect},),
        resources={silicon.resource: str(per_node.accelerators)},
        env=silicon.env,
        volumes=(shm,) if silicon.shm_gib else (),
        volume_mounts=({"name": "shm", "mountPath": "/dev/shm"},) if silicon.shm_gib else (),
    )
    return Landing(
        key=key,
        cluster=spec.cluster,
        silicon=catalog.machines[spec.machine].silicon or "",
        machine=spec.machine,
        region=region,
        per_node=per_node,
        pod=pod,
        group=Group(),
        interruption=_interruption(spec, catalog),
        host_driver=driver,
        nodes=sum(choice.max if scaled else choice.min for choice in spec.capacity),
        scaled=scaled,
    )


def _interruption(spec: PoolSpec, catalog: Catalog) -> Interruption | None:
    if not any(choice.kind == "spot" for choice in spec.capacity):
        return None
    cloud = catalog.machines[spec.machine].cloud
    return Interruption("spot", int(catalog.assumptions[f"{cloud}.spot_notice_seconds"].value))
