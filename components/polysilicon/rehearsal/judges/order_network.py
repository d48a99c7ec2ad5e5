"""Ways out of an AWS network: a subnet leads out by the routes that exist at this moment, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from polysilicon.rehearsal.judges.order_moment import Moment, Row, words
from polysilicon.rehearsal.model import Call, Fault, Problem, Record
from polysilicon.rehearsal.read_back import read_back
from polysilicon.rehearsal.values import at
from polysilicon.rehearsal.wording import told

SUBNET, VPC = "aws:ec2/subnet:Subnet", "aws:ec2/vpc:Vpc"
_TABLE, _DEFAULT_TABLE = "aws:ec2/routeTable:RouteTable", "aws:ec2/defaultRouteTable:DefaultRouteTable"
NAT, _GATEWAY = "aws:ec2/natGateway:NatGateway", "aws:ec2/internetGateway:InternetGateway"
_ATTACHMENT = "aws:ec2/internetGatewayAttachment:InternetGatewayAttachment"
_ADDRESS = "aws:ec2/eip:Eip"
_OWN_POOLS = ("address", "publicIpv4Pool", "ipamPoolId", "customerOwnedIpv4Pool")
_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
_OTHER_TARGETS = (
    "transitGatewayId",
    "networkInterfaceId",
    "vpcPeeringConnectionId",
    "vpcEndpointId",
    "egressOnlyGatewayId",
    "carrierGatewayId",
    "localGatewayId",
    "coreNetworkArn",
)
"""What lies behind these is not looked at: they may lead out."""


class UnjudgedError(Exception):
    """The way goes through something that was not made in these accounts."""


@dataclass(frozen=True)
class Way:
    """A way out of a subnet: whether straight through an internet gateway, and all that it is made of."""

    public: bool
    parts: tuple[Record, ...]


@dataclass(frozen=True)
class _Route:
    """A route, the record that it stands in, and what makes its table count for the subnet."""

    told: Mapping[str, Any]
    parts: tuple[Record, ...]


def attached(moment: Moment, vpc: str) -> list[Record]:
    """What attaches an internet gateway to a VPC, if one is."""
    return [*moment.mentioning(vpc, _GATEWAY, "vpcId"), *moment.mentioning(vpc, _ATTACHMENT, "vpcId")]


def ways_out(moment: Moment, subnet: Record, through_nat: bool = True) -> list[Way]:
    """How a subnet leads out at this moment.

    Args:
        through_nat: Whether ways through a NAT gateway count.

    Raises:
        UnjudgedError: Its route table, or its VPC, was not made in these accounts.
    """
    return [
        Way(public, (*route.parts, *beyond))
        for route in _routes(moment, *_table(moment, subnet))
        if through_nat or not route.told.get("natGatewayId")
        for public, beyond in _beyond(moment, subnet, route.told)
    ]


def address(moment: Moment, way: Way) -> str | None:
    """The public address that a way comes out with, where that is known: that of its NAT gateway.

    One of the program's own pool is not: its person knows it beforehand, and the simulation makes another one up.
    """
    for part in way.parts:
        allocated = moment.made(part.inputs.get("allocationId"), _ADDRESS) if part.type == NAT else None
        if allocated is not None and not any(allocated.inputs.get(pool) for pool in _OWN_POOLS):
            return allocated.outputs.get("publicIp")
    return None


def endpoints(moment: Moment, vpc: str) -> set[str]:
    """The services that a VPC has endpoints for: `ecr.api`, `s3` …"""
    names = (str(record.inputs.get("serviceName", "")) for record in moment.mentioning(vpc, _ENDPOINT, "vpcId"))
    return {".".join(name.split(".")[3:]) for name in names}


def _table(moment: Moment, subnet: Record) -> tuple[str, tuple[Record, ...]]:
    """The id of the route table that counts for a subnet, its own or the main one of its VPC, and what makes it so."""
    own = [*moment.mentioning(subnet.id, "aws:ec2/routeTableAssociation:RouteTableAssociation", "subnetId")]
    if own:
        return str(own[-1].inputs["routeTableId"]), (own[-1],)
    name = subnet.inputs.get("vpcId", "")
    vpc = moment.made(name, VPC)
    if vpc is None:
        raise UnjudgedError(f"routes of {name or 'a VPC'} that was not made here")
    main = [*moment.mentioning(vpc.id, "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation", "vpcId")]
    table = main[-1].inputs["routeTableId"] if main else vpc.outputs.get("mainRouteTableId", "")
    return str(table), (*main[-1:],)


def _routes(moment: Moment, table: str, because: tuple[Record, ...]) -> Iterator[_Route]:
    known = moment.made(table, _TABLE, VPC)
    if known is None:
        raise UnjudgedError(f"routes of {table}, which was not made here")
    for inline in (known, *moment.mentioning(table, _DEFAULT_TABLE, "defaultRouteTableId")):
        for route in read_back(inline.type, inline.inputs).get("routes") or ():
            told = {"destinationCidrBlock": route.get("cidrBlock") or route.get("ipv6CidrBlock"), **route}
            yield _Route(told, (*because, inline))
    for record in moment.mentioning(table, "aws:ec2/route:Route", "routeTableId"):
        yield _Route(read_back(record.type, record.inputs), (*because, record))


def _beyond(moment: Moment, subnet: Record, route: Mapping[str, Any]) -> Iterator[tuple[bool, tuple[Record, ...]]]:
    """Whether a route leads out, once for each way that it takes then: is it public, and what lies on it."""
    destination = route.get("destinationCidrBlock") or route.get("destinationIpv6CidrBlock")
    if destination not in words("aws")["everywhere"] and not route.get("destinationPrefixListId"):
        return
    gateway = str(route.get("gatewayId") or "")
    if route.get("natGatewayId"):
        yield from ((False, parts) for parts in _through(moment, route["natGatewayId"]))
    elif gateway.startswith("igw-"):
        yield from ((True, (record,)) for record in attached(moment, str(subnet.inputs.get("vpcId", ""))))
    elif gateway or any(route.get(target) for target in _OTHER_TARGETS):
        yield False, ()


def _through(moment: Moment, nat: str) -> Iterator[tuple[Record, ...]]:
    """A NAT gateway leads out only while its own subnet is routed to an internet gateway."""
    gateway = moment.made(nat, NAT)
    home = moment.made(gateway.inputs.get("subnetId"), SUBNET) if gateway else None
    if gateway is None or home is None or gateway.inputs.get("connectivityType") == "private":
        yield ()
        return
    try:
        yield from ((gateway, *way.parts) for way in ways_out(moment, home, through_nat=False))
    except UnjudgedError:
        yield (gateway,)


def _nat_gateway(call: Call, moment: Moment) -> Iterator[Problem]:
    """The VPC of a public NAT gateway has an internet gateway (giantswarm/aws-operator pull request 1234)."""
    subnet = moment.made(call.inputs.get("subnetId"), SUBNET)
    if subnet is None or call.inputs.get("connectivityType") == "private":
        return
    vpc = str(subnet.inputs.get("vpcId", ""))
    if moment.made(vpc, VPC) is None:
        moment.unjudged("the internet gateway of a VPC that was not made here")
        return
    gateways = attached(moment, vpc)
    moment.relies(call, f"it {vpc} has no Internet gateway attached", *([gateway] for gateway in gateways))
    if not gateways:
        text = (
            "Gateway.NotAttached: Network {vpc} has no Internet gateway attached. The gateway is not there yet when "
            "this is made: make the NAT gateway after it (depends_on)"
        )
        yield Problem(told(call, text, vpc=vpc), "subnetId")


def _detach(call: Call, moment: Moment) -> Iterator[Problem]:
    """A gateway stays while public addresses are mapped to something behind it (hashicorp/terraform issue 1303)."""
    vpc = str(call.inputs.get("vpcId") or "")
    user = next(_mapped(moment, vpc), None) if vpc else None
    if user is not None:
        text = (
            "DependencyViolation: Network {vpc} has some mapped public address(es). Please unmap those public "
            "address(es) before detaching the gateway. ({user_kind} {user} still has one: it must depend on the "
            "gateway, so that it goes first)"
        )
        message = told(call, text, vpc=vpc, user=user.id, user_kind=user.type.rsplit(":", 1)[-1])
        yield Problem(message, fault=Fault.IN_USE)


def _mapped(moment: Moment, vpc: str) -> Iterator[Record]:
    for subnet in moment.mentioning(vpc, SUBNET, "vpcId"):
        for user in moment.accounts.mentioning(subnet.id):
            if _has_public_address(user, subnet):
                yield user


def _has_public_address(user: Record, subnet: Record) -> bool:
    gives = subnet.inputs.get("mapPublicIpOnLaunch") is True
    if user.type == NAT:
        return user.inputs.get("connectivityType") != "private"
    if user.type == "aws:lb/loadBalancer:LoadBalancer":
        return not user.inputs.get("internal")
    if user.type == "aws:ec2/instance:Instance":
        return bool(user.inputs.get("associatePublicIpAddress", gives))
    return user.type == "aws:eks/nodeGroup:NodeGroup" and gives and at(user.inputs, "scalingConfig.desiredSize") != 0


ROWS: tuple[tuple[str, str, Row], ...] = (
    ("create", NAT, _nat_gateway),
    ("delete", _GATEWAY, _detach),
    ("delete", _ATTACHMENT, _detach),
)
