"""Which pods a namespace's level refuses, in the words of the admission."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal import RefusedError
from polysilicon.rehearsal.judges.pod_security import pod_security_violations
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.kubernetes_objects import GONE, POD, changed, cloud

HARDENED = {
    "containers": [
        {
            "name": "a",
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        }
    ]
}


@pytest.mark.parametrize(
    ("path", "value", "level", "text"),
    [
        ("hostNetwork", True, "baseline", "host namespaces (hostNetwork=true)"),
        (
            "containers 0 securityContext privileged",
            True,
            "baseline",
            'privileged (container "a" must not set securityContext.privileged=true)',
        ),
        (
            "containers 0 securityContext capabilities add",
            ["IPC_LOCK"],
            "baseline",
            'non-default capabilities (container "a" must not include "IPC_LOCK" in securityContext.capabilities.add)',
        ),
        ("volumes", [{"name": "v", "hostPath": {"path": "/"}}], "baseline", 'hostPath volumes (volume "v")'),
        ("containers 0 ports", [{"hostPort": 80}], "baseline", 'hostPort (container "a" uses hostPort 80)'),
        (
            "securityContext",
            {"seccompProfile": {"type": "Unconfined"}},
            "baseline",
            'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            "securityContext",
            {"sysctls": [{"name": "kernel.x", "value": "1"}]},
            "baseline",
            "forbidden sysctls (kernel.x)",
        ),
        (
            "containers 0 securityContext procMount",
            "Unmasked",
            "baseline",
            'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
        ),
        (
            "containers 0 securityContext allowPrivilegeEscalation",
            GONE,
            "restricted",
            'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false)',
        ),
        (
            "containers 0 securityContext capabilities",
            GONE,
            "restricted",
            'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"])',
        ),
        (
            "containers 0 securityContext runAsNonRoot",
            GONE,
            "restricted",
            'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
        ),
        ("securityContext", {"runAsUser": 0}, "restricted", "runAsUser=0 (pod must not set runAsUser=0)"),
        (
            "containers 0 securityContext seccompProfile",
            GONE,
            "restricted",
            'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
            '"Localhost")',
        ),
        (
            "volumes",
            [{"name": "v", "nfs": {}}],
            "restricted",
            'restricted volume types (volume "v" uses restricted volume type "nfs")',
        ),
    ],
)
def test_pods_that_a_level_refuses(path: str, value: Any, level: str, text: str) -> None:
    assert pod_security_violations(HARDENED, level) == []
    wrong = changed(HARDENED, path, value)
    assert pod_security_violations(wrong, level) == [text]
    assert pod_security_violations(wrong, "privileged") == []
    assert pod_security_violations(changed(HARDENED, path, UNKNOWN), level) == []


def test_a_pod_of_its_own_is_refused_by_its_namespace() -> None:
    where = cloud()
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    where.make("kubernetes:core/v1:Namespace", "ns", metadata={"name": "strict", "labels": labels})
    pod = {"metadata": {"name": "p", "namespace": "strict"}, "spec": {**POD, "hostNetwork": True}}
    with pytest.raises(RefusedError, match=r'pods "p" is forbidden: violates PodSecurity "baseline:latest": host name'):
        where.make("kubernetes:core/v1:Pod", "p", **pod)
    where.make("kubernetes:core/v1:Pod", "q", **{**pod, "metadata": {"name": "p", "namespace": "default"}})
