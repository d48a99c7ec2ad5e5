"""The VPC of an EKS cluster."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from polysilicon.aws.endpoints import interface_endpoints
from polysilicon.aws.flow_logs import flow_logs
from polysilicon.aws.tags import named
from polysilicon.planning.network import EksNetworkPlan, Zone, kept_ranges, plan_eks_network, require_kept
from polysilicon.planning.order import Order
from polysilicon.resources import child, record
from polysilicon.specs import EksNetworkSpec, ExistingEksNetworkSpec


@dataclass(frozen=True, kw_only=True)
class EksNetworkArgs:
    """What an `EksNetwork` is made of.

    Attributes:
        spec: Ranges, zones, NAT and endpoints.
        zones: Zone ids, where the spec leaves them out; `planning.network.network_zones` gives those of a region.
        tags: Tags of every resource; each gets beside them a Name and those that tell it from all others.
    """

    spec: EksNetworkSpec
    zones: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NetworkWires:
    """What a cluster or a server takes from a network, whoever made it.

    Attributes:
        private_subnet_ids: Subnet of each zone id, for nodes; the control plane's interfaces are in the first two.
        egress: Routes that lead private nodes out, or endpoints where nothing does; nodes wait for them.
    """

    vpc_id: pulumi.Input[str]
    private_subnet_ids: Mapping[str, pulumi.Input[str]]
    egress: Sequence[pulumi.Resource] = ()


def existing_network(spec: ExistingEksNetworkSpec, provider: aws.Provider | None = None) -> NetworkWires:
    """The wires of a VPC that is there; nothing waits for its ways out.

    The subnets are looked up first: one that does not exist, or lies in another zone or VPC than the others, ends the
    preview before anything is made.

    Args:
        provider: Account and region to look in. By default the program's own.
    """
    return subnets_of(spec, pulumi.InvokeOutputOptions(provider=provider))


def subnets_of(
    spec: ExistingEksNetworkSpec, inside: pulumi.InvokeOutputOptions, vpc: pulumi.Input[str] | None = None
) -> NetworkWires:
    """The subnets of a network that is there, each looked up in its zone.

    Args:
        vpc: The VPC that they must lie in. By default that of the first.
    """
    (first_zone, first), *others = spec.private_subnets.items()
    found = {first_zone: aws.ec2.get_subnet_output(id=first, availability_zone_id=first_zone, vpc_id=vpc, opts=inside)}
    vpc = found[first_zone].vpc_id
    for zone, subnet in others:
        found[zone] = aws.ec2.get_subnet_output(id=subnet, availability_zone_id=zone, vpc_id=vpc, opts=inside)
    return NetworkWires(vpc_id=vpc, private_subnet_ids={zone: subnet.id for zone, subnet in found.items()})


def _watched(name: str, plan: EksNetworkPlan, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """The caller's options, and a look at what the state has of the network, before anything of it changes.

    Only the engine knows the state, and tells it to hooks, in a preview as well: www.pulumi.com/docs/iac/concepts,
    resources/options/hooks. Else a subnet that moves looks like any other that is replaced.
    """

    def look(args: pulumi.ResourceHookArgs) -> None:
        before = (args.old_inputs or {}).get("plan", {})
        if "zones" in before and (args.old_outputs or {}).get("vpcId"):  # else an update ended before it was there
            require_kept(before, plan)

    hook = pulumi.ResourceHook(f"{name}-network-keeps-its-ranges", look, pulumi.ResourceHookOptions(on_dry_run=True))
    watched = copy.copy(opts or pulumi.ResourceOptions())
    ours = pulumi.ResourceHookBinding(before_update=[hook])
    watched.hooks = pulumi.ResourceHookBinding.merge(watched.hooks, ours)
    return watched


class EksNetwork(pulumi.ComponentResource):
    """A VPC with a public and a private subnet in each zone, an internet gateway, and NAT for the private ones.

    Nodes get no public address. Private subnets reach S3, and with it the layers of images in ECR, by a gateway
    endpoint, which costs nothing where NAT has a price for each GB; other services by endpoints of their own, where the
    spec names them. Without NAT there is no public side. The subnets carry the tags by which load balancers find them.
    Traffic that is rejected is written down.
    """

    vpc_id: pulumi.Output[str]
    private_subnet_ids: dict[str, pulumi.Output[str]]
    public_subnet_ids: dict[str, pulumi.Output[str]]
    wires: NetworkWires

    def __init__(self, name: str, args: EksNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = plan_eks_network(args.spec, tuple(args.zones))
        recorded = record(args.spec, **kept_ranges(plan))
        super().__init__("polysilicon:index:EksNetwork", name, recorded, _watched(name, plan, opts))
        self._name, self._tags = name, args.tags
        self._private_tables: list[aws.ec2.RouteTable] = []

        vpc = aws.ec2.Vpc(
            name,
            cidr_block=plan.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=named(self._tags, name),
            opts=child(self),
        )
        public, internet = self._public_side(vpc, plan) if plan.has_nat else ({}, [])
        gateways = self._nat_gateways(public, internet, plan)
        private, routes = self._private_side(vpc, gateways, plan)
        flow_logs(self, f"{name}-flow", vpc, args.spec.flow_logs, self._tags)
        endpoints = [self._s3_endpoint(vpc), *interface_endpoints(self, name, vpc, private, plan, self._tags)]

        self.vpc_id = vpc.id
        self.public_subnet_ids = {zone: subnet.id for zone, subnet in public.items()}
        self.private_subnet_ids = {zone: subnet.id for zone, subnet in private.items()}
        egress = routes if plan.has_nat else [*routes, *endpoints]
        self.wires = NetworkWires(vpc_id=vpc.id, private_subnet_ids=self.private_subnet_ids, egress=egress)
        self.register_outputs({"vpcId": self.vpc_id, "privateSubnetIds": self.private_subnet_ids})

    def _public_side(
        self, vpc: aws.ec2.Vpc, plan: EksNetworkPlan
    ) -> tuple[dict[str, aws.ec2.Subnet], list[pulumi.Resource]]:
        gateway = aws.ec2.InternetGateway(
            self._name, vpc_id=vpc.id, tags=named(self._tags, self._name), opts=child(self)
        )
        table = self._route_table("public", vpc)
        route = aws.ec2.Route(
            f"{self._name}-public",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=child(self),
        )
        subnets, internet = {}, [route]
        for zone in plan.zones:
            subnets[zone.id] = self._subnet("public", vpc, zone.id, zone.public_cidr, {"kubernetes.io/role/elb": "1"})
            internet.append(self._associate("public", zone.id, subnets[zone.id], table))
        return subnets, internet

    def _nat_gateways(
        self, public: Mapping[str, aws.ec2.Subnet], internet: Sequence[pulumi.Resource], plan: EksNetworkPlan
    ) -> dict[str, aws.ec2.NatGateway]:
        gateways = {}
        for zone in (zone for zone in plan.zones if zone.has_nat):
            name = f"{self._name}-nat-{zone.id}"
            address = aws.ec2.Eip(name, domain="vpc", tags=named(self._tags, name), opts=child(self))
            gateways[zone.id] = aws.ec2.NatGateway(
                name,
                allocation_id=address.allocation_id,
                subnet_id=public[zone.id].id,
                tags=named(self._tags, name),
                opts=child(self, {Order.ROUTE_AFTER_GATEWAY: internet}),
            )
        return gateways

    def _private_side(
        self, vpc: aws.ec2.Vpc, gateways: Mapping[str, aws.ec2.NatGateway], plan: EksNetworkPlan
    ) -> tuple[dict[str, aws.ec2.Subnet], list[pulumi.Resource]]:
        subnets: dict[str, aws.ec2.Subnet] = {}
        egress: list[pulumi.Resource] = []
        for zone in plan.zones:
            subnets[zone.id], way_out = self._private_zone(vpc, zone, gateways.get(plan.nat_of(zone.id) or ""))
            egress.extend(way_out)
        return subnets, egress

    def _private_zone(
        self, vpc: aws.ec2.Vpc, zone: Zone, gateway: aws.ec2.NatGateway | None
    ) -> tuple[aws.ec2.Subnet, list[pulumi.Resource]]:
        tags = {"kubernetes.io/role/internal-elb": "1"}
        subnet = self._subnet("private", vpc, zone.id, zone.private_cidr, tags)
        table = self._route_table(f"private-{zone.id}", vpc)
        self._private_tables.append(table)
        way_out: list[pulumi.Resource] = [self._associate("private", zone.id, subnet, table)]
        if gateway is not None:
            way_out.insert(0, self._route_to(gateway, zone, table))
        return subnet, way_out

    def _route_to(self, gateway: aws.ec2.NatGateway, zone: Zone, table: aws.ec2.RouteTable) -> aws.ec2.Route:
        return aws.ec2.Route(
            f"{self._name}-private-{zone.id}",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=gateway.id,
            opts=child(self),
        )

    def _s3_endpoint(self, vpc: aws.ec2.Vpc) -> aws.ec2.VpcEndpoint:
        name = f"{self._name}-s3"
        return aws.ec2.VpcEndpoint(
            name,
            vpc_id=vpc.id,
            vpc_endpoint_type="Gateway",
            service_name=vpc.region.apply(lambda region: f"com.amazonaws.{region}.s3"),
            route_table_ids=[table.id for table in self._private_tables],
            tags=named(self._tags, name),
            opts=child(self),
        )

    def _subnet(self, side: str, vpc: aws.ec2.Vpc, zone: str, cidr: str, tags: Mapping[str, str]) -> aws.ec2.Subnet:
        name = f"{self._name}-{side}-{zone}"
        return aws.ec2.Subnet(
            name,
            vpc_id=vpc.id,
            cidr_block=cidr,
            availability_zone_id=zone,
            map_public_ip_on_launch=False,
            tags={**named(self._tags, name), **tags},
            opts=child(self),
        )

    def _route_table(self, suffix: str, vpc: aws.ec2.Vpc) -> aws.ec2.RouteTable:
        name = f"{self._name}-{suffix}"
        return aws.ec2.RouteTable(name, vpc_id=vpc.id, tags=named(self._tags, name), opts=child(self))

    def _associate(
        self, side: str, zone: str, subnet: aws.ec2.Subnet, table: aws.ec2.RouteTable
    ) -> aws.ec2.RouteTableAssociation:
        return aws.ec2.RouteTableAssociation(
            f"{self._name}-{side}-{zone}", subnet_id=subnet.id, route_table_id=table.id, opts=child(self)
        )
