"""A server without a cluster: image, zone, and what systemd is told."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from polysilicon.catalog import Catalog, Overlay
from polysilicon.errors import SpecError
from polysilicon.planning.single_node import SingleNodePlan, plan_single_node
from polysilicon.planning.single_node_config import systemd_word
from polysilicon.specs import SingleNodeServerSpec

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
SERVER: dict[str, Any] = {
    "cloud": "aws",
    "region": "us-east-1",
    "network": {"zones": ["use1-az1", "use1-az4"]},
    "model": "Qwen/Qwen3-0.6B",
}


def planned(catalog: Catalog, **changes: Any) -> SingleNodePlan:
    return plan_single_node("chat", SingleNodeServerSpec.parse({**SERVER, **changes}), catalog, NOW)


def files(plan: SingleNodePlan) -> dict[str, str]:
    """What the machine is given, by path."""
    document = yaml.safe_load(plan.user_data)
    assert plan.user_data.startswith("#cloud-config\n")
    assert document["runcmd"][-1][-1] == "polysilicon-prepare.service"
    return {file["path"]: file["content"] for file in document["write_files"]}


def unit(plan: SingleNodePlan) -> str:
    return files(plan)["/etc/systemd/system/polysilicon-server.service"]


# ── Image and zone ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "image"),
    [
        ("huggingface-0.4.5", "neuron-sdk-2-30"),  # its driver is 2.28 at most, and newer images bring newer ones
        ("aws-sdk2.28", "neuron-sdk-2-30"),
        ("aws-sdk2.31", "neuron-sdk-2-32"),
    ],
)
def test_the_newest_image_whose_driver_the_line_takes(line: str, image: str, catalog: Catalog) -> None:
    plan = planned(catalog, line=line)
    assert plan.image_key == image
    assert plan.image is not None
    assert plan.server.landing.host_driver == plan.image.driver


def test_an_image_that_is_named_is_taken_and_its_driver_is_not_judged(catalog: Catalog) -> None:
    plan = planned(catalog, ami="ami-0123456789abcdef0")
    assert (plan.image, plan.image_key) == (None, "ami-0123456789abcdef0")
    assert plan.server.landing.host_driver is None


def test_the_first_zone_that_sells_the_machine(catalog: Catalog) -> None:
    sold = set(catalog.zones("inf2.8xlarge", "us-east-1"))
    assert "use1-az1" not in sold
    assert planned(catalog).zone == "use1-az4"


def test_gpus_get_an_image_of_nvidia(catalog: Catalog) -> None:
    plan = planned(catalog, machine="g6e.8xlarge", model="Qwen/Qwen3-8B", network={"zones": ["use1-az4"]})
    assert plan.image_key == "nvidia-al2023"
    assert "--gpus all" in unit(plan)
    assert "/dev/neuron" not in unit(plan)


def test_scarce_machines_are_protected_until_there_is_leave(catalog: Catalog) -> None:
    leave = {"reason": "moves to us-east-2", "until": date(2026, 12, 1)}
    trn2 = {
        "machine": "trn2.48xlarge",
        "region": "us-east-2",
        "network": {"zones": ["use2-az3"]},
        "model": "Qwen/Qwen3-8B",
    }
    assert not planned(catalog).protected
    assert planned(catalog, **trn2).protected
    assert not planned(catalog, **trn2, replace_ok=leave).protected


# ── What systemd is told ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("inferentia2", {}),
        (
            "l40s_open_and_always_on",
            {
                "machine": "g6e.8xlarge",
                "model": "Qwen/Qwen3-8B",
                "reach": ["10.0.0.0/8"],
                "idle_stop_minutes": None,
                "extra_args": ["--chat-template", "{{ 100% $HOME }}"],
            },
        ),
    ],
)
def test_user_data_is_the_checked_in_one(name: str, changes: dict[str, Any], catalog: Catalog) -> None:
    got, file = planned(catalog, **changes).user_data, GOLDEN / f"server_{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(got)
    assert got == file.read_text()


def test_who_may_ask_is_nothing_that_the_machine_is_told(catalog: Catalog) -> None:
    assert planned(catalog, reach=["10.0.0.0/8"]).user_data == planned(catalog).user_data


def test_whatever_fails_the_machine_does_not_run_for_ever(catalog: Catalog, tmp_path: Path) -> None:
    """The look at idleness comes before what may fail, and what failed is tried again."""
    plan = planned(catalog)
    commands = yaml.safe_load(plan.user_data)["runcmd"]
    assert [command[-1] for command in commands] == [
        "daemon-reload",
        "polysilicon-idle.timer",
        "polysilicon-prepare.service",
    ]
    again = files(plan)["/etc/systemd/system/polysilicon-prepare.service"]
    assert "Restart=on-failure" in again
    assert "ConditionPathExists=!/var/lib/polysilicon/prepared" in again


def test_preparing_fails_where_a_package_cannot_be_had(catalog: Catalog, tmp_path: Path) -> None:
    dnf, done = tmp_path / "dnf", tmp_path / "systemctl"
    dnf.write_text("#!/bin/sh\nexit 1\n")
    done.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    for tool in (dnf, done):
        tool.chmod(0o755)
    script = files(planned(catalog))["/opt/polysilicon/prepare.sh"]
    run = subprocess.run(["bash"], input=script, text=True, check=False, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert run.returncode != 0
    assert not (tmp_path / "started").exists(), "nothing is started that would run without what it needs"


def test_the_container_has_all_chips_and_no_more_rights_than_it_needs(catalog: Catalog) -> None:
    text = unit(planned(catalog, machine="inf2.24xlarge"))
    assert [word for word in text.split() if word.startswith("/dev/neuron")] == [f"/dev/neuron{i}" for i in range(6)]
    assert "--cap-drop ALL --security-opt no-new-privileges" in text


def test_a_private_registry_is_asked_with_the_rights_of_the_machine(catalog: Catalog) -> None:
    assert "763104351884.dkr.ecr.us-east-1" in files(planned(catalog))["/etc/polysilicon/docker/config.json"]
    assert "/etc/polysilicon/docker/config.json" not in files(planned(catalog, line="aws-sdk2.28"))


def test_a_machine_that_never_stops_looks_at_no_requests(catalog: Catalog) -> None:
    assert not [path for path in files(planned(catalog, idle_stop_minutes=None)) if "idle" in path]


def test_the_script_is_one_for_bash(catalog: Catalog) -> None:
    script = files(planned(catalog))["/opt/polysilicon/prepare.sh"]
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("--port", "--port"),
        ("a b", '"a b"'),
        ("100%", "100%%"),
        ("$HOME", '"$$HOME"'),
        ('say "x"', '"say \\"x\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("", '""'),
        ('{\n\t"a": 1}', '"{\\n\\t\\"a\\": 1}"'),
    ],
)
def test_systemd_expands_nothing_of_a_word(word: str, written: str) -> None:
    assert systemd_word(word) == written


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────────────

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "machine that does not exist": (
        {"machine": "inf2.8xlrge"},
        "machine: got 'inf2.8xlrge', which is no machine for a server\n  fix: did you mean 'inf2.8xlarge'",
    ),
    "machine that the region lacks": (
        {"region": "ca-central-1", "network": {"zones": ["cac1-az1"]}},
        "machine: inf2.8xlarge is not offered in ca-central-1\n  fix: move to another region",
    ),
    "zone that does not sell the machine": (
        {"network": {"zones": ["use1-az1"]}},
        "machine: inf2.8xlarge is not offered in the network's zones use1-az1\n  fix: add a zone to the network",
    ),
    "zone of another region": (
        {"network": {"zones": ["use2-az1"]}},
        "network.zones[0]: got 'use2-az1', which is no zone of us-east-1",
    ),
    "subnet in a zone of another region": (
        {
            "network": {
                "kind": "existing",
                "cidrs": ["10.9.0.0/16"],
                "private_subnets": {"use2-az1": "subnet-0123456789abcdef0"},
            }
        },
        "network.private_subnets.use2-az1: got 'use2-az1', which is no zone of us-east-1",
    ),
    "zone that the region lacks": (
        {"network": {"zones": ["use1-az4", "use1-az9"]}},
        "network.zones[1]: got 'use1-az9', which is no zone of us-east-1\n  fix: did you mean 'use1-az",
    ),
    "topic of another partition": (
        {"alarm_topics": ["arn:aws-cn:sns:us-east-1:123456789012:alarms"]},
        "alarm_topics[0]: got arn:aws-cn:sns:us-east-1:123456789012:alarms, which is of partition aws-cn, but",
    ),
    "network that is too small": (
        {"network": {"cidr": "10.0.0.0/24", "zones": ["use1-az4"]}},
        "network.cidr: got 10.0.0.0/24",
    ),
    "network without a way out": (
        {"network": {"zones": ["use1-az4"], "nat": "none"}},
        "network.nat: got none, but a server fetches its image, its model and packages from outside",
    ),
    "line that does not exist": (
        {"line": "aws-sdk2.82"},
        "line: got 'aws-sdk2.82', no line of vllm on inferentia2\n  fix: did you mean 'aws-sdk2.28'",
    ),
    "model that does not fit": (
        {"model": "Qwen/Qwen3-32B"},
        "machine: Qwen/Qwen3-32B does not fit inf2.8xlarge",
    ),
    "disk that is too small": (
        {"machine": "g6e.48xlarge", "model": "Qwen/Qwen3-32B", "root_disk_gib": 100},
        "machine: image and weights need about",
    ),
    "argument that no unit file takes": (
        {"extra_args": ["\x01"]},
        "extra_args: got '\\x01', with a character that no unit file takes",
    ),
    "topic in another region": (
        {"alarm_topics": ["arn:aws:sns:eu-west-1:123456789012:pages"]},
        "alarm_topics[0]: got a topic in eu-west-1, which no alarm in us-east-1 can tell",
    ),
    "region that does not exist": (
        {"region": "us-east1"},
        "region: got 'us-east1', a region that the catalog does not have\n  fix: did you mean 'us-east-1'",
    ),
    "arguments that no user data has room for": (
        {"extra_args": ["x" * 20_000]},
        "extra_args: got arguments with which the machine's user data has",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_is_refused(name: str, catalog: Catalog) -> None:
    changes, message = WRONG[name]
    with pytest.raises(SpecError) as caught:
        planned(catalog, **changes)
    assert message in str(caught.value)


def test_a_machine_that_is_sold_in_blocks_alone_is_none_for_a_server(catalog: Catalog) -> None:
    row = catalog.machines["p5e.48xlarge"].model_copy(update={"usage_classes": ("capacity-block",)})
    blocks = catalog.overlaid(Overlay(machines={"p5e.48xlarge": row}))
    with pytest.raises(SpecError) as caught:
        planned(blocks, machine="p5e.48xlarge", region="us-east-2", network={"zones": ["use2-az3"]})
    assert "machine: got p5e.48xlarge, which AWS sells only as capacity_block" in str(caught.value)


def test_a_line_for_which_no_image_has_a_driver_is_refused(catalog: Catalog) -> None:
    row = next(row for row in catalog.runtimes if row.line == "huggingface-0.4.5")
    old = catalog.overlaid(Overlay(runtimes=(row.model_copy(update={"driver_max": "2.20"}),)))
    with pytest.raises(SpecError) as caught:
        planned(old, line="huggingface-0.4.5")
    assert "line: line huggingface-0.4.5 starts on driver any to 2.20; Deep Learning AMIs" in str(caught.value)
    assert "fix: take another line, or name an image that fits under ami" in str(caught.value)
