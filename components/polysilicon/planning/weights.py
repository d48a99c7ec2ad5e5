"""Where weights come from: what is refused of a store, and how its files get into a server."""

from __future__ import annotations

import re
from dataclasses import dataclass

from polysilicon.catalog.rows import Machine, Runtime
from polysilicon.planning.arns import require_partition
from polysilicon.planning.problems import refuse
from polysilicon.specs import ClusterSpec, EksClusterSpec, ModelSpec
from polysilicon.specs.storage import ExistingBucket, NewBucket

_PREFIX = re.compile(r"[A-Za-z0-9][-A-Za-z0-9._]*(/[A-Za-z0-9][-A-Za-z0-9._]*)*")
"""What a policy, an option of a mount and a URL all take as it is."""


@dataclass(frozen=True)
class WeightMount:
    """Files of a model in a bucket, as a folder of its server."""

    prefix: str
    """What the names of the objects begin with; without the slash that follows."""
    region: str
    path: str = "/weights"
    """The folder."""
    gbps: int | None = None
    """Rate at which it is read, at most; where it is not known, what mounts it decides."""


def require_store(spec: NewBucket | ExistingBucket, region: str) -> None:
    """Raises `SpecError` unless the bucket lies in `region`, the cluster's, and so does its key."""
    if isinstance(spec, ExistingBucket) and spec.region != region:
        text = f"got {spec.region}, but the cluster that reads the weights is in {region}"
        raise refuse("region", text, f"take a bucket in {region}, or copy the weights to one")
    if spec.key_arn is None:
        return
    if (of_key := spec.key_arn.split(":")[3]) != region:
        raise refuse("key_arn", f"got a key in {of_key}, but the bucket is in {region}", f"take a key in {region}")
    require_partition("key_arn", spec.key_arn, region)


def require_prefix(prefix: str, path: str = "prefix") -> None:
    """Raises `SpecError` unless `prefix` names objects as a policy and a mount can: words between single slashes."""
    if not _PREFIX.fullmatch(prefix):
        fix = "write words of letters, digits, dots, dashes and underscores, with a slash between them and none around"
        raise refuse(path, f"got {prefix!r}", fix)


def require_source(spec: ModelSpec, cluster: ClusterSpec) -> None:
    """Raises `SpecError` where a model wants weights or compiled code from a store and its cluster has none."""
    wanted = "weights" if spec.weights is not None else "compile_cache" if spec.compile_cache else ""
    if not wanted or (isinstance(cluster, EksClusterSpec) and cluster.weights is not None):
        return
    if isinstance(cluster, EksClusterSpec):
        text, fix = "needs a store in the pool's cluster, and there is none", "add `weights: {}` to the cluster"
        if spec.weights is not None:
            fix += "; put the model's files into the bucket before the model asks for them"
    else:
        where = "on Google Cloud" if cluster.cloud == "gcp" else "for clusters that are there"
        text = f"needs a store in the pool's cluster, which is not built yet {where}"
        fix = "remove it: the servers then load the model from its hub, and compile it themselves"
    raise refuse(wanted, text, fix)


def plan_weights(spec: ModelSpec, runtime: Runtime, region: str, machine: Machine) -> WeightMount | None:
    """How the weights are mounted on a machine; None where the server loads them from the hub."""
    if spec.weights is None:
        return None
    prefix = spec.model if spec.weights.prefix is None else spec.weights.prefix
    require_prefix(prefix, "weights.prefix")
    if prefix.split("/")[0] == "compiled":
        raise refuse("weights.prefix", f"got {prefix!r}, where compiled code lies", "put the weights somewhere else")
    if "served_name" not in runtime.arguments:
        text = f"line {runtime.line} cannot be told by which name to serve a model that lies in a folder"
        raise refuse("line", text, "take another line, or add served_name to its row under polysilicon:overlay")
    return WeightMount(prefix, region, gbps=_gbps_of_pods(machine))


def _gbps_of_pods(machine: Machine) -> int | None:
    """What a pod can have of a machine's network: interfaces with addresses of pods are all on network card 0. Source:
    aws/amazon-vpc-cni-k8s, notes of release v1.7.10."""
    return None if machine.first_card_gbps is None else max(1, int(machine.first_card_gbps))
