"""Extended resources of nodes on EKS: the machine has the device, its image the driver, and a plugin offers it.

GKE does all of this by itself; see `gke`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from polysilicon.catalog import Catalog
from polysilicon.rehearsal.cluster.fabric import HUGE_PAGES
from polysilicon.rehearsal.cluster.matching import selects, untolerated
from polysilicon.rehearsal.cluster.nodes import NodeSet, chips_of, facts
from polysilicon.rehearsal.cluster.shares import GPU, NOT_KNOWN, WHOLE, Shares, shares_of, shares_of_chart
from polysilicon.rehearsal.cluster.workloads import Workload
from polysilicon.rehearsal.cluster.world import World, chart_of
from polysilicon.rehearsal.values import UNKNOWN, at

_MOST_TOLD = 4
"""Of many device plugins that do not come to nodes a few are named."""


@dataclass(frozen=True)
class _Chart:
    """A release of a chart: all that it says as one text, and what it says."""

    text: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Runs:
    """What runs in the cluster and may offer devices."""

    charts: Sequence[_Chart]
    workloads: Sequence[Workload]
    shares: Mapping[int, Shares]
    """What those that run NVIDIA's device plugin make of a GPU, by the key of the workload."""

    @cached_property
    def plugins(self) -> Mapping[str, list[Workload]]:
        """By the resource that they offer: the workloads with an image of its device plugin."""
        return {row["resource"]: [w for w in self.workloads if _runs(w, row["images"])] for row in facts()["devices"]}

    @cached_property
    def sets_pages(self) -> bool:
        """Whether pods on the nodes may set huge pages aside there."""
        return any("hugepages" in word for each in self.workloads for word in each.words)


def _runs(workload: Workload, images: Iterable[str]) -> bool:
    return any(_is(image, images) for image in workload.images)


def runs_of(world: World) -> Runs:
    """What runs in a cluster and may offer devices."""
    charts = [_Chart(str(record.inputs).lower(), record.inputs) for record in world.charts]
    workloads = [each for each in world.workloads if each.kind in ("DaemonSet", "Pod")]
    images = next(row["images"] for row in facts()["devices"] if row["resource"] == GPU)
    return Runs(charts, workloads, {w.key: shares_of(w, world) for w in workloads if _runs(w, images)})


def with_devices(nodes: NodeSet, runs: Runs, catalog: Catalog) -> NodeSet:
    """The nodes with the extended resources that something offers on them."""
    capacity, lacking = dict(nodes.capacity), dict(nodes.lacking)
    for row in facts()["devices"]:
        resource = row["resource"]
        if nodes.machines and not any(_has(machine, row, nodes, catalog) for machine in nodes.machines):
            continue
        why = _why_not(row, nodes, runs) or _none_attached(row, nodes)
        if why:
            lacking[resource] = why
        elif resource not in capacity:
            capacity.update(_offered(row, nodes, runs, catalog))
            if resource not in capacity:
                lacking[resource] = (
                    f"{nodes.title}: the device plugin offers them as {resource}.shared (renameByDefault)"
                )
    if runs.sets_pages:
        capacity.update(dict.fromkeys(HUGE_PAGES))
    lacking.update({name: _no_pages(nodes) for name in HUGE_PAGES if capacity.get(name) == 0})
    return replace(nodes, capacity=capacity, lacking=lacking)


def _none_attached(row: Mapping[str, Any], nodes: NodeSet) -> str:
    if row["counted"] != "interfaces" or nodes.efas != 0:
        return ""
    where = "networkInterfaces of its launch template, or of its EC2NodeClass"
    return f"{nodes.title}: no network interface of interfaceType efa or efa-only is attached to its machines ({where})"


def _offered(row: Mapping[str, Any], nodes: NodeSet, runs: Runs, catalog: Catalog) -> dict[str, float | None]:
    """Under which name a resource is offered, and how many of it."""
    if row["counted"] == "interfaces":
        return {row["resource"]: nodes.efas}
    if row["counted"] != "shares":
        return {row["resource"]: chips_of(nodes.machines, catalog, row["counted"])}
    shares, chips = _shares(row, nodes, runs), chips_of(nodes.machines, catalog, "chips")
    amount = chips * shares.count if chips and shares.count is not None else None
    return {f"{row['resource']}.shared" if shares.renamed else row["resource"]: amount}


def _shares(row: Mapping[str, Any], nodes: NodeSet, runs: Runs) -> Shares:
    """What the plugin that comes to these nodes makes of a GPU. Nothing is known of two that differ, nor of a choice by
    label."""
    if any(nodes.labels.known.get(label) for label in row["chosen_by"]):
        return NOT_KNOWN
    found = {runs.shares[each.key] for each in runs.plugins[row["resource"]] if not _refusal(each, nodes)}
    if not found and nodes.image in row["built_in"]:
        return NOT_KNOWN if nodes.starts_itself else WHOLE
    if not found:
        charts = [chart for chart in runs.charts if _is(chart.text, row["charts"])]
        found = {shares_of_chart(chart.text, chart.inputs.get("values") or {}) for chart in charts}
    return found.pop() if len(found) == 1 else NOT_KNOWN


def _no_pages(nodes: NodeSet) -> str:
    return (
        f"{nodes.title}: nothing sets huge pages aside on these nodes: not the software of EFA, since no such "
        "interface is attached to them, and not their user data (vm.nr_hugepages)"
    )


def _has(machine: str, row: Mapping[str, Any], nodes: NodeSet, catalog: Catalog) -> bool:
    """Whether a machine has the device: by its family, as the catalog says, or else as the taint of its nodes does."""
    known = catalog.machines.get(machine)
    silicon = catalog.silicon.get(known.silicon or "") if known else None
    told = silicon.resource == row["resource"] if silicon else False
    marked = known is None and any(taint.key == row["resource"] for taint in nodes.taints)
    return machine.startswith(tuple(row["families"])) or told or marked


def _why_not(row: Mapping[str, Any], nodes: NodeSet, runs: Runs) -> str:
    """Why nodes with the device do not offer it; nothing if they do."""
    brought = any(_is(chart.text, row.get("bring_drivers", ())) for chart in runs.charts)
    if row["amis"] and nodes.image not in ("", "CUSTOM", UNKNOWN, *row["amis"]) and not brought:
        allowed = ", ".join(row["amis"])
        return f"{nodes.title}: images of amiType {nodes.image} have no {row['driver']} driver; allowed: {allowed}"
    if nodes.image in row.get("built_in", ()):
        return ""
    charts = [chart for chart in runs.charts if _is(chart.text, row["charts"])]
    refusals = [_chart_refusal(chart, nodes, (*runs.charts, *runs.workloads)) for chart in charts]
    plugins = runs.plugins[row["resource"]]
    if "" in refusals or any(not _refusal(each, nodes) for each in plugins):
        return ""
    if not charts and not plugins:
        return (
            f"{nodes.title}: no device plugin runs in the cluster that offers {row['resource']} "
            f"(a DaemonSet with an image such as {row['images'][0]})"
        )
    return _joined([*refusals, *(f"{nodes.title}: the device plugin {_refusal(each, nodes)}" for each in plugins)])


def _joined(refusals: Sequence[str]) -> str:
    more = len(refusals) - _MOST_TOLD
    return "; ".join([*refusals[:_MOST_TOLD], *([f"and {more} more"] if more > 0 else [])])


def _chart_refusal(chart: _Chart, nodes: NodeSet, others: Iterable[_Chart | Workload]) -> str:
    """Why the pods of a chart do not come to nodes; nothing if they do, or if the chart is not known."""
    row = next((row for row in facts()["plugin_charts"] if row["chart"] in chart.text), None)
    values = chart.inputs.get("values") or {}
    if row is None or values == UNKNOWN or chart.inputs.get("valueYamlFiles") or nodes.starts_itself:
        return ""
    named = f"{nodes.title}: the device plugin of the chart {row['chart']}"
    usual = [{"key": key, "operator": "Exists"} for key in row["tolerated"]]
    told = values.get("tolerations") or []
    taint = None if told == UNKNOWN else untolerated({"tolerations": [*usual, *told]}, nodes.taints)
    if taint:
        return f"{named} does not tolerate their taint {taint.key}={taint.value}:{taint.effect} (values: tolerations)"
    wanted = row.get("labels", ())
    labelled = any(nodes.labels.known.get(label) for label in wanted) or "affinity" in values
    labelled = labelled or any(at(values, path) for path in row.get("label_values", ()))
    if not wanted or labelled or any(_is(_text(other), row["labellers"]) for other in others):
        return ""
    return f"{named} does not select these nodes: they have none of the labels {', '.join(wanted)}"


def _text(other: _Chart | Workload) -> str:
    return other.text if isinstance(other, _Chart) else " ".join(other.images)


def _refusal(plugin: Workload, nodes: NodeSet) -> str:
    """Why the pods of a device plugin do not come to nodes; nothing if they do."""
    named = f"{plugin.kind} {plugin.namespace}/{plugin.name}"
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
    if any(resource.startswith(tuple(row.get("further", ()))) for row in facts()["devices"]):
        return True  # by the configuration of its plugin
    if resource.startswith(tuple(facts()["closed_domains"])):
        return False
    plugins = tuple(image for row in facts()["devices"] for image in row["images"])
    return any(
        chart_of(record) or (record.type.endswith(":DaemonSet") and not _is(str(record.inputs), plugins))
        for record in world.objects
    )
