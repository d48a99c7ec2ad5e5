"""Pools on GKE."""

from __future__ import annotations

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import Machine, Topology
from polysilicon.errors import one_of
from polysilicon.planning.allocatable import gke_per_node
from polysilicon.planning.cluster import GkeClusterPlan
from polysilicon.planning.names import require_key
from polysilicon.planning.pool_parts import (
    NodeGroup,
    TpuSlicePoolPlan,
    landing_of,
    machine_of,
    machines_for,
    require_home,
    shared,
    zones_of,
)
from polysilicon.planning.problems import refuse
from polysilicon.planning.sharing import Slot
from polysilicon.specs import Capacity, OnDemand, Spot, TpuSlicePoolSpec


def plan_tpu_slice_pool(
    key: str, spec: TpuSlicePoolSpec, cluster: GkeClusterPlan, catalog: Catalog
) -> TpuSlicePoolPlan:
    """Node pools with TPU chips in one slice shape."""
    require_key(key)
    require_home(spec, cluster.key)
    fit = machines_for("gcp", "tpu", catalog)
    machine, silicon = machine_of(spec.machine, f"a {spec.kind} pool", fit, catalog)
    groups = tuple(_group(index, choice) for index, choice in enumerate(spec.capacity))
    topology = _topology(spec, machine, catalog)
    sold = catalog.zones(spec.machine, cluster.region)
    zones = zones_of(spec, cluster.region, sold or cluster.zones, catalog)
    per_node = gke_per_node(machine, spec.boot_disk_gib, catalog)
    slot = Slot(machine.accelerators, 1, machine.accelerators * silicon.memory_gib)
    shape = {"topology": topology.shape}
    nodes = sum(group.max for group in groups)  # GKE brings an autoscaler
    landing = landing_of(key, spec, silicon, per_node, cluster.region, catalog, slot=slot, nodes=nodes, shape=shape)
    return TpuSlicePoolPlan(
        **shared(key, spec, silicon, zones, landing),
        groups=groups,
        project=cluster.project,
        topology=topology,
        boot_disk_gib=spec.boot_disk_gib,
    )


def _group(index: int, choice: Capacity) -> NodeGroup:
    if isinstance(choice, OnDemand | Spot):
        return NodeGroup(choice.kind.replace("_", "-"), choice.kind == "spot", choice.min, choice.max)
    text = f"got {choice.kind}, which Google Cloud does not have"
    raise refuse(f"capacity[{index}].kind", text, one_of(("on_demand", "spot")))


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
