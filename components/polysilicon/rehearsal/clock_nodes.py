"""Nodes that pods find when they come, so that no time passes until there is one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from polysilicon.rehearsal.times import Pool, Times
from polysilicon.rehearsal.values import at

if TYPE_CHECKING:
    from polysilicon.rehearsal.outcome import Resource


def standing_nodes(resources: Iterable[Resource], times: Times) -> dict[str, str]:
    """The group of nodes, by the URN of each workload whose pods may run there at once: a group that has nodes without
    an autoscaler's doing, and labels that the pods select. Both are told by URN.

    Only workloads that tell their cold start count: what else is in it is nobody's to know.
    """
    known = list(resources)
    groups = [(each, pool) for each in known if (pool := times.pool(each.type)) and _has_nodes(each, pool)]
    found: dict[str, str] = {}
    for workload in known:
        told = times.serves(workload.type) and times.cold_start(workload.inputs) is not None
        selector = at(workload.inputs, "spec.template.spec.nodeSelector") if told else None
        if not isinstance(selector, Mapping) or not groups:
            continue
        home = next((group for group, pool in groups if _selects(selector, at(group.inputs, pool.labels))), None)
        if home is not None:
            found[workload.urn] = home.urn
    return found


def _has_nodes(group: Resource, pool: Pool) -> bool:
    sizes = (at(group.inputs, path) for path in pool.sizes)
    return any(isinstance(size, (int, float)) and size > 0 for size in sizes)


def _selects(selector: Mapping[str, Any], labels: Any) -> bool:
    """Whether the labels have some of what is selected, and nothing else in its place: clouds add labels."""
    if not isinstance(labels, Mapping):
        return False
    told = [key for key in selector if key in labels]
    return bool(told) and all(selector[key] == labels[key] for key in told)
