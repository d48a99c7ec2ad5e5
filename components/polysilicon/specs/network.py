"""The network under a cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag

from polysilicon.specs.base import Spec, refusal
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


Zones = Annotated[tuple[str, ...], AfterValidator(_distinct)]
"""Zones, each once; their order is kept."""


class EksNetworkSpec(Spec):
    """A VPC with a private and a public subnet in each zone; nodes live in the private ones, behind NAT."""

    kind: Literal["new"] = "new"
    cidr: Cidr = "10.20.0.0/16"
    """Range of the VPC, between /16 and /20."""
    zones: Annotated[Zones, AfterValidator(zone_ids)] = Field(min_length=2, max_length=6)
    """Zone *ids* such as use1-az4, at least two, since EKS asks for two. An id means the same place in every account;
    a name such as us-east-1a does not. New zones go to the end: a zone's range follows from its place in the list."""
    nat: Literal["single", "per_zone"] = "single"
    """One NAT gateway for all zones, or one in each: survives the loss of a zone, costs that many times more."""


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
    pods take their addresses there."""

    @property
    def zones(self) -> tuple[str, ...]:
        """Ids of the zones that have a subnet."""
        return tuple(self.private_subnets)


def kind(network: Any) -> str:
    """Which network a document means; one that does not say is new."""
    stated = network.get("kind", "new") if isinstance(network, Mapping) else getattr(network, "kind", "new")
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
