"""Models whose weights and compiled code lie in a bucket, with the real engine: in one stack, in two, to nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polysilicon.catalog import load_catalog
from polysilicon.rehearsal import Rehearsal
from polysilicon.rehearsal.outcome import Outcome
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


def compiled(config: dict[str, Any]) -> None:
    fleet = config["polysilicon:fleet"]
    fleet["clusters"]["aws"]["weights"] = {}
    fleet["models"]["chat"]["compile_cache"] = True
    fleet["pools"]["inf2"]["capacity"] = [{"kind": "on_demand", "min": 1, "max": 2}]


def test_other_shapes_are_compiled_by_another_job(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
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


def copied_by(image: str) -> Callable[[dict[str, Any]], None]:
    copier = {"aws.cli_image": {"value": image, "source": "made up", "as_of": "2026-11-25"}}
    return lambda config: config.update({"polysilicon:overlay": {"defaults": copier}})


def test_a_job_that_failed_is_made_anew_as_the_program_has_it_now_and_one_that_is_done_stays(tmp_path: Path) -> None:
    project, catalog = copy_project(tmp_path), load_catalog()
    edit(project, "dev", compiled)
    too_small = catalog.machines["inf2.8xlarge"].model_copy(update={"memory_gib": 8})
    cramped = catalog.model_copy(update={"machines": {**catalog.machines, "inf2.8xlarge": too_small}})
    failed = Rehearsal(project, "dev", state=tmp_path / "state", quiet=True, catalog=cramped).up()
    assert not failed.ok
    assert "chat-fill-" in failed.log

    rehearsal = rehearse(project, "dev", tmp_path / "state")
    edit(project, "dev", copied_by("registry.example/aws-cli:mended"))
    mended = rehearsal.up()
    assert mended.ok, mended.log
    edit(project, "dev", copied_by("registry.example/aws-cli:newest"))
    done = rehearsal.up()
    assert done.ok, done.log
    before, after, last = (job(outcome) for outcome in (failed, mended, done))
    assert before["metadata"]["name"] == after["metadata"]["name"]
    assert before["metadata"]["uid"] != after["metadata"]["uid"]
    assert copier(after) == "registry.example/aws-cli:mended"
    assert last == after, "an accelerator would be taken to compile what is there already"


def job(outcome: Outcome) -> dict[str, Any]:
    (found,) = outcome.by_type("kubernetes:batch/v1:Job")
    outputs: dict[str, Any] = found.outputs
    return outputs


def copier(of: dict[str, Any]) -> str:
    (container,) = of["spec"]["template"]["spec"]["containers"]
    image: str = container["image"]
    return image


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
