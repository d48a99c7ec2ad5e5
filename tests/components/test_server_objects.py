"""What a cluster takes without a word and what would serve nobody, serve anybody, or stop too soon: the objects of a
model server and of the device plugin, held against each other and against their plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from polysilicon.catalog import Catalog
from polysilicon.kubernetes import ClusterRef, ModelServer, ModelServerArgs, NeuronDevicePlugin, NeuronDevicePluginArgs
from polysilicon.planning.fleet import FleetPlan, plan_fleet
from polysilicon.specs import FleetSpec, ModelSpec
from tests.components.recording import record
from tests.components.test_components import stack

LABELS = {"app.kubernetes.io/name": "chat", "app.kubernetes.io/component": "model-server"}
on_both = pytest.mark.parametrize("name", ["dev", "staging"])


def made(name: str, kind: str) -> dict[str, Any]:
    """The model server's object of a kind, as a stack makes it."""
    (found,) = [r for r in stack(name).resources if r.name == "chat" and r.type.endswith(f":{kind}")]
    return found.inputs


def template(name: str) -> dict[str, Any]:
    found: dict[str, Any] = made(name, "Deployment")["spec"]["template"]
    return found


def container(name: str) -> dict[str, Any]:
    (found,) = template(name)["spec"]["containers"]
    return dict(found)


# ── Who finds whom ───────────────────────────────────────────────────────────────────────────────────────────────────


@on_both
def test_everything_that_selects_pods_selects_those_of_the_server(name: str) -> None:
    assert template(name)["metadata"]["labels"] == LABELS
    assert made(name, "Service")["spec"]["selector"] == LABELS, "a Service to nobody is ready at once"
    for kind, path in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        assert made(name, kind)["spec"][path] == {"matchLabels": LABELS}


@on_both
def test_the_service_leads_inside_the_cluster_to_a_port_that_the_container_names(name: str) -> None:
    spec = made(name, "Service")["spec"]
    assert spec["type"] == "ClusterIP"
    (port,) = spec["ports"]
    assert (port["port"], port["protocol"]) == (80, "TCP"), "the endpoint names no port"
    (named,) = container(name)["ports"]
    assert port["targetPort"] == named["name"] == "http"
    assert f"--port {named['containerPort']:g}" in " ".join(container(name)["args"])


@on_both
def test_only_pods_of_the_cluster_may_ask_and_only_on_the_serving_port(name: str) -> None:
    spec = made(name, "NetworkPolicy")["spec"]
    (named,) = container(name)["ports"]
    rule = {"from": [{"namespaceSelector": {}}], "ports": [{"port": named["containerPort"], "protocol": "TCP"}]}
    assert (spec["policyTypes"], spec["ingress"]) == (["Ingress"], [rule])


@on_both
def test_an_upgrade_of_nodes_takes_one_replica_at_a_time(name: str) -> None:
    assert made(name, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1, "with none no node is ever drained"


@on_both
def test_what_belongs_to_a_server_is_in_its_namespace_under_its_labels(name: str) -> None:
    for kind in ("ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "Deployment", "Service"):
        metadata = made(name, kind)["metadata"]
        assert (metadata["name"], metadata["namespace"], metadata["labels"]) == ("chat", "chat", LABELS)


@on_both
def test_a_namespace_lets_no_privileged_pod_in_and_no_pod_has_a_token(name: str) -> None:
    assert made(name, "Namespace")["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "baseline"}
    assert made(name, "ServiceAccount")["automountServiceAccountToken"] is False
    spec = template(name)["spec"]
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("chat", False)
    assert spec["securityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


# ── The pod ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "selector", "taint"),
    [
        ("dev", {"polysilicon.dev/landing": "inf2"}, "aws.amazon.com/neuron"),
        (
            "staging",
            {
                "polysilicon.dev/landing": "v5e",
                "cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice",
                "cloud.google.com/gke-tpu-topology": "1x1",
            },
            "google.com/tpu",
        ),
    ],
)
def test_a_pod_lands_on_its_pool_with_all_of_its_chips(name: str, selector: Mapping[str, str], taint: str) -> None:
    spec = template(name)["spec"]
    assert spec["nodeSelector"] == selector
    assert spec["tolerations"] == [{"key": taint, "operator": "Equal", "value": "present", "effect": "NoSchedule"}]
    resources = container(name)["resources"]
    assert resources["requests"][taint] == resources["limits"][taint] == "1"
    assert resources["requests"].keys() == {"cpu", "memory", taint}, "a pod without requests is evicted first"
    assert resources["limits"].keys() == {"memory", taint}, "a CPU limit would only throttle it"
    assert resources["limits"]["memory"] == resources["requests"]["memory"]


@pytest.mark.parametrize(
    ("name", "cpu", "memory", "image"),
    [
        (
            "dev",
            "25480m",
            "92Gi",
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-vllm-inference-neuronx:0.11.0-optimum0.4.5-"
            "neuronx-py310-sdk2.26.1-ubuntu22.04",
        ),
        ("staging", "19096m", "34Gi", "vllm/vllm-tpu:v0.27.0"),
    ],
)
def test_a_server_has_its_node_almost_for_itself(name: str, cpu: str, memory: str, image: str) -> None:
    asked = container(name)["resources"]["requests"]
    assert (asked["cpu"], asked["memory"]) == (cpu, memory)
    assert container(name)["image"] == image


@pytest.mark.parametrize(("name", "shared"), [("dev", "2Gi"), ("staging", "8Gi")])
def test_weights_and_compiled_graphs_are_kept_and_cores_share_memory(name: str, shared: str) -> None:
    volumes = {volume["name"]: volume["emptyDir"] for volume in template(name)["spec"]["volumes"]}
    assert volumes == {"cache": {}, "shm": {"medium": "Memory", "sizeLimit": shared}}
    mounts = {mount["name"]: mount["mountPath"] for mount in container(name)["volumeMounts"]}
    assert mounts == {"cache": "/cache", "shm": "/dev/shm"}
    caches = [variable["value"] for variable in container(name)["env"] if str(variable["value"]).startswith("/")]
    assert len(caches) == 2
    assert all(path.startswith("/cache/") for path in caches), "elsewhere they are lost with the container"


@pytest.mark.parametrize(
    ("name", "command", "args"),
    [
        (
            "dev",
            ["optimum-cli", "neuron", "serve", "--allow-non-cached-model"],
            "--model Qwen/Qwen3-0.6B --served-model-name Qwen/Qwen3-0.6B --port 8080 --tensor-parallel-size 2 "
            "--batch-size 4 --sequence-length 4096",
        ),
        (
            "staging",
            ["vllm", "serve"],
            "Qwen/Qwen3-0.6B --served-model-name Qwen/Qwen3-0.6B --port 8000 --tensor-parallel-size 1 "
            "--max-model-len 4096 --max-num-seqs 4 --shutdown-timeout 120",
        ),
    ],
)
def test_a_server_is_started_as_its_image_wants_it(name: str, command: list[str], args: str) -> None:
    assert container(name)["command"] == command
    assert container(name)["args"] == args.split()


@pytest.mark.parametrize(("name", "allowed"), [("dev", 386), ("staging", 266)])
def test_probes_ask_the_server_itself_and_wait_for_its_cold_start(name: str, allowed: int) -> None:
    ask = {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 10}
    assert container(name)["startupProbe"] == {**ask, "failureThreshold": allowed}
    assert container(name)["readinessProbe"] == {**ask, "failureThreshold": 2, "timeoutSeconds": 5}
    assert container(name)["livenessProbe"] == {**ask, "failureThreshold": 6, "timeoutSeconds": 10}


def test_the_startup_probe_allows_no_less_than_the_deadline(mixed: dict[str, Any], catalog: Catalog) -> None:
    deadline = fleet(mixed, catalog).servers["chat"].cold_start.startup_deadline_seconds
    allowed = container("dev")["startupProbe"]["failureThreshold"] * 10
    assert deadline <= allowed < deadline + 10


@pytest.mark.parametrize(("name", "cold", "container_start"), [("dev", "2309", "1926"), ("staging", "1771", "1326")])
def test_pods_declare_their_planned_waits(name: str, cold: str, container_start: str) -> None:
    assert template(name)["metadata"]["annotations"] == {
        "polysilicon.dev/cold-start-seconds": cold,
        "polysilicon.dev/container-start-seconds": container_start,
    }


@pytest.mark.parametrize(("name", "deadline"), [("dev", 4778), ("staging", 3702)])
def test_a_rollout_is_given_its_cold_start_and_a_drain_and_no_spare_node(name: str, deadline: int) -> None:
    spec = made(name, "Deployment")["spec"]
    assert spec["progressDeadlineSeconds"] == deadline, "the provider would wait on; a canary or an alert would not"
    rolling = {"maxSurge": 0, "maxUnavailable": 1}
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": rolling}


def test_a_server_that_is_to_stop_settles_drains_and_is_killed_last() -> None:
    assert template("dev")["spec"]["terminationGracePeriodSeconds"] == 10 + 120 + 30
    *run, script, metrics, settle, drain = container("dev")["lifecycle"]["preStop"]["exec"]["command"]
    assert run == ["python3", "-c"]
    assert "vllm:num_requests_" in script
    assert (metrics, settle, drain) == ("http://127.0.0.1:8080/metrics", "10", "120")
    assert container("staging")["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "10"]
    assert template("staging")["spec"]["terminationGracePeriodSeconds"] == 10 + 120 + 30


# ── What the engine is told ──────────────────────────────────────────────────────────────────────────────────────────


def fleet(document: dict[str, Any], catalog: Catalog, **capacity: int) -> FleetPlan:
    document["pools"]["inf2"]["capacity"][0] |= capacity
    return plan_fleet(FleetSpec.parse(document), catalog)


def test_as_many_replicas_as_asked_each_with_its_share_of_the_timeouts(mixed: dict[str, Any], catalog: Catalog) -> None:
    landing = fleet(mixed, catalog, min=2, max=2).landings["inf2"]
    told: dict[str, pulumi.ResourceOptions] = {}

    def look(args: pulumi.ResourceTransformationArgs) -> None:
        told[args.type_] = args.opts

    def program() -> None:
        cluster = ClusterRef(key="aws", provider=k8s.Provider("aws", kubeconfig="{}", cluster_identifier="aws"))
        spec = ModelSpec(model="Qwen/Qwen3-0.6B", pool="inf2", replicas=2)
        args = ModelServerArgs(spec=spec, landing=landing, cluster=cluster)
        ModelServer("chat", args, pulumi.ResourceOptions(transformations=[look]))

    deployment = record(program).one("kubernetes:apps/v1:Deployment")["spec"]
    assert deployment["replicas"] == 2
    timeouts = told["kubernetes:apps/v1:Deployment"].custom_timeouts
    assert timeouts is not None
    rollout = f"{2 * int(deployment['progressDeadlineSeconds'])}s"
    assert (timeouts.create, timeouts.update, timeouts.delete) == (rollout, rollout, f"{10 + 120 + 30 + 300}s")


def test_each_provider_leads_to_its_own_cluster() -> None:
    providers = stack("mixed").all("pulumi:providers:kubernetes")
    servers = {
        key: json.loads(told["kubeconfig"])["clusters"][0]["cluster"]["server"] for key, told in providers.items()
    }
    assert servers == {"aws": "https://ABC.gr7.us-east-1.eks.amazonaws.com", "gcp": "https://34.1.2.3"}
    assert {key: told["clusterIdentifier"] for key, told in providers.items()} == {"aws": "aws", "gcp": "gcp"}
    assert all(told["enableServerSideApply"] == "true" for told in providers.values())


# ── The device plugin ────────────────────────────────────────────────────────────────────────────────────────────────

PLUGIN = "neuron-device-plugin-inf2"


def plugin() -> dict[str, Any]:
    spec: dict[str, Any] = stack("dev").all("kubernetes:apps/v1:DaemonSet")["inf2"]["spec"]
    return spec


def test_the_device_plugin_sees_the_kubelet_and_the_devices() -> None:
    # aws-neuron-sdk, src/k8/k8s-neuron-device-plugin.yml
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in plugin()["template"]["spec"]["volumes"]}
    (container,) = plugin()["template"]["spec"]["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert paths == mounts
    assert set(paths.values()) == {"/var/lib/kubelet/device-plugins", "/run", "/opt/aws"}
    assert [mount["mountPath"] for mount in container["volumeMounts"] if mount.get("readOnly")] == ["/opt/aws"]
    assert container["env"] == [
        {"name": "KUBECONFIG", "value": "/etc/kubernetes/kubelet.conf"},
        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ]
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_the_device_plugin_is_not_pushed_aside_and_is_updated() -> None:
    assert plugin()["updateStrategy"] == {"type": "RollingUpdate"}
    assert plugin()["template"]["spec"]["priorityClassName"] == "system-node-critical"


def test_the_device_plugin_may_what_aws_lets_it() -> None:
    # aws-neuron-sdk, src/k8/k8s-neuron-device-plugin-rbac.yml
    role = stack("dev").one("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")
    may = {(rule["apiGroups"][0], rule["resources"][0]): set(rule["verbs"]) for rule in role["rules"]}
    assert may == {
        ("", "nodes"): {"get", "list", "watch"},
        ("", "events"): {"create", "patch"},
        ("", "pods"): {"update", "patch", "get", "list", "watch"},
        ("", "nodes/status"): {"patch", "update"},
    }


def test_the_binding_gives_the_role_to_the_account_that_the_plugin_runs_as() -> None:
    binding = stack("dev").one("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding")
    role = stack("dev").one("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")
    accounts = stack("dev").all("kubernetes:core/v1:ServiceAccount")
    account = accounts["inf2"]["metadata"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}
    ]
    assert account["name"] == plugin()["template"]["spec"]["serviceAccountName"] == PLUGIN
    assert account["namespace"] == stack("dev").all("kubernetes:apps/v1:DaemonSet")["inf2"]["metadata"]["namespace"]


def test_two_pools_have_a_device_plugin_each_that_selects_its_own_pods(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["pools"]["other"] = json.loads(json.dumps(mixed["pools"]["inf2"]))
    landings = fleet(mixed, catalog).landings

    def program() -> None:
        cluster = ClusterRef(key="aws", provider=k8s.Provider("aws", kubeconfig="{}", cluster_identifier="aws"))
        for key in ("inf2", "other"):
            NeuronDevicePlugin(key, NeuronDevicePluginArgs(landing=landings[key], cluster=cluster))

    sets = record(program).all("kubernetes:apps/v1:DaemonSet")
    names = {key: made["metadata"]["name"] for key, made in sets.items()}
    assert names == {"inf2": PLUGIN, "other": "neuron-device-plugin-other"}
    for key, made in sets.items():
        labels = made["spec"]["template"]["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == names[key]
        assert made["spec"]["selector"] == {"matchLabels": labels}
