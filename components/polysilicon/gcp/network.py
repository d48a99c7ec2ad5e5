"""The VPC network of a GKE cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from polysilicon.planning.names import require_key
from polysilicon.planning.order import Order
from polysilicon.resources import child, record
from polysilicon.specs import GkeNetworkSpec

_APIS = (
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
)
PODS_RANGE, SERVICES_RANGE = "pods", "services"


@dataclass(frozen=True, kw_only=True)
class GkeNetworkArgs:
    """What a `GkeNetwork` is made of.

    Attributes:
        spec: Ranges.
        project: Google Cloud project id.
        region: Region of the subnet.
    """

    spec: GkeNetworkSpec
    project: str
    region: str


@dataclass(frozen=True, kw_only=True)
class NetworkWires:
    """What a cluster takes from a network, whoever made it.

    Attributes:
        network: The network's self link or id.
        subnetwork: The subnet's self link or id; it has secondary ranges named pods and services.
        egress: What leads private nodes out; nodes wait for it.
        apis: Enabled APIs; everything waits for them.
    """

    network: pulumi.Input[str]
    subnetwork: pulumi.Input[str]
    egress: Sequence[pulumi.Resource] = ()
    apis: Sequence[pulumi.Resource] = ()


class GkeNetwork(pulumi.ComponentResource):
    """A VPC network with one subnet, secondary ranges for pods and services, and Cloud NAT for private nodes.

    The APIs that a cluster needs are enabled first, and stay enabled after destroy, since others may use them.
    """

    wires: NetworkWires

    def __init__(self, name: str, args: GkeNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        require_key(name)
        super().__init__("polysilicon:index:GkeNetwork", name, record(args.spec, region=args.region), opts)
        apis = [self._api(name, api, args.project) for api in _APIS]
        network = gcp.compute.Network(
            name,
            project=args.project,
            auto_create_subnetworks=False,
            routing_mode="REGIONAL",
            opts=child(self, {Order.APIS_FIRST: apis}),
        )
        subnet = gcp.compute.Subnetwork(
            name,
            project=args.project,
            region=args.region,
            network=network.id,
            ip_cidr_range=args.spec.cidr,
            secondary_ip_ranges=[
                {"range_name": PODS_RANGE, "ip_cidr_range": args.spec.pods_cidr},
                {"range_name": SERVICES_RANGE, "ip_cidr_range": args.spec.services_cidr},
            ],
            private_ip_google_access=True,
            opts=child(self),
        )
        router = gcp.compute.Router(
            name, project=args.project, region=args.region, network=network.id, opts=child(self)
        )
        nat = gcp.compute.RouterNat(
            name,
            project=args.project,
            region=args.region,
            router=router.name,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            opts=child(self),
        )
        self.wires = NetworkWires(network=network.id, subnetwork=subnet.id, egress=[nat], apis=apis)
        self.register_outputs({"network": network.id, "subnetwork": subnet.id})

    def _api(self, name: str, api: str, project: str) -> gcp.projects.Service:
        short = api.split(".")[0]
        return gcp.projects.Service(
            f"{name}-{short}", project=project, service=api, disable_on_destroy=False, opts=child(self)
        )
