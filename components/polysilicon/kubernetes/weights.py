"""Weights in a bucket, as a volume of the pods that serve them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from polysilicon.planning.order import Order
from polysilicon.planning.weights import WeightMount
from polysilicon.resources import child

_DRIVER = "s3.csi.aws.com"
_SIZE = "1Gi"
"""Kubernetes wants one; the driver does not look at it."""


@dataclass(frozen=True, kw_only=True)
class StoreWires:
    """What a model server must know of the store that holds its weights."""

    bucket: pulumi.Input[str]
    ready: Sequence[pulumi.Resource] = ()
    """What mounts it, and the rights of the server's pods; gone only after the last of them. By default they are there,
    such as in another stack."""


def mounted_weights(
    parent: pulumi.Resource,
    key: str,
    mount: WeightMount,
    wires: StoreWires,
    metadata: Mapping[str, Any],
    provider: pulumi.ProviderResource,
    gone_within_seconds: int,
) -> pulumi.Output[str]:
    """A volume of the bucket's files under a prefix, and the claim that alone may have it; gives the claim's name.

    Args:
        parent: The component that they belong to.
        key: The server's name.
        mount: What of the bucket is mounted.
        wires: The bucket, and what must be there before a pod mounts it.
        metadata: Namespace and labels of the server's objects.
        provider: The provider of the cluster.
        gone_within_seconds: How long a claim that goes may wait for the last pod.
    """
    together = pulumi.Output.all(metadata["namespace"], wires.bucket)
    name = together.apply(lambda both: volume_name(key, both[0], both[1], mount))
    until_gone = pulumi.CustomTimeouts(delete=f"{gone_within_seconds}s")
    volume = k8s.core.v1.PersistentVolume(
        f"{key}-weights",
        metadata={"name": name, "labels": metadata["labels"]},
        spec=volume_spec(name, metadata["namespace"], wires.bucket, mount),
        opts=child(parent, {Order.VOLUMES_AFTER_DRIVER: wires.ready}, provider=provider),
    )
    claim = k8s.core.v1.PersistentVolumeClaim(
        f"{key}-weights",
        metadata={**metadata, "name": name},
        spec=claim_spec(volume.metadata.name),
        opts=child(parent, provider=provider, custom_timeouts=until_gone),
    )
    bound: pulumi.Output[str] = claim.metadata.name
    return bound


def volume_name(key: str, namespace: str, bucket: str, mount: WeightMount) -> str:
    """Name of a volume and of its claim, with a hash of all else that their specs say.

    An API server refuses to change a volume's source, or anything of a claim but its size, and what is mounted goes on
    with the options that it had. So whatever is other is another volume under another name: servers move to it one by
    one, and then the old one goes. Source: ValidatePersistentVolumeUpdate and ValidatePersistentVolumeClaimUpdate in
    kubernetes/kubernetes pkg/apis/core/validation/validation.go.
    """
    made_of = json.dumps([volume_spec("", namespace, bucket, mount), claim_spec("")], sort_keys=True)
    return f"{key}-weights-{hashlib.sha256(made_of.encode()).hexdigest()[:8]}"


def volume_spec(name: Any, namespace: Any, bucket: Any, mount: WeightMount) -> dict[str, Any]:
    """Spec of the volume: read-only, by the rights of the pod's own service account, for one claim.

    Kubernetes mounts a volume once for each handle, so that each needs its own. Users other than root may read as well,
    whichever one the image has. Source: awslabs/mountpoint-s3-csi-driver@57c6bed docs/CONFIGURATION.md,
    docs/TROUBLESHOOTING.md, examples/kubernetes/static_provisioning.

    The rate must be told: with the rights of a pod, Mountpoint may not ask what machine it is on, and takes 10 Gbit/s.
    Source: issue 561 of the driver, still so in pkg/driver/node/credentialprovider/provider_pod.go (v2.7.0).
    """
    rate = [] if mount.gbps is None else [f"maximum-throughput-gbps {mount.gbps}"]
    return {
        "accessModes": ["ReadOnlyMany"],
        "capacity": {"storage": _SIZE},
        "storageClassName": "",
        "persistentVolumeReclaimPolicy": "Retain",
        "claimRef": {"namespace": namespace, "name": name},
        "mountOptions": [f"region {mount.region}", f"prefix {mount.prefix}/", "read-only", "allow-other", *rate],
        "csi": {
            "driver": _DRIVER,
            "volumeHandle": name,
            "readOnly": True,
            "volumeAttributes": {"bucketName": bucket, "authenticationSource": "pod"},
        },
    }


def claim_spec(volume: Any) -> dict[str, Any]:
    """Spec of the claim: this volume and no other."""
    return {
        "accessModes": ["ReadOnlyMany"],
        "storageClassName": "",
        "volumeName": volume,
        "resources": {"requests": {"storage": _SIZE}},
    }
