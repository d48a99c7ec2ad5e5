"""Networks with the real engine: what a cluster waits for, and what a change of the way out does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from polysilicon.rehearsal import Rehearsal
from polysilicon.rehearsal.faults import Fail
from tests.stacks.project import copy_project, edit, rehearse

pytestmark = pytest.mark.engine


def network(config: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = config["polysilicon:fleet"]["clusters"]["aws"]["network"]
    return found


def closed(config: dict[str, Any]) -> None:
    network(config).update(nat="none", endpoints=["private_cluster"], way_out="the platform's transit gateway")
    addons = ["aws-ebs-csi-driver", "eks-node-monitoring-agent"]
    config["polysilicon:fleet"]["clusters"]["aws"]["addons"] = addons


def opened(config: dict[str, Any]) -> None:
    del network(config)["way_out"]
    network(config).update(nat="single", endpoints=["ecr.api", "ecr.dkr"])


def anywhere(config: dict[str, Any]) -> None:
    network(config).pop("zones")


def with_a_pool_of_another_zone(config: dict[str, Any]) -> None:
    pools = config["polysilicon:fleet"]["pools"]
    pools["trn1n"] = {**pools["inf2"], "machine": "trn1n.32xlarge"}


def test_a_pool_that_comes_later_moves_no_subnet_where_zones_are_left_out(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    edit(project, "dev", anywhere)
    rehearsal = rehearse(project, "dev", tmp_path / "state")
    up = rehearsal.up()
    assert up.ok, up.log
    edit(project, "dev", with_a_pool_of_another_zone)
    more = rehearsal.up()
    assert more.ok, more.log
    before, after = ({(r.type, r.name): r.id for r in each.resources} for each in (up, more))
    assert before.items() <= after.items(), "nothing is replaced or gone"


def with_a_zone_between(config: dict[str, Any]) -> None:
    first, *others = network(config)["zones"]
    network(config)["zones"] = [first, "use1-az2", *others]


def with_a_zone_behind(config: dict[str, Any]) -> None:
    first, between, *others = network(config)["zones"]
    network(config)["zones"] = [first, *others, between]


def test_a_zone_between_others_is_refused_in_the_preview_and_taken_behind_them(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    rehearsal = rehearse(project, "dev", tmp_path / "state")
    up = rehearsal.up()
    assert up.ok, up.log
    edit(project, "dev", with_a_zone_between)
    refused = rehearsal.preview()
    assert not refused.ok
    assert (
        "network.zones: got use1-az4, use1-az2, use1-az6, which moves ranges of subnets that are there" in refused.log
    )
    assert "new ones behind: use1-az4, use1-az6, use1-az2" in refused.log
    edit(project, "dev", with_a_zone_behind)
    taken = rehearsal.up()
    assert taken.ok, taken.log
    assert "aws-private-use1-az2" in {r.name for r in taken.resources if r.type == "aws:ec2/subnet:Subnet"}


def test_a_vpc_that_was_not_made_may_have_another_range_and_one_that_is_there_not(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    state, failing = tmp_path / "state", (Fail("aws:ec2/vpc:Vpc"),)
    failed = Rehearsal(project, "dev", state=state, quiet=True, faults=failing).up()
    assert not failed.ok
    edit(project, "dev", lambda config: network(config).update(cidr="10.99.0.0/16"))
    up = rehearse(project, "dev", state).up()
    assert up.ok, up.log

    edit(project, "dev", lambda config: network(config).update(cidr="10.98.0.0/16"))
    refused = rehearse(project, "dev", state).preview()
    assert not refused.ok
    assert "network.cidr: got 10.98.0.0/16, but the VPC is there with 10.99.0.0/16" in refused.log


def test_a_cluster_behind_endpoints_gets_nat_and_goes(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    edit(project, "dev", closed)
    rehearsal = rehearse(project, "dev", tmp_path / "state")
    up = rehearsal.up()
    assert up.ok, up.log
    assert [r.name for r in up.resources if r.type == "aws:ec2/natGateway:NatGateway"] == []
    again = rehearsal.up(expect_no_changes=True)
    assert again.ok, again.log

    edit(project, "dev", opened)
    changed = rehearsal.up()
    assert changed.ok, changed.log
    groups = [{r.id for r in each.resources if r.type == "aws:eks/nodeGroup:NodeGroup"} for each in (up, changed)]
    assert groups[0] == groups[1], "no node is replaced"

    gone = rehearsal.destroy()
    assert gone.ok, gone.log
    assert list(gone.leftovers) == []
    assert list(gone.accounts) == []
