"""Pools on EKS, whatever silicon is in them: which nodes always run, which come when pods ask for them, and where."""

from __future__ import annotations

from datetime import datetime

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import AmiRelease, Machine, Runtime, Silicon
from polysilicon.errors import one_of
from polysilicon.planning.allocatable import eks_per_node
from polysilicon.planning.capacity import may_replace, plan_nodes, require_sellable
from polysilicon.planning.cluster import EksClusterPlan
from polysilicon.planning.fabric import efa_interfaces, efa_patch, require_efa
from polysilicon.planning.names import require_key
from polysilicon.planning.node_config import local_disks, pulls_in_parallel
from polysilicon.planning.pool_parts import (
    EksNodes,
    EksPoolPlan,
    landing_of,
    machine_of,
    machines_for,
    require_home,
    shared,
    zones_of,
)
from polysilicon.planning.problems import Problems, refuse
from polysilicon.planning.sharing import Slot, operator_labels, require_packed, require_scheduler, slot_of
from polysilicon.planning.versions import numbers, within
from polysilicon.specs import EksGpuPoolSpec, NeuronPoolSpec
from polysilicon.specs.pool import EksPoolSpec

_FAMILIES = {"neuron": "neuron", "eks_gpu": "nvidia"}
_AMI_TYPES = {"neuron": "AL2023_x86_64_NEURON", "eks_gpu": "AL2023_x86_64_NVIDIA"}
"""docs.aws.amazon.com/eks/latest/userguide/ml-eks-optimized-ami.html."""


def plan_eks_pool(key: str, spec: EksPoolSpec, cluster: EksClusterPlan, catalog: Catalog, now: datetime) -> EksPoolPlan:
    """Nodes with accelerators: zones that sell the machine, an image release whose driver the servers take.

    Args:
        now: For the window of a capacity block, and for leave to replace.
    """
    require_key(key)
    require_home(spec, cluster.key)
    fit = machines_for("aws", _FAMILIES[spec.kind], catalog)
    machine, silicon = machine_of(spec.machine, f"a {spec.kind} pool", fit, catalog)
    zones = zones_of(spec, cluster.region, cluster.zones, catalog)
    nodes, slot, release = _checked(spec, machine, silicon, zones, cluster, catalog, now)
    per_node = eks_per_node(machine, int(_disk_gib(spec, machine)), catalog)
    elastic = sum(each.elastic for each in nodes)
    landing = landing_of(
        key,
        spec,
        silicon,
        per_node,
        cluster.region,
        catalog,
        slot=slot,
        nodes=sum(each.floor for each in nodes) + elastic,
        scaled=elastic > 0,
        driver=_driver(spec, catalog.ami_releases[release]),
        absent=_absent(nodes),
        fabric="efa" if spec.efa else None,
        extra=efa_patch(machine) if spec.efa else None,
    )
    common = shared(key, spec, silicon, zones, landing)
    return EksPoolPlan(
        **{**common, "labels": {**common["labels"], **operator_labels(spec)}},
        nodes=nodes,
        ami_type=_AMI_TYPES[spec.kind],
        ami_release=release,
        root_disk_gib=spec.root_disk_gib,
        interfaces=efa_interfaces(machine) if spec.efa else (),
        raid=local_disks(spec, machine),
        parallel_pulls=pulls_in_parallel(machine),
        protected=_is_protected(spec, silicon, nodes, now),
        sharing=spec.sharing if isinstance(spec, EksGpuPoolSpec) else None,
    )


def _checked(
    spec: EksPoolSpec,
    machine: Machine,
    silicon: Silicon,
    zones: tuple[str, ...],
    cluster: EksClusterPlan,
    catalog: Catalog,
    now: datetime,
) -> tuple[tuple[EksNodes, ...], Slot, str]:
    """The nodes, what a server has of one, and their image release; every independent mistake is told at once."""
    problems = Problems()
    with problems.under(""):
        require_sellable(spec, machine)
        nodes = plan_nodes(spec, zones, now)
    if spec.efa:
        with problems.under(""):
            require_efa(spec.machine, machine, _with_efa(spec, catalog))
    with problems.under(""):
        _require_one_zone(spec, zones)
    with problems.under(""):
        slot = slot_of(spec, machine, silicon)
        require_scheduler(slot, cluster.kubernetes, catalog)
    with problems.under(""):
        release = _ami_release(spec, silicon, cluster, catalog)
    problems.raise_any()
    if any(each.elastic for each in nodes):
        require_packed(slot, spec, machine, silicon)
    return nodes, slot, release


def _with_efa(spec: EksPoolSpec, catalog: Catalog) -> tuple[str, ...]:
    machines = machines_for("aws", _FAMILIES[spec.kind], catalog)
    return tuple(sorted(name for name, row in machines.items() if row.efa_interfaces))


def _require_one_zone(spec: EksPoolSpec, zones: tuple[str, ...]) -> None:
    """EFA does not leave a zone, nor does a cluster placement group."""
    if len(zones) > 1 and (spec.efa or spec.placement_group):
        what = "EFA" if spec.efa else "a placement group"
        text = f"the pool lies in {', '.join(zones)}, but {what} does not leave a zone"
        raise refuse("zones", text, f"name one of them, such as zones: [{zones[0]}]")


def _absent(nodes: tuple[EksNodes, ...]) -> str:
    """Why no node can come now; empty where some can."""
    if any(each.begins is None and not each.ended for each in nodes):
        return ""
    moments = [each.begins for each in nodes if each.begins]
    return f"its pool begins on {min(moments):%Y-%m-%d at %H:%M} UTC" if moments else "its capacity block has ended"


def _disk_gib(spec: EksPoolSpec, machine: Machine) -> float:
    return machine.local_nvme_gib if local_disks(spec, machine) else spec.root_disk_gib


def _driver(spec: EksPoolSpec, release: AmiRelease) -> str | None:
    return release.neuron_driver if isinstance(spec, NeuronPoolSpec) else release.nvidia_driver


def _is_protected(spec: EksPoolSpec, silicon: Silicon, nodes: tuple[EksNodes, ...], now: datetime) -> bool:
    """Nodes that are hard to get again are not replaced without leave."""
    scarce = silicon.scarce or any(each.reservation for each in nodes)
    return scarce and not may_replace(spec.replace_ok, now)


def _ami_release(spec: EksPoolSpec, silicon: Silicon, cluster: EksClusterPlan, catalog: Catalog) -> str:
    releases = {n: r for n, r in catalog.ami_releases.items() if r.kubernetes == cluster.kubernetes}
    if spec.ami_release is not None:
        if spec.ami_release not in releases:
            text = f"got {spec.ami_release!r}, which is no release for Kubernetes {cluster.kubernetes} in the catalog"
            fix = f"{one_of(sorted(releases), spec.ami_release)}; or add a row under polysilicon:overlay, ami_releases"
            raise refuse("ami_release", text, fix)
        return spec.ami_release
    line = preferred_line(spec.machine, catalog)
    fitting = [name for name, row in releases.items() if _starts(line, _driver(spec, row))]
    if not fitting:
        text = f"no image release for Kubernetes {cluster.kubernetes} has a driver for {line.line if line else ''}"
        raise refuse("ami_release", text, "take another Kubernetes version for the cluster")
    return max(fitting, key=numbers)


def _starts(line: Runtime | None, driver: str | None) -> bool:
    return line is None or driver is None or within(driver, line.driver_min, line.driver_max)


def preferred_line(machine: str, catalog: Catalog) -> Runtime | None:
    """The image line that servers on this machine take by default, of whichever engine; None where there is none."""
    silicon = catalog.machines[machine].silicon or ""
    rows = [row for row in catalog.runtimes if silicon in row.silicon]
    return min(rows, key=lambda row: (row.opt_in, row.rank), default=None)
