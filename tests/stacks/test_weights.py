"""Models whose weights and compiled code lie in a bucket, with the real engine: in one stack, in two, to nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.stacks.project import copy_project, edit, rehearse

pytestmark = pytest.mark.engine


def stored(config: dict[str, Any]) -> None:
    config["polysilicon:fleet"]["clusters"]["aws"]["weights"] = {}
    config["polysilicon:fleet"]["models"]["chat"]["weights"] = {}


def test_up_again_other_files_and_destroy(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    edit(project, "dev", stored)
    rehearsal = rehearse(project, "dev", tmp_path / "state")
    up = rehearsal.up()
    assert up.ok, up.log
    again = rehearsal.up(expect_no_changes=True)
    assert again.ok, again.log

    def elsewhere(config: dict[str, Any]) -> None:
        config["polysilicon:fleet"]["models"]["chat"]["weights"] = {"prefix": "Qwen/tuned"}

    edit(project, "dev", elsewhere)
    moved = rehearsal.up()
    assert moved.ok, moved.log
    (before,), (after,) = (outcome.by_type("kubernetes:core/v1:PersistentVolume") for outcome in (up, moved))
    assert before.id != after.id, "pods move from one volume to the other"
    (deployment,) = moved.by_type("kubernetes:apps/v1:Deployment")
    claims = [v["persistentVolumeClaim"] for v in pod(deployment)["volumes"] if "persistentVolumeClaim" in v]
    assert claims == [{"claimName": after.id, "readOnly": True}]

    gone = rehearsal.destroy()
    assert gone.ok, gone.log
    assert list(gone.leftovers) == []
    assert list(gone.accounts) == []


def test_other_shapes_are_compiled_by_another_job(tmp_path: Path) -> None:
    project = copy_project(tmp_path)

    def compiled(config: dict[str, Any]) -> None:
        fleet = config["polysilicon:fleet"]
        fleet["clusters"]["aws"]["weights"] = {}
        fleet["models"]["chat"]["compile_cache"] = True
        fleet["pools"]["inf2"]["capacity"] = [{"kind": "on_demand", "min": 1, "max": 2}]

    edit(project, "dev", compiled)
    rehearsal = rehearse(project, "dev", tmp_path / "state")
    up = rehearsal.up()
    assert up.ok, up.log
    again = rehearsal.up(expect_no_changes=True)
    assert again.ok, again.log
    edit(project, "dev", lambda config: config["polysilicon:fleet"]["models"]["chat"].update(max_concurrency=2))
    changed = rehearsal.up()
    assert changed.ok, changed.log
    (before,), (after,) = (outcome.by_type("kubernetes:batch/v1:Job") for outcome in (up, changed))
    assert before.id != after.id
    assert not changed.by_type("kubernetes:core/v1:PersistentVolume"), "weights come from the hub"
    gone = rehearsal.destroy()
    assert gone.ok, gone.log
    assert list(gone.accounts) == []


def test_the_serving_stack_finds_the_bucket_of_the_other(tmp_path: Path) -> None:
    project = copy_project(tmp_path)

    def infra(config: dict[str, Any]) -> None:
        stored(config)
        config["polysilicon:fleet"]["layers"] = ["infra"]

    def serving(config: dict[str, Any]) -> None:
        stored(config)
        config["polysilicon:fleet"] |= {"layers": ["serving"], "infra_stack": "organization/polysilicon/dev-infra"}

    edit(project, "dev", lambda config: config["polysilicon:fleet"].update(layers=["infra"]), as_stack="dev-infra")
    edit(project, "dev", serving, as_stack="dev-serving")
    lower, upper = (rehearse(project, stack, tmp_path / "state") for stack in ("dev-infra", "dev-serving"))
    assert lower.up().ok
    early = upper.up()
    assert not early.ok
    assert "organization/polysilicon/dev-infra exports no store of model 'chat'" in early.log
    assert "fix: run `pulumi up` there with the same fleet first" in early.log

    edit(project, "dev", infra, as_stack="dev-infra")
    made = lower.up()
    assert made.ok, made.log
    up = upper.up()
    assert up.ok, up.log
    (volume,) = up.by_type("kubernetes:core/v1:PersistentVolume")
    assert volume.inputs["spec"]["csi"]["volumeAttributes"]["bucketName"] == made.outputs["stores"]["chat"]
    assert upper.destroy().ok
    assert lower.destroy().ok


def pod(deployment: Any) -> dict[str, Any]:
    found: dict[str, Any] = deployment.inputs["spec"]["template"]["spec"]
    return found
