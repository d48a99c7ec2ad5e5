"""Whether reservations and capacity blocks are what the YAML says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from polysilicon.lookups.preflight.clients import Clients
from polysilicon.lookups.preflight.findings import Finding, Status, worst
from polysilicon.planning.requirements import RegionRequirements, ReservationWanted

_COMING = {"assessing", "delayed", "payment-pending", "pending", "scheduled"}
"""States of a reservation that is not there yet. Beside them and `active` all states mean that it is gone."""
_SEEN = "see `aws ec2 describe-capacity-reservations --region {region} --capacity-reservation-ids {id}`"
Row = Mapping[str, Any]


def reservations(wanted: RegionRequirements, clients: Clients) -> Iterator[Finding]:
    """Each reservation's state, place, machine, number and window against the YAML's. One question for all of them:
    asking by id would end at the first that does not exist."""
    pages = clients("ec2", wanted.region).get_paginator("describe_capacity_reservations")
    there = {row["CapacityReservationId"]: row for page in pages.paginate() for row in page["CapacityReservations"]}
    for each in wanted.reservations:
        yield _judged(each, there.get(each.id), wanted.region)


def _judged(wanted: ReservationWanted, row: Row | None, region: str) -> Finding:
    check = "capacity block" if wanted.block else "reservation"
    if row is None:
        fix = "name one of this account and region, or have it shared with this account"
        return Finding(check, wanted.id, "fail", "does not exist here", fix)
    said = [*_state(row), *_differences(wanted, row), *_number(wanted, row)]
    if not said:
        text = f"{row['State']}: {row['TotalInstanceCount']} {row['InstanceType']} in {row['AvailabilityZoneId']}"
        return Finding(check, wanted.id, "ok", text)
    status = worst(status for status, _ in said)
    fix = _SEEN.format(region=region, id=wanted.id)
    if status == "fail":
        fix = f"write into the YAML what it is, or name another; {fix}"
    return Finding(check, wanted.id, status, "; ".join(text for _, text in said), fix)


def _state(row: Row) -> Iterator[tuple[Status, str]]:
    state = row["State"]
    if state in _COMING:
        start = row.get("StartDate")
        yield "warn", f"is {state}" + (f", starts {_moment(start)}" if start else "")
    elif state != "active":
        yield "fail", f"is {state}"


def _differences(wanted: ReservationWanted, row: Row) -> Iterator[tuple[Status, str]]:
    """What is otherwise than the YAML says."""
    kind = row.get("ReservationType", "default")
    group = (row.get("PlacementGroupArn") or "").rpartition("/")[2] or None
    stated = {
        "is": (kind, "capacity-block" if wanted.block else "default"),
        "zone": (row.get("AvailabilityZoneId"), wanted.zone),
        "machine": (row["InstanceType"], wanted.machine),
        "platform": (row.get("InstancePlatform", "Linux/UNIX"), "Linux/UNIX"),
        "tenancy": (row.get("Tenancy", "default"), "default"),
        "placement group": (group, wanted.placement_group),
    }
    for name, (found, said) in stated.items():
        if found != said:
            yield "fail", f"{name} {found or 'none'}, where the stack says {said or 'none'}"
    if wanted.block:
        for name, at, moment in (("starts", "StartDate", wanted.start), ("ends", "EndDate", wanted.end)):
            found = row.get(at)
            if found and moment and abs(found - moment) >= timedelta(minutes=1):
                yield "fail", f"{name} {_moment(found)}, where the stack says {_moment(moment)}"
    elif row.get("EndDateType") == "limited" and row.get("EndDate"):
        yield "warn", f"ends {_moment(row['EndDate'])}"


def _number(wanted: ReservationWanted, row: Row) -> Iterator[tuple[Status, str]]:
    """A reservation that comes later may count nothing until then."""
    total, active = row["TotalInstanceCount"], row["State"] == "active"
    if total != wanted.count:
        status: Status = "fail" if active and total < wanted.count else "warn"
        yield status, f"holds {total} machines, where the stack says {wanted.count}"
    if active and row["AvailableInstanceCount"] < wanted.nodes:
        free = row["AvailableInstanceCount"]
        yield "warn", f"{free} of {total} are free, and the stack always runs {wanted.nodes}: they may be its own"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"
