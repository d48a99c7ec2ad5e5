"""The nodes of a simulated cluster, in sets of nodes that are alike."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import Machine
from polysilicon.rehearsal.cluster.matching import Labels, Plain, Taint
from polysilicon.rehearsal.quantities import GIB
from polysilicon.rehearsal.values import UNKNOWN

_MOST_PODS = 110
"""A kubelet's own limit, where the cloud's network plugin sets no other (kubernetes.io "Considerations for large
clusters")."""


@functools.cache
def facts() -> Mapping[str, Any]:
    """The table of clusters, devices and patience."""
    file = resources.files("polysilicon.rehearsal") / "data" / "rollout.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


@dataclass(frozen=True, kw_only=True)
class NodeSet:
    """Nodes that are alike: a node group, a node pool, what one Karpenter NodePool makes.

    Attributes:
        title: What a person calls it.
        count: How many nodes there are or come when pods wait; nothing for as many as it takes.
        machines: The types that its nodes may have; none if that is not known.
        image: The type of the node image; empty if that is not known.
        capacity: What one node offers: cpu, memory and pods, where known, and extended resources; nothing for an
            amount that is not known.
        lacking: Why an extended resource that one could expect is not there.
        efas: How many EFA interfaces are attached to each; nothing if that is not known.
        starts_itself: Whether the program has a say in how a node starts: it may label it, mount disks, set a proxy.
        outside: Why its nodes reach nothing outside of the cloud; empty if they may.
        through: The URNs of what leads them out, any of which will do; none if nobody knows what does.
        far: The public registries that are outside.
        account: The identity that its nodes pull images with, if the program made it.
    """

    title: str
    labels: Labels
    taints: Sequence[Taint] = ()
    count: int | None = None
    machines: Sequence[str] = ()
    image: str = ""
    capacity: Mapping[str, float | None] = field(default_factory=dict)
    lacking: Mapping[str, str] = field(default_factory=dict)
    efas: float | None = None
    starts_itself: bool = False
    outside: str = ""
    through: Sequence[str] = ()
    far: Sequence[str] = ()
    account: str = ""


@dataclass(frozen=True)
class Cluster:
    """What a cluster consists of.

    Attributes:
        nodes: Its nodes.
        open: Why any pod may find a node, if that is so: its nodes are not known, or the cloud makes what pods ask for.
        tolerated: Taints that every pod tolerates which requests the resource, or selects nodes by the label, of that
            name.
    """

    nodes: Sequence[NodeSet] = ()
    open: str = ""
    tolerated: frozenset[str] = frozenset()


def capacity_of(machines: Sequence[str], catalog: Catalog) -> dict[str, float | None]:
    """The most that one node offers: what the kubelet keeps for itself is not taken off."""
    rows = [catalog.machines.get(machine) for machine in machines]
    known = [row for row in rows if row is not None]
    if not known or len(known) < len(rows):
        return {"pods": None}
    return {
        "cpu": max(float(row.vcpus) for row in known),
        "memory": max(row.memory_gib for row in known) * GIB,
        "pods": float(max(row.max_pods or _MOST_PODS for row in known)),
    }


def chips_of(machines: Sequence[str], catalog: Catalog, counted: str) -> float | None:
    """How many chips, or cores of chips, a machine has; nothing if that is not known."""
    rows = [catalog.machines.get(machine) for machine in machines]
    amounts = [_chips(row, catalog, counted) for row in rows if row is not None and counted]
    return max(amounts) if amounts and len(amounts) == len(rows) else None


def _chips(row: Machine, catalog: Catalog, counted: str) -> float:
    silicon = catalog.silicon.get(row.silicon or "")
    return float(row.accelerators * (silicon.cores if silicon and counted == "cores" else 1))


def taints_of(told: Any) -> list[Taint]:
    """Taints as node groups, node pools and Karpenter's NodePools give them."""
    taints = [taint for taint in told if isinstance(taint, Mapping)] if isinstance(told, list) else []
    return [_taint(taint) for taint in taints if UNKNOWN not in (taint.get("key"), taint.get("value"))]


def _taint(told: Plain) -> Taint:
    effect = str(told.get("effect") or "")
    spelled = str(facts()["taint_effects"].get(effect, effect))
    return Taint(str(told.get("key") or ""), str(told.get("value") or ""), spelled)


def labels_of(own: Any, given: Mapping[str, Iterable[str] | None]) -> Labels:
    """Labels of a set: its own, and those that the cloud gives; nothing for one of which the value is not known."""
    told: Plain = own if isinstance(own, Mapping) else {}
    known = {str(key): frozenset((str(value),)) for key, value in told.items() if value != UNKNOWN}
    given_sets = {key: frozenset(values) for key, values in given.items() if values is not None}
    absent = {key: frozenset[str]() for key in facts()["worked_out_labels"] if key not in given}
    return Labels({**absent, **given_sets, **known}, tuple(facts()["unsaid_labels"]))


def count(value: Any, otherwise: int) -> int:
    """A number of nodes, or `otherwise` where none is given or known."""
    return int(value) if isinstance(value, (int, float)) else otherwise
