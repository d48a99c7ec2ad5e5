"""Objects that are taken away while they are waited for, and Services that lead nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal.cluster.services import astray
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.clusters import M7I, InCluster


def test_an_object_that_is_taken_away_while_it_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, gone = InCluster(groups={"system": M7I}), []

    def meanwhile(holds: Any, last: bool = True) -> bool:
        record = cluster.cloud.accounts.called("default/chat")[0]
        cluster.cloud.accounts.remove(record)
        gone.append(record)
        return bool(holds())

    monkeypatch.setattr(cluster.cloud.simulation.schedule, "until", meanwhile)
    cluster.deploy()
    assert gone
    assert cluster.cloud.accounts.called("default/chat") == []


# ── Services that lead nowhere ───────────────────────────────────────────────────────────────────────────────────────

TO_CHAT = {"selector": {"app": "chat"}, "ports": [{"port": 80, "targetPort": "http"}]}
NAMED_PORTS = [{"name": "http", "containerPort": 8000}]


@pytest.mark.parametrize(
    ("service", "ports", "words"),
    [
        ({**TO_CHAT, "selector": {"app": "web"}}, NAMED_PORTS, "no pod in its namespace is labelled app=web"),
        (TO_CHAT, [{"containerPort": 8000}], 'leads nowhere at targetPort "http", though nobody complains'),
    ],
)
def test_a_service_that_leads_nowhere_is_noted(service: Any, ports: Any, words: str) -> None:
    cluster = InCluster(groups={"system": M7I})
    cluster.deploy(ports=ports)
    cluster.put("core/v1:Service", "chat", spec=service)
    (sentence,) = astray(cluster.cloud.accounts)
    assert sentence.startswith("Service default/chat leads nowhere")
    assert words in sentence


@pytest.mark.parametrize(
    ("service", "ports", "beside"),
    [
        (TO_CHAT, NAMED_PORTS, None),
        (TO_CHAT, UNKNOWN, None),
        ({**TO_CHAT, "ports": [{"port": 80, "targetPort": 9999}]}, NAMED_PORTS, None),
        ({"ports": [{"port": 80}]}, NAMED_PORTS, None),
        ({**TO_CHAT, "selector": {"app": UNKNOWN}}, NAMED_PORTS, None),
        ({**TO_CHAT, "selector": {"app": "web"}}, NAMED_PORTS, "serving.kserve.io/v1beta1:InferenceService"),
        ({**TO_CHAT, "selector": {"app": "web"}}, NAMED_PORTS, "apps/v1:ReplicaSet"),
        ({**TO_CHAT, "selector": {"statefulset.kubernetes.io/pod-name": "chat-0"}}, NAMED_PORTS, None),
        ({"selector": {"job-name": "chat"}}, NAMED_PORTS, None),
    ],
)
def test_a_service_that_leads_or_may_lead_somewhere(service: Any, ports: Any, beside: str | None) -> None:
    cluster = InCluster(groups={"system": M7I})
    cluster.deploy(ports=ports)
    cluster.put("core/v1:Service", "chat", spec=service)
    if beside:
        cluster.put(beside, "other")
    assert astray(cluster.cloud.accounts) == []


def test_a_service_alone_waits_for_pods_of_another_stack() -> None:
    cluster = InCluster()
    cluster.put("core/v1:Service", "chat", spec=TO_CHAT)
    assert astray(cluster.cloud.accounts) == []
