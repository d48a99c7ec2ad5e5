"""A Kubernetes cluster with its network and system nodes, before any accelerator."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from polysilicon.specs.base import Spec, refusal
from polysilicon.specs.images import ImageCacheSpec
from polysilicon.specs.network import AnyEksNetworkSpec, GkeNetworkSpec, Zones
from polysilicon.specs.storage import WeightStoreSpec
from polysilicon.specs.values import Bounds, Cidr, Endpoint


class SystemNodes(Bounds):
    """The small nodes for what every cluster runs: DNS, controllers, routers. By default one to three."""

    machine: str | None = None
    """Machine of a system node. By default the one that the catalog names for the cloud."""
    min: int = Field(default=1, ge=1, le=50)
    """Nodes that always run, over all zones."""
    max: int = Field(default=3, ge=1, le=50)
    """Nodes at most, over all zones."""


LogType = Literal["api", "audit", "authenticator", "controllerManager", "scheduler"]
"""A part of the control plane that writes a log, as EKS spells it."""

_MONTHS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180)
_YEARS = (365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
RETENTION_DAYS = _MONTHS + _YEARS
"""Times for which CloudWatch Logs can keep a group (pulumi-aws, cloudwatch.LogGroup); for ever is none of them."""


def _kept(days: int) -> int:
    if days not in RETENTION_DAYS:
        allowed = ", ".join(map(str, RETENTION_DAYS))
        raise refusal(f"got {days}, for which CloudWatch Logs keeps nothing", f"allowed: {allowed}")
    return days


def _logged_once(types: tuple[LogType, ...]) -> tuple[LogType, ...]:
    for index, kind in enumerate(types):
        if kind in types[:index]:
            raise refusal(f"got {kind!r} twice", "name each log once", at=(index,))
    return types


class ControlPlaneLogs(Spec):
    """What the control plane writes to CloudWatch Logs, encrypted with the cluster's key. By default all of it."""

    types: Annotated[tuple[LogType, ...], AfterValidator(_logged_once)] = (
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    )
    """Logs that are written. An empty list writes none."""
    retention_days: Annotated[int, AfterValidator(_kept)] = 30
    """Days that they are kept; one of those that CloudWatch Logs knows."""


Principal = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+$")]
"""An IAM role or user, by its ARN."""


def _each_once(principals: tuple[str, ...]) -> tuple[str, ...]:
    for index, principal in enumerate(principals):
        if principal in principals[:index]:
            raise refusal(f"got {principal} twice", "name each administrator once", at=(index,))
    return principals


def _service_range(cidr: str) -> str:
    network = IPv4Network(cidr)
    if not network.is_private or not 12 <= network.prefixlen <= 24:
        raise refusal(f"got {cidr}, which EKS refuses", "take a private range between /12 and /24")
    return cidr


def _of_size_28(cidr: str) -> str:
    if IPv4Network(cidr).prefixlen != 28:
        raise refusal(f"got {cidr}, which GKE refuses", "take a /28")
    return cidr


class EksClusterSpec(Spec):
    """An EKS cluster, in a VPC of its own or in one that is there."""

    cloud: Literal["aws"]
    region: str
    """AWS region, such as us-east-1."""
    account: str | None = Field(default=None, pattern=r"^\d{12}$")
    """Account that this may touch; any other account is refused by the provider. By default whoever logs in decides."""
    network: AnyEksNetworkSpec
    """A new VPC by default; `kind: existing` takes one that is there."""
    endpoint: Endpoint
    """Who can reach the Kubernetes API. There is no default: it is a decision."""
    kubernetes: str | None = None
    """Kubernetes version, such as "1.35". By default the one that the catalog names."""
    service_cidr: Annotated[Cidr, AfterValidator(_service_range)] = "172.20.0.0/16"
    """Range of the Kubernetes services: private, /12 to /24, and not overlapping the VPC."""
    admins: Annotated[tuple[Principal, ...], AfterValidator(_each_once)] = ()
    """IAM roles or users, by ARN, that become cluster administrators, beside the role that first runs `pulumi up`."""
    logs: ControlPlaneLogs = ControlPlaneLogs()
    system_nodes: SystemNodes = SystemNodes()
    weights: WeightStoreSpec | None = None
    """A bucket from which models of this cluster can read their weights and compiled code: `{}` makes one. By default
    there is none."""
    images: ImageCacheSpec | None = None
    """A cache in ECR for the images of servers: `{}` makes one for registries that want no login. By default nodes pull
    each image from where it comes."""
    deletion_protection: bool = True
    """EKS refuses to delete the cluster while this is on; switch it off and run `up` before `destroy`."""


class GkeClusterSpec(Spec):
    """A GKE Standard cluster in a VPC network of its own."""

    cloud: Literal["gcp"]
    project: str = Field(pattern=r"^[a-z][-a-z0-9]{4,28}[a-z0-9]$")
    """Google Cloud project id."""
    region: str
    """Region, such as us-west4."""
    zones: Zones = Field(min_length=1)
    """Zones of the system nodes, such as us-west4-a."""
    network: GkeNetworkSpec = GkeNetworkSpec()
    endpoint: Endpoint
    """Who can reach the Kubernetes API. There is no default: it is a decision."""
    control_plane_cidr: Annotated[Cidr, AfterValidator(_of_size_28)] = "172.16.0.32/28"
    """Range of the control plane, a /28."""
    release_channel: Literal["RAPID", "REGULAR", "STABLE", "EXTENDED"] = "REGULAR"
    """Google moves the version along this channel."""
    system_nodes: SystemNodes = SystemNodes()
    deletion_protection: bool = True
    """Pulumi refuses to delete the cluster while this is on; switch it off and run `up` before `destroy`."""

    @model_validator(mode="after")
    def _zones_of_region(self) -> GkeClusterSpec:
        for index, zone in enumerate(self.zones):
            if zone.rsplit("-", 1)[0] != self.region:
                text = f"got {zone!r}, which is not a zone of {self.region}"
                raise refusal(text, f"take a zone such as {self.region}-a", at=("zones", index))
        return self


ClusterSpec = Annotated[EksClusterSpec | GkeClusterSpec, Field(discriminator="cloud")]
