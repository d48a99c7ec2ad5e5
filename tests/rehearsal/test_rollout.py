"""The provider that waits: what becomes of objects whose pods do not get ready, and what the engine makes of it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from polysilicon.rehearsal.cluster import NotReadyError
from polysilicon.rehearsal.cluster.undone import is_watched, unless_done
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.schedule import Schedule
from polysilicon.rehearsal.values import at
from tests.rehearsal.clusters import M7I, InCluster, asks, deployment
from tests.rehearsal.conftest import MakeForeign

COLD = "polysilicon.dev/cold-start-seconds"
STARTED = "polysilicon.dev/container-start-seconds"
TIMEOUT = {"pulumi.com/timeoutSeconds": "2000"}
SKIPPED = {"pulumi.com/skipAwait": "true"}
PORTS = [{"port": 80}]


def system() -> InCluster:
    return InCluster(groups={"system": M7I})


def reasons(error: pytest.ExceptionInfo[NotReadyError]) -> str:
    return "\n".join(error.value.reasons)


def refused(cluster: InCluster, type_: str = "apps/v1:Deployment", name: str = "chat", **inputs: Any) -> str:
    """What is told of an object that does not get ready."""
    with pytest.raises(NotReadyError) as told:
        cluster.put(type_, name, **inputs)
    return reasons(told)


# ── Time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def probe(kind: str, **told: int) -> dict[str, Any]:
    return {kind: {"httpGet": {"path": "/health", "port": 8000}, **told}}


@pytest.mark.parametrize(
    ("waits", "pod", "words"),
    [
        ("900", {}, "all pods are ready after 900 seconds, it is waited for 600"),
        ("900", {**probe("startupProbe", failureThreshold=6)}, "failed startup probe, will be restarted"),
        ("900", {**probe("startupProbe", failureThreshold=89, periodSeconds=10)}, "allows 890 seconds"),
        ("100", {**probe("livenessProbe", initialDelaySeconds=60)}, "its livenessProbe allows 90 seconds"),
        ("40", {**probe("livenessProbe")}, "its livenessProbe allows 30 seconds"),
    ],
)
def test_a_cold_start_that_somebody_has_no_patience_for(waits: str, pod: dict[str, Any], words: str) -> None:
    told = refused(system(), spec=deployment(annotations={COLD: waits}, **pod))
    assert words in told
    assert "'chat' timed out waiting to be Ready" in told
    assert "[MinimumReplicasUnavailable] Deployment does not have minimum availability." in told


@pytest.mark.parametrize(
    ("annotations", "waits", "pod"),
    [
        (None, {COLD: "600"}, {}),
        (TIMEOUT, {COLD: "1900"}, {}),
        (TIMEOUT, {COLD: "900"}, {**probe("startupProbe", failureThreshold=90)}),
        (TIMEOUT, {COLD: "900", STARTED: "300"}, {**probe("startupProbe", failureThreshold=30)}),
        (None, {COLD: "100"}, {**probe("startupProbe", failureThreshold=30), **probe("livenessProbe")}),
        (None, {COLD: "100"}, {**probe("readinessProbe")}),
        (SKIPPED, {COLD: "9000"}, {**probe("startupProbe")}),
        (None, {}, {**probe("livenessProbe")}),
    ],
)
def test_a_cold_start_that_is_waited_for(annotations: Any, waits: Any, pod: dict[str, Any]) -> None:
    system().put("apps/v1:Deployment", "chat", annotations=annotations, spec=deployment(annotations=waits, **pod))


def test_the_options_timeout_wins_over_the_annotation() -> None:
    cluster = system()
    inputs = {
        "metadata": {"name": "chat", "namespace": "default", "annotations": TIMEOUT},
        "spec": deployment(annotations={COLD: "900"}),
    }
    urn = cluster.cloud.urn("kubernetes:apps/v1:Deployment", "chat")
    call = cluster.cloud.simulation.call("create", cluster.cloud.settings, urn, inputs, timeout=60)
    with pytest.raises(NotReadyError) as told:
        cluster.cloud.simulation.create(call)
    assert "it is waited for 60" in reasons(told)


def test_what_is_not_declared_is_counted() -> None:
    cluster = system()
    cluster.deploy()
    assert cluster.unjudged() == {
        "cold starts: the pod template does not declare one (polysilicon.dev/cold-start-seconds)": 1
    }


def test_the_provider_waits_on_when_the_progress_deadline_has_passed() -> None:
    cluster = system()
    late = {"progressDeadlineSeconds": 300}
    cluster.put("apps/v1:Deployment", "chat", annotations=TIMEOUT, spec=deployment(late, annotations={COLD: "900"}))
    (note,) = cluster.cloud.simulation.notes
    assert "marked ProgressDeadlineExceeded" in note
    told = refused(cluster, name="slow", spec=deployment(late, annotations={COLD: "900"}))
    assert '[ProgressDeadlineExceeded] ReplicaSet "slow-' in told


@pytest.mark.parametrize(("policy", "ready"), [("OrderedReady", False), ("Parallel", True)])
def test_a_stateful_set_starts_one_pod_after_the_other(policy: str, ready: bool) -> None:
    more = {"replicas": 3, "podManagementPolicy": policy, "serviceName": "chat"}
    spec = deployment(more, annotations={COLD: "300"})
    if ready:
        system().put("apps/v1:StatefulSet", "chat", spec=spec)
    else:
        told = refused(system(), "apps/v1:StatefulSet", spec=spec)
        assert "all pods are ready after 900 seconds" in told
        assert "0 out of 3 replicas succeeded readiness checks" in told


def test_no_replicas_are_ready_at_once() -> None:
    InCluster().deploy(spec={"replicas": 0})


# ── Updates ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def changed(cluster: InCluster, record: Record, **inputs: Any) -> None:
    cluster.cloud.change(record, metadata=record.inputs["metadata"], **inputs)


WHOLE = {"resources": asks(cpu="3")}


@pytest.mark.parametrize(
    ("strategy", "goes_on"),
    [
        ({"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}, False),
        ({}, False),  # a quarter of two: one more, none fewer
        ({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}, True),
        ({"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": "50%"}}, True),
        ({"type": "Recreate"}, True),
    ],
)
def test_a_rolling_update_without_room_for_another_pod(strategy: dict[str, Any], goes_on: bool) -> None:
    cluster = system()
    spec = {"replicas": 2, "strategy": strategy}
    record = cluster.deploy(spec=spec, **WHOLE)
    new = deployment(spec, image="server:2", **WHOLE)
    if goes_on:
        changed(cluster, record, spec=new)
        return
    with pytest.raises(NotReadyError) as told:
        changed(cluster, record, spec=new)
    assert "Attempted to roll forward to new ReplicaSet" in reasons(told)
    assert "0/2 nodes are available: 2 Insufficient cpu." in reasons(told)
    assert told.value.reasons[0].startswith('the Kubernetes API server reported that "default/chat" failed to fully')
    assert at(told.value.record.outputs, "status.updatedReplicas") == 0
    with pytest.raises(NotReadyError):  # it still hangs the next time
        changed(cluster, told.value.record, spec=new)


def test_an_update_that_starts_no_new_pods_needs_no_room() -> None:
    cluster = system()
    record = cluster.deploy(spec={"replicas": 2}, **WHOLE)
    changed(cluster, record, spec=deployment({"replicas": 2, "minReadySeconds": 5}, **WHOLE))
    with pytest.raises(NotReadyError) as told:
        changed(cluster, record, spec=deployment({"replicas": 3}, **WHOLE))
    assert "2 Insufficient cpu" in reasons(told)


def test_a_rollout_lasts_for_all_of_its_waves() -> None:
    cluster = system()
    one = {"replicas": 3, "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}
    waits = {COLD: "300"}
    record = cluster.deploy("chat", spec=one, annotations=None)
    with pytest.raises(NotReadyError) as told:
        changed(cluster, record, spec=deployment(one, annotations=waits, image="server:2"))
    assert "all pods are ready after 900 seconds" in reasons(told)


def test_a_job_that_asks_for_it_is_made_anew_until_it_is_done() -> None:
    cluster, asking = system(), {"pulumi.com/replaceUnready": "true"}

    def job(**pod: Any) -> dict[str, Any]:
        return {"template": deployment({}, restartPolicy="Never", **pod)["template"]}

    with pytest.raises(NotReadyError) as told:
        cluster.put("batch/v1:Job", "big", annotations=asking, spec=job(resources=asks(cpu="64")))
    (change,) = unless_done(told.value.record)
    assert change.replaces
    for name, told_of in (("small", asking), ("alone", {**asking, **SKIPPED})):
        done = cluster.put("batch/v1:Job", name, annotations=told_of, spec=job())
        assert unless_done(done) == []
        assert is_watched(done.type, done.inputs)
    assert not is_watched("batch/v1:Job", {"metadata": {"name": "small"}})
    assert unless_done(None) == [], "what is gone is made anyway"


def test_what_was_not_ready_can_become_ready() -> None:
    cluster = system()
    with pytest.raises(NotReadyError) as told:
        cluster.deploy(serviceAccountName="chat")
    assert at(told.value.record.outputs, "status.readyReplicas") == 0
    cluster.put("core/v1:ServiceAccount", "chat")
    outputs = cluster.cloud.change(told.value.record, **told.value.record.inputs)
    assert outputs["status"] == {**outputs["status"], "readyReplicas": 1}
    assert "unavailableReplicas" not in outputs["status"]


# ── What pods need ───────────────────────────────────────────────────────────────────────────────────────────────────

SECRET_KEY = [{"name": "T", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}]
NEEDS: list[tuple[dict[str, Any], str, tuple[str, dict[str, Any]]]] = [
    (
        {"serviceAccountName": "hub"},
        'error looking up service account default/hub: serviceaccount "hub" not found',
        ("core/v1:ServiceAccount", {}),
    ),
    (
        {"priorityClassName": "hub"},
        "no PriorityClass with name hub was found",
        ("scheduling.k8s.io/v1:PriorityClass", {}),
    ),
    ({"runtimeClassName": "hub"}, 'RuntimeClass "hub" not found', ("node.k8s.io/v1:RuntimeClass", {})),
    (
        {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "hub"}}]},
        'persistentvolumeclaim "hub" not found',
        ("core/v1:PersistentVolumeClaim", {}),
    ),
    (
        {"envFrom": [{"secretRef": {"name": "hub"}}]},
        '[server][CreateContainerConfigError] secret "hub" not found',
        ("core/v1:Secret", {}),
    ),
    ({"env": SECRET_KEY}, 'secret "hub" not found', ("core/v1:Secret", {"stringData": {"token": "x"}})),
    (
        {"volumes": [{"name": "v", "configMap": {"name": "hub"}}]},
        '[FailedMount] MountVolume.SetUp failed for volume "v" : configmap "hub" not found',
        ("core/v1:ConfigMap", {}),
    ),
    (
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "hub"}}]}}]},
        'secret "hub" not found',
        ("core/v1:Secret", {}),
    ),
]


@pytest.mark.parametrize(("pod", "words", "missing"), NEEDS)
def test_what_pods_refer_to_must_be_there(pod: dict[str, Any], words: str, missing: tuple[str, dict[str, Any]]) -> None:
    assert words in refused(system(), spec=deployment(**pod))
    cluster = system()
    type_, inputs = missing
    namespaced = type_.startswith("core/")
    cluster.put(type_, "hub", **({} if namespaced else {"namespace": ""}), **inputs)
    cluster.deploy(**pod)


def test_a_key_that_the_secret_does_not_have() -> None:
    cluster = system()
    cluster.put("core/v1:Secret", "hub", stringData={"tokens": "x"})
    assert "couldn't find key token in Secret default/hub" in refused(cluster, spec=deployment(env=SECRET_KEY))


def test_a_namespace_that_holds_pods_to_a_level() -> None:
    cluster = system()
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    cluster.cloud.make("kubernetes:core/v1:Namespace", "apart", metadata={"name": "apart", "labels": labels})
    cluster.put("apps/v1:Deployment", "plain", namespace="apart", spec=deployment())
    told = refused(cluster, namespace="apart", spec=deployment(hostNetwork=True))
    assert 'pods "chat-" is forbidden: violates PodSecurity "baseline:latest": host namespaces' in told


@pytest.mark.parametrize(
    "pod",
    [
        {"envFrom": [{"secretRef": {"name": "hub", "optional": True}}]},
        {"volumes": [{"name": "v", "configMap": {"name": "kube-root-ca.crt"}}]},
        {"priorityClassName": "system-node-critical"},
    ],
)
def test_what_pods_may_refer_to_all_the_same(pod: dict[str, Any]) -> None:
    system().deploy(**pod)


def test_a_controller_makes_the_secret_that_its_object_names() -> None:
    cluster = system()
    cluster.put("external-secrets.io/v1:ExternalSecret", "x", spec={"target": {"name": "hub"}})
    cluster.deploy(env=SECRET_KEY)


# ── Services and claims ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_service_waits_for_pods_that_start_for_too_long() -> None:
    cluster = system()
    spec = deployment(annotations={COLD: "900"})
    cluster.put("apps/v1:Deployment", "chat", annotations=SKIPPED, spec=spec)
    service = {"selector": {"app": "chat"}, "ports": PORTS}
    told = refused(cluster, "core/v1:Service", spec=service)
    assert "Service does not target any Pods." in told
    cluster.put("core/v1:Service", "patient", annotations=TIMEOUT, spec=service)
    cluster.put("core/v1:Service", "unawaited", annotations=SKIPPED, spec=service)
    cluster.put("core/v1:Service", "headless", spec={**service, "clusterIP": "None"})
    cluster.put("core/v1:Service", "outside", spec={"type": "ExternalName", "externalName": "example.com"})


def test_a_service_without_pods_is_ready() -> None:
    """Ready is what has no pods that are not ready, since 4.17.0 of the provider (await/service.go, checkAndLogStatus;
    await/service_test.go, «Should succeed with no endpoints»)."""
    system().put("core/v1:Service", "chat", spec={"selector": {"app": "nobody"}, "ports": PORTS})


@pytest.mark.parametrize(("made", "name"), [(None, "gp2"), ("fast", "fast")])
def test_a_claim_of_a_class_that_is_there(made: str | None, name: str) -> None:
    cluster = system()
    if made:
        cluster.put("storage.k8s.io/v1:StorageClass", made, namespace="", provisioner="ebs.csi.aws.com")
    cluster.put("core/v1:PersistentVolumeClaim", "disk", spec={"storageClassName": name})


def test_a_claim_of_no_class_that_is_known_is_never_bound() -> None:
    told = refused(system(), "core/v1:PersistentVolumeClaim", "disk", spec={"storageClassName": "gp9"})
    assert "Timeout occurred polling for 'disk'" in told
    assert 'storageclass.storage.k8s.io "gp9" not found' in told


def test_a_condition_of_the_programs_own_is_not_judged() -> None:
    cluster = InCluster()
    cluster.put("apps/v1:Deployment", "chat", annotations={"pulumi.com/waitFor": "condition=Done"}, spec=deployment())
    assert any("pulumi.com/waitFor" in told for told in cluster.unjudged())


# ── Waiting for what other calls bring ───────────────────────────────────────────────────────────────────────────────


def test_what_comes_while_something_waits() -> None:
    schedule, there = Schedule(), threading.Event()

    def later() -> None:
        with schedule.request():
            time.sleep(0.4)
            there.set()

    other = threading.Thread(target=later)
    with schedule.request():
        other.start()
        assert schedule.until(there.is_set)
        assert not schedule.until(lambda: False)
    other.join()


def test_without_a_server_nothing_is_waited_for() -> None:
    assert not Schedule().until(lambda: False)


# ── With the engine ──────────────────────────────────────────────────────────────────────────────────────────────────

PROGRAM = """
import json
import pulumi, pulumi_aws as aws, pulumi_kubernetes as k8s
config = pulumi.Config()
role = aws.iam.Role("role", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": []}))
vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
subnets = [
    aws.ec2.Subnet(f"s{i}", vpc_id=vpc.id, cidr_block=f"10.0.{i}.0/24", availability_zone=f"us-east-1{zone}")
    for i, zone in enumerate("ab")
]
cluster = aws.eks.Cluster("eks", role_arn=role.arn, vpc_config={"subnet_ids": [s.id for s in subnets]})
kubeconfig = cluster.endpoint.apply(lambda server: json.dumps({
    "apiVersion": "v1", "kind": "Config", "current-context": "c",
    "clusters": [{"name": "c", "cluster": {"server": server}}],
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    "users": [{"name": "c", "user": {}}],
}))
into = pulumi.ResourceOptions(provider=k8s.Provider("into", kubeconfig=kubeconfig))
meta = {"name": "chat", "namespace": "default"}
labels = {"app": "chat"}
image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/server:1"
pods = {"serviceAccountName": "chat", "containers": [{"name": "server", "image": image}]}
k8s.apps.v1.Deployment("chat", metadata=meta, opts=into, spec={
    "replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pods}})
if config.get_bool("account"):
    k8s.core.v1.ServiceAccount("chat", metadata=meta, opts=into)
aws.eks.NodeGroup("nodes", cluster_name=cluster.name, node_role_arn=role.arn, subnet_ids=[s.id for s in subnets],
    scaling_config={"min_size": 1, "max_size": 1, "desired_size": 1}, instance_types=["m7i.large"])
"""


@pytest.mark.engine
def test_the_engine_keeps_what_is_not_ready_and_updates_it_next_time(foreign: MakeForeign) -> None:
    project = foreign(PROGRAM)
    project.configure(aws__region="us-east-1")
    failed = project.rehearsal(judges=lambda *_: []).up()
    assert failed.exit_code != 0
    (error,) = [text for text in failed.errors if "failed to initialize" in text or "timed out waiting" in text][:1]
    assert "'chat' timed out waiting to be Ready" in error
    assert 'serviceaccount "chat" not found' in failed.log
    assert [r.id for r in failed.by_type("kubernetes:apps/v1:Deployment")] == ["default/chat"]
    assert list(failed.leftovers) == []
    project.configure(aws__region="us-east-1", shop__account="true")
    mended = project.rehearsal(judges=lambda *_: []).up()
    assert mended.ok, mended.log
    assert mended.changes["update"] == 1, "the Deployment, though nothing of it has changed"
    again = project.rehearsal(judges=lambda *_: []).up(expect_no_changes=True)
    assert again.ok, again.log
    assert mended.judged["rollouts"] == 1
