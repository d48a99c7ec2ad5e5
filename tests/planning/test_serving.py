from __future__ import annotations

import http.server
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

from polysilicon.catalog import Catalog, Overlay
from polysilicon.errors import SpecError
from polysilicon.kubernetes.manifests import deployment_spec, network_policy_spec, service_spec
from polysilicon.planning.fleet import plan_fleet
from polysilicon.planning.serving import ServerPlan
from polysilicon.specs import FleetSpec


def server(document: dict[str, Any], catalog: Catalog, **changes: object) -> ServerPlan:
    document["models"]["chat"] |= changes
    return plan_fleet(FleetSpec.parse(document), catalog).servers["chat"]


def container(plan: ServerPlan) -> dict[str, Any]:
    return deployment_spec(plan)["template"]["spec"]["containers"][0]  # type: ignore[no-any-return]


def test_one_line_moves_a_model_and_each_image_is_told_in_its_own_words(
    mixed: dict[str, Any], catalog: Catalog
) -> None:
    on_inf2, on_v5e = server(mixed, catalog), server(mixed, catalog, pool="v5e")
    assert on_inf2.line == "huggingface-0.4.5"
    assert on_inf2.args == (
        *("--model", "Qwen/Qwen3-0.6B", "--served-model-name", "Qwen/Qwen3-0.6B", "--port", "8080"),
        *("--tensor-parallel-size", "2", "--batch-size", "4", "--sequence-length", "4096"),
    )
    assert on_v5e.line == "tpu-0.27"
    assert on_v5e.args == (
        *("Qwen/Qwen3-0.6B", "--served-model-name", "Qwen/Qwen3-0.6B", "--port", "8000"),
        *("--tensor-parallel-size", "1", "--max-model-len", "4096", "--max-num-seqs", "4"),
        *("--shutdown-timeout", "120"),
    )


def test_the_image_comes_from_the_clusters_region(mixed: dict[str, Any], catalog: Catalog) -> None:
    assert server(mixed, catalog).image.startswith("763104351884.dkr.ecr.us-east-1.amazonaws.com/")


def test_an_opt_in_line_is_taken_only_when_it_is_named(mixed: dict[str, Any], catalog: Catalog) -> None:
    lines = [row.line for row in catalog.runtime_rows("vllm", "inferentia2")]
    assert lines == ["huggingface-0.4.5", "aws-sdk2.28", "aws-sdk2.31"]
    assert server(mixed, catalog, line="aws-sdk2.31").command[-1] == (
        '{"override_neuron_config": {"attn_kernel_enabled": false}}'
    )


def test_a_model_that_the_lines_makers_do_not_list_is_known_as_such(mixed: dict[str, Any], catalog: Catalog) -> None:
    assert server(mixed, catalog).listed
    assert not server(mixed, catalog, model="Qwen/Qwen3-8B", max_concurrency=1).listed


def test_image_and_weights_must_lie_on_the_disk(mixed: dict[str, Any], catalog: Catalog) -> None:
    large = catalog.assumptions["neuron.image_gib"].model_copy(update={"value": 200})
    with pytest.raises(SpecError, match="image and weights need about 501 GiB of disk, pool inf2 has 400"):
        server(mixed, catalog.overlaid(Overlay(assumptions={"neuron.image_gib": large})))


def test_a_gated_model_is_refused_while_servers_get_no_token(mixed: dict[str, Any], catalog: Catalog) -> None:
    gated = catalog.models["Qwen/Qwen3-0.6B"].model_copy(update={"gated": True})
    with pytest.raises(SpecError, match="is gated: its hub wants a token"):
        server(mixed, catalog.overlaid(Overlay(models={"Qwen/Qwen3-0.6B": gated})))


@pytest.mark.parametrize(("machine", "shards"), [("inf2.xlarge", 2), ("inf2.24xlarge", 8), ("inf2.48xlarge", 16)])
def test_a_model_is_sharded_over_as_many_cores_as_its_heads_divide_into(
    machine: str, shards: int, mixed: dict[str, Any], catalog: Catalog
) -> None:
    mixed["pools"]["inf2"]["machine"] = machine
    plan = server(mixed, catalog)
    assert plan.args[plan.args.index("--tensor-parallel-size") + 1] == str(shards)
    chips = catalog.machines[machine].accelerators
    assert plan.landing.pod.resources == {"aws.amazon.com/neuron": str(chips)}, "the node is its server's alone"
    assert plan.fit.usable_gib == pytest.approx(0.9 * 32 * shards / 2)


def test_a_larger_machine_of_the_same_silicon_is_advised_and_works(mixed: dict[str, Any], catalog: Catalog) -> None:
    changes = {"model": "Qwen/Qwen3-8B", "max_concurrency": 64}
    with pytest.raises(SpecError, match=r"or take a pool of inf2.24xlarge or inf2.48xlarge"):
        server(mixed, catalog, **changes)
    mixed["pools"]["inf2"]["machine"] = "inf2.24xlarge"
    assert server(mixed, catalog, **changes).fit.fits


def test_a_rollout_waits_for_each_replica_to_drain(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["pools"]["inf2"]["capacity"][0] |= {"min": 2, "max": 2}
    plan = server(mixed, catalog, replicas=2, drain_seconds=3600)
    assert plan.rollout_seconds >= 2 * (plan.cold_start.seconds + 3600)
    assert deployment_spec(plan)["progressDeadlineSeconds"] >= plan.cold_start.seconds + 3600


def test_the_startup_probe_allows_the_planned_cold_start(mixed: dict[str, Any], catalog: Catalog) -> None:
    plan = server(mixed, catalog)
    probe = container(plan)["startupProbe"]
    assert probe["failureThreshold"] * probe["periodSeconds"] >= 2 * plan.cold_start.container_seconds
    assert deployment_spec(plan)["progressDeadlineSeconds"] >= 2 * plan.cold_start.seconds
    assert plan.cold_start.seconds > 600, "longer than what Kubernetes waits by itself"


def test_a_rollout_needs_no_spare_node(mixed: dict[str, Any], catalog: Catalog) -> None:
    update = deployment_spec(server(mixed, catalog))["strategy"]["rollingUpdate"]
    assert update == {"maxSurge": 0, "maxUnavailable": 1}


def test_the_grace_period_covers_settling_and_draining(mixed: dict[str, Any], catalog: Catalog) -> None:
    plan = server(mixed, catalog, drain_seconds=300)
    assert deployment_spec(plan)["template"]["spec"]["terminationGracePeriodSeconds"] > 300 + plan.settle_seconds


def test_an_engine_that_drains_by_itself_is_only_told_late(mixed: dict[str, Any], catalog: Catalog) -> None:
    assert container(server(mixed, catalog, pool="v5e"))["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "10"]


def test_nothing_of_the_pod_is_privileged(mixed: dict[str, Any], catalog: Catalog) -> None:
    for pool in ("inf2", "v5e"):
        plan = server(mixed, catalog, pool=pool)
        pod = deployment_spec(plan)["template"]["spec"]
        assert container(plan)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False


def test_service_and_policy_lead_to_the_serving_port_alone(mixed: dict[str, Any], catalog: Catalog) -> None:
    plan = server(mixed, catalog)
    assert service_spec(plan)["ports"][0]["targetPort"] == "http"
    assert container(plan)["ports"][0]["containerPort"] == plan.port
    assert network_policy_spec(plan)["ingress"][0]["ports"] == [{"port": plan.port, "protocol": "TCP"}]


class Metrics(http.server.BaseHTTPRequestHandler):
    busy = 0.0

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        body = f'vllm:num_requests_running{{model_name="m",engine="0"}} {Metrics.busy}\nvllm:num_requests_waiting 0.0\n'
        self.wfile.write(body.encode())

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def metrics() -> Iterator[str]:
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}/metrics"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def drain(metrics: str, drain_seconds: float) -> subprocess.Popen[bytes]:
    script = (resources.files("polysilicon.templates") / "drain.py").read_text()
    return subprocess.Popen([sys.executable, "-c", script, metrics, "0", str(drain_seconds)])


def test_draining_waits_for_the_last_request(metrics: str) -> None:
    Metrics.busy = 2.0
    process = drain(metrics, 60)
    time.sleep(2)
    assert process.poll() is None, "two requests are still running"
    Metrics.busy = 0.0
    assert process.wait(timeout=20) == 0


def test_draining_gives_up_in_time(metrics: str) -> None:
    Metrics.busy = 1.0
    assert drain(metrics, 2).wait(timeout=20) == 0


def test_draining_does_not_wait_for_a_server_that_is_gone() -> None:
    assert drain("http://127.0.0.1:9/metrics", 60).wait(timeout=20) == 0


# ── Servers that share a GPU ─────────────────────────────────────────────────────────────────────────────────────────


def on_gpus(mixed: dict[str, Any], sharing: dict[str, Any]) -> None:
    mixed["pools"]["gpu"] = {
        "kind": "eks_gpu",
        "cluster": "aws",
        "machine": "g6e.12xlarge",
        "capacity": [{"kind": "on_demand", "min": 1, "max": 1}],
        "sharing": sharing,
    }
    mixed["models"]["chat"] |= {"model": "Qwen/Qwen3-8B", "pool": "gpu", "replicas": 4}


def test_servers_that_take_turns_on_a_gpu_keep_to_their_part_of_its_memory(
    mixed: dict[str, Any], catalog: Catalog
) -> None:
    on_gpus(mixed, {"kind": "time_slicing", "replicas": 2})
    args = server(mixed, catalog).args
    assert args[args.index("--gpu-memory-utilization") + 1] == "0.450"


def test_a_server_with_a_gpu_of_its_own_takes_what_the_engine_takes(mixed: dict[str, Any], catalog: Catalog) -> None:
    on_gpus(mixed, {"kind": "whole"})
    mixed["models"]["chat"]["replicas"] = 1
    assert "--gpu-memory-utilization" not in server(mixed, catalog).args


def test_a_line_that_cannot_be_told_takes_no_turns(mixed: dict[str, Any], catalog: Catalog) -> None:
    on_gpus(mixed, {"kind": "time_slicing", "replicas": 2})
    row = next(row for row in catalog.runtimes if row.line == "aws-0.27")
    spoken = {name: flag for name, flag in row.arguments.items() if name != "memory_fraction"}
    mute = catalog.overlaid(Overlay(runtimes=(row.model_copy(update={"arguments": spoken}),)))
    with pytest.raises(SpecError, match=r"line: line aws-0\.27 cannot be told to leave memory of a GPU to others"):
        server(mixed, mute)
