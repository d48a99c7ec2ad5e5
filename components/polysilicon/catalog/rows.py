"""The rows of the catalog. Each figure has a source and a date; what nobody published is absent or marked assumed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from polysilicon.specs.base import Spec, refusal

Argument = Literal[
    "model",
    "served_name",
    "port",
    "tensor_parallel",
    "max_model_len",
    "max_concurrency",
    "kv_blocks",
    "drain_seconds",
    "memory_fraction",
]
"""What a server is told."""

UsageClass = Literal["on-demand", "spot", "capacity-block"]
"""How EC2 sells a machine, spelled as its API does."""


def _template(text: str, **known: str) -> str:
    try:
        text.format(**known)
    except (KeyError, IndexError, ValueError):
        names = ", ".join(f"{{{name}}}" for name in known)
        raise refusal(f"got {text!r}, with a placeholder that nothing fills", f"allowed: {names}") from None
    return text


class Row(Spec):
    """A fact, and where it was read."""

    source: str = Field(min_length=1)
    """Repository and path, package and version, or page. In an overlay: whatever the team can find again."""
    as_of: str = Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$")
    """When that source was written or read."""


class Taint(Spec):
    """A Kubernetes taint, spelled as Kubernetes does."""

    key: str
    value: str
    effect: Literal["NoSchedule", "NoExecute", "PreferNoSchedule"] = "NoSchedule"


class Silicon(Row):
    """A chip: what it holds and moves, and how Kubernetes pods ask for it."""

    family: Literal["neuron", "tpu", "nvidia"]
    vendor: str
    memory_gib: float
    """Device memory of one chip."""
    memory_bandwidth_gbs: float
    """Peak memory bandwidth of one chip, 10^9 bytes a second."""
    dense_bf16_tflops: float | None = None
    """Peak dense bf16 rate of one chip; none where published figures disagree."""
    cores: int = Field(ge=1)
    """Devices of one chip that a runtime shards a model over."""
    resource: str
    """Extended resource that a pod requests, counted in chips."""
    taint: Taint
    """On the nodes of this silicon, so that nothing else lands there. GKE puts it on TPU nodes by itself."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels that pods must select beside the landing's own; {topology} is the slice's shape."""
    shm_gib: int = Field(ge=0)
    """Memory-backed /dev/shm that the runtimes want."""
    env: dict[str, str] = Field(default_factory=dict)
    """Environment that every server on this silicon needs."""
    mig_profiles: dict[str, int] = Field(default_factory=dict)
    """Configurations of NVIDIA's MIG manager that cut this chip into equal parts, and the parts of each."""
    neighbours: tuple[int, ...] = ()
    """How many Neuron chips of a node, beside one and all of them, AWS's scheduler gives out as neighbours."""
    scarce: bool = False
    """Whether capacity, once given back, is hard to get again: pools of it are protected. H100 and later, Trainium2."""

    @field_validator("node_selector")
    @classmethod
    def _placeholders(cls, selector: dict[str, str]) -> dict[str, str]:
        return {name: _template(value, topology="1x1") for name, value in selector.items()}


class Topology(Spec):
    """A slice shape that a machine can form."""

    shape: str
    chips: int
    hosts: int


class Machine(Row):
    """An instance or machine type."""

    cloud: Literal["aws", "gcp"]
    silicon: str | None = None
    """Key of its accelerator; none for a system node."""
    accelerators: int = Field(default=0, ge=0)
    vcpus: int
    memory_gib: float
    local_nvme_gib: float = 0
    """Disks inside the machine, all together. What is on them is lost when it stops."""
    architecture: Literal["x86_64", "arm64"] = "x86_64"
    max_pods: int | None = None
    """Pods that the cloud's network plugin gives addresses to, where the machine decides that."""
    addresses_per_interface: int | None = Field(default=None, ge=2)
    """Addresses of one network interface on EC2: its own, and those that it gives to pods."""
    network_gbps: float | None = None
    """Peak rate of the whole machine, 10^9 bits a second; a small machine keeps it up for minutes only."""
    network_cards: int = Field(default=1, ge=1)
    """Network cards, which interfaces are numbered by."""
    first_card_gbps: float | None = None
    """Peak rate of network card 0, to which the interfaces with addresses of pods belong."""
    efa_interfaces: int = Field(default=0, ge=0)
    """Most EFA interfaces, one to a card; 0 where the machine takes none."""
    efa_on_first_card: bool = True
    """Whether network card 0 takes one of them too; on p6-b300 it takes none."""
    ebs_mib_s: float | None = None
    """Peak rate to network disks (EBS), MiB a second."""
    usage_classes: tuple[UsageClass, ...] = ()
    """How the cloud sells the machine; empty where that was not read."""
    topologies: tuple[Topology, ...] = ()
    """TPU slice shapes of this machine."""


class AmiRelease(Row):
    """A release of the EKS node images."""

    kubernetes: str
    neuron_driver: str
    """Driver (aws-neuronx-dkms) of the release's Neuron image."""
    nvidia_driver: str | None = None
    """Driver of the release's NVIDIA image; none where that was not read."""


class MachineImage(Row):
    """A kind of Deep Learning AMI, of which the newest is looked up when a machine is first made."""

    family: Literal["neuron", "nvidia"]
    name: str
    """Its name, with * for what changes from build to build."""
    description: str | None = None
    """Its description, likewise, where that tells which driver it has."""
    driver: str
    """Driver that it brings; where only its name is asked for, the least."""


class Addon(Row):
    """An EKS add-on's pinned version."""

    kubernetes: str
    name: str
    version: str


class Runtime(Row):
    """A serving image line for some silicon: how it starts, and which host drivers it starts on."""

    engine: str
    silicon: tuple[str, ...]
    line: str
    rank: int
    """The lowest rank that is not opt-in is the default."""
    opt_in: bool = False
    version: str
    """Version of the engine inside."""
    image: str
    """Image with its tag; {region} is the cluster's region."""
    image_gib: float | None = None
    """Compressed size, where published."""
    command: tuple[str, ...]
    """Command and fixed arguments of the container."""
    arguments: dict[Argument, str]
    """How this line spells what a server is told; an empty spelling is a word without a flag."""
    port: int
    health_path: str
    env: dict[str, str] = Field(default_factory=dict)
    cache_path: str
    """Where the image keeps weights and compiled code."""
    compiled_path: str | None = None
    """The part of it that holds compiled code, which a later start reads instead of compiling; none where that was not
    read."""
    driver_min: str | None = None
    """Oldest host driver that it starts on."""
    driver_max: str | None = None
    """Newest host driver that it starts on."""
    models: tuple[str, ...] = ()
    """Models that the line's makers list or test with it; the note says where."""
    note: str = ""

    @field_validator("image")
    @classmethod
    def _placeholders(cls, image: str) -> str:
        return _template(image, region="us-east-1")


class Model(Row):
    """The shape of a model, for what fits where."""

    params_b: float
    """Parameters in 10^9."""
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    max_position: int
    """Longest sequence that it was made for, in tokens."""
    gated: bool
    """Whether its hub asks for an account and a licence first."""

    @property
    def kv_bytes_per_token(self) -> int:
        """Key-value cache of one token at 16 bits."""
        return 2 * self.layers * self.kv_heads * self.head_dim * 2


class Price(Row):
    """What an hour of a machine, or a unit of a service, costs."""

    item: str
    """Machine type, or the name of a fee such as eks-control-plane."""
    region: str
    terms: Literal["on_demand", "spot"]
    unit: Literal["hour", "gib-month"]
    usd: float = Field(ge=0)


class Offering(Row):
    """A machine is sold in these zones of a region."""

    machine: str
    region: str
    zones: tuple[str, ...]


EKS_ACCOUNT = "602401143452"
"""Account of EKS in regions that an account has without opting in."""


class Region(Row):
    """A region of AWS, and the zone ids that EKS takes there."""

    region: str
    zones: tuple[str, ...]
    eks_account: str = Field(default=EKS_ACCOUNT, pattern=r"^\d{12}$")
    """Account whose registry there holds the images of EKS. By default that of the regions without opting in."""


class Default(Row):
    """A choice that holds where the YAML makes none."""

    value: str


class Assumption(Row):
    """A figure that nobody published in a form one can use; it is counted as assumed wherever it enters a result."""

    value: float
    unit: str
