"""Whether a VPC that is there is what the YAML says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from polysilicon.lookups.preflight.clients import Clients
from polysilicon.lookups.preflight.findings import Finding, Status, worst
from polysilicon.planning.addresses import CONTROL_PLANE, shortage, subnet_room
from polysilicon.planning.requirements import NetworkWanted, RegionRequirements

_FIX = (
    "write into the YAML what they are: `aws ec2 describe-subnets --region {region} --filters Name=vpc-id,Values=VPC`"
)
Row = Mapping[str, Any]
Said = tuple[Status, str]


@dataclass(frozen=True)
class _Found:
    """What EC2 says of the subnets, and of the VPCs that they lie in."""

    subnets: Mapping[str, Row]
    vpcs: Mapping[str, Row]
    routes: Sequence[Row]


def networks(wanted: RegionRequirements, clients: Clients) -> Iterator[Finding]:
    """Each VPC's private subnets, ranges and ways out against the YAML's. Three questions, however many there are: by
    filters, since asking by id would end at the first that does not exist. And two for each VPC."""
    ec2 = clients("ec2", wanted.region)
    ids = sorted({subnet for network in wanted.networks for subnet in network.subnets.values()})
    subnets = {row["SubnetId"]: row for row in _rows(ec2, "describe_subnets", "Subnets", "subnet-id", ids)}
    names = sorted({row["VpcId"] for row in subnets.values()})
    vpcs = {row["VpcId"]: row for row in _rows(ec2, "describe_vpcs", "Vpcs", "vpc-id", names)}
    found = _Found(subnets, vpcs, list(_rows(ec2, "describe_route_tables", "RouteTables", "vpc-id", names)))
    for network in wanted.networks:
        yield _judged(network, found, ec2, wanted.region)
        yield from _room(network, found)


def _rows(ec2: Any, call: str, items: str, name: str, values: list[str]) -> Iterator[Row]:
    if values:  # a filter for nothing is refused
        for page in ec2.get_paginator(call).paginate(Filters=[{"Name": name, "Values": values}]):
            yield from page[items]


def _judged(network: NetworkWanted, found: _Found, ec2: Any, region: str) -> Finding:
    there = {zone: found.subnets[subnet] for zone, subnet in network.subnets.items() if subnet in found.subnets}
    missing = [subnet for subnet in network.subnets.values() if subnet not in found.subnets]
    said: list[Said] = [("fail", f"{subnet} does not exist here") for subnet in missing]
    said += [text for zone, row in there.items() for text in _subnet(zone, row, network)]
    said += [text for row in there.values() for text in _way_out(network, row, found.routes)]
    within = sorted({row["VpcId"] for row in there.values()})
    if len(within) > 1:
        said.append(("fail", f"the subnets lie in several VPCs: {', '.join(within)}"))
    elif within:
        said += [*_ranges(network, found.vpcs[within[0]]), *_names(network, within[0], ec2)]
    subject = f"network of {network.key}"
    if not said:
        return Finding("network", subject, "ok", f"{', '.join(network.subnets.values())} in {within[0]}")
    status, fix = worst(status for status, _ in said), _FIX.format(region=region)
    return Finding("network", subject, status, "; ".join(text for _, text in said), fix)


def _subnet(zone: str, row: Row, network: NetworkWanted) -> Iterator[Said]:
    name, cidr = row["SubnetId"], IPv4Network(row["CidrBlock"])
    if row["AvailabilityZoneId"] != zone:
        yield "fail", f"{name} lies in {row['AvailabilityZoneId']}, where the stack says {zone}"
    if not any(cidr.subnet_of(IPv4Network(known)) for known in network.cidrs):
        yield "fail", f"{name} has {cidr}, which is in none of {', '.join(network.cidrs)}"
    if row.get("MapPublicIpOnLaunch"):
        yield "warn", f"{name} gives public addresses to what starts in it: is it the private one?"
    if network.cluster and row["AvailableIpAddressCount"] < CONTROL_PLANE:
        yield "warn", f"{name} has {row['AvailableIpAddressCount']} free addresses, EKS alone wants {CONTROL_PLANE}"


def _room(network: NetworkWanted, found: _Found) -> Iterator[Finding]:
    """Whether the nodes of the stack find addresses. What runs there already has some, perhaps as these very nodes, so
    that only a subnet that is too small when empty is sure to fail."""
    there = {zone: found.subnets[subnet] for zone, subnet in network.subnets.items() if subnet in found.subnets}
    subject = f"addresses of {network.key}"
    whole = {zone: subnet_room(row["CidrBlock"]) for zone, row in there.items()}
    free = {zone: row["AvailableIpAddressCount"] - CONTROL_PLANE for zone, row in there.items()}
    if short := shortage([demand.always() for demand in network.demands], whole):
        text = f"{_named(network, short.zones)} have {short.room} addresses for nodes, but {short}"
        yield Finding("network", subject, "fail", text, "name larger subnets, or lower min")
    elif short := shortage(network.demands, free):
        text = f"{_named(network, short.zones)} have {short.room} free addresses for nodes, and {short} at most"
        fix = "name larger subnets, or lower max; what runs there already counts too"
        yield Finding("network", subject, "warn", text, fix)


def _named(network: NetworkWanted, zones: Sequence[str]) -> str:
    return ", ".join(network.subnets[zone] for zone in zones)


def _ranges(network: NetworkWanted, vpc: Row) -> Iterator[Said]:
    """The VPC's ranges and the stated ones, both ways: what is not stated was not compared with other networks."""
    blocks = vpc.get("CidrBlockAssociationSet", ())
    real = {row["CidrBlock"] for row in blocks if row["CidrBlockState"]["State"] == "associated"}
    stated = set(network.cidrs)
    if invented := sorted(stated - real):
        yield "fail", f"{vpc['VpcId']} has no range {', '.join(invented)}: it has {', '.join(sorted(real))}"
    if unsaid := sorted(real - stated):
        yield "warn", f"{vpc['VpcId']} has {', '.join(unsaid)} too, which cidrs does not say"


def _names(network: NetworkWanted, vpc: str, ec2: Any) -> Iterator[Said]:
    """Nodes find their control plane by name, and have names themselves (awsdocs/amazon-eks-user-guide
    networking/network-reqs.adoc). A server asks for names only."""
    why = "no node joins" if network.cluster else "the server finds neither images nor models"
    for attribute in ("enableDnsSupport", *(["enableDnsHostnames"] if network.cluster else [])):
        member = attribute[0].upper() + attribute[1:]
        if not ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)[member]["Value"]:
            yield "fail", f"{vpc} has {attribute} off, without which {why}"


def _way_out(network: NetworkWanted, subnet: Row, tables: Sequence[Row]) -> Iterator[Said]:
    """Without a public address an internet gateway is no way out. Servers have none; nodes have one where the subnet
    gives it."""
    routes = [route for table in _tables(subnet, tables) for route in table["Routes"]]
    default = [route for route in routes if route.get("DestinationCidrBlock") == "0.0.0.0/0"]
    if not default:
        yield "warn", f"{subnet['SubnetId']} has no route to 0.0.0.0/0: nodes pull images and models by it"
    elif default[0].get("State") == "blackhole":
        yield "fail", f"{subnet['SubnetId']} has a route to 0.0.0.0/0 that leads to something deleted"
    elif str(default[0].get("GatewayId", "")).startswith("igw-"):
        status: Status = "warn" if network.cluster and subnet.get("MapPublicIpOnLaunch") else "fail"
        yield status, f"{subnet['SubnetId']} leads out by an internet gateway, which serves public addresses only"


def _tables(subnet: Row, tables: Sequence[Row]) -> list[Row]:
    """The subnet's own route table, else the main one of its VPC."""
    own = [t for t in tables if any(a.get("SubnetId") == subnet["SubnetId"] for a in t["Associations"])]
    main = [t for t in tables if t["VpcId"] == subnet["VpcId"] and any(a.get("Main") for a in t["Associations"])]
    return own or main
