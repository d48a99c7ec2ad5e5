"""Terms of capacity: what of a pool always runs, what comes when it is asked for, and what a reservation allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from polysilicon.catalog.rows import Machine
from polysilicon.planning.pool_parts import EksNodes
from polysilicon.planning.problems import Problems, refuse
from polysilicon.specs import Capacity, CapacityBlock, OnDemand, PoolSpec, ReplaceOk, Reservation, Reserved, Spot
from polysilicon.specs.pool import EksPoolSpec, choice_key

_GREATEST_WEIGHT = 100
"""Karpenter's: NodePool `weight` is 1 to 100 in its custom resource definition."""
_USAGE_CLASSES = {"spot": "spot", "capacity_block": "capacity-block"}
"""As EC2 spells them in SupportedUsageClasses."""


def require_sellable(spec: EksPoolSpec, machine: Machine) -> None:
    """Raises `SpecError` for each of the terms on which AWS does not sell the machine, or that exclude each other."""
    problems = Problems()
    for index, choice in enumerate(spec.capacity):
        wanted = _USAGE_CLASSES.get(choice.kind)
        if wanted and machine.usage_classes and wanted not in machine.usage_classes:
            sold = ", ".join(kind.replace("-", "_") for kind in machine.usage_classes)
            with problems.under(f"capacity[{index}].kind"):
                raise refuse("", f"got {choice.kind}, but AWS sells {spec.machine} only as {sold}", f"take {sold}")
    with problems.under(""):
        _require_no_spot_beside_blocks(spec.capacity)
    problems.raise_any()


def _require_no_spot_beside_blocks(capacity: Sequence[Capacity]) -> None:
    kinds = [choice.kind for choice in capacity]
    if "spot" in kinds and "capacity_block" in kinds:
        text = "got spot in a pool with a capacity block: nodes that may go at any moment, beside nodes paid beforehand"
        fix = "make a pool of its own for spot, and let the router fall back to it"
        raise refuse(f"capacity[{kinds.index('spot')}].kind", text, fix)


def plan_nodes(spec: EksPoolSpec, zones: tuple[str, ...], now: datetime) -> tuple[EksNodes, ...]:
    """The nodes of each choice, in the order in which they are tried. Raises `SpecError` where a reservation is not
    what the pool needs."""
    problems = Problems()
    with problems.under(""):
        _require_a_use_of_the_group(spec)
    planned = []
    for index, choice in enumerate(spec.capacity):
        with problems.under(f"capacity[{index}]"):
            planned.append(_nodes(choice, spec, zones, now, _GREATEST_WEIGHT - index))
    problems.raise_any()
    return tuple(planned)


def _require_a_use_of_the_group(spec: EksPoolSpec) -> None:
    if spec.placement_group and not any(isinstance(choice, OnDemand | Spot) for choice in spec.capacity):
        text = "got true, but all nodes are reserved, and a group that is forced on a reservation loses machines"
        fix = "remove it; a reservation that was made in a group has reservation.placement_group"
        raise refuse("placement_group", text, fix)


def _nodes(choice: Capacity, spec: EksPoolSpec, zones: tuple[str, ...], now: datetime, weight: int) -> EksNodes:
    if isinstance(choice, OnDemand | Spot):
        return EksNodes(
            key=choice_key(choice),
            terms=choice.kind,
            floor=choice.min,
            elastic=choice.max - choice.min,
            weight=weight,
            zones=zones,
            placement_group=spec.placement_group,
        )
    _require_fitting(choice, spec, zones)
    return EksNodes(
        key=choice_key(choice),
        terms=choice.kind,
        floor=choice.min,
        elastic=choice.max - choice.min,
        weight=weight,
        zones=(choice.reservation.zone,),
        reservation=choice.reservation,
        begins=_begins(choice, spec, now),
        ended=isinstance(choice, CapacityBlock) and now >= choice.end,
        in_group=choice.reservation.placement_group,
    )


def _require_fitting(choice: Reserved | CapacityBlock, spec: EksPoolSpec, zones: tuple[str, ...]) -> None:
    reservation = choice.reservation
    if reservation.machine not in (None, spec.machine):
        text = f"got {reservation.machine}, but the pool's machine is {spec.machine}"
        raise refuse("reservation.machine", text, f"take machine: {reservation.machine}, or another reservation")
    if reservation.zone not in zones:
        text = f"{reservation.id} lies in {reservation.zone}, where the pool has no subnet: it is in {', '.join(zones)}"
        fix = f"add {reservation.zone} to the zones of the pool and of the network, or take another reservation"
        raise refuse("reservation.zone", text, fix)


def _begins(choice: Reserved | CapacityBlock, spec: EksPoolSpec, now: datetime) -> datetime | None:
    """When a block begins that has not. One that has ended stays while there is leave to replace: its protected group
    is let go by an update that still names it."""
    if isinstance(choice, Reserved):
        return None
    if now >= choice.end and not may_replace(spec.replace_ok, now):
        text = f"{choice.reservation.id} ended on {choice.end:%Y-%m-%d at %H:%M} UTC; its machines are gone"
        fix = "write replace_ok into the pool and run `pulumi up`; then name the block that follows, or remove this one"
        raise refuse("end", text, fix)
    return choice.start if now < choice.start else None


def may_replace(leave: ReplaceOk | None, now: datetime) -> bool:
    """Whether machines that are hard to get again may go: the YAML says so until a day that has not passed."""
    return leave is not None and now.date() <= leave.until


def require_reserved_once(pools: Mapping[str, PoolSpec]) -> None:
    """Raises `SpecError` where pools together take more of a reservation than it holds, or differ in what they say of
    it."""
    first: dict[str, tuple[str, Reservation]] = {}
    taken: dict[str, int] = {}
    problems = Problems()
    for key, pool in pools.items():
        for index, choice in enumerate(pool.capacity):
            if not isinstance(choice, Reserved | CapacityBlock):
                continue
            with problems.under(f"{key}.capacity[{index}]"):
                _require_left(choice, first.setdefault(choice.reservation.id, (key, choice.reservation)), taken)
    problems.raise_any()


def _require_left(choice: Reserved | CapacityBlock, first: tuple[str, Reservation], taken: dict[str, int]) -> None:
    pool, same = first
    stated = choice.reservation
    if stated != same:
        text = f"says other things of {stated.id} than pool {pool}"
        raise refuse("reservation", text, "copy what `aws ec2 describe-capacity-reservations` shows")
    taken[stated.id] = taken.get(stated.id, 0) + choice.max
    if taken[stated.id] > stated.count:
        text = f"got max {choice.max}, with which pools take {taken[stated.id]} machines of {stated.id}: it holds"
        raise refuse("max", f"{text} {stated.count}", f"lower max here or in pool {pool}")
