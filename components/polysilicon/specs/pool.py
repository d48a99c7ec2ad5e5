"""Accelerator pools: what is rented, how much of it, on which terms."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator

from polysilicon.specs.base import Spec, refusal
from polysilicon.specs.capacity import Capacity, OnDemand, Spot
from polysilicon.specs.network import Zones
from polysilicon.specs.values import Key


class ReplaceOk(Spec):
    """Leave to replace nodes that are hard to get again. Without it they are protected."""

    reason: str = Field(min_length=10)
    """Why, for whoever reads the change."""
    until: date
    """Last day on which it holds; a leave that stays for ever is none."""


class _Pool(Spec):
    cluster: Key
    """Key of the cluster that the pool joins."""
    machine: str
    """Machine type, as the cloud spells it."""
    capacity: tuple[Capacity, ...] = (OnDemand(kind="on_demand", min=1, max=1),)
    """Terms, each with its own bounds; the first is taken first. By default one node on demand."""
    zones: Zones = ()
    """Zones to use. By default every zone that offers the machine: of the network on AWS, of the region on Google."""
    replace_ok: ReplaceOk | None = None
    """Leave to replace nodes that are hard to get again: those of a reservation or a block, and of scarce silicon."""

    @field_validator("capacity")
    @classmethod
    def _each_choice_once(cls, capacity: tuple[Capacity, ...]) -> tuple[Capacity, ...]:
        if not capacity:
            raise refusal("is empty", "state the terms, such as on_demand, with their bounds")
        keys = [choice_key(choice) for choice in capacity]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise refusal(f"{key} stands there twice", "state each once, with its bounds", at=(index,))
        return capacity


def choice_key(choice: Capacity) -> str:
    """What tells a choice from the others of a pool, as part of a name: on-demand, spot, or the reservation's id."""
    if isinstance(choice, OnDemand | Spot):
        return choice.kind.replace("_", "-")
    return choice.reservation.id


class _EksPool(_Pool):
    root_disk_gib: int = Field(default=500, ge=50, le=65536)
    """Root disk in GiB, gp3, encrypted. Serving images and weights are large; the cloud's own default is 20."""
    ami_release: str | None = None
    """EKS image release, such as 1.35.6-20260625. By default the newest whose driver takes the serving images of this
    silicon; a release that they cannot start on is refused."""
    devices_per_server: int | None = Field(default=None, ge=1)
    """Chips that each server of the pool takes, in equal shares of a node. By default all of a node. Several Neuron
    chips that are not all of a node must be neighbours: the cluster gets AWS's scheduler for them."""
    efa: bool = False
    """Whether nodes get all EFA interfaces of their machine, for models over several nodes. Off by default: a model on
    one node uses none, and with EFA the pool lies in one zone."""
    placement_group: bool = False
    """Whether nodes that are not reserved stand close together, in a cluster placement group. Off by default, and never
    for reserved nodes: a group that is forced on a reservation loses machines."""
    local_disks: Literal["raid0", "unused"] = "raid0"
    """What becomes of the machine's own NVMe disks: one fast disk for images, logs and what pods write, or nothing."""


class NeuronPoolSpec(_EksPool):
    """Nodes with AWS Inferentia or Trainium chips on EKS."""

    kind: Literal["neuron"]
    machine: str = "inf2.8xlarge"
    """EC2 instance type. By default inf2.8xlarge: one Inferentia2 chip, and host memory enough to load a model."""


class WholeGpus(Spec):
    """Each GPU belongs to one pod."""

    kind: Literal["whole"]


class TimeSlicing(Spec):
    """Pods take turns on a GPU. Nothing keeps their memory apart: for small models of one owner."""

    kind: Literal["time_slicing"]
    replicas: int = Field(ge=2, le=48)
    """Pods that share one GPU."""


class Mig(Spec):
    """GPUs are cut into instances with memory of their own, by NVIDIA's GPU operator. Only for chips that can."""

    kind: Literal["mig"]
    profile: str = Field(pattern=r"^all-\d+g\.\d+gb$")
    """Name of a configuration of NVIDIA's MIG manager that cuts all GPUs alike, such as all-1g.10gb."""


GpuSharing = Annotated[WholeGpus | TimeSlicing | Mig, Field(discriminator="kind")]


class EksGpuPoolSpec(_EksPool):
    """Nodes with NVIDIA GPUs on EKS."""

    kind: Literal["eks_gpu"]
    sharing: GpuSharing = WholeGpus(kind="whole")
    """How pods share a GPU. By default they do not."""


class TpuSlicePoolSpec(_Pool):
    """Nodes with Google TPU chips on GKE, in one slice shape."""

    kind: Literal["tpu_slice"]
    topology: str
    """Shape of the slice, such as 2x2. With the machine it fixes how many nodes form one slice."""
    boot_disk_gib: int = Field(default=200, ge=50, le=65536)
    """Boot disk of each node in GiB."""


EksPoolSpec = NeuronPoolSpec | EksGpuPoolSpec
PoolSpec = Annotated[NeuronPoolSpec | EksGpuPoolSpec | TpuSlicePoolSpec, Field(discriminator="kind")]
