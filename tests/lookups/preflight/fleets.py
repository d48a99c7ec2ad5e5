"""Fleets of any size, and what they ask of AWS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polysilicon.catalog import load_catalog
from polysilicon.planning.fleet import plan_fleet
from polysilicon.planning.requirements import AwsRequirements, aws_requirements
from polysilicon.specs import FleetSpec

MACHINES = ("inf2.8xlarge", "inf2.xlarge", "g5.xlarge", "g6.xlarge", "g6e.4xlarge", "trn1.32xlarge")
ZONES = {"us-east-1": ["use1-az4", "use1-az5", "use1-az6"], "us-west-2": ["usw2-az1", "usw2-az2", "usw2-az4"]}


def cluster(region: str, **changed: Any) -> dict[str, Any]:
    second = 20 + 20 * [*ZONES].index(region)
    return {
        "cloud": "aws",
        "region": region,
        "network": {"cidr": f"10.{second}.0.0/16", "zones": ZONES[region]},
        "endpoint": {"kind": "public", "cidrs": ["203.0.113.0/24"]},
        **changed,
    }


def pool(machine: str, of: str = "us-east-1", **changed: Any) -> dict[str, Any]:
    """One node on demand that always runs, and up to two of spot."""
    capacity = [{"kind": "on_demand", "min": 1, "max": 1}, {"kind": "spot", "min": 0, "max": 2}]
    kind = "eks_gpu" if machine[0] in "gp" else "neuron"
    return {"kind": kind, "cluster": of, "machine": machine, "capacity": capacity, **changed}


def server(region: str, **changed: Any) -> dict[str, Any]:
    """A machine of its own."""
    network = {"cidr": "10.200.0.0/16", "zones": ZONES[region][:1]}
    return {"cloud": "aws", "region": region, "network": network, "model": "Qwen/Qwen3-0.6B", **changed}


def fleet(
    pools: int, machines: Sequence[str] = MACHINES[:2], regions: Sequence[str] = ("us-east-1",)
) -> dict[str, Any]:
    """So many pools, spread over machine types and regions."""
    places = [(machine, region) for machine in machines for region in regions]
    return {
        "owner": {"cost_center": "ml", "workload": "chat", "team": "inference"},
        "clusters": {region: cluster(region) for region in regions},
        "pools": {f"pool-{number}": pool(*places[number % len(places)]) for number in range(pools)},
    }


def requirements(document: dict[str, Any]) -> AwsRequirements:
    """What a fleet asks of AWS."""
    spec, catalog = FleetSpec.parse(document, "polysilicon:fleet"), load_catalog()
    return aws_requirements(spec, plan_fleet(spec, catalog, "polysilicon:fleet"), catalog)
