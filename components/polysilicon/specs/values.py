"""Small values that specs share: keys, addresses, owners, endpoints."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from polysilicon.specs.base import Spec, refusal

KEY_PATTERN = r"^[a-z]([-a-z0-9]{0,18}[a-z0-9])?$"
Key = Annotated[str, StringConstraints(pattern=KEY_PATTERN)]
"""A name in the YAML that becomes part of cloud names: lower case, digits and dashes, at most 20 characters."""

Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][-_a-z0-9]{0,62}$")]
"""A value that both clouds take as a tag or a label: lower case, digits, dashes, underscores, at most 63 characters."""


def _network(text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError as error:
        fix = "write an IPv4 network such as 10.20.0.0/16, beginning with the first address of its range"
        raise refusal(f"got {text!r}: {error}", fix) from None


_INSIDE = [ipaddress.IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
"""Ranges of private networks (RFC 1918) and of providers' own (RFC 6598)."""

Cidr = Annotated[str, AfterValidator(_network)]
"""An IPv4 network in CIDR form."""


class Bounds(Spec):
    """How few and how many nodes, over all zones. Those of min always run; the others come when pods ask for them, by
    GKE's autoscaler, or Karpenter on EKS. EKS's system nodes stay at min."""

    min: int = Field(default=0, ge=0, le=1000)
    """Nodes that always run."""
    max: int = Field(default=1, ge=1, le=1000)
    """Nodes at most."""

    @model_validator(mode="after")
    def _min_below_max(self) -> Bounds:
        if self.min > self.max:
            raise refusal(f"min is {self.min}, above max, which is {self.max}", "raise max or lower min")
        return self


class Owner(Spec):
    """Who answers for the cost: tags on AWS and labels on Google Cloud, on everything that can carry them."""

    cost_center: Label
    """Who pays: the tag CostCenter, the label cost-center."""
    workload: Label
    """What the money is spent for: the tag Workload, the label workload."""
    team: Label | None = None
    """Who is called: the tag Team, the label team. Absent by default."""
    environment: Label | None = None
    """The tag Environment, the label environment. By default the stack's name."""


def _is_internet(cidr: str) -> bool:
    """Whether a network is no network of somebody's, but most of the internet."""
    return ipaddress.IPv4Network(cidr).prefixlen < 8


def each_once(cidrs: tuple[str, ...]) -> tuple[str, ...]:
    """The networks, if none stands there twice."""
    for index, cidr in enumerate(cidrs):
        if cidr in cidrs[:index]:
            raise refusal(f"got {cidr} twice", "name each network once", at=(index,))
    return cidrs


def some_networks(cidr: str) -> str:
    """The network, if it is somebody's."""
    if _is_internet(cidr):
        text = f"got {cidr}, which opens the server to the whole internet"
        raise refusal(text, "name the networks that are to reach it")
    return cidr


class PublicEndpoint(Spec):
    """The Kubernetes API answers on the internet, to the named networks only."""

    kind: Literal["public"]
    cidrs: Annotated[tuple[Cidr, ...], AfterValidator(each_once)] = Field(min_length=1)
    """Networks that may ask. The whole internet (0.0.0.0/0) is refused."""

    @field_validator("cidrs")
    @classmethod
    def _not_everybody(cls, cidrs: tuple[str, ...]) -> tuple[str, ...]:
        for cidr in cidrs:
            if any(ipaddress.IPv4Network(cidr).subnet_of(inside) for inside in _INSIDE):
                fix = "name the networks as the internet sees them, or take `kind: private`"
                raise refusal(f"got {cidr}, from which nobody on the internet asks", fix)
            if _is_internet(cidr):
                fix = "name the networks of your offices and runners, or take `kind: private`"
                raise refusal(f"got {cidr}, which opens the Kubernetes API to the whole internet", fix)
        return cidrs


class PrivateEndpoint(Spec):
    """The Kubernetes API answers inside the network only."""

    kind: Literal["private"]
    reach: Annotated[tuple[Cidr, ...], AfterValidator(each_once)] = Field(min_length=1)
    """Networks inside from which it is reached, such as a VPN's or a runner's: whoever runs `pulumi up` must be in one,
    since the cluster's objects cannot be made from outside."""


Endpoint = Annotated[PublicEndpoint | PrivateEndpoint, Field(discriminator="kind")]
