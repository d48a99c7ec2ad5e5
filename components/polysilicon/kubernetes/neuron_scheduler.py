"""A second scheduler beside the cluster's own, which gives a pod Neuron chips that are neighbours.

EKS cannot add AWS's extension to its own scheduler, so a kube-scheduler of the cluster's version asks it. Sources,
unless another is said: aws-neuron/aws-neuron-sdk@81ce03a src/k8/{my-scheduler,k8s-neuron-scheduler-eks}.yml and
deploy/infrastructure/scheduler.rst; aws-neuron/neuron-helm-charts@8172e5e, templates of the scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml

from polysilicon.catalog import Catalog, load_catalog
from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.kubernetes.daemon_sets import NAMESPACE
from polysilicon.kubernetes.images import from_cache
from polysilicon.planning.order import Order
from polysilicon.planning.sharing import NEURON_SCHEDULER
from polysilicon.resources import child

EXTENSION = "neuron-scheduler-extension"
_PORT = 12345
_SECURE_PORT = 10259
_CONFIG_PATH = "/etc/kubernetes/neuron-scheduler"
_API = "rbac.authorization.k8s.io"

EXTENSION_RULES: tuple[Mapping[str, Any], ...] = (
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
    # It notes on each node which chips it has given out, and on each pod which are its own.
    {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["get", "patch", "update", "list", "watch"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "patch", "update", "list", "watch"]},
    {"apiGroups": [""], "resources": ["bindings", "pods/binding"], "verbs": ["create"]},
)
"""What the extension may do in the whole cluster: what AWS's manifest asks for."""

LEASE_RULES: tuple[Mapping[str, Any], ...] = (
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": [NEURON_SCHEDULER],
        "verbs": ["get", "update"],
    },
)
"""What the scheduler may do beside the rights of every scheduler: hold its own lease. AWS's manifest gives it all
leases and all ConfigMaps of the cluster."""


@dataclass(frozen=True, kw_only=True)
class NeuronSchedulerArgs:
    """What a `NeuronScheduler` is made of: the cluster, and the catalog with the images. The kube-scheduler's version
    must be the cluster's, or one minor version older."""

    cluster: ClusterRef
    catalog: Catalog | None = None


class NeuronScheduler(pulumi.ComponentResource):
    """The scheduler of pods that take several of a node's Neuron chips but not all, once in a cluster.

    Pods ask for it by `schedulerName: neuron-scheduler`. Only the scheduler reaches the extension, which asks nobody
    who they are.

    Attributes:
        scheduler_name: What pods name.
    """

    def __init__(self, name: str, args: NeuronSchedulerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        catalog = args.catalog or load_catalog()
        images = {
            "scheduler": catalog.default("neuron.kube_scheduler_image"),
            "extension": catalog.default("neuron.scheduler_image"),
        }
        super().__init__("polysilicon:index:NeuronScheduler", name, {"images": images}, opts)
        self.scheduler_name = NEURON_SCHEDULER
        self._cluster = args.cluster
        self._extension(f"{name}-{EXTENSION}", images["extension"])
        self._scheduler(f"{name}-{NEURON_SCHEDULER}", images["scheduler"])
        self.register_outputs({"schedulerName": self.scheduler_name})

    def _options(self, *rules_first: pulumi.Resource) -> pulumi.ResourceOptions:
        after = {Order.OBJECTS_AFTER_ACCESS: self._cluster.ready, Order.PODS_AFTER_NAMESPACE_RULES: rules_first}
        return child(self, after, provider=self._cluster.provider)

    def _extension(self, name: str, image: str) -> None:
        account = self._account(name, EXTENSION)
        role = k8s.rbac.v1.ClusterRole(
            name, metadata=_metadata(EXTENSION, None), rules=list(EXTENSION_RULES), opts=self._options()
        )
        self._bound_everywhere(name, EXTENSION, role.metadata.name, account)
        closed = k8s.networking.v1.NetworkPolicy(
            name, metadata=_metadata(EXTENSION), spec=network_policy_spec(), opts=self._options()
        )
        k8s.apps.v1.Deployment(
            name,
            metadata=_metadata(EXTENSION),
            spec=self._deployment(EXTENSION, extension_pod(image), account.metadata.name),
            opts=self._options(closed),
        )
        ports = [{"name": "http", "port": _PORT, "targetPort": "http", "protocol": "TCP"}]
        spec = {"type": "ClusterIP", "selector": _labels(EXTENSION), "ports": ports}
        k8s.core.v1.Service(name, metadata=_metadata(EXTENSION), spec=spec, opts=self._options())

    def _scheduler(self, name: str, image: str) -> None:
        account = self._account(name, NEURON_SCHEDULER)
        for role in ("kube-scheduler", "volume-scheduler"):
            self._bound_everywhere(f"{name}-{role}", f"{NEURON_SCHEDULER}-{role}", f"system:{role}", account)
        lease = k8s.rbac.v1.Role(
            name, metadata=_metadata(NEURON_SCHEDULER), rules=list(LEASE_RULES), opts=self._options()
        )
        self._bound_here(name, NEURON_SCHEDULER, lease.metadata.name, account)
        reader = "authentication-reader"
        self._bound_here(f"{name}-{reader}", f"{NEURON_SCHEDULER}-{reader}", f"extension-apiserver-{reader}", account)
        # A scheduler reads its file once. One that cannot change gets a new name with each change, and that a new pod.
        config = k8s.core.v1.ConfigMap(
            name,
            metadata={"namespace": NAMESPACE, "labels": _labels(NEURON_SCHEDULER)},
            data={"config.yaml": yaml.safe_dump(scheduler_config(), sort_keys=False)},
            immutable=True,
            opts=self._options(),
        )
        k8s.apps.v1.Deployment(
            name,
            metadata=_metadata(NEURON_SCHEDULER),
            spec=self._deployment(
                NEURON_SCHEDULER,
                {
                    **scheduler_pod(image),
                    "volumes": [{"name": "config", "configMap": {"name": config.metadata.name}}],
                },
                account.metadata.name,
            ),
            opts=self._options(),
        )

    def _deployment(self, app: str, pod: Mapping[str, Any], account: pulumi.Input[str]) -> dict[str, Any]:
        return from_cache(_deployment(app, pod, account), self._cluster.images)

    def _account(self, name: str, app: str) -> k8s.core.v1.ServiceAccount:
        return k8s.core.v1.ServiceAccount(name, metadata=_metadata(app), opts=self._options())

    def _bound_everywhere(
        self, name: str, called: str, role: pulumi.Input[str], account: k8s.core.v1.ServiceAccount
    ) -> None:
        k8s.rbac.v1.ClusterRoleBinding(
            name,
            metadata=_metadata(called, None),
            role_ref={"apiGroup": _API, "kind": "ClusterRole", "name": role},
            subjects=_subjects(account),
            opts=self._options(),
        )

    def _bound_here(self, name: str, called: str, role: pulumi.Input[str], account: k8s.core.v1.ServiceAccount) -> None:
        k8s.rbac.v1.RoleBinding(
            name,
            metadata=_metadata(called),
            role_ref={"apiGroup": _API, "kind": "Role", "name": role},
            subjects=_subjects(account),
            opts=self._options(),
        )


def scheduler_config() -> dict[str, Any]:
    """Configuration of the second scheduler: for each pod that asks for Neuron it asks the extension where, and lets it
    bind the pod; without an answer the pod waits."""
    resources = ("neuron", "neuroncore", "neurondevice")
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"schedulerName": NEURON_SCHEDULER}],
        "extenders": [
            {
                "urlPrefix": f"http://{EXTENSION}.{NAMESPACE}.svc.cluster.local:{_PORT}",
                "filterVerb": "filter",
                "bindVerb": "bind",
                "enableHTTPS": False,
                "nodeCacheCapable": True,
                "managedResources": [
                    {"name": f"aws.amazon.com/{resource}", "ignoredByScheduler": False} for resource in resources
                ],
                "ignorable": False,
            }
        ],
        "leaderElection": {
            "leaderElect": True,
            "resourceNamespace": NAMESPACE,
            "resourceName": NEURON_SCHEDULER,
        },
    }


def network_policy_spec() -> dict[str, Any]:
    """Only the scheduler may ask the extension: whoever does can bind pods to nodes."""
    ingress = [
        {
            "from": [{"podSelector": {"matchLabels": _labels(NEURON_SCHEDULER)}}],
            "ports": [{"port": _PORT, "protocol": "TCP"}],
        }
    ]
    return {"podSelector": {"matchLabels": _labels(EXTENSION)}, "policyTypes": ["Ingress"], "ingress": ingress}


def extension_pod(image: str) -> dict[str, Any]:
    """Pod of the extension. Its requests and limits are this project's choice; AWS's manifest has none."""
    probe = {"tcpSocket": {"port": "http"}}
    container = {
        "name": EXTENSION,
        "image": image,
        "env": [{"name": "PORT", "value": str(_PORT)}],
        "ports": [{"name": "http", "containerPort": _PORT, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "readinessProbe": probe,
        "livenessProbe": {**probe, "initialDelaySeconds": 15},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}, "containers": [container]}


def scheduler_pod(image: str) -> dict[str, Any]:
    """Pod of the second scheduler, but for its volume. It needs no root: kubernetes/kubernetes
    cmd/kubeadm/app/util/staticpod/utils_linux.go runs it so. Its memory is this project's choice."""
    probe = {"httpGet": {"path": "/healthz", "port": "https", "scheme": "HTTPS"}}
    container = {
        "name": NEURON_SCHEDULER,
        "image": image,
        "command": ["/usr/local/bin/kube-scheduler"],
        "args": [f"--config={_CONFIG_PATH}/config.yaml", "--v=2"],
        "ports": [{"name": "https", "containerPort": _SECURE_PORT, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        "readinessProbe": probe,
        "livenessProbe": {**probe, "initialDelaySeconds": 15},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "config", "mountPath": _CONFIG_PATH, "readOnly": True}],
    }
    security = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"securityContext": security, "containers": [container]}


def _deployment(app: str, pod: Mapping[str, Any], account: pulumi.Input[str]) -> dict[str, Any]:
    """One pod, replaced by taking it away first: the extension keeps in mind which chips it has given out."""
    labels = _labels(app)
    spec = {**pod, "serviceAccountName": account, "priorityClassName": "system-cluster-critical"}
    return {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": spec},
    }


def _labels(app: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": app}


def _metadata(name: str, namespace: str | None = NAMESPACE) -> dict[str, Any]:
    app = EXTENSION if name == EXTENSION else NEURON_SCHEDULER
    labelled = {"name": name, "labels": _labels(app)}
    return {**labelled, "namespace": namespace} if namespace else labelled


def _subjects(account: k8s.core.v1.ServiceAccount) -> list[dict[str, Any]]:
    return [{"kind": "ServiceAccount", "name": account.metadata.name, "namespace": NAMESPACE}]
