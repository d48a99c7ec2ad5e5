"""The VPC of an EKS cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from polysilicon.aws.tags import named
from polysilicon.planning.network import EksNetworkPlan, Zone, plan_eks_network
from polysilicon.planning.order import Order
from polysilicon.resources import child, record
from polysilicon.specs import EksNetworkSpec, ExistingEksNetworkSpec


@dataclass(frozen=True, kw_only=True)
class EksNetworkArgs:
    """What an `EksNetwork` is made of.

    Attributes:
        spec: Ranges, zones and NAT.
        tags: Tags of every resource; each gets beside them a Name and those that tell it from all others.
    """

    spec: EksNetworkSpec
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NetworkWires:
    """What a cluster or a server takes from a network, whoever made it.

    Attributes:
        private_subnet_ids: Subnet of each zone id, for nodes and the control plane's interfaces.
        egress: Routes that lead private nodes out; nodes wait for them.
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
    inside = pulumi.InvokeOutputOptions(provider=provider)
    (first_zone, first), *others = spec.private_subnets.items()
    found = {first_zone: aws.ec2.get_subnet_output(id=first, availability_zone_id=first_zone, opts=inside)}
    vpc = found[first_zone].vpc_id
    for zone, subnet in others:
        found[zone] = aws.ec2.get_subnet_output(id=subnet, availability_zone_id=zone, vpc_id=vpc, opts=inside)
    return NetworkWires(vpc_id=vpc, private_subnet_ids={zone: subnet.id for zone, subnet in found.items()})


class EksNetwork(pulumi.ComponentResource):
    """A VPC with a public and a private subnet in each zone, an internet gateway, and NAT for the private ones.

    Nodes get no public address. Private subnets reach S3, and with it the layers of images in ECR, by a gateway
    endpoint, which costs nothing where NAT has a price for each GB. The subnets carry the tags by which load balancers
    find them.
    """

    vpc_id: pulumi.Output[str]
    private_subnet_ids: dict[str, pulumi.Output[str]]
    public_subnet_ids: dict[str, pulumi.Output[str]]
    wires: NetworkWires

    def __init__(self, name: str, args: EksNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        plan = plan_eks_network(args.spec)
        super().__init__("polysilicon:index:EksNetwork", name, record(args.spec), opts)
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
        public, internet = self._public_side(vpc, plan)
        gateways = self._nat_gateways(public, internet, plan)
        private, egress = self._private_side(vpc, gateways, plan)
        self._s3_endpoint(vpc)

        self.vpc_id = vpc.id
        self.public_subnet_ids = {zone: subnet.id for zone, subnet in public.items()}
        self.private_subnet_ids = {zone: subnet.id for zone, subnet in private.items()}
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
            subnets[zone.id], way_out = self._private_zone(vpc, zone, gateways[plan.nat_of(zone.id)])
            egress.extend(way_out)
        return subnets, egress

    def _private_zone(
        self, vpc: aws.ec2.Vpc, zone: Zone, gateway: aws.ec2.NatGateway
    ) -> tuple[aws.ec2.Subnet, list[pulumi.Resource]]:
        tags = {"kubernetes.io/role/internal-elb": "1"}
        subnet = self._subnet("private", vpc, zone.id, zone.private_cidr, tags)
        table = self._route_table(f"private-{zone.id}", vpc)
        self._private_tables.append(table)
        route = aws.ec2.Route(
            f"{self._name}-private-{zone.id}",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=gateway.id,
            opts=child(self),
        )
        return subnet, [route, self._associate("private", zone.id, subnet, table)]

    def _s3_endpoint(self, vpc: aws.ec2.Vpc) -> None:
        name = f"{self._name}-s3"
        aws.ec2.VpcEndpoint(
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
