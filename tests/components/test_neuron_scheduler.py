"""AWS's scheduler of Neuron chips: what it may do, who reaches it, and a fleet that needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi_kubernetes as k8s
import pytest
import yaml

from polysilicon.catalog import Catalog
from polysilicon.kubernetes import ClusterRef, NeuronScheduler, NeuronSchedulerArgs
from polysilicon.rehearsal.outcome import Outcome
from tests.components.recording import Recording, record, unknown_keys
from tests.stacks.project import copy_project, edit, rehearse

SCHEDULER, EXTENSION = "neuron-scheduler", "neuron-scheduler-extension"


def scheduler(catalog: Catalog, known: bool = True) -> Recording:
    def program() -> None:
        provider = k8s.Provider("main", kubeconfig="{}", cluster_identifier="main")
        cluster = ClusterRef(key="main", provider=provider)
        NeuronScheduler("main", NeuronSchedulerArgs(cluster=cluster, catalog=catalog))

    return record(program, known)


def named(recording: Recording, type_token: str) -> dict[str, dict[str, Any]]:
    """Inputs by the object's own name."""
    return {inputs["metadata"].get("name", ""): inputs for inputs in recording.all(type_token).values()}


def pod(recording: Recording, name: str) -> dict[str, Any]:
    template: dict[str, Any] = named(recording, "kubernetes:apps/v1:Deployment")[name]["spec"]["template"]
    return template


@pytest.mark.parametrize("known", [True, False])
def test_every_key_is_one_that_the_provider_knows(known: bool, catalog: Catalog) -> None:
    recording = scheduler(catalog, known)
    assert [path for resource in recording.resources for path in unknown_keys(resource)] == []
    assert len(recording.all("kubernetes:apps/v1:Deployment")) == 2


def test_the_scheduler_asks_the_extension_at_its_service_and_pods_ask_the_scheduler(catalog: Catalog) -> None:
    recording = scheduler(catalog)
    config = yaml.safe_load(recording.one("kubernetes:core/v1:ConfigMap")["data"]["config.yaml"])
    (extender,) = config["extenders"]
    service = recording.one("kubernetes:core/v1:Service")
    (port,) = service["spec"]["ports"]
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    assert extender["urlPrefix"] == f"http://{name}.{namespace}.svc.cluster.local:{port['port']:.0f}"
    assert extender["managedResources"][0] == {"name": "aws.amazon.com/neuron", "ignoredByScheduler": False}
    assert not extender["ignorable"], "without the extension pods wait: any chips would do no good"
    assert config["profiles"] == [{"schedulerName": SCHEDULER}]
    (container,) = pod(recording, EXTENSION)["spec"]["containers"]
    assert container["ports"] == [{"name": port["targetPort"], "containerPort": port["port"], "protocol": "TCP"}]
    assert {"name": "PORT", "value": f"{port['port']:.0f}"} in container["env"]
    assert service["spec"]["selector"] == pod(recording, EXTENSION)["metadata"]["labels"]


def test_the_scheduler_reads_the_file_that_it_is_given(catalog: Catalog) -> None:
    recording = scheduler(catalog)
    spec = pod(recording, SCHEDULER)["spec"]
    (container,), (volume,) = spec["containers"], spec["volumes"]
    assert container["image"] == "registry.k8s.io/kube-scheduler:v1.35.1"
    assert container["args"][0] == "--config=/etc/kubernetes/neuron-scheduler/config.yaml"
    assert container["volumeMounts"][0]["mountPath"] == "/etc/kubernetes/neuron-scheduler"
    config = recording.one("kubernetes:core/v1:ConfigMap")
    assert volume["name"] == container["volumeMounts"][0]["name"]
    assert "name" not in config["metadata"], "a changed file gets a new name, and so a new pod"
    assert config["immutable"]


def test_nobody_but_the_scheduler_reaches_the_extension(catalog: Catalog) -> None:
    recording = scheduler(catalog)
    policy = recording.one("kubernetes:networking.k8s.io/v1:NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    assert policy["podSelector"]["matchLabels"] == pod(recording, EXTENSION)["metadata"]["labels"]
    (rule,) = policy["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": pod(recording, SCHEDULER)["metadata"]["labels"]}}]


def test_it_has_no_right_that_it_can_do_without(catalog: Catalog) -> None:
    recording = scheduler(catalog)
    (role,) = named(recording, "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole").values()
    everywhere = [(rule["resources"], rule["verbs"]) for rule in role["rules"]]
    assert not any("*" in resources or "*" in verbs or "secrets" in resources for resources, verbs in everywhere)
    assert not any("delete" in verbs for _, verbs in everywhere)
    leases = recording.one("kubernetes:rbac.authorization.k8s.io/v1:Role")
    assert leases["metadata"]["namespace"] == "kube-system"
    assert leases["rules"][1]["resourceNames"] == [SCHEDULER]
    bound = named(recording, "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding")
    assert {b["roleRef"]["name"]: b["subjects"][0]["name"] for b in bound.values()} == {
        EXTENSION: EXTENSION,
        "system:kube-scheduler": SCHEDULER,
        "system:volume-scheduler": SCHEDULER,
    }


@pytest.mark.parametrize("app", [SCHEDULER, EXTENSION])
def test_its_pods_are_bounded_probed_and_without_capabilities(app: str, catalog: Catalog) -> None:
    spec = pod(scheduler(catalog), app)["spec"]
    (container,) = spec["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert set(container["resources"]) == {"requests", "limits"}
    assert {"readinessProbe", "livenessProbe"} <= set(container)
    assert spec["priorityClassName"] == "system-cluster-critical"


# ── A fleet ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def schedulers(outcome: Outcome) -> list[str]:
    return [r.name for r in outcome.resources if r.type == "polysilicon:index:NeuronScheduler"]


@pytest.mark.engine
def test_a_fleet_gets_the_scheduler_once_and_only_where_a_pool_needs_it(tmp_path: Path) -> None:
    """Two pools that need it and one that does not; then none needs it any more."""

    def share(devices: int) -> Any:
        def change(config: dict[str, Any]) -> None:
            pools = config["polysilicon:fleet"]["pools"]
            pools["inf2"] |= {"machine": "inf2.24xlarge", "devices_per_server": devices}
            pools["small"] = {
                **pools["inf2"],
                "machine": "inf2.48xlarge",
                "devices_per_server": 4 if devices > 1 else 1,
            }

        return change

    project = copy_project(tmp_path)
    edit(project, "dev", share(3))
    rehearsal = rehearse(project, "dev", tmp_path / "state")
    up = rehearsal.up()
    assert up.ok, up.log
    assert schedulers(up) == ["aws"]
    (served,) = [r for r in up.accounts if r.type == "kubernetes:apps/v1:Deployment" and "chat" in str(r.inputs)]
    template = served.inputs["spec"]["template"]["spec"]
    assert template["schedulerName"] == SCHEDULER
    assert template["containers"][0]["resources"]["limits"]["aws.amazon.com/neuron"] == "3"
    again = rehearsal.up(expect_no_changes=True)
    assert again.ok, again.log
    assert again.changed == 0

    edit(project, "dev", share(1))
    without = rehearsal.up()
    assert without.ok, without.log
    assert schedulers(without) == []
    destroyed = rehearsal.destroy()
    assert destroyed.ok, destroyed.log
    assert list(destroyed.leftovers) == []


@pytest.mark.engine
def test_the_job_that_compiles_asks_the_scheduler_as_its_servers_do(tmp_path: Path) -> None:
    """Beside the one server there is room for the job: half a node, whose chips must be neighbours too."""

    def compiled(config: dict[str, Any]) -> None:
        fleet = config["polysilicon:fleet"]
        fleet["clusters"]["aws"]["weights"] = {}
        fleet["pools"]["inf2"] |= {"machine": "inf2.24xlarge", "devices_per_server": 3}
        fleet["models"]["chat"] |= {"compile_cache": True, "weights": {}}

    project = copy_project(tmp_path)
    edit(project, "dev", compiled)
    rehearsal = rehearse(project, "dev", tmp_path / "state")
    up = rehearsal.up()
    assert up.ok, up.log
    (job,) = up.by_type("kubernetes:batch/v1:Job")
    template = job.inputs["spec"]["template"]["spec"]
    assert template["schedulerName"] == SCHEDULER
    (server,) = [each for each in template["initContainers"] if each["name"] == "server"]
    assert server["resources"]["limits"]["aws.amazon.com/neuron"] == "3"
    again = rehearsal.up(expect_no_changes=True)
    assert again.ok, again.log
    destroyed = rehearsal.destroy()
    assert destroyed.ok, destroyed.log
    assert list(destroyed.accounts) == []
