"""The job that compiles: who serves, who copies when, and by whose rights."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.catalog import Catalog
from polysilicon.kubernetes.compilation import job_labels, job_spec
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
    assert "||" not in put["command"][-1], "a job whose copy failed has failed"


def test_the_job_waits_as_long_as_a_server_that_finds_nothing(plan: ServerPlan) -> None:
    assert plan.compiled is not None
    spec = job(plan)
    assert spec["activeDeadlineSeconds"] == plan.compiled.job_start.deadline_seconds
    server = spec["template"]["spec"]["initContainers"][1]
    assert server["startupProbe"]["failureThreshold"] * 10 >= plan.compiled.job_start.startup_deadline_seconds


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
    assert "|| echo" in fetch["command"][-1], "a cache that cannot be read stops nobody"
    assert fetch["volumeMounts"] == [{"name": "cache", "mountPath": "/cache"}]
    assert pod["serviceAccountName"] == "chat"


def prefix(plan: ServerPlan) -> str:
    assert plan.compiled is not None
    return plan.compiled.prefix
