"""Simulated clusters with nodes, and objects in them, without an engine."""

from __future__ import annotations

import json
from typing import Any

from polysilicon.rehearsal.model import Record
from tests.rehearsal.simulated import Cloud

NEURON_TAINT = {"key": "aws.amazon.com/neuron", "value": "present", "effect": "NO_SCHEDULE"}
NEURON_TOLERATION = {"key": "aws.amazon.com/neuron", "operator": "Exists", "effect": "NoSchedule"}
INF2 = {
    "instanceTypes": ["inf2.xlarge"],
    "amiType": "AL2023_x86_64_NEURON",
    "labels": {"pool": "inf2"},
    "taints": [NEURON_TAINT],
    "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 1},
}
M7I = {
    "instanceTypes": ["m7i.xlarge"],
    "amiType": "AL2023_x86_64_STANDARD",
    "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 2},
}
TPU = {"nodeConfig": {"machineType": "ct5lp-hightpu-4t", "labels": {"pool": "tpu"}}, "initialNodeCount": 1}


class InCluster:
    """A cloud with one cluster; objects go into it.

    Args:
        groups: Its node groups or node pools, by name.
        cluster: Inputs of the cluster.
    """

    def __init__(self, cloud: str = "eks", groups: dict[str, Any] | None = None, **cluster: Any) -> None:
        self.cloud = Cloud()
        made = self._eks(groups or {}, cluster) if cloud == "eks" else self._gke(groups or {}, cluster)
        self.cloud.settings["kubeconfig"] = kubeconfig(str(made.outputs["endpoint"]))

    def _eks(self, groups: dict[str, Any], cluster: dict[str, Any]) -> Record:
        made = self.cloud.make("aws:eks/cluster:Cluster", "eks", name="eks", **cluster)
        for name, inputs in groups.items():
            given = {"clusterName": made.id, "nodeGroupName": name, **inputs}
            self.cloud.make("aws:eks/nodeGroup:NodeGroup", name, **given)
        return made

    def _gke(self, groups: dict[str, Any], cluster: dict[str, Any]) -> Record:
        given = {"name": "gke", "location": "us-central1-a", "removeDefaultNodePool": True, **cluster}
        made = self.cloud.make("gcp:container/cluster:Cluster", "gke", **given)
        for name, inputs in groups.items():
            self.cloud.make(
                "gcp:container/nodePool:NodePool", name, name=name, cluster=made.id, location="us-central1-a", **inputs
            )
        return made

    def group(self, name: str, template: dict[str, Any] | None = None, /, **inputs: Any) -> Record:
        """Creates a node group of EKS, with a launch template if one is given."""
        given = {"clusterName": "eks", "nodeGroupName": name, **inputs}
        if template is not None:
            made = self.cloud.make("aws:ec2/launchTemplate:LaunchTemplate", name, **template)
            given["launchTemplate"] = {"id": made.id, "version": "1"}
        return self.cloud.make("aws:eks/nodeGroup:NodeGroup", name, **given)

    def put(
        self, type_: str, name: str, /, namespace: str = "default", annotations: Any = None, **inputs: Any
    ) -> Record:
        """Creates an object."""
        metadata = {"name": name, "namespace": namespace, **({"annotations": annotations} if annotations else {})}
        return self.cloud.make(f"kubernetes:{type_}", name, metadata=metadata, **inputs)

    def deploy(self, name: str = "chat", /, annotations: Any = None, spec: Any = None, **pod: Any) -> Record:
        """Creates a Deployment of one container."""
        return self.put("apps/v1:Deployment", name, annotations=annotations, spec=deployment(spec, **pod))

    def plugin(self, **pod: Any) -> Record:
        """The Neuron device plugin, on all nodes."""
        usual = {"image": "public.ecr.aws/neuron/neuron-device-plugin:2.23.30.0", "tolerations": [NEURON_TOLERATION]}
        inputs = deployment({}, **{**usual, **pod})
        return self.put("apps/v1:DaemonSet", "neuron-device-plugin", namespace="kube-system", spec=inputs)

    def unjudged(self) -> dict[str, int]:
        """What was not judged."""
        return dict(self.cloud.simulation.rollouts.tally.unjudged)


def deployment(spec: Any = None, /, *, annotations: Any = None, **pod: Any) -> dict[str, Any]:
    """The spec of a Deployment; words of a container go to its only one, the others to the pod."""
    of_container = {key: pod.pop(key) for key in list(pod) if key in CONTAINER}
    container = {"name": "server", "image": "server:1", **of_container}
    template = {
        "metadata": {"labels": {"app": "chat"}, **({"annotations": annotations} if annotations else {})},
        "spec": {"containers": [container], **pod},
    }
    return {"replicas": 1, "selector": {"matchLabels": {"app": "chat"}}, "template": template, **(spec or {})}


CONTAINER = frozenset(
    {"image", "resources", "startupProbe", "livenessProbe", "readinessProbe", "env", "envFrom", "args", "command"}
    | {"ports", "lifecycle"}
)


def asks(**resources: str) -> dict[str, Any]:
    """Requests; `neuron` and `tpu` stand for the extended resources."""
    names = {"neuron": "aws.amazon.com/neuron", "tpu": "google.com/tpu"}
    asked = {names.get(name, name): amount for name, amount in resources.items()}
    return {"requests": asked, "limits": asked}


def kubeconfig(server: str) -> str:
    """A kubeconfig that leads to a server."""
    named = {"cluster": "c", "user": "c"}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "contexts": [{"name": "c", "context": named}],
            "users": [{"name": "c", "user": {}}],
            "current-context": "c",
        }
    )
