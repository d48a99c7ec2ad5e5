"""Ports that probes and hooks of a container name, and what the kubelet makes of one that is not there."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.clusters import deployment
from tests.rehearsal.test_rollout import PORTS, SKIPPED, refused, system


def at_port(kind: str, port: Any, handler: str = "httpGet") -> dict[str, Any]:
    return {kind: {handler: {"port": port}}}


NAMED = [{"name": "http", "containerPort": 8000}]
ERRED = 'probe errored and resulted in unknown state: strconv.Atoi: parsing "web": invalid syntax'


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        (at_port("readinessProbe", "web"), f"[server] Readiness {ERRED} (the container names the ports http)"),
        (at_port("startupProbe", "web", "tcpSocket"), f"[server] Startup {ERRED}"),
        ({**at_port("readinessProbe", "web"), "ports": [{"containerPort": 8000}]}, "the container names no port"),
        ({"lifecycle": at_port("postStart", "web")}, "[PostStartHookError] couldn't find port: web"),
        (
            {"initContainers": [{"name": "x", "restartPolicy": "Always", **at_port("startupProbe", "http")}]},
            '[x] Startup probe errored and resulted in unknown state: strconv.Atoi: parsing "http"',
        ),
    ],
)
def test_a_probe_of_a_port_that_the_container_does_not_name(pod: dict[str, Any], words: str) -> None:
    assert words in refused(system(), spec=deployment(**{"ports": NAMED, **pod}))


@pytest.mark.parametrize("port", ["http", 8000, 9999, UNKNOWN])
def test_a_probe_of_a_port_by_its_name_or_by_any_number(port: Any) -> None:
    hooks = {"lifecycle": {**at_port("postStart", port), **at_port("preStop", port)}}
    cluster = system()
    cluster.deploy(ports=NAMED, **at_port("readinessProbe", port), **at_port("livenessProbe", port), **hooks)
    assert list(cluster.cloud.simulation.notes) == []


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        (
            at_port("livenessProbe", "web"),
            "The livenessProbe of container server of Deployment default/chat has no eff",
        ),
        ({"lifecycle": at_port("preStop", "web")}, 'it names port "web"; the container names the ports http.'),
    ],
)
def test_what_is_never_asked_though_nobody_complains_is_noted(pod: dict[str, Any], words: str) -> None:
    cluster = system()
    cluster.deploy(ports=NAMED, **pod)
    (note,) = cluster.cloud.simulation.notes
    assert words in note


def test_a_job_ends_though_it_is_never_ready() -> None:
    spec = deployment(restartPolicy="Never", **at_port("readinessProbe", "web"))
    system().put("batch/v1:Job", "once", spec={"template": spec["template"]})


def test_a_service_waits_in_vain_for_pods_that_never_get_ready() -> None:
    cluster = system()
    cluster.put("apps/v1:Deployment", "chat", annotations=SKIPPED, spec=deployment(**at_port("readinessProbe", "web")))
    told = refused(cluster, "core/v1:Service", spec={"selector": {"app": "chat"}, "ports": PORTS})
    assert "Service does not target any Pods." in told
