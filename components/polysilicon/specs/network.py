"""The network under a cluster."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from polysilicon.specs.base import Spec, refusal
from polysilicon.specs.values import Cidr


def _distinct(zones: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(zones)) < len(zones):
        raise refusal(f"got {', '.join(zones)}: a zone is named twice", "name each zone once")
    return zones


def _ids(zones: tuple[str, ...]) -> tuple[str, ...]:
    for index, zone in enumerate(zones):
        if not re.fullmatch(r"[a-z]+\d+-az\d+", zone):
            text = f"got {zone!r}, which is no zone id"
            raise refusal(
                text, "write ids such as use1-az4: names such as us-east-1a differ between accounts", at=(index,)
            )
    return zones


Zones = Annotated[tuple[str, ...], AfterValidator(_distinct)]
"""Zones, each once; their order is kept."""


class EksNetworkSpec(Spec):
    """A VPC with a private and a public subnet in each zone; nodes live in the private ones, behind NAT."""

    cidr: Cidr = "10.20.0.0/16"
    """Range of the VPC, between /16 and /20."""
    zones: Annotated[Zones, AfterValidator(_ids)] = Field(min_length=2, max_length=6)
    """Zone *ids* such as use1-az4, at least two, since EKS asks for two. An id means the same place in every account;
    a name such as us-east-1a does not. New zones go to the end: a zone's range follows from its place in the list."""
    nat: Literal["single", "per_zone"] = "single"
    """One NAT gateway for all zones, or one in each: survives the loss of a zone, costs that many times more."""


class GkeNetworkSpec(Spec):
    """A VPC network with one subnet, secondary ranges for pods and services, and Cloud NAT."""

    cidr: Cidr = "10.40.0.0/20"
    """Range of the nodes."""
    pods_cidr: Cidr = "10.44.0.0/14"
    """Range of the pods."""
    services_cidr: Cidr = "10.48.0.0/20"
    """Range of the Kubernetes services."""
