"""What API servers fill in: the live object has it, the program's inputs do not, and nothing changes for it."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal.defaults import pull_policy, with_defaults
from polysilicon.rehearsal.values import UNKNOWN, at
from tests.rehearsal.conftest import MakeForeign, succeeded
from tests.rehearsal.kubernetes_objects import DEPLOYMENT, VALID, cloud, made

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"
USER = {"kind": "User", "name": "a"}

FILLED = [
    (DEPLOYMENT, {}, "spec.replicas", 1),
    (
        DEPLOYMENT,
        {},
        "spec.strategy",
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    ),
    (DEPLOYMENT, {"spec": {"strategy": {"type": "Recreate"}}}, "spec.strategy", {"type": "Recreate"}),
    (DEPLOYMENT, {"spec": {"progressDeadlineSeconds": 60}}, "spec.progressDeadlineSeconds", 60),
    (DEPLOYMENT, {"spec": {"replicas": UNKNOWN}}, "spec.replicas", UNKNOWN),
    (DEPLOYMENT, VALID[DEPLOYMENT], f"{POD}.restartPolicy", "Always"),
    (DEPLOYMENT, VALID[DEPLOYMENT], f"{CONTAINER}.imagePullPolicy", "IfNotPresent"),
    (DEPLOYMENT, VALID[DEPLOYMENT], f"{CONTAINER}.ports.0.protocol", "TCP"),
    (DEPLOYMENT, VALID[DEPLOYMENT], f"{CONTAINER}.readinessProbe.failureThreshold", 3),
    (DEPLOYMENT, VALID[DEPLOYMENT], f"{CONTAINER}.readinessProbe.periodSeconds", 5),
    (DEPLOYMENT, VALID[DEPLOYMENT], f"{CONTAINER}.readinessProbe.httpGet.scheme", "HTTP"),
    (DEPLOYMENT, VALID[DEPLOYMENT], f"{CONTAINER}.livenessProbe", None),
    ("apps/v1:DaemonSet", {}, "spec.updateStrategy.rollingUpdate", {"maxSurge": 0, "maxUnavailable": 1}),
    ("apps/v1:StatefulSet", {}, "spec.podManagementPolicy", "OrderedReady"),
    ("core/v1:Service", {"spec": {"ports": [{"port": 80}]}}, "spec.ports.0.targetPort", 80),
    ("core/v1:Service", {"spec": {"ports": [{"port": 80, "targetPort": "http"}]}}, "spec.ports.0.targetPort", "http"),
    ("core/v1:Service", {"spec": {"type": "LoadBalancer"}}, "spec.externalTrafficPolicy", "Cluster"),
    ("core/v1:Service", {}, "spec.externalTrafficPolicy", None),
    ("core/v1:Secret", {}, "type", "Opaque"),
    ("core/v1:PersistentVolumeClaim", {}, "spec.volumeMode", "Filesystem"),
    ("networking.k8s.io/v1:NetworkPolicy", {"spec": {"egress": [{}]}}, "spec.policyTypes", ["Ingress", "Egress"]),
    ("networking.k8s.io/v1:NetworkPolicy", {"spec": {}}, "spec.policyTypes", ["Ingress"]),
    ("batch/v1:CronJob", VALID["batch/v1:CronJob"], "spec.jobTemplate.spec.template.spec.restartPolicy", "OnFailure"),
    (
        "rbac.authorization.k8s.io/v1:RoleBinding",
        {"subjects": [USER]},
        "subjects.0.apiGroup",
        "rbac.authorization.k8s.io",
    ),
    (
        "core/v1:Pod",
        {"spec": {"volumes": [{"name": "a", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]}},
        "spec.volumes.0.projected.sources.0.serviceAccountToken.expirationSeconds",
        3600,
    ),
    ("policy/v1:PodDisruptionBudget", {"spec": {"minAvailable": 1}}, "spec", {"minAvailable": 1}),
]


@pytest.mark.parametrize(("type_", "inputs", "path", "value"), FILLED, ids=lambda value: str(value)[:40])
def test_filled_in(type_: str, inputs: dict[str, Any], path: str, value: Any) -> None:
    assert at(with_defaults(f"kubernetes:{type_}", inputs), path) == value


def test_a_namespace_is_labelled_with_its_name() -> None:
    filled = with_defaults("kubernetes:core/v1:Namespace", {"metadata": {"name": "a", "labels": {"b": "c"}}})
    assert filled["metadata"]["labels"] == {"b": "c", "kubernetes.io/metadata.name": "a"}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("localhost:5000/nginx", "Always"),
        ("localhost:5000/nginx:1", "IfNotPresent"),
        ("nginx@sha256:0123", "IfNotPresent"),
        (UNKNOWN, None),
    ],
)
def test_when_an_image_is_pulled(image: str, policy: str | None) -> None:
    assert pull_policy(image) == policy


def test_the_live_object_has_them_and_the_inputs_have_not() -> None:
    where = cloud()
    record = made(where, DEPLOYMENT, VALID[DEPLOYMENT])
    assert at(record.outputs, "spec.revisionHistoryLimit") == 10
    assert at(record.inputs, "spec.revisionHistoryLimit") is None
    assert at(where.change(record, **record.inputs), "spec.revisionHistoryLimit") == 10
    assert where.preview(f"kubernetes:{DEPLOYMENT}", "other", **VALID[DEPLOYMENT])["spec"]["revisionHistoryLimit"] == 10


PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s

labels = {"app": "web"}
deployment = k8s.apps.v1.Deployment(
    "web",
    metadata={"annotations": {"pulumi.com/skipAwait": "true"}},
    spec={
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}},
    },
)
pulumi.export("policy", deployment.spec.template.spec.containers[0].image_pull_policy)
"""


@pytest.mark.engine
def test_a_refresh_shows_them_and_changes_nothing(foreign: MakeForeign) -> None:
    project = foreign(PROGRAM)
    project.configure()
    rehearsal = project.rehearsal()
    assert succeeded(rehearsal.up()).outputs["policy"] == "Always"
    succeeded(rehearsal.refresh(expect_no_changes=True))
    succeeded(rehearsal.up(expect_no_changes=True))
