"""What runs on the nodes beside the servers: device plugins and exporters, where they run and what they may do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
import yaml

from polysilicon.catalog import Catalog, Overlay
from polysilicon.errors import SpecError
from polysilicon.kubernetes import (
    ClusterRef,
    DcgmExporter,
    DcgmExporterArgs,
    EfaDevicePlugin,
    EfaDevicePluginArgs,
    GpuOperator,
    GpuOperatorArgs,
    NeuronDevicePlugin,
    NeuronDevicePluginArgs,
    NeuronMonitor,
    NeuronMonitorArgs,
    NvidiaDevicePlugin,
    NvidiaDevicePluginArgs,
)
from polysilicon.planning.landing import Landing, PerNode, PodPatch
from polysilicon.specs import TimeSlicing
from tests.components.recording import Recording, record, unknown_keys
from tests.stacks.project import copy_project, edit, rehearse

DIGEST = f"sha256:{'a' * 64}"
DAEMON_SET, SERVICE = "kubernetes:apps/v1:DaemonSet", "kubernetes:core/v1:Service"
TAINT = {"key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"}
LANDING = Landing(
    key="pool",
    cluster="main",
    silicon="h100",
    machine="p5.48xlarge",
    region="us-east-1",
    per_node=PerNode(8, 190_000, 2000, 500, "x86_64"),
    pod=PodPatch(tolerations=(TAINT,)),
)
Make = Callable[[Landing, ClusterRef, Catalog], pulumi.ComponentResource]
AGENTS: dict[str, Make] = {
    "neuron-device-plugin": lambda on, to, known: NeuronDevicePlugin(
        "pool", NeuronDevicePluginArgs(landing=on, cluster=to, catalog=known)
    ),
    "neuron-monitor": lambda on, to, known: NeuronMonitor(
        "pool", NeuronMonitorArgs(landing=on, cluster=to, catalog=known)
    ),
    "nvidia-device-plugin": lambda on, to, known: NvidiaDevicePlugin(
        "pool", NvidiaDevicePluginArgs(landing=on, cluster=to, catalog=known)
    ),
    "dcgm-exporter": lambda on, to, known: DcgmExporter(
        "pool", DcgmExporterArgs(landing=on, cluster=to, catalog=known)
    ),
    "efa-device-plugin": lambda on, to, known: EfaDevicePlugin(
        "pool", EfaDevicePluginArgs(landing=on, cluster=to, catalog=known)
    ),
}
PRIVILEGED = {"neuron-monitor", "efa-device-plugin"}
EXPORTERS = {"dcgm-exporter": 9400, "neuron-monitor": 8000}


def ref() -> ClusterRef:
    return ClusterRef(key="main", provider=k8s.Provider("main", kubeconfig="{}", cluster_identifier="main"))


def made(app: str, catalog: Catalog, known: bool = True, landing: Landing = LANDING) -> Recording:
    return record(lambda: AGENTS[app](landing, ref(), catalog), known)


def pod(recording: Recording) -> dict[str, Any]:
    spec: dict[str, Any] = recording.one(DAEMON_SET)["spec"]["template"]["spec"]
    return spec


def container(recording: Recording) -> dict[str, Any]:
    (only,) = pod(recording)["containers"]
    return dict(only)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("app", AGENTS)
def test_every_key_is_one_that_the_provider_knows(app: str, known: bool, catalog: Catalog) -> None:
    recording = made(app, catalog, known)
    assert [path for resource in recording.resources for path in unknown_keys(resource)] == []
    assert recording.one(DAEMON_SET)["metadata"]["name"] == f"{app}-pool"


@pytest.mark.parametrize("app", AGENTS)
def test_it_runs_on_the_nodes_of_its_pool_and_on_no_others(app: str, catalog: Catalog) -> None:
    spec = pod(made(app, catalog))
    assert spec["nodeSelector"] == {"polysilicon.dev/landing": "pool"}
    # aws traps 9, 39, 40: upstream's own selectors and tolerations keep it away from such nodes
    assert TAINT in spec["tolerations"]
    assert "affinity" not in spec
    assert spec["priorityClassName"] == "system-node-critical"


@pytest.mark.parametrize("app", AGENTS)
def test_it_has_what_it_needs_of_a_node_and_no_token_without_need(app: str, catalog: Catalog) -> None:
    recording = made(app, catalog)
    assert set(container(recording)["resources"]["requests"]) == {"cpu", "memory"}
    assert container(recording)["securityContext"].get("privileged", False) == (app in PRIVILEGED)
    if app == "neuron-device-plugin":
        assert pod(recording)["serviceAccountName"] == "neuron-device-plugin-pool"
    else:
        assert pod(recording)["automountServiceAccountToken"] is False
    if app not in PRIVILEGED:
        assert container(recording)["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert container(recording)["securityContext"]["allowPrivilegeEscalation"] is False


@pytest.mark.parametrize("app", AGENTS)
def test_two_pools_have_one_each(app: str, catalog: Catalog) -> None:
    """Two plugins on one node would offer a device twice (aws trap 41)."""
    names = {made(app, catalog, landing=replace(LANDING, key=key)).one(DAEMON_SET)["metadata"]["name"] for key in "ab"}
    assert names == {f"{app}-a", f"{app}-b"}


@pytest.mark.parametrize("app", AGENTS)
def test_a_landing_of_another_cluster_is_refused(app: str, catalog: Catalog) -> None:
    with pytest.raises(SpecError, match="landing 'pool' is in cluster 'other', this is cluster 'main'"):
        made(app, catalog, landing=replace(LANDING, cluster="other"))


# ── Measurements ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("app", AGENTS)
def test_each_exporter_is_found_pod_by_pod(app: str, catalog: Catalog) -> None:
    recording = made(app, catalog)
    if app not in EXPORTERS:
        assert recording.all(SERVICE) == {}
        return
    service = recording.one(SERVICE)
    assert service["metadata"]["namespace"] == recording.one(DAEMON_SET)["metadata"]["namespace"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["ports"] == [
        {"name": "metrics", "port": EXPORTERS[app], "targetPort": "metrics", "protocol": "TCP"}
    ]
    assert container(recording)["ports"] == [{"name": "metrics", "containerPort": EXPORTERS[app], "protocol": "TCP"}]
    labels = recording.one(DAEMON_SET)["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()


def test_the_gpu_exporter_is_given_time_to_start(catalog: Catalog) -> None:
    exporter = container(made("dcgm-exporter", catalog))
    for probe in ("readinessProbe", "livenessProbe"):
        assert exporter[probe]["httpGet"] == {"path": "/health", "port": "metrics"}
        assert exporter[probe]["initialDelaySeconds"] == 45
    assert {"name": "DCGM_EXPORTER_LISTEN", "value": ":9400"} in exporter["env"]
    assert exporter["resources"]["limits"] == {"cpu": "200m", "memory": "512Mi"}
    assert exporter["securityContext"]["capabilities"]["add"] == ["SYS_ADMIN"], "for the metrics of profiling alone"


# ── EFA ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("region", "account"),
    [
        ("us-east-1", "602401143452"),
        ("us-west-2", "602401143452"),
        ("me-central-1", "759879836304"),
        ("il-central-1", "066635153087"),
    ],
)
def test_the_efa_plugin_comes_from_its_regions_registry(region: str, account: str, catalog: Catalog) -> None:
    image = container(made("efa-device-plugin", catalog, landing=replace(LANDING, region=region)))["image"]
    assert image == f"{account}.dkr.ecr.{region}.amazonaws.com/eks/aws-efa-k8s-device-plugin:v0.5.20"


def test_an_image_of_ones_own_is_taken_as_it_is(catalog: Catalog) -> None:
    row = {"source": "ours", "as_of": "2026-11", "value": "registry.example/{team}/efa:v0.5.20"}
    laid = catalog.overlaid(Overlay.parse({"defaults": {"efa.device_plugin_image": row}}, "overlay"))
    assert container(made("efa-device-plugin", laid))["image"] == row["value"]


def test_the_efa_plugin_sees_the_devices(catalog: Catalog) -> None:
    recording = made("efa-device-plugin", catalog)
    assert pod(recording)["hostNetwork"] is True
    paths = {volume["hostPath"]["path"] for volume in pod(recording)["volumes"]}
    assert {"/dev/infiniband", "/var/lib/kubelet/device-plugins"} <= paths


# ── Sharing of GPUs ──────────────────────────────────────────────────────────────────────────────────────────────────


def shared(catalog: Catalog, replicas: int) -> Recording:
    def program() -> None:
        sharing = TimeSlicing(kind="time_slicing", replicas=replicas)
        args = NvidiaDevicePluginArgs(landing=LANDING, cluster=ref(), sharing=sharing, catalog=catalog)
        NvidiaDevicePlugin("pool", args)

    return record(program)


def test_time_slicing_is_what_the_plugin_reads(catalog: Catalog) -> None:
    recording = shared(catalog, 4)
    config = recording.one("kubernetes:core/v1:ConfigMap")
    (volume,) = [each for each in pod(recording)["volumes"] if "configMap" in each]
    assert volume["configMap"]["name"] == config["metadata"]["name"]
    told = yaml.safe_load(config["data"]["config.yaml"])["sharing"]["timeSlicing"]
    assert told["resources"] == [{"name": "nvidia.com/gpu", "replicas": 4}]
    assert told["failRequestsGreaterThanOne"] is True
    assert {"name": "CONFIG_FILE", "value": "/config/config.yaml"} in container(recording)["env"]


def test_another_number_of_shares_starts_new_plugins(catalog: Catalog) -> None:
    assert pod(shared(catalog, 2)) != pod(shared(catalog, 4))


def test_whole_gpus_need_no_configuration(catalog: Catalog) -> None:
    assert made("nvidia-device-plugin", catalog).all("kubernetes:core/v1:ConfigMap") == {}


def test_the_operator_brings_no_driver(catalog: Catalog) -> None:  # aws trap 42
    recording = record(lambda: GpuOperator("main", GpuOperatorArgs(cluster=ref(), catalog=catalog)))
    release = recording.one("kubernetes:helm.sh/v3:Release")
    assert release["version"] == catalog.default("nvidia.gpu_operator_chart")
    assert release["values"]["driver"] == {"enabled": False}
    assert release["values"]["toolkit"] == {"enabled": False}


def test_the_operator_runs_what_the_cache_has(catalog: Catalog) -> None:
    exporter = catalog.default("nvidia.operator_dcgm_exporter_image")
    features = catalog.default("nvidia.operator_features_image")
    images = {exporter: f"cache/nvcr.io/dcgm-exporter@{DIGEST}", features: f"cache/k8s/features@{DIGEST}"}
    cluster = replace(ref(), images=images)
    recording = record(lambda: GpuOperator("main", GpuOperatorArgs(cluster=cluster, catalog=catalog)))
    values = recording.one("kubernetes:helm.sh/v3:Release")["values"]
    tags = {name: name.rpartition(":")[2] for name in images}
    place = {"repository": "cache/nvcr.io", "image": "dcgm-exporter", "version": f"{tags[exporter]}@{DIGEST}"}
    assert values["dcgmExporter"] == {**place, "enabled": True, "serviceMonitor": {"enabled": False}}
    assert values["node-feature-discovery"]["image"] == {
        "repository": "cache/k8s/features",
        "tag": f"{tags[features]}@{DIGEST}",
    }
    assert "migManager" not in values  # the chart's own


def test_a_cache_of_another_operator_is_refused(catalog: Catalog) -> None:
    row = {"value": "v99.1.0", "source": "made up", "as_of": "2026-11-25"}
    newer = catalog.overlaid(Overlay.parse({"defaults": {"nvidia.gpu_operator_chart": row}}, ""))
    cluster = replace(ref(), images={catalog.default("nvidia.operator_image"): "cache/gpu-operator@sha256:1"})
    with pytest.raises(
        SpecError, match=r"got chart v99.1.0 of NVIDIA's operator, and a cache would give it nvcr.io/.*:v26"
    ):
        record(lambda: GpuOperator("main", GpuOperatorArgs(cluster=cluster, catalog=newer)))
    record(lambda: GpuOperator("main", GpuOperatorArgs(cluster=ref(), catalog=newer)))


@pytest.mark.engine
def test_a_cluster_with_a_cache_runs_its_devices_from_there(tmp_path: Path) -> None:
    """Images of NVIDIA's registry are copied, and the pool's servers find their GPUs."""
    project = copy_project(tmp_path)

    def gpus(config: dict[str, Any]) -> None:
        fleet = config["polysilicon:fleet"]
        (cluster,) = fleet["clusters"].values()
        cluster["images"] = {}
        fleet["pools"]["l4"] = {**fleet["pools"].pop("inf2"), "kind": "eks_gpu", "machine": "g6.8xlarge"}
        fleet["models"]["chat"] |= {"pool": "l4"}

    edit(project, "dev", gpus)
    rehearsal = rehearse(project, "dev", tmp_path / "state")
    up = rehearsal.up()
    assert up.ok, up.log
    plugin = next(each for each in up.resources if each.type.endswith(":DaemonSet") and each.name == "l4")
    image = plugin.inputs["spec"]["template"]["spec"]["containers"][0]["image"]
    assert re.fullmatch(r"\d{12}\.dkr\.ecr\.[^/]+/[^/]+/nvcr\.io/nvidia/k8s-device-plugin@sha256:[0-9a-f]{64}", image)
    assert rehearsal.up(expect_no_changes=True).ok
    destroyed = rehearsal.destroy()
    assert destroyed.ok, destroyed.log
    assert not destroyed.accounts


@pytest.mark.engine
def test_as_many_servers_share_a_gpu_as_the_pool_says(tmp_path: Path) -> None:
    """The rehearsal counts the shares by what the plugin is told; one that offers fewer leaves a server out."""
    project = copy_project(tmp_path)

    def shared_by_three(config: dict[str, Any]) -> None:
        fleet = config["polysilicon:fleet"]
        sharing = {"kind": "time_slicing", "replicas": 3}
        inf2 = fleet["pools"].pop("inf2")
        fleet["pools"]["l4"] = {**inf2, "kind": "eks_gpu", "machine": "g6.8xlarge", "sharing": sharing}
        fleet["models"]["chat"] |= {"pool": "l4", "replicas": 3}

    edit(project, "dev", shared_by_three)
    rehearsal = rehearse(project, "dev", tmp_path / "state")
    up = rehearsal.up()
    assert up.ok, up.log
    assert rehearsal.up(expect_no_changes=True).ok
    destroyed = rehearsal.destroy()
    assert destroyed.ok, destroyed.log
    assert list(destroyed.leftovers) == []


# ── Rights ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_neuron_plugin_may_do_what_awss_manifest_says(catalog: Catalog) -> None:
    recording = made("neuron-device-plugin", catalog)
    rules = recording.one("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")["rules"]
    may = {(resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]}
    assert may == {
        *(("nodes", verb) for verb in ("get", "list", "watch")),
        *(("events", verb) for verb in ("create", "patch")),
        *(("pods", verb) for verb in ("update", "patch", "get", "list", "watch")),
        *(("nodes/status", verb) for verb in ("patch", "update")),
    }
    binding = recording.one("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding")
    assert [subject["name"] for subject in binding["subjects"]] == [pod(recording)["serviceAccountName"]]
