"""What API servers refuse in objects: each rule with an object that must fail; valid ones must pass."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from typing import Any

import pytest
import yaml

from polysilicon.rehearsal.judges import builtin_schemas
from polysilicon.rehearsal.judges.objects import Objects
from polysilicon.rehearsal.quantities import quantity
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.kubernetes_objects import (
    CONTAINER,
    DEPLOYMENT,
    FIRST,
    GONE,
    POD,
    SPEC,
    VALID,
    changed,
    cloud,
    problems,
)
from tests.rehearsal.simulated import Cloud

POLICY = "networking.k8s.io/v1:NetworkPolicy"
ROLE = "rbac.authorization.k8s.io/v1:ClusterRole"
BINDING = "rbac.authorization.k8s.io/v1:ClusterRoleBinding"


@pytest.mark.parametrize("type_", VALID)
def test_valid_objects_pass(type_: str) -> None:
    assert problems(type_, VALID[type_]) == []


def of_field(path: str) -> dict[str, Any]:
    """A variable with a field of its pod."""
    return {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": path}}}


WRONG = [
    # The shape, as server-side apply words it
    (DEPLOYMENT, "spec replicas", "3", ".spec.replicas: expected numeric (int or float), got string"),
    (DEPLOYMENT, "spec replicas", 1.5, "cannot unmarshal number 1.5"),
    (DEPLOYMENT, "spec replicaz", 3, '.spec.replicaz: field not declared in schema (did you mean "replicas"?)'),
    (DEPLOYMENT, f"{FIRST} env 0 value", 8080, '.containers[name="web"].env[name="PORT"].value: expected string, got'),
    (DEPLOYMENT, f"{FIRST} stdin", "true", "expected boolean, got"),
    (DEPLOYMENT, f"{FIRST} args", "--port", "expected list, got"),
    (DEPLOYMENT, f"{FIRST} env", [{"name": "A"}, {"name": "A"}], 'env: duplicate entries for key [name="A"]'),
    (DEPLOYMENT, "spec selector", GONE, "spec.selector: Required value"),
    (DEPLOYMENT, "spec replicas", -1, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
    # Metadata
    (DEPLOYMENT, "metadata name", "Web_1", 'metadata.name: Invalid value: "Web_1": a lowercase RFC 1123 subdomain'),
    (DEPLOYMENT, "metadata name", "w" * 254, "must be no more than 253 characters"),
    ("core/v1:Service", "metadata name", "1web", "a DNS-1035 label must"),
    ("core/v1:Namespace", "metadata name", "a.b", "a lowercase RFC 1123 label must"),
    (DEPLOYMENT, "metadata labels", {"a": "b c"}, 'metadata.labels: Invalid value: "b c": a valid label must'),
    (DEPLOYMENT, "metadata labels", {"/a": "b"}, 'metadata.labels: Invalid value: "/a": prefix part must be non-empty'),
    (DEPLOYMENT, "metadata labels", {"a": "b" * 64}, "must be no more than 63 characters"),
    (DEPLOYMENT, "metadata annotations", {"a b": "c"}, 'metadata.annotations: Invalid value: "a b": name part must'),
    ("karpenter.sh/v1:NodePool", "metadata name", "A", "a lowercase RFC 1123 subdomain"),
    # Selectors and strategies
    (DEPLOYMENT, "spec template metadata labels app", "x", "`selector` does not match template `labels`"),
    ("apps/v1:DaemonSet", "spec template metadata labels", {}, "`selector` does not match template `labels`"),
    ("apps/v1:StatefulSet", "spec selector", {"matchLabels": {}}, "empty selector is invalid for statefulset"),
    (DEPLOYMENT, f"{SPEC} restartPolicy", "Never", 'Unsupported value: "Never": supported values: "Always"'),
    (DEPLOYMENT, "spec strategy", {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}, "may not be specified when"),
    (DEPLOYMENT, "spec strategy", {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}, "may not be 0 when `maxS"),
    (DEPLOYMENT, "spec strategy", {"rollingUpdate": {"maxSurge": "150%"}}, "must not be greater than 100%"),
    (DEPLOYMENT, "spec strategy type", "Rolling", 'Unsupported value: "Rolling": supported values: "Recreate"'),
    ("apps/v1:DaemonSet", "spec updateStrategy", {"rollingUpdate": {"maxUnavailable": 0}}, "cannot be 0 when maxSurge"),
    ("apps/v1:DaemonSet", "spec updateStrategy", {"rollingUpdate": {"maxSurge": 1}}, "may not be set when maxUnavail"),
    # Containers
    (DEPLOYMENT, f"{SPEC} containers", [], "spec.template.spec.containers: Required value"),
    (DEPLOYMENT, f"{SPEC} initContainers", [CONTAINER], 'containers[0].name: Duplicate value: "web"'),
    (DEPLOYMENT, f"{FIRST} name", "Web", 'containers[0].name: Invalid value: "Web": a lowercase RFC 1123 label'),
    (DEPLOYMENT, f"{FIRST} image", GONE, "containers[0].image: Required value"),
    (DEPLOYMENT, f"{FIRST} imagePullPolicy", "always", 'Unsupported value: "always": supported values: "Always", "If'),
    (DEPLOYMENT, f"{FIRST} ports 0 containerPort", 70000, "Invalid value: 70000: must be between 1 and 65535"),
    (DEPLOYMENT, f"{FIRST} ports 0 name", "a-name-that-is-too-long", "must be no more than 15 characters"),
    (DEPLOYMENT, f"{FIRST} ports", [{"name": "a", "containerPort": 1}, {"name": "a", "containerPort": 2}], "Duplicate"),
    (DEPLOYMENT, f"{FIRST} volumeMounts 0 name", "other", 'volumeMounts[0].name: Not found: "other"'),
    (DEPLOYMENT, f"{FIRST} volumeMounts", [{"name": "cache", "mountPath": p} for p in "aa"], "must be unique"),
    (DEPLOYMENT, f"{FIRST} env 0 valueFrom", {}, "env[0].valueFrom: Invalid value: \"\": must specify one of"),
    (DEPLOYMENT, f"{FIRST} env 0 valueFrom", {"fieldRef": {"fieldPath": "spec.nodeName"}}, "may not be specified when"),
    (DEPLOYMENT, f"{FIRST} env 0", of_field("spec.nodename"), "error converting fieldPath: field label not supported"),
    (DEPLOYMENT, f"{FIRST} env 0", of_field("spec.restartPolicy"), 'value: "spec.restartPolicy": supported values: '),
    (DEPLOYMENT, f"{FIRST} readinessProbe httpGet port", "8080", "must contain at least one letter (a-z)"),
    (DEPLOYMENT, f"{FIRST} readinessProbe", {"periodSeconds": 1}, "Required value: must specify a handler type"),
    (DEPLOYMENT, f"{FIRST} readinessProbe timeoutSeconds", -1, "must be greater than or equal to 0"),
    (DEPLOYMENT, f"{FIRST} livenessProbe", {"exec": {}, "grpc": {"port": 1}}, "may not specify more than 1 handler"),
    (DEPLOYMENT, f"{FIRST} startupProbe", {"grpc": {"port": 1}, "successThreshold": 2}, "Invalid value: 2: must be 1"),
    (DEPLOYMENT, f"{FIRST} securityContext privileged", True, "cannot set `allowPrivilegeEscalation` to false and"),
    # Resources
    (DEPLOYMENT, f"{FIRST} resources limits memory", "16GB", "quantities must match the regular expression"),
    (DEPLOYMENT, f"{FIRST} resources requests cpu", 2, 'Invalid value: "2": must be less than or equal to cpu limit'),
    (DEPLOYMENT, f"{FIRST} resources limits nvidia.com/gpu", "0.5", 'Invalid value: "0.5": must be an integer'),
    (DEPLOYMENT, f"{FIRST} resources requests", {"nvidia.com/gpu": 2}, "must be equal to nvidia.com/gpu limit of 1"),
    (DEPLOYMENT, f"{FIRST} resources", {"requests": {"aws.amazon.com/neuron": 1}}, "Limit must be set for non over"),
    (DEPLOYMENT, f"{FIRST} resources limits gpu", 1, 'Invalid value: "gpu": must be a standard resource'),
    (DEPLOYMENT, f"{FIRST} resources", {"limits": {"hugepages-2Mi": "5120Mi"}}, "HugePages require cpu or memory"),
    # Placement
    (DEPLOYMENT, f"{SPEC} tolerations 0 value", "true", "value must be empty when `operator` is 'Exists'"),
    (DEPLOYMENT, f"{SPEC} tolerations 0", {"effect": "NoSchedule"}, "operator must be Exists when `key` is empty"),
    (DEPLOYMENT, f"{SPEC} tolerations 0 effect", "NO_SCHEDULE", 'Unsupported value: "NO_SCHEDULE": supported'),
    (DEPLOYMENT, f"{SPEC} tolerations 0 tolerationSeconds", 5, "effect must be 'NoExecute' when"),
    (DEPLOYMENT, f"{SPEC} nodeSelector a", "b c", "nodeSelector[a]: Invalid value: \"b c\": a valid label must"),
    (DEPLOYMENT, f"{SPEC} topologySpreadConstraints 0 maxSkew", 0, "must be greater than 0"),
    (DEPLOYMENT, f"{SPEC} topologySpreadConstraints", POD["topologySpreadConstraints"] * 2, "Duplicate value: \"{zo"),
    (
        DEPLOYMENT,
        f"{SPEC} affinity nodeAffinity requiredDuringSchedulingIgnoredDuringExecution nodeSelectorTerms 0 "
        "matchExpressions 0",
        {"key": "zone", "operator": "Exists", "values": ["a"]},
        "may not be specified when `operator` is 'Exists'",
    ),
    (DEPLOYMENT, f"{SPEC} volumes 0 configMap", {"name": "a"}, "may not specify more than 1 volume type"),
    (DEPLOYMENT, f"{SPEC} serviceAccountName", "A", "serviceAccountName: Invalid value: \"A\""),
    (
        DEPLOYMENT,
        f"{SPEC} volumes",
        [{"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 9}}]}}],
        "may not specify a duration less than 10 minutes",
    ),
    (
        DEPLOYMENT,
        f"{SPEC} affinity nodeAffinity preferredDuringSchedulingIgnoredDuringExecution",
        [{"weight": 0, "preference": {}}],
        "must be in the range 1-100",
    ),
    # Other kinds
    ("batch/v1:Job", f"{SPEC} restartPolicy", GONE, 'restartPolicy: Required value: valid values: "OnFailure"'),
    ("batch/v1:CronJob", "spec schedule", "5 *", "expected exactly 5 fields, found 2"),
    ("batch/v1:CronJob", "metadata name", "w" * 53, "must be no more than 52 characters"),
    ("policy/v1:PodDisruptionBudget", "spec maxUnavailable", 1, "minAvailable and maxUnavailable cannot be both set"),
    ("policy/v1:PodDisruptionBudget", "spec minAvailable", "half", "a valid percent string must"),
    ("core/v1:Service", "spec ports", [], "spec.ports: Required value"),
    ("core/v1:Service", "spec ports", [{"port": 1}, {"name": "b", "port": 2}], "spec.ports[0].name: Required value"),
    ("core/v1:Service", "spec ports", [{"name": "a", "port": 1}, {"name": "b", "port": 1}], "spec.ports[1]: Duplicate"),
    ("core/v1:Service", "spec ports 0 nodePort", 30000, "may not be used when `type` is 'ClusterIP'"),
    ("core/v1:Service", "spec type", "Loadbalancer", 'Unsupported value: "Loadbalancer"'),
    ("core/v1:Service", "spec loadBalancerSourceRanges", ["10.0.0.0/8"], "may only be used when `type` is 'LoadBal"),
    (POLICY, "spec egress 0 to 0 ipBlock cidr", "10.0.0.1", "must be a valid CIDR value"),
    (POLICY, "spec egress 0 to 0 ipBlock except", ["11.0.0.0/8"], "must be a strict subset"),
    (POLICY, "spec egress 0 to 0 podSelector", {}, "may not specify both ipBlock and anoth"),
    (POLICY, "spec egress 0 ports 0 endPort", 80, "must be greater than or equal to `port`"),
    (POLICY, "spec policyTypes", ["egress"], 'Unsupported value: "egress"'),
    ("autoscaling/v2:HorizontalPodAutoscaler", "spec maxReplicas", 0, "spec.maxReplicas: Invalid value: 0: must be gr"),
    ("autoscaling/v2:HorizontalPodAutoscaler", "spec minReplicas", 4, "must be greater than or equal to `minReplicas`"),
    ("autoscaling/v2:HorizontalPodAutoscaler", "spec minReplicas", 0, "must specify at least one Object or External"),
    ("core/v1:ConfigMap", "data", {"a/b": "1"}, 'data[a/b]: Invalid value: "a/b": a valid config key'),
    ("core/v1:ConfigMap", "data", {"b": "1"}, "duplicate of key present in binaryData"),
    ("core/v1:ConfigMap", "data", {"b.txt": "x" * 2**20 + "y"}, "Too long: may not be more than 1048576 bytes"),
    ("core/v1:ConfigMap", "data", {"replicas": 3}, ".data.replicas: expected string, got"),
    ("core/v1:Secret", "data token", "not base64", "illegal base64 data"),
    ("core/v1:Secret", "type", "kubernetes.io/tls", "data[tls.crt]: Required value"),
    ("core/v1:Secret", "type", "kubernetes.io/service-account-token", "service-account.name]: Required value"),
    ("core/v1:PersistentVolumeClaim", "spec accessModes", [], "at least 1 access mode is required"),
    ("core/v1:PersistentVolumeClaim", "spec resources", {}, "spec.resources[storage]: Required value"),
    (ROLE, "rules 0 apiGroups", [], "must supply at least one api group"),
    (ROLE, "rules 0 verbs", [], "verbs must contain at least one value"),
    (BINDING, "subjects 0 namespace", GONE, "subjects[0].namespace: Required"),
    (BINDING, "roleRef kind", "Role", 'supported values: "ClusterRole"'),
    ("scheduling.k8s.io/v1:PriorityClass", "value", 2_000_000_000, "maximum allowed value of a user defined priority"),
    ("storage.k8s.io/v1:StorageClass", "volumeBindingMode", "Wait", 'Unsupported value: "Wait"'),
    # Custom resources, by pinned definitions
    ("leaderworkerset.x-k8s.io/v1:LeaderWorkerSet", "spec leaderWorkerTemplate size", "4", "expected numeric"),
    ("leaderworkerset.x-k8s.io/v1:LeaderWorkerSet", "spec size", 4, ".spec.size: field not declared in schema"),
    ("keda.sh/v1alpha1:ScaledObject", "spec triggers", GONE, 'ScaledObject.keda.sh "web" is invalid: spec.trigg'),
    ("karpenter.sh/v1:NodePool", "spec weight", 200, "spec.weight in body should be less than or equal to 100"),
    ("karpenter.sh/v1:NodePool", "spec template spec expireAfter", "30 days", "in body should match"),
    ("karpenter.sh/v1:NodePool", "spec template spec requirements 0 operator", "in", 'Unsupported value: "in"'),
    ("karpenter.k8s.aws/v1:EC2NodeClass", "spec instanceStorePolicy", "raid0", 'supported values: "RAID0"'),
    ("karpenter.k8s.aws/v1:EC2NodeClass", "spec subnetSelectorTerm", [], 'did you mean "subnetSelectorTerms"?'),
    ("inference.networking.k8s.io/v1:InferencePool", "spec targetPorts", [], "should have at least 1 items"),
    ("gateway.networking.k8s.io/v1:HTTPRoute", "spec rules 0 backendRefs 0 port", 70000, "less than or equal to 65535"),
    ("monitoring.coreos.com/v1:PodMonitor", "spec podMetricsEndpoints 0 interval", "5x", "in body should match"),
    # Devices that no node can give
    (  # aws trap 35
        DEPLOYMENT,
        SPEC,
        {
            "containers": [{"name": "a", "image": "a", "resources": {"limits": {"aws.amazon.com/neuron": 2}}}],
            "nodeSelector": {"node.kubernetes.io/instance-type": "trn1.32xlarge"},
        },
        "ask for 1, 4, 8, 16",
    ),
    (  # gcp trap 6
        DEPLOYMENT,
        SPEC,
        {
            "containers": [{"name": "a", "image": "a", "resources": {"limits": {"google.com/tpu": 8}}}],
            "nodeSelector": {
                "cloud.google.com/gke-tpu-accelerator": "tpu7x",
                "cloud.google.com/gke-tpu-topology": "2x2x2",
            },
        },
        "ask for 4",
    ),
    (  # gcp trap 41
        DEPLOYMENT,
        "spec template",
        {
            "metadata": {"labels": {"app": "web"}, "annotations": {"networking.gke.io/interfaces": "[]"}},
            "spec": {
                "containers": [{"name": "a", "image": "a", "resources": {"limits": {"nvidia.com/gpu": 4}}}],
                "nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-h200-141gb"},
            },
        },
        "ask for 8",
    ),
    (  # gcp trap 5
        DEPLOYMENT,
        SPEC,
        {
            "containers": [{"name": "a", "image": "a", "resources": {"limits": {"google.com/tpu": 1}}}],
            "nodeSelector": {
                "cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice",
                "cloud.google.com/gke-tpu-topology": "2x4",
            },
        },
        "ask for 4, 8",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "path", "value", "text"), WRONG, ids=lambda value: str(value)[:40])
def test_refused(type_: str, path: str, value: Any, text: str) -> None:
    found = problems(type_, changed(VALID[type_], path, value))
    assert any(text in message for message in found), found


FINE = [
    (DEPLOYMENT, "spec replicas", UNKNOWN),
    (DEPLOYMENT, "spec template", UNKNOWN),
    (DEPLOYMENT, f"{FIRST} volumeMounts 0 name", UNKNOWN),
    (DEPLOYMENT, f"{SPEC} volumes", UNKNOWN),
    (DEPLOYMENT, f"{SPEC} volumes", [UNKNOWN]),
    (DEPLOYMENT, f"{SPEC} containers 0", UNKNOWN),
    (DEPLOYMENT, f"{SPEC} tolerations", [UNKNOWN]),
    (DEPLOYMENT, f"{FIRST} resources limits nvidia.com/gpu", UNKNOWN),
    (DEPLOYMENT, f"{FIRST} env 0 valueFrom", UNKNOWN),
    (DEPLOYMENT, f"{FIRST} env 0", {"name": "A", "valueFrom": {"fieldRef": UNKNOWN}}),
    (DEPLOYMENT, f"{FIRST} env 0", of_field("status.hostIP")),
    (DEPLOYMENT, f"{FIRST} env 0", of_field("metadata.labels['topology.kubernetes.io/zone']")),
    (DEPLOYMENT, f"{FIRST} env 0", of_field(UNKNOWN)),
    (DEPLOYMENT, f"{FIRST} readinessProbe httpGet", UNKNOWN),
    ("policy/v1:PodDisruptionBudget", "spec", UNKNOWN),
    ("core/v1:Service", "spec", UNKNOWN),
    ("core/v1:PersistentVolumeClaim", "spec", UNKNOWN),
    ("batch/v1:Job", "spec", UNKNOWN),
    (ROLE, "rules 0", {"verbs": ["get"], "nonResourceURLs": UNKNOWN}),
    (POLICY, "spec egress 0 to 0", {"podSelector": UNKNOWN}),
    (DEPLOYMENT, "spec template metadata labels", {"app": UNKNOWN}),
    (DEPLOYMENT, "metadata labels", {"a": UNKNOWN, "b": ""}),
    (DEPLOYMENT, f"{FIRST} resources requests", {"ephemeral-storage": "1Gi", "cpu": "1000m"}),
    (DEPLOYMENT, f"{FIRST} imagePullPolicy", ""),
    (DEPLOYMENT, "status", {"anything": 1}),
    ("core/v1:Service", "spec", {"clusterIP": "None", "selector": {"app": "web"}}),
    ("core/v1:Service", "spec", {"type": "ExternalName", "externalName": "example.com"}),
    (POLICY, "spec", {"policyTypes": ["Ingress"]}),
    ("karpenter.sh/v1:NodePool", "spec template spec requirements 0 values", UNKNOWN),
    ("karpenter.sh/v1:NodePool", "spec limits", {"cpu": "1000", "memory": 1000}),
]


@pytest.mark.parametrize(("type_", "path", "value"), FINE, ids=lambda value: str(value)[:40])
def test_what_may_be_or_is_not_known_yet_passes(type_: str, path: str, value: Any) -> None:
    assert problems(type_, changed(VALID[type_], path, value)) == []


def test_devices_that_a_node_can_give_pass() -> None:
    pod = {
        "containers": [{"name": "a", "image": "a", "resources": {"limits": {"google.com/tpu": 4}}}],
        "nodeSelector": {"cloud.google.com/gke-tpu-accelerator": "tpu7x"},
    }
    assert problems(DEPLOYMENT, changed(VALID[DEPLOYMENT], SPEC, pod)) == []
    pod["containers"][0]["resources"]["limits"] = {"aws.amazon.com/neuron": 3}  # type: ignore[index]
    assert problems(DEPLOYMENT, changed(VALID[DEPLOYMENT], SPEC, pod)) == []


def test_only_what_is_applied_is_held_to_unknown_fields() -> None:
    inputs = changed(VALID[DEPLOYMENT], "spec replicaz", 1)
    without = Cloud(settings={"enableServerSideApply": "false"}, judges=[Objects()])
    assert problems(DEPLOYMENT, inputs, without) == []


def test_a_name_that_is_made_is_not_shortened() -> None:
    (found,) = cloud().problems("kubernetes:core/v1:Service", "w" * 60, **VALID["core/v1:Service"])
    assert "must be no more than 63 characters" in found.message


def test_a_patch_need_not_be_whole() -> None:
    where = cloud()
    inputs = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 2}}
    assert where.problems("kubernetes:apps/v1:DeploymentPatch", "p", **inputs) == []
    wrong = where.problems("kubernetes:apps/v1:DeploymentPatch", "p", **{**inputs, "spec": {"replicas": "two"}})
    assert "expected numeric" in wrong[0].message


def test_a_refusal_names_the_property_and_the_kind() -> None:
    (found,) = cloud().problems(
        "kubernetes:policy/v1:PodDisruptionBudget",
        "web",
        metadata={"name": "web"},
        spec={"minAvailable": 1, "maxUnavailable": 1},
    )
    assert found.property == "spec"
    assert found.message.startswith('PodDisruptionBudget.policy "web" is invalid: spec: Invalid value: {')


# ── The cluster's version ────────────────────────────────────────────────────────────────────────────────────────────


def in_cluster(version: str) -> Cloud:
    """A provider of a cluster of that version."""
    where = Cloud(judges=[Objects()])
    cluster = where.make("aws:eks/cluster:Cluster", "c", roleArn="r", vpcConfig={"subnetIds": ["a"]}, version=version)
    server = {"name": "c", "cluster": {"server": cluster.outputs["endpoint"]}}
    context = {"name": "c", "context": {"cluster": "c"}}
    where.settings = {
        "kubeconfig": yaml.safe_dump({"clusters": [server], "contexts": [context], "current-context": "c"})
    }
    return where


def test_fields_are_those_of_the_cluster_s_version() -> None:
    # `spec.template.spec.resources` came with 1.32 (KEP 2837).
    inputs = changed(VALID[DEPLOYMENT], f"{SPEC} resources", {"limits": {"cpu": 1}})
    (found,) = problems(DEPLOYMENT, inputs, in_cluster("1.30"))
    assert ".spec.template.spec.resources: field not declared in schema" in found
    assert problems(DEPLOYMENT, inputs, in_cluster("1.34")) == []


def test_a_kind_that_the_version_does_not_serve() -> None:
    type_ = "resource.k8s.io/v1:DeviceClass"
    (found,) = problems(type_, {"spec": {}}, in_cluster("1.31"))
    assert found == (
        'no matches for kind "DeviceClass" in version "resource.k8s.io/v1": served from 1.34, and the cluster is 1.31'
    )
    assert problems(type_, {"spec": {}}, in_cluster("1.35")) == []


# ── The tables ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_row_is_about_a_field_that_exists() -> None:
    file = resources.files("polysilicon.rehearsal") / "data" / "kubernetes.values.toml"
    told = tomllib.loads(file.read_text())
    newest = builtin_schemas.versions()[max(builtin_schemas.versions())]
    definitions = json.loads((newest / "_definitions.json").read_text())["$defs"]
    known = {
        name.removeprefix("io.k8s.api.").removeprefix("io.k8s.apimachinery.pkg.apis."): definitions[name]
        for name in definitions
    }
    for name, rows in told["values"].items():
        assert set(rows) <= set(known[name]["properties"]), name
    for name, fields in told["not_required"].items():
        assert set(fields) <= set(known[name]["properties"]), name


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", 0.5),
        ("16Gi", 16 * 2**30),
        ("1e3", 1000),
        ("1E", 10**18),
        (2, 2),
        ("1GB", None),
        ("", None),
        (True, None),
    ],
)
def test_quantities(text: Any, number: float | None) -> None:
    assert quantity(text) == number
