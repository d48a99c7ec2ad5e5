"""Accelerator pools: what is rented, how much of it, on which terms."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from polysilicon.specs.base import Spec, refusal
from polysilicon.specs.network import Zones
from polysilicon.specs.values import Bounds, Key


class OnDemand(Bounds):
    """Paid by the second at the list price; yours until you give it back, if the cloud has any left."""

    kind: Literal["on_demand"]


class Spot(Bounds):
    """Spare capacity at a changing price, taken back at short notice: the landing says how short."""

    kind: Literal["spot"]


Capacity = Annotated[OnDemand | Spot, Field(discriminator="kind")]


class _Pool(Spec):
    cluster: Key
    """Key of the cluster that the pool joins."""
    machine: str
    """Machine type, as the cloud spells it."""
    capacity: tuple[Capacity, ...] = (OnDemand(kind="on_demand", min=1, max=1),)
    """Terms, each with its own bounds. By default one node on demand."""
    zones: Zones = ()
    """Zones to use. By default every zone that offers the machine: of the network on AWS, of the region on Google."""

    @field_validator("capacity")
    @classmethod
    def _each_kind_once(cls, capacity: tuple[Capacity, ...]) -> tuple[Capacity, ...]:
        if not capacity:
            raise refusal("is empty", "state on_demand or spot, with its bounds")
        kinds = [choice.kind for choice in capacity]
        for kind in kinds:
            if kinds.count(kind) > 1:
                raise refusal(f"{kind} stands {kinds.count(kind)} times", "state each kind once, with its bounds")
        return capacity


class NeuronPoolSpec(_Pool):
    """Nodes with AWS Inferentia or Trainium chips on EKS."""

    kind: Literal["neuron"]
    machine: str = "inf2.8xlarge"
    """EC2 instance type. By default inf2.8xlarge: one Inferentia2 chip, and host memory enough to load a model."""
    root_disk_gib: int = Field(default=500, ge=50, le=16384)
    """Root disk in GiB, gp3, encrypted. Serving images and weights are large; the cloud's own default is 20."""
    ami_release: str | None = None
    """EKS image release, such as 1.35.6-20260625. By default the newest whose Neuron driver takes the serving images
    of this silicon; a release that they cannot start on is refused."""


class TpuSlicePoolSpec(_Pool):
    """Nodes with Google TPU chips on GKE, in one slice shape."""

    kind: Literal["tpu_slice"]
    topology: str
    """Shape of the slice, such as 2x2. With the machine it fixes how many nodes form one slice."""
    boot_disk_gib: int = Field(default=200, ge=50, le=65536)
    """Boot disk of each node in GiB."""


PoolSpec = Annotated[NeuronPoolSpec | TpuSlicePoolSpec, Field(discriminator="kind")]
