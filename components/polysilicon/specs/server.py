"""One machine that serves one model, without Kubernetes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag

from polysilicon.specs.base import refusal
from polysilicon.specs.model import Served
from polysilicon.specs.network import (
    EksNetworkSpec,
    ExistingEksNetworkSpec,
    SubnetId,
    Zones,
    kind,
    zone_ids,
    zones_by_id,
)
from polysilicon.specs.pool import ReplaceOk
from polysilicon.specs.values import Cidr, each_once, some_networks


class ServerNetworkSpec(EksNetworkSpec):
    """A VPC of its own: a private and a public subnet in each zone, and NAT, behind which the server lives."""

    zones: Annotated[Zones, AfterValidator(zone_ids)] = Field(min_length=1, max_length=6)
    """Zone *ids* such as use1-az4; one is enough. The server stands in the first that sells its machine."""


class ExistingServerNetworkSpec(ExistingEksNetworkSpec):
    """A VPC that somebody else looks after; nothing of it is changed. Its private subnets must lead out."""

    private_subnets: Annotated[dict[str, SubnetId], AfterValidator(zones_by_id)] = Field(min_length=1, max_length=6)
    """A private subnet for each zone *id*; one is enough. The server stands in the first that sells its machine."""


ServerNetwork = Annotated[
    Annotated[ServerNetworkSpec, Tag("new")] | Annotated[ExistingServerNetworkSpec, Tag("existing")],
    Discriminator(kind),
]
"""A network for a server: a new one, or one that is there."""

TopicArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+$")]
"""An SNS topic, by its ARN."""


def _told_once(topics: tuple[str, ...]) -> tuple[str, ...]:
    for index, topic in enumerate(topics):
        if topic in topics[:index]:
            raise refusal(f"got {topic} twice", "name each topic once", at=(index,))
    return topics


class SingleNodeServerSpec(Served):
    """The simplest right-sized thing: one machine with an accelerator, and one server on it, as a systemd unit.

    It has no public address and no SSH: people reach it by AWS Systems Manager, programs from the networks in `reach`.
    """

    cloud: Literal["aws"]
    region: str
    """AWS region, such as us-east-1."""
    account: str | None = Field(default=None, pattern=r"^\d{12}$")
    """Account that this may touch; any other account is refused by the provider. By default whoever logs in decides."""
    network: ServerNetwork
    """A new VPC by default; `kind: existing` takes one that is there."""
    machine: str = "inf2.8xlarge"
    """EC2 instance type with Neuron chips or NVIDIA GPUs. By default inf2.8xlarge: one Inferentia2 chip, and host
    memory enough to load a model. The server has all its chips."""
    root_disk_gib: int = Field(default=500, ge=100, le=65536)
    """Root disk in GiB, gp3, encrypted: images, weights and compiled code. It can grow in place, and the machine uses
    what came when it next starts; it cannot shrink."""
    reach: Annotated[tuple[Annotated[Cidr, AfterValidator(some_networks)], ...], AfterValidator(each_once)] = ()
    """Networks that may ask the server, on its port; they can change in place. By default none: it is reached by port
    forwarding of AWS Systems Manager alone."""
    idle_stop_minutes: int | None = Field(default=60, ge=10, le=10080)
    """Minutes without a request after which the machine stops itself; then only its disk is paid for, until somebody
    starts it. null keeps it running."""
    alarm_topics: Annotated[tuple[TopicArn, ...], AfterValidator(_told_once)] = Field(default=(), max_length=4)
    """SNS topics that are told when the machine fails its checks; by default nobody is. In any case it is rebooted, or
    moved to sound hardware if it has no disks of its own."""
    ami: str | None = Field(default=None, pattern=r"^ami-[0-9a-f]{8,17}$")
    """Machine image. By default the newest Deep Learning AMI whose driver takes the serving image, looked up when the
    server is first made, and kept from then on; naming another one replaces the server. The driver of an image that
    is named is not judged."""
    replace_ok: ReplaceOk | None = None
    """Leave to replace a machine that is hard to get again."""
