"""Weights from a store: where the server finds them, and what that changes."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.catalog import Catalog, Overlay
from polysilicon.errors import SpecError
from polysilicon.kubernetes import weights
from polysilicon.kubernetes.manifests import deployment_spec
from polysilicon.kubernetes.weights import volume_name, volume_spec
from polysilicon.planning.fleet import plan_fleet, stored_servers
from polysilicon.planning.serving import ServerPlan
from polysilicon.planning.weights import WeightMount, plan_weights
from polysilicon.specs import FleetSpec, ModelSpec


def server(document: dict[str, Any], catalog: Catalog, **changes: object) -> ServerPlan:
    document["models"]["chat"] |= changes
    document["clusters"]["aws"]["weights"] = {}
    return plan_fleet(FleetSpec.parse(document), catalog).servers["chat"]


@pytest.mark.parametrize("line", ["huggingface-0.4.5", "aws-sdk2.28", "aws-sdk2.31"])
def test_the_engine_reads_the_folder_and_keeps_the_name(line: str, mixed: dict[str, Any], catalog: Catalog) -> None:
    args = server(mixed, catalog, line=line, weights={}).args
    assert args[args.index("--model") + 1] == "/weights"
    assert args[args.index("--served-model-name") + 1] == "Qwen/Qwen3-0.6B"


def test_gpus_read_the_folder_too(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["pools"]["inf2"] = {"kind": "eks_gpu", "cluster": "aws", "machine": "g6e.4xlarge"}
    assert server(mixed, catalog, weights={"prefix": "mine"}).args[:3] == (
        *("/weights", "--served-model-name", "Qwen/Qwen3-0.6B"),
    )


def test_a_cluster_that_is_there_has_no_store(mixed: dict[str, Any], catalog: Catalog) -> None:
    subnets = {"use1-az4": "subnet-0123456789abcdef0", "use1-az6": "subnet-0123456789abcdef1"}
    network = {"kind": "existing", "cidrs": ["10.64.0.0/16"], "private_subnets": subnets}
    there = {"cloud": "aws", "kind": "existing", "name": "theirs", "region": "us-east-1", "network": network}
    mixed["clusters"]["aws"] = there
    mixed["pools"]["inf2"]["capacity"] = [{"kind": "on_demand", "min": 1, "max": 1}]
    mixed["models"]["chat"]["weights"] = {}
    with pytest.raises(SpecError, match=r"weights: needs a store .*not built yet for clusters that are there"):
        plan_fleet(FleetSpec.parse(mixed), catalog)


def test_the_model_s_name_is_the_prefix_unless_another_is_given(mixed: dict[str, Any], catalog: Catalog) -> None:
    assert server(mixed, catalog, weights={}).weights == WeightMount("Qwen/Qwen3-0.6B", "us-east-1", gbps=25)
    assert server(mixed, catalog, weights={"prefix": "a/b"}).weights == WeightMount("a/b", "us-east-1", gbps=25)
    mixed["models"]["other"] = {"model": "Qwen/Qwen3-0.6B", "pool": "v5e"}
    plan = plan_fleet(FleetSpec.parse(mixed), catalog)
    assert (list(stored_servers(plan, "aws")), list(stored_servers(plan, "gcp"))) == (["chat"], [])


def test_a_gated_model_needs_no_token_where_its_weights_are_stored(mixed: dict[str, Any], catalog: Catalog) -> None:
    shape = catalog.models["Qwen/Qwen3-0.6B"].model_dump() | {"gated": True}
    gated = catalog.overlaid(Overlay.parse({"models": {"Qwen/Qwen3-0.6B": shape}}))
    with pytest.raises(SpecError, match="put its weights into the cluster's store"):
        server(mixed, gated)
    assert server(mixed, gated, weights={}).weights is not None


def test_stored_weights_take_no_disk_and_less_time(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["pools"]["inf2"] |= {"machine": "inf2.48xlarge", "root_disk_gib": 100}
    mixed["pools"]["inf2"]["capacity"] = [{"kind": "on_demand", "min": 1, "max": 1}]
    changes = {"model": "Qwen/Qwen3-32B", "max_concurrency": 4, "max_model_len": 4096}
    with pytest.raises(SpecError, match="image and weights need about 81 GiB of disk"):
        server(mixed, catalog, **changes)
    stored = server(mixed, catalog, **changes, weights={})
    seconds = {phase.what: phase.seconds for phase in stored.cold_start.phases}
    assert seconds["weights"] == pytest.approx(stored.fit.weights_gib / 0.5)


def test_a_line_that_cannot_be_told_a_name_is_refused(mixed: dict[str, Any], catalog: Catalog) -> None:
    row = next(row for row in catalog.runtimes if row.line == "huggingface-0.4.5").model_dump()
    del row["arguments"]["served_name"]
    with pytest.raises(SpecError, match=r"line: line huggingface-0\.4\.5 cannot be told by which name to serve"):
        server(mixed, catalog.overlaid(Overlay.parse({"runtimes": [row]})), weights={})


def test_the_pod_only_reads_and_only_its_own_claim(mixed: dict[str, Any], catalog: Catalog) -> None:
    pod = deployment_spec(server(mixed, catalog, weights={}), "chat-weights-1")["template"]["spec"]
    volume = {"name": "weights", "persistentVolumeClaim": {"claimName": "chat-weights-1", "readOnly": True}}
    assert volume in pod["volumes"]
    assert {"name": "weights", "mountPath": "/weights", "readOnly": True} in pod["containers"][0]["volumeMounts"]
    assert "weights" not in {
        v["name"] for v in deployment_spec(server(mixed, catalog, weights=None))["template"]["spec"]["volumes"]
    }


def test_a_volume_is_read_by_the_rights_of_the_pod() -> None:
    spec = volume_spec("chat-weights-1", "chat", "acme-weights", WeightMount("Qwen/Qwen3-0.6B", "us-east-1"))
    assert spec["mountOptions"] == ["region us-east-1", "prefix Qwen/Qwen3-0.6B/", "read-only", "allow-other"]
    assert spec["claimRef"] == {"namespace": "chat", "name": "chat-weights-1"}
    assert (spec["storageClassName"], spec["accessModes"]) == ("", ["ReadOnlyMany"])
    assert spec["csi"]["volumeHandle"] == "chat-weights-1"
    assert spec["csi"]["volumeAttributes"] == {"bucketName": "acme-weights", "authenticationSource": "pod"}


@pytest.mark.parametrize(
    ("machine", "gbps"), [("inf2.xlarge", 15), ("trn1.32xlarge", 100), ("g6e.48xlarge", 400), ("p6-b300.48xlarge", 350)]
)
def test_weights_are_read_as_fast_as_the_pod_s_network_card_goes(
    machine: str, gbps: int, mixed: dict[str, Any], catalog: Catalog
) -> None:
    """Of a machine with several cards, pods have the first, whatever the others are."""
    runtime = next(row for row in catalog.runtimes if "served_name" in row.arguments)
    spec = ModelSpec.parse({"model": "Qwen/Qwen3-0.6B", "pool": "inf2", "weights": {}})
    mount = plan_weights(spec, runtime, "us-east-1", catalog.machines[machine])
    assert mount is not None
    options = volume_spec("chat-weights-1", "chat", "acme-weights", mount)["mountOptions"]
    assert options[-1] == f"maximum-throughput-gbps {gbps}"
    of_no_rate = catalog.machines[machine].model_copy(update={"first_card_gbps": None})
    unknown = plan_weights(spec, runtime, "us-east-1", of_no_rate)
    assert unknown is not None
    assert unknown.gbps is None


def test_other_files_are_another_volume() -> None:
    mount = WeightMount("a", "us-east-1")
    names = {
        volume_name("chat", "chat", "one", mount),
        volume_name("chat", "chat", "two", mount),
        volume_name("chat", "chat", "one", WeightMount("b", "us-east-1")),
        volume_name("code", "code", "one", mount),
        volume_name("chat", "other", "one", mount),
    }
    assert len(names) == 5
    assert volume_name("chat", "chat", "one", WeightMount("a", "us-east-1")) in names


@pytest.mark.parametrize("spec", ["volume_spec", "claim_spec"])
def test_whatever_a_later_version_says_of_a_volume_is_another_volume(
    spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as another source of rights: the API server would refuse it of the volume that is there."""
    mount = WeightMount("a", "us-east-1")
    before, written = volume_name("chat", "chat", "one", mount), getattr(weights, spec)
    monkeypatch.setattr(weights, spec, lambda *args: {**written(*args), "volumeMode": "Filesystem"})
    assert volume_name("chat", "chat", "one", mount) != before


def test_weights_do_not_lie_among_compiled_code(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["clusters"]["aws"]["weights"] = {}
    mixed["models"]["chat"]["weights"] = {"prefix": "compiled/vllm"}
    with pytest.raises(SpecError, match=r"models\.chat\.weights\.prefix: got 'compiled/vllm', where compiled"):
        plan_fleet(FleetSpec.parse(mixed), catalog)


def test_a_key_of_another_region_opens_no_bucket(mixed: dict[str, Any], catalog: Catalog) -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/1"
    bucket = {"kind": "existing", "bucket": "acme", "region": "us-east-1", "key_arn": key}
    mixed["clusters"]["aws"]["weights"] = bucket
    with pytest.raises(SpecError, match=r"clusters\.aws\.weights\.key_arn: got a key in eu-west-1"):
        plan_fleet(FleetSpec.parse(mixed), catalog)
