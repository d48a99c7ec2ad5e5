"""A server without a cluster in the real engine: what its machine waits for, and what leaves it as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from polysilicon.catalog import load_catalog
from polysilicon.rehearsal.outcome import Outcome, Resource
from tests.stacks.project import copy_project, rehearse

pytestmark = pytest.mark.engine
FLEET: dict[str, Any] = {
    "owner": {"cost_center": "ml", "workload": "chat", "team": "inference"},
    "servers": {
        "chat": {
            "cloud": "aws",
            "region": "us-east-1",
            "network": {"cidr": "10.20.0.0/20", "zones": ["use1-az4"]},
            "machine": "inf2.8xlarge",
            "model": "Qwen/Qwen3-0.6B",
        }
    },
}


def write(project: Path, **config: Any) -> None:
    """The stack's YAML, with the server and what is given beside it."""
    keyed = {f"polysilicon:{name}": value for name, value in {"fleet": FLEET, **config}.items()}
    file = project / "stacks" / "Pulumi.alone.yaml"
    file.write_text(yaml.safe_dump({"config": {"pulumi:disable-default-providers": ["*"], **keyed}}))


def machine(outcome: Outcome) -> Resource:
    (found,) = (each for each in outcome.resources if each.type == "aws:ec2/instance:Instance")
    return found


def test_a_machine_waits_for_its_rights_and_keeps_its_image(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    write(project)
    rehearsal = rehearse(project, "alone", tmp_path / "state")
    up = rehearsal.up()
    assert up.ok, up.log
    first = machine(up)
    assert any(":RolePolicyAttachment::" in urn for urn in first.dependencies)

    # Amazon publishes an image: another question stands for another answer to the same one.
    key = first.name.removeprefix("chat-")
    row = load_catalog().machine_images[key].model_dump(mode="json", exclude_none=True)
    write(project, overlay={"machine_images": {key: {**row, "name": f"{row['name'].removesuffix('*')}2027*"}}})
    published = rehearsal.up(expect_no_changes=True)
    assert published.ok, published.log
    assert machine(published).id == first.id
