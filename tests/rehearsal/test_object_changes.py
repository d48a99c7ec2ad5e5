"""Which changes of an object the provider makes a new one for, and which the API server refuses."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal import RefusedError
from tests.rehearsal.kubernetes_objects import DEFINITION, DEPLOYMENT, FIRST, POD, SELECTOR, VALID, changed, cloud, made

IMMUTABLE = [
    (
        "apps/v1:ReplicaSet",
        {"spec": {"selector": SELECTOR}},
        "spec selector matchLabels app",
        "x",
        "field is immutable",
    ),
    (
        "apps/v1:StatefulSet",
        VALID["apps/v1:StatefulSet"],
        "spec persistentVolumeSource",
        1,
        "updates to statefulset spec",
    ),
    ("batch/v1:Job", VALID["batch/v1:Job"], "spec completionMode", "Indexed", "field is immutable"),
    ("core/v1:Pod", {"spec": POD}, "spec topologySpreadConstraints 0 maxSkew", 2, "pod updates may not change fields"),
    (
        "core/v1:PersistentVolumeClaim",
        VALID["core/v1:PersistentVolumeClaim"],
        "spec volumeMode",
        "Block",
        "spec is immutable after creation except resources.requests",
    ),
    (
        "core/v1:PersistentVolumeClaim",
        VALID["core/v1:PersistentVolumeClaim"],
        "spec resources requests storage",
        "5Gi",
        "field can not be less than previous value",
    ),
    (
        "core/v1:Service",
        {"spec": {"type": "LoadBalancer", "loadBalancerClass": "a", "ports": [{"port": 1}]}},
        "spec loadBalancerClass",
        "b",
        "may not change once set",
    ),
    ("core/v1:ConfigMap", {"data": {"a": "1"}, "immutable": True}, "immutable", False, "when `immutable` is set"),
    (
        "storage.k8s.io/v1:StorageClass",
        VALID["storage.k8s.io/v1:StorageClass"],
        "reclaimPolicy",
        "Retain",
        "updates to reclaimPolicy are forbidden.",
    ),
    (
        "storage.k8s.io/v1:StorageClass",
        VALID["storage.k8s.io/v1:StorageClass"],
        "volumeBindingMode",
        "WaitForFirstConsumer",
        "field is immutable",
    ),
    ("scheduling.k8s.io/v1:PriorityClass", {"value": 1}, "value", 2, "may not be changed in an update."),
    ("networking.k8s.io/v1:IngressClass", {"spec": {"controller": "a"}}, "spec controller", "b", "field is immutable"),
    ("storage.k8s.io/v1:CSIDriver", {"spec": {}}, "spec attachRequired", False, "field is immutable"),
    ("node.k8s.io/v1:RuntimeClass", {"handler": "a"}, "handler", "b", "field is immutable"),
    (
        "apiextensions.k8s.io/v1:CustomResourceDefinition",
        {"spec": DEFINITION["spec"]},
        "spec scope",
        "Cluster",
        "field is immutable",
    ),
]


@pytest.mark.parametrize(("type_", "inputs", "path", "value", "text"), IMMUTABLE, ids=lambda value: str(value)[:40])
def test_a_change_that_the_server_refuses(type_: str, inputs: dict[str, Any], path: str, value: Any, text: str) -> None:
    where = cloud()
    record = made(where, type_, inputs)
    new = changed(record.inputs, path, value)
    comparison = where.simulation.compare(record.type, record.inputs, new, where.settings)
    assert comparison.changes
    assert not comparison.replaces  # or the provider would make a new one
    with pytest.raises(RefusedError) as refused:
        where.change(record, **new)
    assert text in str(refused.value)


CHANGES = [
    ("apps/v1:Deployment", VALID[DEPLOYMENT], "spec replicas", 3),
    ("apps/v1:Deployment", VALID[DEPLOYMENT], "metadata labels", {"a": "b"}),
    ("apps/v1:StatefulSet", VALID["apps/v1:StatefulSet"], f"{FIRST} image", "x:2"),
    ("apps/v1:StatefulSet", VALID["apps/v1:StatefulSet"], "spec podManagementPolicy", "OrderedReady"),
    ("core/v1:PersistentVolumeClaim", VALID["core/v1:PersistentVolumeClaim"], "spec volumeMode", "Filesystem"),
    (
        "core/v1:PersistentVolumeClaim",
        VALID["core/v1:PersistentVolumeClaim"],
        "spec resources requests storage",
        "20Gi",
    ),
    ("storage.k8s.io/v1:StorageClass", VALID["storage.k8s.io/v1:StorageClass"], "allowVolumeExpansion", True),
    ("networking.k8s.io/v1:NetworkPolicy", VALID["networking.k8s.io/v1:NetworkPolicy"], "spec egress", []),
]


@pytest.mark.parametrize(("type_", "inputs", "path", "value"), CHANGES, ids=lambda value: str(value)[:40])
def test_a_change_that_the_server_takes(type_: str, inputs: dict[str, Any], path: str, value: Any) -> None:
    where = cloud()
    record = made(where, type_, inputs)
    where.change(record, **changed(record.inputs, path, value))


@pytest.mark.parametrize(
    ("type_", "inputs", "path", "value"),
    [
        ("apps/v1:Deployment", VALID[DEPLOYMENT], "spec selector matchLabels app", "x"),
        ("apps/v1:StatefulSet", VALID["apps/v1:StatefulSet"], "spec revisionHistoryLimit", 3),
        ("core/v1:Pod", {"spec": POD}, "spec containers 0 image", "x:2"),
        ("core/v1:ResourceQuota", {"spec": {"scopes": ["BestEffort"]}}, "spec scopes", ["NotBestEffort"]),
        ("core/v1:PersistentVolume", {"spec": {"csi": {"driver": "a"}}}, "spec csi driver", "b"),
        ("core/v1:Namespace", {}, "metadata name", "other"),
    ],
)
def test_a_change_that_makes_a_new_object(type_: str, inputs: dict[str, Any], path: str, value: Any) -> None:
    where = cloud()
    record = made(where, type_, inputs)
    new = changed(record.inputs, path, value)
    assert where.simulation.compare(record.type, record.inputs, new, where.settings).replaces


@pytest.mark.parametrize(
    ("settings", "immutable", "replaces"),
    [({}, None, True), ({"enableConfigMapMutable": True}, None, False), ({"enableConfigMapMutable": True}, True, True)],
)
def test_contents_that_may_change_in_place(settings: dict[str, Any], immutable: bool | None, replaces: bool) -> None:
    where = cloud()
    record = made(where, "core/v1:ConfigMap", {"data": {"a": "1"}, "immutable": immutable})
    new = changed(record.inputs, "data a", "2")
    assert where.simulation.compare(record.type, record.inputs, new, settings).replaces is replaces


def test_contents_that_were_said_to_stay() -> None:
    where = cloud()
    record = made(where, "core/v1:ConfigMap", {"data": {"a": "1"}, "immutable": True})
    loosened = {**changed(record.inputs, "data a", "2"), "immutable": False}
    with pytest.raises(RefusedError, match="data: Forbidden: field is immutable when `immutable` is set"):
        where.change(record, **loosened)


@pytest.mark.parametrize("part", ["labels", "annotations"])
def test_labels_and_annotations_change_in_place(part: str) -> None:
    where = cloud()
    record = made(where, DEPLOYMENT, VALID[DEPLOYMENT])
    new = changed(record.inputs, f"metadata {part}", {"a": "b"})
    assert not where.simulation.compare(record.type, record.inputs, new, where.settings).replaces
