"""Availability zones of AWS as one account sees them: names by letter, and ids, which say where a zone really is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.templates import short_region
from polysilicon.rehearsal.values import Properties


def availability_zones(region: str, args: Mapping[str, Any]) -> Properties:
    """The answer of `getAvailabilityZones`: names and ids in the order of the letters.

    Args:
        region: Its name.
        args: Of the lookup: `excludeNames`, `excludeZoneIds`, and filters by `zone-name` and `zone-id` are followed.
    """
    listed = table("aws")["zones"].get(region) or table("aws")["zones"]["others"]
    zones = [(f"{region}{zone[0]}", f"{short_region(region)}-az{zone[1:]}") for zone in listed]
    kept = [zone for zone in zones if _wanted(*zone, args)]
    return {
        "names": [name for name, _ in kept],
        "zoneIds": [id_ for _, id_ in kept],
        "groupNames": [f"{region}-zg-1"],
        "id": region,
    }


def _wanted(name: str, id_: str, args: Mapping[str, Any]) -> bool:
    if name in (args.get("excludeNames") or ()) or id_ in (args.get("excludeZoneIds") or ()):
        return False
    known = {"zone-name": name, "zone-id": id_}
    filters = [each for each in args.get("filters") or () if each.get("name") in known]
    return all(known[each["name"]] in each.get("values", ()) for each in filters)
