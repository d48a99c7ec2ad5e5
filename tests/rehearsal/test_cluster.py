"""Pods and nodes: which pods find a node in the clusters that a program made, and what the scheduler says else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from polysilicon.catalog import load_catalog
from polysilicon.catalog.catalog import Overlay
from polysilicon.catalog.rows import Machine
from polysilicon.rehearsal import Hooks
from polysilicon.rehearsal.cluster import NotReadyError
from polysilicon.rehearsal.cluster.matching import Labels, Taint, expression, selects, untolerated
from polysilicon.rehearsal.cluster.workloads import requested
from polysilicon.rehearsal.quantities import quantity
from polysilicon.rehearsal.simulation import Simulation
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.clusters import INF2, M7I, NEURON_TAINT, NEURON_TOLERATION, TPU, InCluster, asks
from tests.rehearsal.simulated import installed

ON_INF2 = {"tolerations": [NEURON_TOLERATION], "nodeSelector": {"pool": "inf2"}, "resources": asks(neuron="1")}
TPU_LABELS = {
    "cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice",
    "cloud.google.com/gke-tpu-topology": "2x2",
}
TERMS = "requiredDuringSchedulingIgnoredDuringExecution"


def refused(cluster: InCluster, **pod: Any) -> str:
    """What is told of a Deployment whose pods never start."""
    with pytest.raises(NotReadyError) as told:
        cluster.deploy(**pod)
    return "\n".join(told.value.reasons)


def affine(*expressions: dict[str, Any]) -> dict[str, Any]:
    return {"nodeAffinity": {TERMS: {"nodeSelectorTerms": [{"matchExpressions": list(expressions)}]}}}


# ── Quantities, labels, taints ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("told", "number"),
    [("500m", 0.5), ("2", 2), (3, 3), ("1.5Gi", 1.5 * 1024**3), ("1e3", 1000), ("64M", 64e6), ("1Ki", 1024)],
)
def test_quantities(told: Any, number: float) -> None:
    assert quantity(told) == number


@pytest.mark.parametrize("told", ["", "lots", UNKNOWN, None, True, "1.2.3", "5 Gi"])
def test_what_is_no_quantity_is_not_guessed(told: Any) -> None:
    assert quantity(told) is None


@pytest.mark.parametrize(
    ("operator", "values", "there", "meets"),
    [
        ("In", ["a", "b"], {"b"}, True),
        ("In", ["a"], {"b"}, False),
        ("In", ["a"], set(), False),
        ("In", ["a"], None, True),
        ("NotIn", ["a"], {"a"}, False),
        ("NotIn", ["a"], {"a", "b"}, True),
        ("NotIn", ["a"], set(), True),
        ("Exists", [], {"a"}, True),
        ("Exists", [], set(), False),
        ("DoesNotExist", [], set(), True),
        ("DoesNotExist", [], {"a"}, False),
        ("Gt", ["3"], {"4"}, True),
        ("In", UNKNOWN, {"b"}, True),
    ],
)
def test_requirements(operator: str, values: Any, there: set[str] | None, meets: bool) -> None:
    told = {"key": "k", "operator": operator, "values": values}
    assert expression(told, None if there is None else frozenset(there)) is meets


def test_labels_that_others_set_are_not_judged() -> None:
    labels = Labels({"pool": frozenset(("a",))}, ("nvidia.com/",))
    assert selects({"nodeSelector": {"nvidia.com/gpu.product": "L4"}}, labels)
    assert not selects({"nodeSelector": {"acme.com/product": "L4"}}, labels)


@pytest.mark.parametrize(
    ("toleration", "tolerates"),
    [
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists", "effect": "NoSchedule"}, True),
        ({"key": "k", "value": "v"}, True),
        ({"operator": "Exists"}, True),
        ({"key": "k", "value": UNKNOWN}, True),
        ({"key": "k", "value": "w"}, False),
        ({"key": "k"}, False),
        ({"key": "j", "operator": "Exists"}, False),
        ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, False),
    ],
)
def test_tolerations(toleration: dict[str, str], tolerates: bool) -> None:
    taint = Taint("k", "v", "NoSchedule")
    assert untolerated({"tolerations": [toleration]}, [taint]) == (None if tolerates else taint)


def test_a_preference_keeps_nothing_away() -> None:
    assert untolerated({}, [Taint("k", "v", "PreferNoSchedule")]) is None


def test_what_a_pod_requests() -> None:
    spec = {
        "initContainers": [
            {"resources": {"requests": {"cpu": "3"}}},
            {"restartPolicy": "Always", "resources": {"requests": {"cpu": "500m"}}},
        ],
        "containers": [
            {"resources": {"limits": {"cpu": "1", "google.com/tpu": "4"}}},
            {"resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}},
        ],
    }
    assert requested(spec) == {"cpu": 3, "google.com/tpu": 4}


# ── EKS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def neuron(**group: Any) -> InCluster:
    """A cluster with two ordinary nodes and one Neuron node, and the device plugin."""
    cluster = InCluster(groups={"inf2": {**INF2, **group}, "system": M7I})
    cluster.plugin()
    return cluster


def test_pods_that_fit_are_ready() -> None:
    neuron().deploy(**ON_INF2)
    neuron().deploy()
    InCluster(groups={"system": M7I}).deploy(resources=asks(cpu="3", memory="8Gi"), spec={"replicas": 2})


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        ({"tolerations": []}, "1 node(s) had untolerated taint {aws.amazon.com/neuron: present}"),
        ({"tolerations": [{**NEURON_TOLERATION, "key": "aws.amazon.com/neurons"}]}, "had untolerated taint"),
        ({"nodeSelector": {"pool": "inf3"}}, "3 node(s) didn't match Pod's node affinity/selector"),
        ({"nodeSelector": {"node.kubernetes.io/instance-type": "inf2.8xlarge"}}, "didn't match Pod's node affinity"),
        ({"affinity": affine({"key": "pool", "operator": "NotIn", "values": ["inf2"]})}, "didn't match Pod's node"),
        ({"resources": asks(**{"aws.amazon.com/neurons": "1"})}, "1 Insufficient aws.amazon.com/neurons"),
        ({"resources": asks(**{"amazonaws.com/neuron": "1"})}, "1 Insufficient amazonaws.com/neuron"),
        ({"resources": asks(**{"nvidia.com/gpu": "1"})}, "1 Insufficient nvidia.com/gpu"),
        ({"resources": asks(neuron="2")}, "1 Insufficient aws.amazon.com/neuron"),
        ({"resources": asks(**{"aws.amazon.com/neuroncore": "3"})}, "1 Insufficient aws.amazon.com/neuroncore"),
        ({"resources": asks(neuron="1", memory="17Gi")}, "1 Insufficient memory"),
        ({"resources": asks(neuron="1", cpu="4500m")}, "1 Insufficient cpu"),
        ({"spec": {"replicas": 2}}, "1 Insufficient aws.amazon.com/neuron"),
        ({"schedulerName": "my-scheduler"}, "no scheduler of the name my-scheduler runs in the cluster"),
    ],
)
def test_pods_that_find_no_node(pod: dict[str, Any], words: str) -> None:
    told = refused(neuron(), **{**ON_INF2, **pod})
    assert words in told
    assert "[Pod chat-" in told


def test_the_schedulers_words() -> None:
    told = refused(neuron(), nodeSelector={"pool": "inf2"})
    assert (
        "0/3 nodes are available: 1 node(s) had untolerated taint {aws.amazon.com/neuron: present}, 2 node(s) didn't "
        "match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for "
        "scheduling."
    ) in told


def test_two_cores_of_a_chip_fit() -> None:
    neuron().deploy(**{**ON_INF2, "resources": asks(**{"aws.amazon.com/neuroncore": "2"})})


def test_no_nodes_at_all() -> None:
    assert "no nodes available to schedule pods" in refused(InCluster())


def test_a_group_whose_create_failed_has_no_nodes() -> None:
    found = InCluster("eks", {"m7i": M7I})
    (group,) = found.cloud.accounts.of_types("aws:eks/nodeGroup:NodeGroup".__eq__)
    found.cloud.accounts.change(replace(group, outputs={**group.outputs, "status": "CREATE_FAILED"}))
    with pytest.raises(NotReadyError) as refusal:
        found.deploy()
    assert "no nodes available" in "\n".join(refusal.value.reasons)


def test_a_taint_of_another_name_keeps_the_pods_away() -> None:
    cluster = neuron(taints=[{**NEURON_TAINT, "key": "acme.com/neuron"}])
    assert "untolerated taint {acme.com/neuron: present}" in refused(cluster, **ON_INF2)


def test_without_a_device_plugin_there_are_no_devices() -> None:
    told = refused(InCluster(groups={"inf2": INF2}), **ON_INF2)
    assert "1 Insufficient aws.amazon.com/neuron" in told
    assert "node group inf2: no device plugin runs in the cluster that offers aws.amazon.com/neuron" in told


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        ({"tolerations": []}, "does not tolerate their taint aws.amazon.com/neuron=present:NoSchedule"),
        ({"nodeSelector": {"pool": "trn1"}}, "does not select these nodes"),
        ({"image": "neuron-monitor:1"}, "no device plugin runs in the cluster"),
    ],
)
def test_a_device_plugin_that_does_not_reach_the_nodes(plugin: dict[str, Any], words: str) -> None:
    cluster = InCluster(groups={"inf2": INF2})
    cluster.plugin(**plugin)
    assert words in refused(cluster, **ON_INF2)


@pytest.mark.parametrize("image", ["AL2023_x86_64_STANDARD", "AL2023_x86_64_NVIDIA"])
def test_an_image_without_the_driver(image: str) -> None:  # aws.md 2.1
    told = refused(neuron(amiType=image), **ON_INF2)
    assert f"node group inf2: images of amiType {image} have no Neuron driver; allowed: AL2023_x86_64_NEURON" in told


@pytest.mark.parametrize("image", ["BOTTLEROCKET_x86_64", "CUSTOM", ""])
def test_an_image_that_may_have_the_driver(image: str) -> None:
    neuron(amiType=image).deploy(**ON_INF2)


def test_the_chart_brings_a_plugin() -> None:
    cluster = InCluster(groups={"inf2": INF2})
    cluster.cloud.make(
        "kubernetes:helm.sh/v3:Release",
        "neuron",
        chart="oci://public.ecr.aws/neuron/neuron-helm-chart",
        namespace="kube-system",
    )
    cluster.deploy(**ON_INF2)


def test_a_machine_that_the_catalog_does_not_have_is_not_measured() -> None:
    big = {**M7I, "instanceTypes": ["m99z.metal"]}
    InCluster(groups={"big": big}).deploy(resources=asks(cpu="500", memory="4Ti"))
    assert "Insufficient nvidia.com/gpu" in refused(
        InCluster(groups={"big": big}), resources=asks(**{"nvidia.com/gpu": "1"})
    )


def test_the_machine_may_stand_in_the_launch_template() -> None:
    cluster = InCluster()
    template = cluster.cloud.make("aws:ec2/launchTemplate:LaunchTemplate", "t", instanceType="m7i.large")
    group = {**M7I, "instanceTypes": None, "launchTemplate": {"id": template.id, "version": "1"}}
    given = {name: value for name, value in group.items() if value}
    cluster.cloud.make("aws:eks/nodeGroup:NodeGroup", "g", clusterName="eks", nodeGroupName="g", **given)
    assert "2 Insufficient cpu" in refused(cluster, resources=asks(cpu="3"))
    cluster.deploy("small", resources=asks(cpu="2"))


def test_only_an_autoscaler_adds_nodes() -> None:
    pods = {"resources": asks(cpu="3"), "spec": {"replicas": 3}}
    assert "2 Insufficient cpu" in refused(InCluster(groups={"system": M7I}), **pods)
    cluster = InCluster(groups={"system": M7I})
    cluster.put(
        "apps/v1:Deployment",
        "autoscaler",
        spec={"template": {"spec": {"containers": [{"image": "a/cluster-autoscaler:1"}]}}},
    )
    cluster.deploy(**pods)


@pytest.mark.parametrize(
    ("pool", "fits"),
    [
        ({"labels": {"pool": "a"}}, True),
        ({"labels": {"pool": "b"}}, False),
        ({"requirements": [{"key": "pool", "operator": "In", "values": ["a", "c"]}]}, True),
        ({"labels": {"pool": "a"}, "taints": [{"key": "t", "value": "v", "effect": "NoSchedule"}]}, False),
        ({"labels": {"pool": "a"}, "startupTaints": [{"key": "t", "value": "v", "effect": "NoSchedule"}]}, True),
    ],
)
def test_karpenter_makes_nodes_for_pods_that_its_pools_allow(pool: dict[str, Any], fits: bool) -> None:
    cluster = InCluster(groups={"system": M7I})
    labels = {"metadata": {"labels": pool.pop("labels", {})}}
    cluster.put("karpenter.sh/v1:NodePool", "p", spec={"template": {**labels, "spec": pool}})
    pod = {"nodeSelector": {"pool": "a"}, "spec": {"replicas": 50}}
    if fits:
        cluster.deploy(**pod)
    else:
        assert "nodes are available" in refused(cluster, **pod)


# ── GKE ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_tpu_nodes_need_no_device_plugin_of_the_program() -> None:
    InCluster("gke", {"tpu": TPU}).deploy(nodeSelector={**TPU_LABELS, "pool": "tpu"}, resources=asks(tpu="4"))


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        ({"nodeSelector": {}, "resources": {}}, "untolerated taint {google.com/tpu: present}"),
        ({"nodeSelector": {**TPU_LABELS, "cloud.google.com/gke-tpu-topology": "2x4"}}, "didn't match Pod's node"),
        # gcp trap 22: the accelerator's name in a mapping file
        ({"nodeSelector": {"cloud.google.com/gke-tpu-accelerator": "tpu-v5e-slice"}}, "didn't match Pod's node"),
        ({"resources": asks(tpu="8")}, "1 Insufficient google.com/tpu"),
        ({"resources": asks(**{"google.com/tpus": "4"})}, "untolerated taint"),
        ({"resources": asks(tpu="4", memory="200Gi")}, "1 Insufficient memory"),
    ],
)
def test_pods_that_find_no_tpu_node(pod: dict[str, Any], words: str) -> None:
    cluster = InCluster("gke", {"tpu": TPU})
    assert words in refused(cluster, **{"nodeSelector": TPU_LABELS, "resources": asks(tpu="4"), **pod})


def test_gkes_own_autoscaler_adds_nodes() -> None:
    scaled = {**TPU, "initialNodeCount": 0, "autoscaling": {"totalMinNodeCount": 0, "totalMaxNodeCount": 2}}
    pods = {"resources": asks(tpu="4"), "spec": {"replicas": 2}}
    InCluster("gke", {"tpu": scaled}).deploy(**pods)
    assert "2 Insufficient google.com/tpu" in refused(
        InCluster("gke", {"tpu": scaled}), **{**pods, "spec": {"replicas": 3}}
    )


def test_the_default_pool_is_there_unless_it_is_removed() -> None:
    InCluster("gke", removeDefaultNodePool=False, initialNodeCount=1).deploy()
    assert "no nodes available" in refused(InCluster("gke"))


# ── What is not known is not judged ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cloud", "inputs", "words"),
    [
        ("gke", {"enableAutopilot": True}, "GKE Autopilot makes the nodes"),
        ("gke", {"clusterAutoscaling": {"enabled": True}}, "node auto-provisioning makes the nodes"),
        ("eks", {"computeConfig": {"enabled": True}}, "EKS Auto Mode makes the nodes"),
    ],
)
def test_clouds_that_make_nodes_for_pods(cloud: str, inputs: dict[str, Any], words: str) -> None:
    cluster = InCluster(cloud, **inputs)
    cluster.deploy(nodeSelector={"any": "thing"})
    assert any(words in told for told in cluster.unjudged())


def test_machines_that_join_by_themselves() -> None:
    cluster = InCluster()
    tag = {"key": "kubernetes.io/cluster/eks", "value": "owned", "propagateAtLaunch": True}
    cluster.cloud.make("aws:autoscaling/group:Group", "g", maxSize=3, minSize=1, tags=[tag])
    cluster.deploy(nodeSelector={"any": "thing"})
    assert any("machines outside of node groups" in told for told in cluster.unjudged())


def test_a_cluster_of_somebody_else_runs_every_pod() -> None:
    cluster = InCluster()
    del cluster.cloud.settings["kubeconfig"]
    cluster.deploy(nodeSelector={"any": "thing"})
    assert any("clusters that nothing in the program made" in told for told in cluster.unjudged())


def test_what_fetches_objects_from_elsewhere_may_bring_a_plugin() -> None:
    cluster = InCluster(groups={"inf2": INF2})
    cluster.put(
        "argoproj.io/v1alpha1:Application", "plugins", spec={"source": {"repoURL": "https://example.com/x.git"}}
    )
    cluster.deploy(**{**ON_INF2, "resources": asks(**{"acme.com/device": "1"})})


def test_another_daemonset_may_offer_a_resource_of_its_own() -> None:
    cluster = InCluster(groups={"system": M7I})
    cluster.put("apps/v1:DaemonSet", "fuse", spec={"template": {"spec": {"containers": [{"image": "fuse-plugin:1"}]}}})
    cluster.deploy(resources=asks(**{"acme.com/fuse": "1"}))


def test_the_rehearsals_own_catalog_says_what_machines_have() -> None:
    small = Machine(cloud="aws", vcpus=1, memory_gib=1, source="test", as_of="2026-01")
    cluster = InCluster(groups={"system": M7I})
    catalog = load_catalog().overlaid(Overlay(machines={"m7i.xlarge": small}))
    accounts = cluster.cloud.accounts
    cluster.cloud.simulation = Simulation(accounts, installed(), [], Hooks(), Path(), catalog=catalog)
    assert "2 Insufficient cpu" in refused(cluster, resources=asks(cpu="2"))
