"""Extended resources of nodes on EKS: the machine has the device, its image the driver, and a plugin offers it.

GKE does all of this by itself; see `gke`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from polysilicon.catalog import Catalog
from polysilicon.rehearsal.cluster.matching import selects, untolerated
from polysilicon.rehearsal.cluster.nodes import NodeSet, chips_of, facts
from polysilicon.rehearsal.cluster.workloads import Workload
from polysilicon.rehearsal.cluster.world import World, chart_of
from polysilicon.rehearsal.values import UNKNOWN


def with_devices(sets: Iterable[NodeSet], world: World, catalog: Catalog) -> list[NodeSet]:
    """The sets with the extended resources that something offers on their nodes."""
    charts = [str(record.inputs).lower() for record in world.objects if chart_of(record)]
    plugins = [each for each in world.workloads if each.kind in ("DaemonSet", "Pod")]
    return [_with(each, plugins, charts, catalog) for each in sets]


def _with(nodes: NodeSet, workloads: Sequence[Workload], charts: Sequence[str], catalog: Catalog) -> NodeSet:
    capacity, lacking = dict(nodes.capacity), dict(nodes.lacking)
    for row in facts()["devices"]:
        resource = row["resource"]
        if nodes.machines and not any(machine.startswith(tuple(row["families"])) for machine in nodes.machines):
            continue
        why = _why_not(row, nodes, workloads, charts)
        if why:
            lacking[resource] = why
        elif resource not in capacity:
            capacity[resource] = chips_of(nodes.machines, catalog, row["counted"])
    return replace(nodes, capacity=capacity, lacking=lacking)


def _why_not(row: Mapping[str, Any], nodes: NodeSet, workloads: Sequence[Workload], charts: Sequence[str]) -> str:
    """Why nodes with the device do not offer it; nothing if they do."""
    brought = any(_is(chart, row.get("bring_drivers", ())) for chart in charts)
    if row["amis"] and nodes.image not in ("", "CUSTOM", UNKNOWN, *row["amis"]) and not brought:
        allowed = ", ".join(row["amis"])
        return f"{nodes.title}: images of amiType {nodes.image} have no {row['driver']} driver; allowed: {allowed}"
    if nodes.image in row.get("built_in", ()) or any(_is(chart, row["charts"]) for chart in charts):
        return ""
    return _no_plugin(row, nodes, workloads)


def _no_plugin(row: Mapping[str, Any], nodes: NodeSet, workloads: Sequence[Workload]) -> str:
    plugins = [each for each in workloads if any(_is(image, row["images"]) for image in each.images)]
    if not plugins:
        return (
            f"{nodes.title}: no device plugin runs in the cluster that offers {row['resource']} "
            f"(a DaemonSet with an image such as {row['images'][0]})"
        )
    refusals = [_refusal(each, nodes) for each in plugins]
    return "" if "" in refusals else "; ".join(refusals)


def _refusal(plugin: Workload, nodes: NodeSet) -> str:
    named = f"{nodes.title}: the device plugin {plugin.kind} {plugin.namespace}/{plugin.name}"
    if not selects(plugin.spec, nodes.labels):
        return f"{named} does not select these nodes"
    taint = untolerated(plugin.spec, nodes.taints)
    return f"{named} does not tolerate their taint {taint.key}={taint.value}:{taint.effect}" if taint else ""


def _is(text: str, names: Iterable[str]) -> bool:
    return text == UNKNOWN or any(name in text for name in names)


def may_be_offered(resource: str, world: World) -> bool:
    """Whether something that is not known here may offer an extended resource: another DaemonSet, or a chart."""
    if world.is_handed_over:
        return True
    if any(row["resource"] == resource for row in facts()["devices"]):
        return False
    if resource.startswith(tuple(facts()["closed_domains"])):
        return False
    plugins = tuple(image for row in facts()["devices"] for image in row["images"])
    return any(
        chart_of(record) or (record.type.endswith(":DaemonSet") and not _is(str(record.inputs), plugins))
        for record in world.objects
    )
