"""What must be spread over several zones: the subnets of a cluster, of a database, of a load balancer.

Rows of `order.spread` say which. Where a subnet was not made here, names no zone, or lies in a local zone or on an
Outpost, which have rules of their own, nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from polysilicon.rehearsal.judges.order_moment import Moment, Row, words
from polysilicon.rehearsal.judges.order_network import SUBNET
from polysilicon.rehearsal.judges.rules import holds, values_at
from polysilicon.rehearsal.model import Call, Problem, Record
from polysilicon.rehearsal.wording import told

_ZONE = re.compile(r"[a-z]{2}(-[a-z]+)+-\d[a-z]|[a-z]+\d-az\d")
"""Names and ids of availability zones; those of local zones and Wavelength zones have more parts."""


def _spread(call: Call, moment: Moment) -> Iterator[Problem]:
    for row in words("aws")["spread"]:
        if call.type.partition(":")[2] in row["types"] and _applies(call, row):
            yield from _too_close(call, moment, row)


def _applies(call: Call, row: Mapping[str, Any]) -> bool:
    return all(holds(call.inputs, path, test) for path, test in row.get("when", {}).items())


def _too_close(call: Call, moment: Moment, row: Mapping[str, Any]) -> Iterator[Problem]:
    named = [name for path in row["properties"] for _, name in values_at(call.inputs, path)]
    subnets = [moment.made(name, SUBNET) for name in named]
    if None in subnets:
        moment.unjudged("zones of subnets that were not made here")
        return
    zones = [_zone(subnet) for subnet in subnets if subnet]
    if not zones or None in zones:
        return
    apart = {str(zone) for zone in zones}
    if len(apart) < row.get("least", 1) or (row.get("once") and len(apart) < len(set(named))):
        message = told(call, row["message"], zones=", ".join(sorted(apart)))
        yield Problem(message, row["properties"][0].removesuffix(".*"))


def _zone(subnet: Record) -> str | None:
    """The zone that a subnet names, by name or by id. Two spellings of one zone count as two, so nothing is refused."""
    if subnet.inputs.get("outpostArn"):
        return None
    zone = str(subnet.inputs.get("availabilityZoneId") or subnet.inputs.get("availabilityZone") or "")
    return zone if _ZONE.fullmatch(zone) else None


_TYPES = sorted({f"aws:{type_}" for row in words("aws")["spread"] for type_ in row["types"]})
ROWS: tuple[tuple[str, str, Row], ...] = tuple(
    (when, type_, _spread) for when in ("create", "update") for type_ in _TYPES
)
