"""The shape of a TPU node pool: a pool of several hosts is one slice, and exists whole or not at all.

Facts are in `data/google_slices.toml`.
"""

from __future__ import annotations

import functools
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from polysilicon.rehearsal.model import Call, Problem
from polysilicon.rehearsal.values import at

POOL = "gcp:container/nodePool:NodePool"
_TOPOLOGY = "placementPolicy.tpuTopology"
_SIZES = ("nodeCount", "initialNodeCount", "autoscaling.minNodeCount", "autoscaling.maxNodeCount")


@dataclass(frozen=True)
class Slice:
    """What a pool asks for.

    Attributes:
        machine: The machine type, `ct5lp-hightpu-4t`.
        chips: Of one machine.
        topology: As it was given, `4x4`.
        row: What the table says of the machine.
    """

    machine: str
    chips: int
    topology: str
    row: Mapping[str, Any]

    @property
    def sides(self) -> list[int]:
        """The numbers of the topology."""
        return [int(side) for side in self.topology.split("x")]

    @property
    def hosts(self) -> int:
        """How many nodes the slice has; 0 if it is smaller than a machine."""
        return math.prod(self.sides) // self.chips


def slice_of(inputs: Mapping[str, Any]) -> Slice | None:
    """The slice of a node pool; nothing if it is none, or none that the table knows, or not known yet."""
    machine, topology = at(inputs, "nodeConfig.machineType"), at(inputs, _TOPOLOGY)
    if not isinstance(machine, str) or not re.fullmatch(r"\d+(x\d+){1,2}", str(topology)):
        return None
    row = next((row for row in _machines() if re.search(row["names"], machine)), None)
    return Slice(machine, int(machine.rsplit("-", 1)[-1][:-1]), topology, row) if row else None


def refused_shape(call: Call) -> Iterator[Problem]:
    """What is wrong with the shape or the sizes of a pool."""
    asked = slice_of(call.inputs) if call.type == POOL else None
    if asked is None:
        return
    problem = _shape(asked)
    if problem:
        yield Problem(problem, _TOPOLOGY)
    elif asked.hosts > 1:
        yield from _sizes(asked, call.inputs)


def refused_resize(call: Call) -> Iterator[Problem]:
    """Only the autoscaler makes a slice of several hosts, and only whole: a change of `nodeCount` is refused."""
    asked = slice_of(call.inputs) if call.type == POOL else None
    before = call.record.inputs if call.record else {}
    old, new = before.get("nodeCount"), call.inputs.get("nodeCount")
    if asked and asked.hosts > 1 and isinstance(old, int) and isinstance(new, int) and old != new:
        yield Problem(
            f"googleapi: Error 501: a multi-host TPU node pool cannot be resized (nodeCount {old} to {new}): "
            f"it has {asked.hosts} nodes or none. Replace the pool, or let it scale from 0 to {asked.hosts}",
            "nodeCount",
        )


def _shape(asked: Slice) -> str:
    allowed = asked.row["topologies"]
    if len(asked.sides) != asked.row["rank"] or (allowed and asked.topology not in allowed):
        may_be = f"one of {', '.join(allowed)}" if allowed else "of three numbers, such as 2x2x2"
        return f"tpuTopology {asked.topology} is not one of {asked.machine}: it must be {may_be}"
    if asked.hosts < 1:
        return f"tpuTopology {asked.topology} has fewer chips than one {asked.machine} ({asked.chips})"
    if asked.hosts > 1 and asked.chips != 4:
        return (
            f"tpuTopology {asked.topology} on {asked.machine}: only machines with 4 chips form slices of several "
            f"hosts. Use {asked.machine.rsplit('-', 1)[0]}-4t, or a topology of {asked.chips} chips"
        )
    if asked.chips == 1:
        return (
            f"googleapi: Error 400: tpuTopology {asked.topology} is not valid for {asked.machine}, "
            "which is a single host: leave placementPolicy out"
        )
    return ""


def _sizes(asked: Slice, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    total = at(inputs, "autoscaling.totalMaxNodeCount")
    if isinstance(total, int) and total > 0:
        # The API takes the missing per-zone limit for 0: vllm-project/ci-infra PR 545.
        yield Problem(
            "googleapi: Error 400: maximum node count 0 is not a valid pod slice size: totalMaxNodeCount does not "
            f"work on multi-host TPU pools. Use minNodeCount = 0 and maxNodeCount = {asked.hosts}",
            "autoscaling.totalMaxNodeCount",
        )
    for path in _SIZES:
        size = at(inputs, path)
        if isinstance(size, int) and size not in (0, asked.hosts):
            yield Problem(
                f"{path} {size} does not fit tpuTopology {asked.topology}: a slice of {asked.machine} has "
                f"{asked.hosts} nodes ({math.prod(asked.sides)} chips, {asked.chips} on each)",
                path,
            )


@functools.cache
def _machines() -> tuple[Mapping[str, Any], ...]:
    file = resources.files("polysilicon.rehearsal") / "data" / "google_slices.toml"
    return tuple(tomllib.loads(file.read_text(encoding="utf-8"))["machines"])
