"""A Kubernetes cluster with its network and system nodes, before any accelerator."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, model_validator

from polysilicon.specs.base import Spec, refusal
from polysilicon.specs.images import ImageCacheSpec
from polysilicon.specs.logs import RetentionDays
from polysilicon.specs.network import AnyEksNetworkSpec, ExistingEksNetworkSpec, GkeNetworkSpec, Zones, kind
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


def _logged_once(types: tuple[LogType, ...]) -> tuple[LogType, ...]:
    for index, log in enumerate(types):
        if log in types[:index]:
            raise refusal(f"got {log!r} twice", "name each log once", at=(index,))
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
    retention_days: RetentionDays = 30
    """Days that they are kept; one of those that CloudWatch Logs knows."""


ClusterAddon = Literal["aws-ebs-csi-driver", "eks-node-monitoring-agent"]
"""An add-on of EKS that not every cluster needs: volumes on network disks; faults of GPUs, Neuron devices and disks as
conditions and events of nodes."""


def _added_once(addons: tuple[ClusterAddon, ...]) -> tuple[ClusterAddon, ...]:
    for index, addon in enumerate(addons):
        if addon in addons[:index]:
            raise refusal(f"got {addon!r} twice", "name each add-on once", at=(index,))
    return addons


Principal = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+$")]
"""An IAM role or user, by its ARN."""


def _each_once(principals: tuple[str, ...]) -> tuple[str, ...]:
    for index, principal in enumerate(principals):
        if principal in principals[:index]:
            raise refusal(f"got {principal} twice", "name each administrator once", at=(index,))
    return principals


_PRIVATE = [IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
"""Where EKS takes services: botocore's model of EKS, KubernetesNetworkConfigRequest."""


def _service_range(cidr: str) -> str:
    network = IPv4Network(cidr)
    if not any(network.subnet_of(each) for each in _PRIVATE) or not 12 <= network.prefixlen <= 24:
        fix = "take a range between /12 and /24 within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
        raise refusal(f"got {cidr}, which EKS refuses", fix)
    return cidr


def _of_size_28(cidr: str) -> str:
    if IPv4Network(cidr).prefixlen != 28:
        raise refusal(f"got {cidr}, which GKE refuses", "take a /28")
    return cidr


class _EksCluster(Spec):
    cloud: Literal["aws"]
    region: str
    """AWS region, such as us-east-1."""
    account: str | None = Field(default=None, pattern=r"^\d{12}$")
    """Account that this may touch; any other account is refused by the provider. By default whoever logs in decides."""


class EksClusterSpec(_EksCluster):
    """An EKS cluster, in a VPC of its own or in one that is there."""

    kind: Literal["new"] = "new"
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
    addons: Annotated[tuple[ClusterAddon, ...], AfterValidator(_added_once)] = ()
    """Add-ons of EKS beside those that every cluster has, in the versions that the catalog pins, with the rights that
    they need. None by default."""
    logs: ControlPlaneLogs = ControlPlaneLogs()
    system_nodes: SystemNodes = SystemNodes()
    weights: WeightStoreSpec | None = None
    """A bucket from which models of this cluster can read their weights and compiled code: `{}` makes one. By default
    there is none."""
    images: ImageCacheSpec | None = None
    """A cache in ECR for the images of servers and of what runs on their nodes: `{}` makes one for registries that want
    no login. By default nodes pull each image, by its tag, from where it comes."""
    deletion_protection: bool = True
    """EKS refuses to delete the cluster while this is on; switch it off and run `up` before `destroy`."""


class ExistingEksClusterSpec(_EksCluster):
    """An EKS cluster that somebody else looks after; pools join it, and nothing else of it is changed.

    It must take access entries, let whoever runs `pulumi up` make objects, and have the network plugin, kube-proxy,
    CoreDNS and the Pod Identity agent. Where a pool's `max` is above its `min`, Karpenter is put into it: one that has
    Karpenter already takes pools with max = min.
    """

    kind: Literal["existing"]
    name: str = Field(pattern=r"^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$")
    """Its name in EKS. Endpoint, certificate, VPC and security group are looked up by it."""
    network: ExistingEksNetworkSpec
    """Private subnets of the cluster's VPC, in which the pools' nodes live."""
    kubernetes: str | None = None
    """Its Kubernetes version, such as "1.35", from which the nodes' images follow; another than the cluster's own is
    refused. By default the one that the catalog names."""


AnyEksClusterSpec = Annotated[
    Annotated[EksClusterSpec, Tag("new")] | Annotated[ExistingEksClusterSpec, Tag("existing")], Discriminator(kind)
]
"""A cluster on EKS: a new one, or one that is there."""


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


ClusterSpec = Annotated[AnyEksClusterSpec | GkeClusterSpec, Field(discriminator="cloud")]
