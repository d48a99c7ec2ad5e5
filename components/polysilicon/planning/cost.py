"""What the resources of a deployment cost in a month: from the engine's view of them, so it prices any Pulumi program.

Fees by use (traffic, logs, requests) follow no plan and are not counted; the report says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from polysilicon.catalog import Catalog

HOURS_PER_MONTH = 730


@dataclass(frozen=True)
class Deployed:
    """A resource as the engine knows it."""

    type: str
    name: str
    region: str
    inputs: Mapping[str, Any]
    related: Mapping[str, Any]
    """Inputs of the resource that this one takes its disks from, such as a launch template."""


@dataclass(frozen=True)
class CostLine:
    """One item, as little and as much as it can cost in a month."""

    name: str
    item: str
    region: str
    terms: str
    min_usd: float
    max_usd: float


@dataclass(frozen=True)
class CostReport:
    """Priced items, and those that the catalog has no price for."""

    lines: tuple[CostLine, ...]
    unpriced: tuple[str, ...]

    @property
    def min_usd(self) -> float:
        return sum(line.min_usd for line in self.lines)

    @property
    def max_usd(self) -> float:
        return sum(line.max_usd for line in self.lines)


@dataclass(frozen=True)
class _Use:
    """A quantity of a priced item that a resource stands for."""

    item: str
    terms: str
    min: float
    max: float


def price(resources: Iterable[Deployed], catalog: Catalog) -> CostReport:
    """Prices each resource that costs money while it stands there. What has no price in its region is listed, not
    guessed and not left out in silence."""
    lines, unpriced = [], []
    for resource in resources:
        for use in _METERS.get(resource.type, _free)(resource):
            region = _region(resource, catalog)
            row = catalog.price(use.item, region, use.terms)
            if row is None:
                unpriced.append(f"{resource.name}: {use.item} in {region}, {use.terms.replace('_', ' ')}")
                continue
            monthly = row.usd * (HOURS_PER_MONTH if row.unit == "hour" else 1)
            line = CostLine(resource.name, use.item, region, use.terms, use.min * monthly, use.max * monthly)
            lines.append(line)
    return CostReport(tuple(lines), tuple(unpriced))


def _region(resource: Deployed, catalog: Catalog) -> str:
    """A NodePool is in a cluster, which knows no region: its zones say in which one it buys."""
    zones = set(_demands(resource).get(_ZONES, ()))
    return next((row.region for row in catalog.regions if zones & set(row.zones)), resource.region)


def _free(resource: Deployed) -> list[_Use]:
    return []


def _one(item: str) -> Callable[[Deployed], list[_Use]]:
    return lambda resource: [_Use(item, "on_demand", 1, 1)]


def _vpc_endpoint(endpoint: Deployed) -> list[_Use]:
    """An interface endpoint is paid in each of its zones; one of a gateway costs nothing."""
    if endpoint.inputs.get("vpcEndpointType") != "Interface":
        return []
    zones = len(endpoint.inputs.get("subnetIds", []))
    return [_Use("aws-interface-endpoint", "on_demand", zones, zones)]


_TERMS = {"SPOT": "spot", "CAPACITY_BLOCK": "capacity_block"}


def _eks_node_group(group: Deployed) -> list[_Use]:
    inputs, scaling = group.inputs, group.inputs["scalingConfig"]
    terms = _TERMS.get(inputs.get("capacityType", ""), "on_demand")
    low, high = scaling["minSize"], scaling["maxSize"]
    named = inputs.get("instanceTypes") or [group.related.get("instanceType", "unknown machine")]
    machines = [_Use(machine, terms, low, high) for machine in named[:1]]
    sizes = [m.get("ebs", {}).get("volumeSize", 0) for m in group.related.get("blockDeviceMappings", [])]
    return [*machines, *(_Use("ebs-gp3", "on_demand", low * size, high * size) for size in sizes if size)]


def _instance(machine: Deployed) -> list[_Use]:
    """As if it always ran; one that stops when it is idle costs less."""
    disk = (machine.inputs.get("rootBlockDevice") or {}).get("volumeSize", 0)
    uses = [_Use(machine.inputs.get("instanceType", "unknown machine"), "on_demand", 1, 1)]
    return [*uses, _Use("ebs-gp3", "on_demand", disk, disk)] if disk else uses


_ZONES = "topology.k8s.aws/zone-id"
_MACHINES = "node.kubernetes.io/instance-type"


def _karpenter_node_pool(pool: Deployed) -> list[_Use]:
    """None while nobody asks for them, and its limit at most; a limit in another unit than nodes is not priced."""
    spec, demands = pool.inputs.get("spec", {}), _demands(pool)
    most = float(spec.get("limits", {}).get("nodes", 0))
    if not most:
        return []
    terms = "spot" if "spot" in demands.get("karpenter.sh/capacity-type", ()) else "on_demand"
    return [_Use(machine, terms, 0, most) for machine in demands.get(_MACHINES, ())[:1]]


def _demands(pool: Deployed) -> dict[str, list[str]]:
    template = pool.inputs.get("spec", {}).get("template", {}) if pool.type == _NODE_POOL else {}
    return {each["key"]: each.get("values", []) for each in template.get("spec", {}).get("requirements", [])}


_NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"


def _gke_node_pool(pool: Deployed) -> list[_Use]:
    node, scaling = pool.inputs.get("nodeConfig", {}), pool.inputs.get("autoscaling", {})
    zones = len(pool.inputs.get("nodeLocations", [])) or 1
    low = scaling.get("totalMinNodeCount", scaling.get("minNodeCount", 0) * zones)
    high = scaling.get("totalMaxNodeCount", scaling.get("maxNodeCount", 0) * zones)
    terms = "spot" if node.get("spot") else "on_demand"
    disk = node.get("diskSizeGb", 0)
    uses = [_Use(node.get("machineType", "unknown machine"), terms, low, high)]
    return [*uses, _Use(node.get("diskType", "pd-balanced"), "on_demand", low * disk, high * disk)] if disk else uses


_METERS: Mapping[str, Callable[[Deployed], list[_Use]]] = {
    "aws:eks/cluster:Cluster": _one("eks-control-plane"),
    "aws:eks/nodeGroup:NodeGroup": _eks_node_group,
    _NODE_POOL: _karpenter_node_pool,
    "aws:ec2/instance:Instance": _instance,
    "aws:ec2/natGateway:NatGateway": _one("aws-nat-gateway"),
    "aws:ec2/eip:Eip": _one("aws-public-ipv4"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _vpc_endpoint,
    "gcp:container/cluster:Cluster": _one("gke-control-plane"),
    "gcp:container/nodePool:NodePool": _gke_node_pool,
    "gcp:compute/routerNat:RouterNat": _one("gcp-nat"),
}
