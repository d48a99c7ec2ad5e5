"""Servers that take their images from the cluster's cache, with the real engine, in two stacks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.project import copy_project, edit, rehearse

pytestmark = pytest.mark.engine


def test_images_come_through_the_cache_and_go_with_it(tmp_path: Path) -> None:
    project = copy_project(tmp_path)

    def infra(config: dict[str, Any]) -> None:
        config["polysilicon:fleet"]["clusters"]["aws"]["images"] = {}
        config["polysilicon:fleet"]["models"]["chat"]["line"] = "aws-sdk2.28"
        config["polysilicon:fleet"]["layers"] = ["infra"]

    def serving(config: dict[str, Any]) -> None:
        infra(config)
        config["polysilicon:fleet"] |= {"layers": ["serving"], "infra_stack": "organization/polysilicon/dev-infra"}

    edit(project, "dev", infra, as_stack="dev-infra")
    edit(project, "dev", serving, as_stack="dev-serving")
    lower, upper = (rehearse(project, stack, tmp_path / "state") for stack in ("dev-infra", "dev-serving"))
    made, up = lower.up(), upper.up()
    assert made.ok, made.log
    assert up.ok, up.log
    repositories = {each.id.split("/", 1)[1] for each in made.by_type("aws:ecr/repository:Repository")}
    served = "ecr/neuron/pytorch-inference-vllm-neuronx"
    assert repositories == {served, "ecr/neuron/neuron-device-plugin", "ecr/neuron/neuron-monitor"}
    assert len(made.by_type("kubernetes:batch/v1:Job")) == 3
    (deployment,) = up.by_type("kubernetes:apps/v1:Deployment")
    (container,) = deployment.inputs["spec"]["template"]["spec"]["containers"]
    registry = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    assert re.fullmatch(rf"{re.escape(registry)}/aws-[0-9a-f]{{4}}/{served}@sha256:[0-9a-f]{{64}}", container["image"])
    for rehearsal in (lower, upper):
        again = rehearsal.up(expect_no_changes=True)
        assert again.ok, again.log
    assert upper.destroy().ok
    gone = lower.destroy()
    assert gone.ok, gone.log
    assert list(gone.accounts) == []
