"""Each example as its reader uses it: up, again, a change, a change that would replace what is scarce, destroy."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from polysilicon.clock import NOW
from polysilicon.rehearsal import Rehearsal
from tests.conftest import ROOT

pytestmark = pytest.mark.engine
TODAY = "2026-12-01T12:00:00Z"
LEAVE = {"reason": "the test replaces it", "until": "2026-12-02"}
NEXT_BLOCK = "cr-11111111111111111"
_MACHINES = ("aws:eks/nodeGroup:NodeGroup", "aws:ec2/instance:Instance")
Change = Callable[[dict[str, Any]], object]


def in_zone(pool: dict[str, Any], zone: str) -> None:
    pool["zones"] = [zone]
    pool["capacity"][0]["reservation"]["zone"] = zone


FLEETS: dict[str, tuple[str, Change, Change]] = {
    "aws-inferentia2": (
        "inf2",
        lambda pool: pool["capacity"][1].update(max=6),
        lambda pool: pool.update(machine="inf2.24xlarge"),
    ),
    "aws-inferentia2-single-node": (
        "chat",
        lambda server: server.update(root_disk_gib=600, reach=["10.20.0.0/20", "10.99.0.0/16"]),
        lambda server: server.update(max_concurrency=8),
    ),
    "aws-existing-vpc": (
        "inf2",
        lambda pool: pool["capacity"][1].update(max=3),
        lambda pool: pool.update(machine="inf2.24xlarge"),
    ),
    "aws-existing-cluster": (
        "l40s",
        lambda pool: pool["capacity"][1].update(max=3),
        lambda pool: pool.update(machine="g6e.4xlarge"),
    ),
    "aws-l40s": (
        "l40s",
        lambda pool: pool["capacity"][1].update(max=2),
        lambda pool: pool.update(machine="g6e.24xlarge"),
    ),
    "aws-h100-efa": (
        "p5",
        lambda pool: pool.update(root_disk_gib=600),
        lambda pool: pool.update(machine="p5en.48xlarge"),
    ),
    "aws-trainium2-efa": (
        "trn2",
        lambda pool: pool.update(root_disk_gib=600),
        lambda pool: pool.update(zones=["use2-az1"]),
    ),
    "aws-capacity-block": (
        "p5e",
        lambda pool: pool.update(root_disk_gib=600),
        lambda pool: in_zone(pool, "use2-az1"),
    ),
}
SCARCE = ("aws-h100-efa", "aws-trainium2-efa", "aws-capacity-block")


def copied(example: str, to: Path) -> Path:
    """The example in a folder that a test may change."""
    shutil.copytree(ROOT / "examples" / example, to / example)
    settings = yaml.safe_load((to / example / "Pulumi.yaml").read_text())
    settings["runtime"]["options"]["virtualenv"] = str(ROOT / ".venv")
    settings["main"] = str(ROOT / "stacks")
    (to / example / "Pulumi.yaml").write_text(yaml.safe_dump(settings))
    return to / example


def reserved(project: Path) -> list[str]:
    """The reservations, subnets and clusters that the reader has: nothing here makes one."""
    text = (project / "Pulumi.dev.yaml").read_text()
    return [*re.findall(r"(?:cr|subnet)-[0-9a-f]{17}", text), *re.findall(r"\bname: (\w+)", text), NEXT_BLOCK]


def edit(project: Path, key: str, change: Change) -> None:
    """Changes a pool, or a server."""
    file = project / "Pulumi.dev.yaml"
    document = yaml.safe_load(file.read_text())
    fleet = document["config"]["polysilicon:fleet"]
    change({**fleet.get("pools", {}), **fleet.get("servers", {})}[key])
    file.write_text(yaml.safe_dump(document))


@pytest.mark.parametrize("example", FLEETS)
def test_up_again_change_replace_destroy(example: str, tmp_path: Path) -> None:
    pool, in_place, replacing = FLEETS[example]
    project = copied(example, tmp_path)
    rehearsal = at(TODAY, project, tmp_path)

    up = rehearsal.up()
    assert up.ok, up.log
    again = rehearsal.up(expect_no_changes=True)
    assert again.ok, again.log

    edit(project, pool, in_place)
    changed = rehearsal.up()
    assert changed.ok, changed.log
    assert changed.changed > 0
    assert ids(changed) == ids(up), "nothing was replaced"

    edit(project, pool, replacing)
    if example in SCARCE:
        refused = rehearsal.up()
        assert not refused.ok
        assert "protect" in refused.log
        assert ids(refused) >= ids(up), "what is protected is there"
        edit(project, pool, lambda spec: spec.update(replace_ok=LEAVE))
    replaced = rehearsal.up()
    assert replaced.ok, replaced.log
    assert ids(replaced) != ids(up)

    gone = rehearsal.destroy()
    assert gone.ok, gone.log
    assert list(gone.leftovers) == []
    assert list(gone.accounts) == []


@pytest.mark.parametrize("later", [TODAY, "2026-12-13T12:00:00Z"], ids=["before it begins", "when it has ended"])
def test_the_next_capacity_block(later: str, tmp_path: Path) -> None:
    """As the README says: leave to replace first, then the next block in the place of the one before."""
    project = copied("aws-capacity-block", tmp_path)
    up = at(TODAY, project, tmp_path).up()
    assert up.ok, up.log

    edit(project, "p5e", lambda spec: spec.update(replace_ok={**LEAVE, "until": "2026-12-14"}))
    released = at(later, project, tmp_path).up()
    assert released.ok, released.log
    assert ids(released) == ids(up)

    edit(project, "p5e", lambda spec: spec["capacity"][0]["reservation"].update(id=NEXT_BLOCK))
    window = {"start": "2026-12-14T11:30:00Z", "end": "2026-12-21T11:30:00Z"}
    edit(project, "p5e", lambda spec: spec["capacity"][0].update(window))
    following = at(later, project, tmp_path).up()
    assert following.ok, following.log
    assert len(ids(following)) == len(ids(up))
    assert len(ids(following) - ids(up)) == 1, "one group went, another came"


def test_a_pool_of_scarce_nodes_goes_in_two_updates(tmp_path: Path) -> None:
    """As the README says: leave to replace first, then without it."""
    project = copied("aws-trainium2-efa", tmp_path)
    rehearsal = at(TODAY, project, tmp_path)
    up = rehearsal.up()
    assert up.ok, up.log

    whole = (project / "Pulumi.dev.yaml").read_text()
    without(project, "trn2")
    at_once = rehearsal.up()
    assert not at_once.ok
    assert "protect" in at_once.log
    assert ids(at_once) == ids(up), "no node has gone"

    (project / "Pulumi.dev.yaml").write_text(whole)
    edit(project, "trn2", lambda spec: spec.update(replace_ok=LEAVE))
    released = rehearsal.up()
    assert released.ok, released.log
    assert ids(released) == ids(up)
    without(project, "trn2")
    gone = rehearsal.up()
    assert gone.ok, gone.log
    assert len(ids(gone)) == len(ids(up)) - 1


@pytest.mark.parametrize("example", SCARCE)
def test_its_reader_is_told_both_commands(example: str) -> None:
    text = (ROOT / "examples" / example / "README.md").read_text()
    _, _, taken_away = text.partition("**Take nodes away.**")
    away, _, down = taken_away.partition("**Tear down.**")
    assert commands(away) == ["pulumi up --stack dev", "pulumi up --stack dev"]
    assert commands(down) == ["pulumi up --stack dev", "pulumi destroy --stack dev"]
    assert "`replace_ok" in away
    assert "`replace_ok`" in down


def commands(text: str) -> list[str]:
    """The lines that a reader copies."""
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def without(project: Path, pool: str) -> None:
    """Removes a pool and the models on it."""
    file = project / "Pulumi.dev.yaml"
    document = yaml.safe_load(file.read_text())
    fleet = document["config"]["polysilicon:fleet"]
    del fleet["pools"][pool]
    fleet["models"] = {key: spec for key, spec in fleet["models"].items() if spec["pool"] != pool}
    file.write_text(yaml.safe_dump(document))


def at(time: str, project: Path, folder: Path) -> Rehearsal:
    """The example at another time, on the same state."""
    passed, there = (f"{NOW}={time}",), reserved(project)
    return Rehearsal(project, "dev", state=folder / "state", quiet=True, passed=passed, existing=there)


def ids(outcome: Any) -> set[str]:
    """The managed node groups, and machines without a cluster."""
    return {resource.id for resource in outcome.resources if resource.type in _MACHINES}
