"""Where machines are offered, and what EC2 says of spot."""

from __future__ import annotations

from collections.abc import Iterator

from polysilicon.lookups.preflight.clients import Clients
from polysilicon.lookups.preflight.findings import Finding
from polysilicon.planning.requirements import RegionRequirements


def offered(wanted: RegionRequirements, clients: Clients) -> Iterator[Finding]:
    """Whether each machine type is sold in each zone where the stack wants it. One question for all of them."""
    if not wanted.machines:
        return  # EC2 refuses a filter without values
    sold: dict[str, set[str]] = {machine: set() for machine in wanted.machines}
    pages = clients("ec2", wanted.region).get_paginator("describe_instance_type_offerings")
    named = [{"Name": "instance-type", "Values": sorted(sold)}]
    for page in pages.paginate(LocationType="availability-zone-id", Filters=named):
        for row in page["InstanceTypeOfferings"]:
            sold.setdefault(row["InstanceType"], set()).add(row["Location"])
    for machine, zones in wanted.machines.items():
        yield _judged(machine, zones, sorted(sold[machine]))


def _judged(machine: str, zones: tuple[str, ...], sold: list[str]) -> Finding:
    missing = [zone for zone in zones if zone not in sold]
    if not missing:
        return Finding("offered", machine, "ok", f"in {', '.join(zones)}")
    if not sold:
        text, fix = "is not offered in this region to this account", "take another machine or region"
        return Finding("offered", machine, "fail", text, fix)
    fix = f"take zones of {', '.join(sold)}"
    return Finding("offered", machine, "fail", f"is not offered in {', '.join(missing)}", fix)


def spot_score(machine: str, nodes: int, region: str, clients: Clients) -> Iterator[Finding]:
    """How likely EC2 thinks it is to have that many spot nodes, from 1 to 10. It says little of a single type."""
    asked = {"InstanceTypes": [machine], "TargetCapacity": nodes, "TargetCapacityUnitType": "units"}
    # EC2's own region for this question does not matter; the one named does.
    scores = clients("ec2", region).get_spot_placement_scores(**asked, RegionNames=[region])["SpotPlacementScores"]
    if not scores:
        yield Finding("spot score", machine, "unknown", f"EC2 gives none for {nodes} nodes")
        return
    best = max(row["Score"] for row in scores)
    text = f"{best} of 10 for {nodes} nodes; for information only: for fewer than three types it is low by design"
    yield Finding("spot score", machine, "ok", text)
