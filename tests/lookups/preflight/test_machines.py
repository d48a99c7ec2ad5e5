from __future__ import annotations

from dataclasses import replace

import pytest

from polysilicon.lookups.preflight import Clients
from polysilicon.lookups.preflight.machines import offered, spot_score
from polysilicon.lookups.preflight.tools import tools
from tests.lookups.preflight.fleets import fleet, requirements
from tests.lookups.preflight.stand_in import StandIn
from tests.lookups.preflight.stubs import Stubbed

REGION = requirements(fleet(1)).regions[0]


@pytest.mark.parametrize(
    ("machine", "zones", "status", "text", "fix"),
    [
        ("inf2.8xlarge", ("use1-az4", "use1-az6"), "ok", "in use1-az4, use1-az6", ""),
        ("g6e.4xlarge", ("use1-az4", "use1-az5"), "fail", "is not offered in use1-az5", "zones of use1-az1, use1-az2"),
        ("trn2.48xlarge", ("use1-az4",), "fail", "is not offered in this region", "another machine or region"),
    ],
)
def test_machines_are_compared_with_what_is_sold_in_the_zones(
    machine: str, zones: tuple[str, ...], status: str, text: str, fix: str, aws: StandIn, clients: Clients
) -> None:
    (found,) = offered(replace(REGION, machines={machine: zones}), clients)
    assert (found.status, found.subject) == (status, machine)
    assert text in found.text
    assert fix in found.fix
    assert aws.operations == ["DescribeInstanceTypeOfferings"]


def test_where_no_machine_is_wanted_none_is_asked_for(aws: StandIn, clients: Clients) -> None:
    assert list(offered(replace(REGION, machines={}), clients)) == []
    assert aws.operations == []


def test_the_spot_score_is_told_with_what_it_is_worth() -> None:
    stub = Stubbed("ec2")
    asked = {
        "InstanceTypes": ["inf2.xlarge"],
        "TargetCapacity": 4,
        "TargetCapacityUnitType": "units",
        "RegionNames": ["us-east-1"],
    }
    stub.expect("get_spot_placement_scores", {"SpotPlacementScores": [{"Region": "us-east-1", "Score": 3}]}, asked)
    stub.expect("get_spot_placement_scores", {"SpotPlacementScores": []}, asked)
    (known,) = spot_score("inf2.xlarge", 4, "us-east-1", stub.clients)
    (unknown,) = spot_score("inf2.xlarge", 4, "us-east-1", stub.clients)
    stub.done()
    assert known.status == "ok"
    assert known.text.startswith("3 of 10 for 4 nodes; for information only")
    assert (unknown.status, unknown.text) == ("unknown", "EC2 gives none for 4 nodes")


def test_the_aws_command_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert [(each.status, each.text) for each in tools()] == [("ok", "/usr/bin/aws")]
    monkeypatch.setattr("shutil.which", lambda name: None)
    (found,) = tools()
    assert (found.status, found.fix) == ("fail", "install it: https://aws.amazon.com/cli")
