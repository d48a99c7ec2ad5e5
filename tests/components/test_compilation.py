"""The job that compiles: who serves, who copies when, and by whose rights."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from polysilicon.catalog import Catalog
from polysilicon.kubernetes.compilation import awaited_seconds, job_labels, job_spec
from polysilicon.kubernetes.copying import FETCH, NO_RIGHTS, PUT, WITH_RIGHTS
from polysilicon.kubernetes.manifests import deployment_spec, labels
from polysilicon.planning.fleet import plan_fleet
from polysilicon.planning.serving import ServerPlan
from polysilicon.specs import FleetSpec


@pytest.fixture
def plan(mixed: dict[str, Any], catalog: Catalog) -> ServerPlan:
    mixed["clusters"]["aws"]["weights"] = {}
    mixed["models"]["chat"] |= {"compile_cache": True, "weights": {}}
    return plan_fleet(FleetSpec.parse(mixed), catalog).servers["chat"]


def job(plan: ServerPlan) -> dict[str, Any]:
    assert plan.compiled is not None
    return job_spec(plan, plan.compiled, "acme", "chat-weights-1")


def test_the_copier_begins_when_the_server_serves(plan: ServerPlan) -> None:
    pod = job(plan)["template"]["spec"]
    fetch, server = pod["initContainers"]
    assert (fetch["name"], fetch.get("restartPolicy")) == ("fetch", None)
    assert (server["name"], server["restartPolicy"]) == ("server", "Always")
    assert server["startupProbe"]["httpGet"] == {"path": "/health", "port": "http"}, "without it the copier is too soon"
    assert server["resources"]["limits"]["aws.amazon.com/neuron"] == "1"
    assert "lifecycle" not in server
    (put,) = pod["containers"]
    assert put["args"] == ["/cache/neuron", f"s3://$(BUCKET)/{prefix(plan)}"]
    assert {"name": "BUCKET", "value": "acme"} in put["env"]
    assert put["command"][-1] == PUT
    assert fetch["command"][-1] == f"{WITH_RIGHTS}{FETCH}"


def test_the_job_waits_as_long_as_a_server_that_finds_nothing(plan: ServerPlan) -> None:
    assert plan.compiled is not None
    spec, deadline = job(plan), plan.compiled.job_start.deadline_seconds
    pod = spec["template"]["spec"]
    assert spec["activeDeadlineSeconds"] == deadline, "tries together, as Pulumi counts"
    assert "activeDeadlineSeconds" not in pod
    assert awaited_seconds(plan.compiled) > deadline + pod["terminationGracePeriodSeconds"], "Kubernetes speaks first"
    server = pod["initContainers"][1]
    assert server["startupProbe"]["failureThreshold"] * 10 >= plan.compiled.job_start.startup_deadline_seconds


def test_a_node_that_goes_is_no_try_and_no_rule_fails_a_job_behind_pulumis_back(plan: ServerPlan) -> None:
    (rule,) = job(plan)["podFailurePolicy"]["rules"]
    assert (rule["action"], rule["onPodConditions"][0]["type"]) == ("Ignore", "DisruptionTarget")
    assert job(plan)["backoffLimit"] == 4


def test_a_job_whose_nodes_come_later_has_its_time_from_then_on_and_once(plan: ServerPlan) -> None:
    absent = replace(plan, landing=replace(plan.landing, absent="its pool begins on 2027-01-01 at 11:30 UTC"))
    spec = job(absent)
    assert "activeDeadlineSeconds" not in spec, "it would pass before the nodes of a block are there"
    assert plan.compiled is not None
    assert spec["template"]["spec"]["activeDeadlineSeconds"] == plan.compiled.job_start.deadline_seconds
    ignored, failed = spec["podFailurePolicy"]["rules"]
    assert ignored["action"] == "Ignore"
    assert failed == {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [NO_RIGHTS]}}


def test_the_job_has_an_account_of_its_own_and_no_requests_reach_it(plan: ServerPlan) -> None:
    template = job(plan)["template"]
    assert template["spec"]["serviceAccountName"] == "chat-fill"
    assert template["metadata"]["labels"] == job_labels(plan)
    assert template["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] == "true"
    assert not labels(plan).items() <= job_labels(plan).items(), "the Service would send it requests"


def test_a_server_starts_with_what_there_is_and_without_it_too(plan: ServerPlan) -> None:
    pod = deployment_spec(plan, "chat-weights-1", "acme")["template"]["spec"]
    (fetch,) = pod["initContainers"]
    assert fetch["args"] == [f"s3://$(BUCKET)/{prefix(plan)}", "/cache/neuron"]
    assert fetch["command"][-1] == FETCH, "a cache that cannot be read stops nobody"
    assert fetch["volumeMounts"] == [{"name": "cache", "mountPath": "/cache"}]
    assert pod["serviceAccountName"] == "chat"


@pytest.mark.parametrize(
    ("kind", "machine", "model"),
    [
        ("neuron", "inf2.xlarge", "Qwen/Qwen3-0.6B"),
        ("neuron", "trn1.2xlarge", "Qwen/Qwen3-0.6B"),
        ("eks_gpu", "g5.xlarge", "Qwen/Qwen3-0.6B"),
        ("eks_gpu", "g6e.xlarge", "Qwen/Qwen3-8B"),
    ],
)
def test_the_job_finds_room_on_the_smallest_machine(
    kind: str, machine: str, model: str, mixed: dict[str, Any], catalog: Catalog
) -> None:
    mixed["clusters"]["aws"]["weights"] = {}
    capacity = [{"kind": "on_demand", "min": 2, "max": 2}]
    mixed["clusters"]["aws"]["network"]["zones"] = ["use1-az4", "use1-az6", "use1-az5"]
    mixed["pools"]["small"] = {"kind": kind, "cluster": "aws", "machine": machine, "capacity": capacity}
    served = {"model": model, "pool": "small", "compile_cache": True, "weights": {}, "max_concurrency": 1}
    mixed["models"]["chat"] = served
    plan = plan_fleet(FleetSpec.parse(mixed), catalog).servers["chat"]
    pod = job(plan)["template"]["spec"]
    fetch, server = pod["initContainers"]
    (put,) = pod["containers"]
    asked = [each["resources"]["requests"]["cpu"] for each in (server, put)]
    assert fetch["resources"]["requests"]["cpu"] == "100m"
    assert sum(int(cpu.removesuffix("m")) for cpu in asked) <= plan.landing.per_node.cpu_millicores


@pytest.mark.parametrize(
    ("there", "breaks", "kept", "says"),
    [(True, False, ["code"], ""), (False, False, [], "the server compiles"), (True, True, [], "the server compiles")],
)
def test_half_of_the_code_is_not_taken_for_the_whole(
    there: bool, breaks: bool, kept: list[str], says: str, tmp_path: Path
) -> None:
    """The script that fetches, as a container runs it, with an AWS CLI that has only what it needs."""
    cache, cli = tmp_path / "cache", tmp_path / "aws"
    cache.mkdir()
    mark, end = ("exit 0", "exit 1" if breaks else "exit 0") if there else ("exit 1", "exit 0")
    cli.write_text(f'#!/bin/sh\n[ "$2" = cp ] && {mark}\ntouch {cache}/code\n{end}\n')
    cli.chmod(0o755)
    words = ["/bin/sh", "-c", FETCH, "s3://acme/compiled", str(cache)]
    run = subprocess.run(words, check=True, capture_output=True, text=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert [file.name for file in cache.iterdir()] == kept
    assert says in run.stderr


def test_a_job_without_rights_fails_before_it_compiles() -> None:
    run = subprocess.run(["/bin/sh", "-c", WITH_RIGHTS], capture_output=True, text=True, check=False, env={})
    assert (run.returncode, "no rights yet" in run.stderr) == (NO_RIGHTS, True)


def prefix(plan: ServerPlan) -> str:
    assert plan.compiled is not None
    return plan.compiled.prefix
