from __future__ import annotations

import copy

import pytest

from polysilicon.planning.landing import PodPatch, patched

TEMPLATE = {
    "metadata": {"labels": {"app": "chat"}, "annotations": {"kept": "own"}},
    "spec": {
        "containers": [
            {
                "name": "server",
                "env": [{"name": "SHARED", "value": "own"}],
                "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
            },
            {"name": "other"},
        ],
        "volumes": [{"name": "cache", "emptyDir": {}}],
    },
}
PATCH = PodPatch(
    node_selector={"polysilicon.dev/landing": "inf2"},
    tolerations=({"key": "aws.amazon.com/neuron", "operator": "Exists"},),
    resources={"aws.amazon.com/neuron": "1"},
    env={"SHARED": "patch", "ADDED": "patch"},
    annotations={"kept": "patch", "added": "patch"},
    volumes=({"name": "shm", "emptyDir": {"medium": "Memory"}},),
    volume_mounts=({"name": "shm", "mountPath": "/dev/shm"},),
    init_containers=({"name": "first"},),
    sidecars=({"name": "beside"},),
    scheduler_name="neuron-scheduler",
    capabilities=("IPC_LOCK",),
)


def test_everything_of_the_patch_is_in_the_pod() -> None:
    spec = patched(TEMPLATE, PATCH)["spec"]
    server = spec["containers"][0]
    assert spec["nodeSelector"] == {"polysilicon.dev/landing": "inf2"}
    assert spec["tolerations"] == [{"key": "aws.amazon.com/neuron", "operator": "Exists"}]
    assert [volume["name"] for volume in spec["volumes"]] == ["cache", "shm"]
    assert [container["name"] for container in spec["containers"]] == ["server", "other", "beside"]
    assert [container["name"] for container in spec["initContainers"]] == ["first"]
    assert spec["schedulerName"] == "neuron-scheduler"
    assert server["volumeMounts"] == [{"name": "shm", "mountPath": "/dev/shm"}]
    assert server["securityContext"] == {"capabilities": {"add": ["IPC_LOCK"]}}


def test_extended_resources_are_requests_and_equal_limits() -> None:
    resources = patched(TEMPLATE, PATCH)["spec"]["containers"][0]["resources"]
    assert resources["requests"] == {"cpu": "1", "aws.amazon.com/neuron": "1"}
    assert resources["limits"] == {"memory": "1Gi", "aws.amazon.com/neuron": "1"}


def test_what_the_template_says_itself_wins() -> None:
    pod = patched(TEMPLATE, PATCH)
    assert pod["metadata"]["annotations"] == {"kept": "own", "added": "patch"}
    assert pod["spec"]["containers"][0]["env"] == [
        {"name": "SHARED", "value": "own"},
        {"name": "ADDED", "value": "patch"},
    ]


def test_only_the_first_container_gets_accelerators() -> None:
    assert "resources" not in patched(TEMPLATE, PATCH)["spec"]["containers"][1]


def test_a_selector_that_contradicts_the_landing_is_refused() -> None:
    template = {"spec": {"nodeSelector": {"polysilicon.dev/landing": "v5e"}, "containers": [{"name": "server"}]}}
    with pytest.raises(ValueError, match="no node has both"):
        patched(template, PATCH)


def test_the_template_is_left_as_it_was() -> None:
    before = copy.deepcopy(TEMPLATE)
    patched(TEMPLATE, PATCH)
    assert before == TEMPLATE


def test_an_empty_patch_changes_nothing_that_runs() -> None:
    spec = patched(TEMPLATE, PodPatch())["spec"]
    assert spec["containers"][0]["resources"] == TEMPLATE["spec"]["containers"][0]["resources"]
    assert "initContainers" not in spec
    assert "schedulerName" not in spec
