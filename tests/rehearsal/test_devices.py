"""How many devices a node offers: GPUs and their shares, EFA interfaces, huge pages. What goes wrong, what does not."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from polysilicon.rehearsal.cluster import NotReadyError
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.clusters import M7I, InCluster, asks

MACHINE = "node.kubernetes.io/instance-type"
ONE = {"minSize": 1, "maxSize": 1, "desiredSize": 1}
P5 = {"instanceTypes": ["p5.48xlarge"], "amiType": "AL2023_x86_64_NVIDIA", "scalingConfig": ONE}
PLUGIN = {"image": "nvcr.io/nvidia/k8s-device-plugin:v0.20.0"}


def told(cluster: InCluster, name: str = "chat", /, **resources: str) -> str:
    """What is told of a Deployment whose pod never starts; nothing if it does."""
    try:
        cluster.deploy(name, resources=asks(**resources))
    except NotReadyError as error:
        return "\n".join(error.reasons)
    return ""


def gpus(amount: int) -> dict[str, str]:
    return {"nvidia.com/gpu": str(amount)}


# ── GPUs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("asked", "fits"), [(1, True), (8, True), (9, False)])
def test_a_node_has_the_gpus_of_its_machine(asked: int, fits: bool) -> None:
    cluster = InCluster(groups={"p5": P5})
    cluster.plugin(**PLUGIN)
    found = told(cluster, **gpus(asked))
    assert ("Insufficient nvidia.com/gpu" in found) is not fits
    assert bool(found) is not fits


def test_two_servers_do_not_have_the_same_gpus() -> None:
    cluster = InCluster(groups={"p5": P5})
    cluster.plugin(**PLUGIN)
    assert told(cluster, "first", **gpus(6)) == ""
    assert "Insufficient nvidia.com/gpu" in told(cluster, "second", **gpus(4))
    assert told(cluster, "third", **gpus(2)) == ""


def test_a_machine_that_nobody_knows_is_not_counted() -> None:
    cluster = InCluster(groups={"p5": {**P5, "instanceTypes": ["p5z.huge"]}})
    cluster.plugin(**PLUGIN)
    assert told(cluster, **gpus(64)) == ""


def sharing(kind: str = "timeSlicing", /, **told: Any) -> str:
    """A configuration of the plugin that shares GPUs."""
    shared = {"resources": [{"name": "nvidia.com/gpu", "replicas": 2}], **told}
    return str(yaml.safe_dump({"version": "v1", "sharing": {kind: shared}}))


def configured(
    text: object, env: Any = None, cluster: InCluster | None = None, mount: Any = None, **pod: Any
) -> InCluster:
    """A cluster whose plugin reads a ConfigMap."""
    cluster = cluster or InCluster(groups={"p5": P5})
    cluster.put("core/v1:ConfigMap", "sharing", namespace="kube-system", data={"config.yaml": text})
    container = {
        "name": "plugin",
        **PLUGIN,
        "env": env or [{"name": "CONFIG_FILE", "value": "/config/config.yaml"}],
        "volumeMounts": [{"name": "config", "mountPath": "/config", **(mount or {})}],
    }
    volumes = [{"name": "config", "configMap": {"name": "sharing"}}]
    spec = {
        "selector": {"matchLabels": {"app": "plugin"}},
        "template": {
            "metadata": {"labels": {"app": "plugin"}},
            "spec": {"containers": [container], "volumes": volumes, **pod},
        },
    }
    cluster.put("apps/v1:DaemonSet", "plugin", namespace="kube-system", spec=spec)
    return cluster


@pytest.mark.parametrize("kind", ["timeSlicing", "mps"])
@pytest.mark.parametrize(("asked", "fits"), [(16, True), (17, False)])
def test_shared_gpus_are_offered_as_often_as_the_plugins_file_says(kind: str, asked: int, fits: bool) -> None:
    found = told(configured(sharing(kind)), **gpus(asked))
    assert ("Insufficient nvidia.com/gpu" in found) is not fits


def test_renamed_shares_are_another_resource() -> None:
    assert told(configured(sharing(renameByDefault=True)), **{"nvidia.com/gpu.shared": "16"}) == ""
    found = told(configured(sharing(renameByDefault=True)), **gpus(1))
    assert "node group p5: the device plugin offers them as nvidia.com/gpu.shared (renameByDefault)" in found
    found = told(configured(sharing(renameByDefault=True)), **{"nvidia.com/gpu.shared": "17"})
    assert "Insufficient nvidia.com/gpu.shared" in found


def test_a_file_that_shares_something_else_leaves_gpus_whole() -> None:
    text = sharing(resources=[{"name": "nvidia.com/mig-1g.10gb", "replicas": 2}])
    assert told(configured(text), **gpus(8)) == ""
    assert "Insufficient nvidia.com/gpu" in told(configured(text), **gpus(9))


FILE = {"name": "CONFIG_FILE", "value": "/config/config.yaml"}


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (UNKNOWN, {}),
        (sharing(), {"env": [FILE, {"name": "MIG_STRATEGY", "value": "single"}]}),
        (sharing(), {"env": [{"name": "CONFIG_FILE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}),
        (sharing(), {"env": [{"name": "CONFIG_FILE", "value": "/elsewhere/config.yaml"}]}),
        (sharing(resources=[{"name": "nvidia.com/gpu", "replicas": 2, "devices": [0]}]), {}),
        ("version: v1\nflags: {migStrategy: mixed}\n", {}),
        ("sharing: {", {}),
    ],
)
def test_what_a_plugin_makes_of_its_gpus_is_not_guessed(text: object, more: dict[str, Any]) -> None:
    assert told(configured(text, **more), **gpus(100)) == ""


def test_a_file_may_be_mounted_alone() -> None:
    alone = {"mountPath": "/config/config.yaml", "subPath": "config.yaml"}
    assert "Insufficient nvidia.com/gpu" in told(configured(sharing(), mount=alone), **gpus(17))


@pytest.mark.parametrize("label", ["nvidia.com/device-plugin.config", "nvidia.com/mig.config"])
def test_what_a_label_of_the_nodes_chooses_is_not_guessed(label: str) -> None:
    cluster = InCluster(groups={"p5": {**P5, "labels": {label: "some"}}})
    cluster.plugin(**PLUGIN)
    assert told(cluster, **gpus(56)) == ""


@pytest.mark.parametrize(
    ("chart", "values", "counted"),
    [
        ("nvidia-device-plugin", {}, True),
        ("nvidia-device-plugin", {"config": {"name": "mine"}}, False),
        ("nvidia-device-plugin", {"migStrategy": "single"}, False),
        ("gpu-operator", {"driver": {"enabled": False}}, True),
        ("gpu-operator", {"devicePlugin": {"config": {"name": "mine"}}}, False),
        ("gpu-operator", {"mig": {"strategy": "single"}}, False),
        ("gpu-operator", UNKNOWN, False),
    ],
)
def test_a_chart_shares_gpus_only_if_its_values_say_so(chart: str, values: Any, counted: bool) -> None:
    cluster = InCluster(groups={"p5": {**P5, "labels": {"nvidia.com/gpu.present": "true"}}})
    cluster.cloud.make("kubernetes:helm.sh/v3:Release", chart, chart=chart, namespace="kube-system", values=values)
    assert ("Insufficient nvidia.com/gpu" in told(cluster, **gpus(9))) is counted


@pytest.mark.parametrize(("template", "counted"), [(None, True), ({"userData": "W3NldHRpbmdzXQ=="}, False)])
def test_bottlerockets_own_plugin_shares_gpus_only_if_its_settings_say_so(template: Any, counted: bool) -> None:
    cluster = InCluster()
    cluster.group("p5", template, **{**P5, "amiType": "BOTTLEROCKET_x86_64_NVIDIA"})
    assert ("Insufficient nvidia.com/gpu" in told(cluster, **gpus(9))) is counted


# ── EFA ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def attached(*kinds: str) -> dict[str, Any]:
    """A launch template with interfaces of these kinds."""
    return {"networkInterfaces": [{"interfaceType": kind, "networkCardIndex": i} for i, kind in enumerate(kinds)]}


def with_efa(template: Any) -> InCluster:
    cluster = InCluster()
    cluster.group("p5", template, **P5)
    cluster.plugin(image="602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/aws-efa-k8s-device-plugin:v0.5.20")
    return cluster


def efas(amount: int) -> dict[str, str]:
    return {"vpc.amazonaws.com/efa": str(amount)}


@pytest.mark.parametrize(
    ("template", "asked", "fits"),
    [
        (attached("efa", "efa-only", "efa-only"), 3, True),
        (attached("efa", "efa-only", "efa-only"), 4, False),
        (attached("interface", "efa-only"), 1, True),
        (attached("interface", "efa-only"), 2, False),
        (attached("efa", UNKNOWN), 32, True),  # nobody knows
    ],
)
def test_a_node_has_the_efas_that_its_template_attaches(template: Any, asked: int, fits: bool) -> None:
    found = told(with_efa(template), **efas(asked))
    assert ("Insufficient vpc.amazonaws.com/efa" in found) is not fits


@pytest.mark.parametrize("template", [None, {"instanceType": "p5.48xlarge"}, attached("interface", "interface")])
def test_a_machine_with_efa_has_none_that_is_not_attached(template: Any) -> None:
    words = "node group p5: no network interface of interfaceType efa or efa-only is attached to its machines"
    assert words in told(with_efa(template), **efas(1))


def test_a_template_of_somebody_else_is_not_judged() -> None:
    cluster = InCluster()
    cluster.group("p5", None, launchTemplate={"id": "lt-0", "version": "1"}, **P5)
    cluster.plugin(image="example.com/aws-efa-k8s-device-plugin:1")
    assert told(cluster, **efas(32)) == ""


@pytest.mark.parametrize(
    ("interfaces", "asked", "fits"),
    [
        (None, 32, True),  # Karpenter attaches what pods ask for
        (attached("interface", "efa-only")["networkInterfaces"], 1, True),
        (attached("interface", "efa-only")["networkInterfaces"], 2, False),
        (attached("interface")["networkInterfaces"], 1, False),
    ],
)
def test_karpenter_attaches_what_its_class_says(interfaces: Any, asked: int, fits: bool) -> None:
    cluster = InCluster()
    cluster.plugin(image="example.com/aws-efa-k8s-device-plugin:1")
    spec = {"networkInterfaces": interfaces} if interfaces else {}
    cluster.put("karpenter.k8s.aws/v1:EC2NodeClass", "usual", namespace="", spec=spec)
    demands = [{"key": MACHINE, "operator": "In", "values": ["p5.48xlarge"]}]
    template = {"spec": {"requirements": demands, "nodeClassRef": {"name": "usual", "kind": "EC2NodeClass"}}}
    cluster.put("karpenter.sh/v1:NodePool", "p5", namespace="", spec={"template": template})
    assert ("Insufficient vpc.amazonaws.com/efa" in told(cluster, **efas(asked))) is not fits


# ── Huge pages ───────────────────────────────────────────────────────────────────────────────────────────────────────


def user_data(text: str) -> dict[str, Any]:
    return {"userData": base64.b64encode(text.encode()).decode()}


NODE_CONFIG = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec: {}\n"
SCRIPT = f"Content-Type: text/x-shellscript\n\n#!/bin/bash\nsysctl -w vm.nr_hugepages=512\n\n{NODE_CONFIG}"


@pytest.mark.parametrize(
    ("template", "fits"),
    [
        (None, False),
        ({"instanceType": "m7i.xlarge"}, False),
        (attached("interface"), False),
        (user_data(NODE_CONFIG), False),
        (attached("efa"), True),
        (user_data(SCRIPT), True),
        ({"userData": UNKNOWN}, True),
        ({"imageId": "ami-0123456789abcdef0"}, True),
    ],
)
@pytest.mark.parametrize("size", ["2Mi", "1Gi"])
def test_huge_pages_are_there_where_something_sets_them_aside(size: str, template: Any, fits: bool) -> None:
    cluster = InCluster()
    cluster.group("g", template, **{**M7I, "scalingConfig": ONE})
    found = told(cluster, memory="1Gi", **{f"hugepages-{size}": "1Gi"})
    assert (f"Insufficient hugepages-{size}" in found) is not fits
    assert ("node group g: nothing sets huge pages aside on these nodes" in found) is not fits


def test_pods_on_the_nodes_may_set_huge_pages_aside() -> None:
    cluster = InCluster(groups={"g": M7I})
    cluster.plugin(image="example.com/tuner:1", args=["sysctl -w vm.nr_hugepages=512"])
    assert told(cluster, memory="1Gi", **{"hugepages-2Mi": "1Gi"}) == ""


def test_huge_pages_of_gke_are_not_judged() -> None:
    cluster = InCluster("gke", {"pool": {"nodeConfig": {"machineType": "e2-standard-4"}, "initialNodeCount": 1}})
    assert told(cluster, memory="1Gi", **{"hugepages-2Mi": "1Gi"}) == ""
