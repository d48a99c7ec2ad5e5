"""Valid objects of many kinds, and what the judge of objects says of changed ones."""

from __future__ import annotations

import copy
from typing import Any

from polysilicon.rehearsal import Record
from polysilicon.rehearsal.judges.objects import Objects
from tests.rehearsal.simulated import Cloud

SPEC = "spec template spec"
FIRST = f"{SPEC} containers 0"
DEPLOYMENT = "apps/v1:Deployment"

GONE = object()
"""In a table: takes away what is at the path."""

CONTAINER: dict[str, Any] = {
    "name": "web",
    "image": "example.com/web:1",
    "ports": [{"name": "http", "containerPort": 8080}],
    "env": [{"name": "PORT", "value": "8080"}],
    "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": 1, "memory": "16Gi", "nvidia.com/gpu": 1}},
    "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 5},
    "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
POD: dict[str, Any] = {
    "containers": [CONTAINER],
    "volumes": [{"name": "cache", "emptyDir": {"sizeLimit": "10Gi"}}],
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "nodeSelector": {"node.kubernetes.io/instance-type": "g6.xlarge"},
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]
            }
        }
    },
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
}
TEMPLATE: dict[str, Any] = {"metadata": {"labels": {"app": "web"}}, "spec": POD}
SELECTOR: dict[str, Any] = {"matchLabels": {"app": "web"}}
VALID: dict[str, dict[str, Any]] = {
    "apps/v1:Deployment": {"spec": {"replicas": 1, "selector": SELECTOR, "template": TEMPLATE}},
    "apps/v1:DaemonSet": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "apps/v1:StatefulSet": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "batch/v1:Job": {"spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}}},
    "batch/v1:CronJob": {
        "spec": {
            "schedule": "*/5 * * * *",
            "jobTemplate": {"spec": {"template": {"spec": {**POD, "restartPolicy": "OnFailure"}}}},
        }
    },
    "core/v1:Namespace": {},
    "core/v1:ConfigMap": {"data": {"a.txt": "1"}, "binaryData": {"b": "AAAA"}},
    "core/v1:Secret": {"data": {"token": "AAAA"}},
    "core/v1:Service": {"spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}},
    "core/v1:PersistentVolumeClaim": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    },
    "policy/v1:PodDisruptionBudget": {"spec": {"minAvailable": "50%", "selector": SELECTOR}},
    "networking.k8s.io/v1:NetworkPolicy": {
        "spec": {
            "podSelector": {},
            "egress": [
                {
                    "to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
                    "ports": [{"port": 443, "endPort": 444}],
                }
            ],
        }
    },
    "autoscaling/v2:HorizontalPodAutoscaler": {
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1,
            "maxReplicas": 3,
        }
    },
    "rbac.authorization.k8s.io/v1:ClusterRole": {
        "rules": [
            {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]},
            {"nonResourceURLs": ["/m"], "verbs": ["get"]},
        ]
    },
    "rbac.authorization.k8s.io/v1:ClusterRoleBinding": {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "x:y"},
        "subjects": [{"kind": "ServiceAccount", "name": "a", "namespace": "b"}],
    },
    "scheduling.k8s.io/v1:PriorityClass": {"value": 1000},
    "storage.k8s.io/v1:StorageClass": {"provisioner": "ebs.csi.aws.com", "parameters": {"type": "gp3"}},
    "leaderworkerset.x-k8s.io/v1:LeaderWorkerSet": {
        "spec": {"leaderWorkerTemplate": {"size": 4, "workerTemplate": {"spec": {"containers": [{"name": "a"}]}}}}
    },
    "keda.sh/v1alpha1:ScaledObject": {
        "spec": {"scaleTargetRef": {"name": "web"}, "triggers": [{"type": "prometheus", "metadata": {"query": "up"}}]}
    },
    "karpenter.sh/v1:NodePool": {
        "spec": {
            "template": {
                "spec": {
                    "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
                    "requirements": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}],
                    "expireAfter": "720h",
                }
            },
            "limits": {"nvidia.com/gpu": 8},
        }
    },
    "karpenter.k8s.aws/v1:EC2NodeClass": {
        "spec": {
            "role": "nodes",
            "amiSelectorTerms": [{"alias": "al2023@v20260101"}],
            "subnetSelectorTerms": [{"tags": {"a": "b"}}],
            "securityGroupSelectorTerms": [{"id": "sg-0123456789abcdef0"}],
        }
    },
    "inference.networking.k8s.io/v1:InferencePool": {
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "targetPorts": [{"number": 8000}],
            "endpointPickerRef": {"name": "epp", "port": {"number": 9002}},
        }
    },
    "gateway.networking.k8s.io/v1:HTTPRoute": {
        "spec": {"parentRefs": [{"name": "gateway"}], "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}
    },
    "monitoring.coreos.com/v1:PodMonitor": {"spec": {"selector": {}, "podMetricsEndpoints": [{"port": "http"}]}},
}


DEFINITION: dict[str, Any] = {
    "metadata": {"name": "models.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Model", "plural": "models"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["gpus"],
                                "properties": {
                                    "gpus": {"type": "integer", "minimum": 1},
                                    "size": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}]},
                                    "source": {
                                        "type": "object",
                                        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                                        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
                                        "x-kubernetes-validations": [{"rule": "true"}],
                                    },
                                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}
"""A definition of a custom resource."""


def cloud() -> Cloud:
    """Only the judge under test."""
    return Cloud(settings={"namespace": "serving"}, judges=[Objects()])


def changed(valid: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with a value at a path, whose steps are parted by blanks."""
    document = copy.deepcopy(valid)
    *way, last = [int(step) if step.isdigit() else step for step in path.split()]
    place: Any = document
    for step in way:
        place = place[step] if isinstance(step, int) else place.setdefault(step, {})
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return document


def problems(type_: str, inputs: dict[str, Any], where: Cloud | None = None) -> list[str]:
    """What is said of an object called `web`."""
    _, version, kind = f"kubernetes:{type_}".split(":")
    whole = {
        "apiVersion": version.removeprefix("core/"),
        "kind": kind,
        **inputs,
        "metadata": {"name": "web", **inputs.get("metadata", {})},
    }
    found = (where or cloud()).problems(f"kubernetes:{type_}", "web", **whole)
    return [problem.message for problem in found]


def made(where: Cloud, type_: str, inputs: dict[str, Any]) -> Record:
    """An object called `web`."""
    return where.make(f"kubernetes:{type_}", "web", **{"metadata": {"name": "web"}, **inputs})
