"""The network under a cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, model_validator

from polysilicon.specs.base import Spec, refusal
from polysilicon.specs.logs import FlowLogs
from polysilicon.specs.values import Cidr

_ZONE_ID = re.compile(r"[a-z]+\d+-az\d+")


def _distinct(zones: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(zones)) < len(zones):
        raise refusal(f"got {', '.join(zones)}: a zone is named twice", "name each zone once")
    return zones


def zone_ids(zones: tuple[str, ...]) -> tuple[str, ...]:
    """The zones, if each is an id."""
    for index, zone in enumerate(zones):
        if not _ZONE_ID.fullmatch(zone):
            text = f"got {zone!r}, which is no zone id"
            raise refusal(
                text, "write ids such as use1-az4: names such as us-east-1a differ between accounts", at=(index,)
            )
    return zones


def _none_or_two(zones: tuple[str, ...]) -> tuple[str, ...]:
    if len(zones) == 1:
        raise refusal(f"got {zones[0]} alone, and EKS asks for two zones", "name another, or leave zones out")
    return zones


Zones = Annotated[tuple[str, ...], AfterValidator(_distinct)]
"""Zones, each once; their order is kept."""


EndpointService = Literal[
    "private_cluster",
    "autoscaling",
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    "elasticfilesystem",
    "elasticloadbalancing",
    "kms",
    "logs",
    "monitoring",
    "secretsmanager",
    "sqs",
    "ssm",
    "ssmmessages",
    "sts",
    "xray",
]
"""An AWS service, as the end of its endpoint's name spells it (docs.aws.amazon.com/vpc/latest/privatelink,
aws-services-privatelink-support); `private_cluster` stands for all that a cluster without a way out asks."""


def _each_service_once(services: tuple[str, ...]) -> tuple[str, ...]:
    for index, service in enumerate(services):
        if service in services[:index]:
            raise refusal(f"got {service!r} twice", "name each service once", at=(index,))
    return services


class EksNetworkSpec(Spec):
    """A VPC with a private and a public subnet in each zone; nodes live in the private ones, behind NAT.

    Without NAT it has no public subnets and no internet gateway, and what nodes reach is behind its endpoints.
    """

    kind: Literal["new"] = "new"
    cidr: Cidr = "10.20.0.0/16"
    """Range of the VPC, between /16 and /20. It stays: another one is refused once the VPC is there."""
    zones: Annotated[Zones, AfterValidator(zone_ids), AfterValidator(_none_or_two)] = Field(default=(), max_length=6)
    """Zone *ids* such as use1-az4, at least two, since EKS asks for two. An id means the same place in every account;
    a name such as us-east-1a does not. New zones go to the end, and the preview refuses them elsewhere: a zone's range
    follows from its place in the list, and the control plane stays in the first two, system nodes beside it. Pools
    without `zones` of their own are rebuilt in all. By default all zones of the region in which EKS puts clusters, so
    that each pool finds those that sell its machine, whichever pools come later."""
    nat: Literal["single", "per_zone", "none"] = "single"
    """One NAT gateway for all zones, or one in each: survives the loss of a zone, costs that many times more. With
    none, nothing outside of AWS is reached: images must lie in the region's own ECR, and weights in S3."""
    endpoints: Annotated[tuple[EndpointService, ...], AfterValidator(_each_service_once)] = ()
    """AWS services that are reached from inside the VPC, each with a price by the hour and zone. By default S3 alone,
    which costs nothing and is always there. `private_cluster` stands for those that a cluster without NAT asks."""
    way_out: str | None = Field(default=None, min_length=10)
    """Where `nat` is none: how nodes reach images and weights all the same, for whoever reads the change, such as a
    transit gateway whose routes others add. It is not checked then whether anything must come from outside."""

    flow_logs: FlowLogs = FlowLogs()
    """Traffic that is written down. By default what is rejected."""

    @model_validator(mode="after")
    def _what_each_zone_costs_is_named(self) -> EksNetworkSpec:
        dear = [f"nat: {self.nat}"] if self.nat == "per_zone" else []
        dear += ["endpoints"] if self.endpoints else []
        if dear and not self.zones:
            text = f"is left out, which means all zones of the region, and {' and '.join(dear)} cost money in each"
            raise refusal(text, "name the zones that the pools need", at=("zones",))
        return self

    @model_validator(mode="after")
    def _one_way_out(self) -> EksNetworkSpec:
        if self.way_out is not None and self.nat != "none":
            raise refusal(
                f"is set, but nat: {self.nat} is the way out", "remove it, or take nat: none", at=("way_out",)
            )
        return self


SubnetId = Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")]
"""Id of a subnet, such as subnet-0123456789abcdef0."""


def zones_by_id(subnets: dict[str, str]) -> dict[str, str]:
    """The subnets, if each stands once, under the id of a zone."""
    for zone in subnets:
        if not _ZONE_ID.fullmatch(zone):
            text = "is no zone id"
            raise refusal(text, "write ids such as use1-az4: names differ between accounts", at=(zone,))
    twice = [zone for zone, subnet in subnets.items() if list(subnets.values()).count(subnet) > 1]
    if twice:
        text = f"got {subnets[twice[0]]} for {' and '.join(twice)}: a subnet lies in one zone"
        raise refusal(text, "take the VPC's private subnet of each zone", at=(twice[-1],))
    return subnets


class ExistingEksNetworkSpec(Spec):
    """A VPC that somebody else looks after; nothing of it is changed.

    Its private subnets must lead out, by NAT or by a firewall: nodes pull images and models by it. Load balancers find
    subnets by the tags kubernetes.io/role/internal-elb and kubernetes.io/role/elb, which are its owner's as well.
    """

    kind: Literal["existing"]
    cidrs: tuple[Cidr, ...] = Field(min_length=1)
    """Ranges of the VPC. They may not overlap those of the services, nor those of the stack's other clusters."""
    private_subnets: Annotated[dict[str, SubnetId], AfterValidator(zones_by_id)] = Field(min_length=2, max_length=6)
    """A private subnet for each zone *id*, at least two, since EKS asks for two. Nodes live in them, and
    pods take their addresses there. New ones go to the end: the control plane stays in the first two."""

    @property
    def zones(self) -> tuple[str, ...]:
        """Ids of the zones that have a subnet."""
        return tuple(self.private_subnets)


def kind(part: Any) -> str:
    """Which kind of a part a document means; one that does not say is new."""
    stated = part.get("kind", "new") if isinstance(part, Mapping) else getattr(part, "kind", "new")
    return str(stated)


AnyEksNetworkSpec = Annotated[
    Annotated[EksNetworkSpec, Tag("new")] | Annotated[ExistingEksNetworkSpec, Tag("existing")], Discriminator(kind)
]
"""A network for a cluster: a new one, or one that is there."""


class GkeNetworkSpec(Spec):
    """A VPC network with one subnet, secondary ranges for pods and services, and Cloud NAT."""

    cidr: Cidr = "10.40.0.0/20"
    """Range of the nodes."""
    pods_cidr: Cidr = "10.44.0.0/14"
    """Range of the pods."""
    services_cidr: Cidr = "10.48.0.0/20"
    """Range of the Kubernetes services."""
