"""Node groups and what their launch template leads to: security groups, EFA, placement and reservations."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import moto
import pytest

from polysilicon.rehearsal import Record, RefusedError
from polysilicon.rehearsal.judges.order_moment import words
from tests.rehearsal.order_account import EVERYTHING, NODE_POLICIES, Aws

ALL_IN = {"protocol": "-1", "fromPort": 0, "toPort": 0}


class Fleet:
    """A cluster in which node groups are made from a launch template; what it lacks is up to the test."""

    def __init__(self, **cluster: Any) -> None:
        self.aws = Aws()
        self.network = self.aws.network(EVERYTHING)
        reach = {"subnetIds": [self.network["private"].id], "endpointPrivateAccess": True, **cluster}
        self.cluster = self.aws.cluster(self.network, vpcConfig=reach)
        self.role = self.aws.role("node", "ec2.amazonaws.com", *NODE_POLICIES)
        for addon in ("vpc-cni", "kube-proxy"):
            self.aws.addon(self.cluster, addon)

    @property
    def own(self) -> str:
        return str(self.cluster.outputs["vpcConfig"]["clusterSecurityGroupId"])

    def group(self, name: str = "efa", /, **inputs: Any) -> Record:
        return self.aws.make("ec2", "SecurityGroup", name, vpcId=self.network["vpc"].id, **inputs)

    def template(self, **inputs: Any) -> Record:
        return self.aws.make("ec2", "LaunchTemplate", "t", **{"instanceType": "p5.48xlarge", **inputs})

    def nodes(self, template: Record, **more: Any) -> Record:
        told = {"launchTemplate": {"id": template.id, "version": "1"}, **more}
        return self.aws.nodes(self.cluster, self.role, self.network["private"], **told)


def efas(count: int, *groups: str, kind: str = "efa") -> list[dict[str, Any]]:
    """So many interfaces, one for each card."""
    each: dict[str, Any] = (
        {"interfaceType": kind, "securityGroups": list(groups)} if groups else {"interfaceType": kind}
    )
    return [{**each, "networkCardIndex": card, "deviceIndex": int(card > 0)} for card in range(count)]


def rules(fleet: Fleet, group: Record, way: str) -> None:
    """Rules by which a group lets its own members through, written in one of three ways."""
    for direction in ("ingress", "egress"):
        if way == "old":
            fleet.aws.make(
                "ec2", "SecurityGroupRule", direction, type=direction, securityGroupId=group.id, self=True, **ALL_IN
            )
        elif way == "new":
            kind = f"SecurityGroup{direction.capitalize()}Rule"
            told = {"securityGroupId": group.id, "referencedSecurityGroupId": group.id, "ipProtocol": "-1"}
            fleet.aws.make("vpc", kind, direction, **told)


@pytest.mark.parametrize("way", ["inline", "old", "new"])
def test_efa_passes_where_the_group_lets_its_own_members_through(way: str) -> None:  # aws trap 1
    fleet = Fleet(endpointPrivateAccess=False)
    inline: dict[str, Any] = (
        {"ingress": [{**ALL_IN, "self": True}], "egress": [{**ALL_IN, "self": True}]} if way == "inline" else {}
    )
    group = fleet.group(**inline)
    rules(fleet, group, way)
    fleet.nodes(fleet.template(networkInterfaces=efas(2, group.id)))


@pytest.mark.parametrize(
    ("inline", "direction"),
    [
        ({"ingress": [{**ALL_IN, "self": True}]}, "egress"),
        ({"egress": [{**ALL_IN, "self": True}]}, "ingress"),
        ({"ingress": [{**ALL_IN, "self": True}], "egress": [{**ALL_IN, "cidrBlocks": ["0.0.0.0/0"]}]}, "egress"),
        ({"ingress": [{"protocol": "tcp", "fromPort": 0, "toPort": 65535, "self": True}]}, "ingress"),
    ],
)
def test_efa_that_a_group_stops(inline: dict[str, Any], direction: str) -> None:  # aws trap 1
    fleet = Fleet(endpointPrivateAccess=False)
    group = fleet.group(**inline)
    with pytest.raises(RefusedError, match=rf"collectives on them hang.*\({direction}, protocol -1"):
        fleet.nodes(fleet.template(networkInterfaces=efas(2, group.id)))
    fleet.nodes(fleet.template(networkInterfaces=efas(2, group.id, kind="interface")))
    fleet.nodes(fleet.template(networkInterfaces=efas(2, group.id, fleet.own)))  # EKS has given it both rules
    fleet.nodes(fleet.template(networkInterfaces=efas(2)))  # EKS attaches that of the cluster


def test_a_group_of_somebody_else_is_not_judged() -> None:
    fleet = Fleet(endpointPrivateAccess=False)
    fleet.nodes(fleet.template(networkInterfaces=efas(1, "sg-0123456789abcdef0")))
    assert fleet.aws.judge.tally.unjudged["rules of a security group that was not made here"]


def test_nodes_that_cannot_reach_the_control_plane() -> None:  # aws trap 2
    fleet = Fleet()
    group = fleet.group("nodes")
    alone = fleet.template(vpcSecurityGroupIds=[group.id])
    with pytest.raises(RefusedError, match="cannot reach the control plane"):
        fleet.nodes(alone)
    fleet.nodes(fleet.template(vpcSecurityGroupIds=[group.id, fleet.own]))
    fleet.aws.make(
        "vpc",
        "SecurityGroupIngressRule",
        "in",
        securityGroupId=fleet.own,
        referencedSecurityGroupId=group.id,
        ipProtocol="-1",
    )
    fleet.nodes(alone)


def test_a_public_endpoint_and_groups_of_the_program_let_nodes_in() -> None:  # aws trap 2
    public = Fleet(endpointPrivateAccess=False)
    public.nodes(public.template(vpcSecurityGroupIds=[public.group("nodes").id]))
    aws = Aws()
    door = aws.make("ec2", "SecurityGroup", "door", vpcId="vpc-1", ingress=[{**ALL_IN, "cidrBlocks": ["10.0.0.0/8"]}])
    fleet = Fleet(securityGroupIds=[door.id])
    fleet.nodes(fleet.template(vpcSecurityGroupIds=[fleet.group("nodes").id]))


@pytest.mark.parametrize(
    ("machines", "given", "words_"),
    [
        (["p6-b300.48xlarge"], efas(17), "at most 16 EFA interfaces, the launch template has 17"),  # aws trap 4
        (["p6-b300.48xlarge"], efas(16), "network card 0 of p6-b300.48xlarge takes no EFA"),  # aws trap 4
        (["p5.48xlarge", "p5en.48xlarge"], efas(32), "p5en.48xlarge takes at most 16"),  # aws trap 5
        (["inf2.48xlarge"], efas(1), "inf2.48xlarge takes at most 0"),  # aws trap 11
    ],
)
def test_more_efas_than_the_smallest_machine_takes(machines: list[str], given: Any, words_: str) -> None:
    fleet = Fleet()
    with pytest.raises(RefusedError, match=words_):
        fleet.nodes(fleet.template(instanceType=None, networkInterfaces=given), instanceTypes=machines)


@pytest.mark.parametrize(
    ("machines", "given"),
    [
        (["p6-b300.48xlarge"], [{"interfaceType": "interface"}, *efas(17)[1:]]),
        (["p5.48xlarge", "p5e.48xlarge"], efas(32)),
        (["x99.huge"], efas(99)),
    ],
)
def test_as_many_efas_as_a_machine_takes(machines: list[str], given: Any) -> None:
    fleet = Fleet()
    fleet.nodes(fleet.template(instanceType=None, networkInterfaces=given), instanceTypes=machines)


def test_the_table_of_efas_is_that_of_ec2() -> None:
    recorded = Path(moto.__file__).parent / "ec2/resources/instance_types.json.gz"
    machines = json.loads(gzip.decompress(recorded.read_bytes()))
    rows = [(re.compile(row["machines"]), row["most"]) for row in words("aws")["efas"]]
    told = {name: [most for pattern, most in rows if pattern.search(name)] for name in machines}
    known = {
        name: info["NetworkInfo"].get("EfaInfo", {}).get("MaximumEfaInterfaces", 0) for name, info in machines.items()
    }
    assert all(most in ([], [known[name]]) for name, most in told.items())
    assert all(any(pattern.search(name) for name in machines) for pattern, _ in rows)


@pytest.mark.parametrize(
    ("strategy", "zones", "refused"), [("cluster", "ab", True), ("cluster", "aa", False), ("spread", "ab", False)]
)
def test_a_cluster_placement_group_lies_in_one_zone(strategy: str, zones: str, refused: bool) -> None:  # aws trap 8
    fleet = Fleet()
    fleet.aws.make("ec2", "PlacementGroup", "pg", name="pg", strategy=strategy)
    template = fleet.template(placement={"groupName": "pg"})
    table, subnets = fleet.network["private table"].id, []
    for index, zone in enumerate(zones):
        place = {"cidrBlock": f"10.0.{64 + 16 * index}.0/20", "availabilityZone": f"us-east-1{zone}"}
        subnets.append(fleet.aws.make("ec2", "Subnet", f"s{index}", vpcId=fleet.network["vpc"].id, **place).id)
        fleet.aws.make("ec2", "RouteTableAssociation", f"s{index}", routeTableId=table, subnetId=subnets[-1])
    if refused:
        with pytest.raises(RefusedError, match=r"cannot span several availability zones.*us-east-1a, us-east-1b"):
            fleet.nodes(template, subnetIds=subnets)
    else:
        fleet.nodes(template, subnetIds=subnets)


def reserved(fleet: Fleet, count: int) -> Record:
    told = {"instanceType": "p5.48xlarge", "instanceCount": count, "instancePlatform": "Linux/UNIX"}
    held = fleet.aws.make("ec2", "CapacityReservation", "r", availabilityZone="us-east-1a", **told)
    target = {"capacityReservationTarget": {"capacityReservationId": held.id}}
    return fleet.template(capacityReservationSpecification=target)


def size(desired: int) -> dict[str, int]:
    return {"minSize": 0, "maxSize": 9, "desiredSize": desired}


def test_no_more_nodes_than_are_reserved() -> None:
    fleet = Fleet()
    template = reserved(fleet, 2)
    with pytest.raises(RefusedError, match=r"ReservationCapacityExceeded.*has 2, desiredSize is 3"):
        fleet.nodes(template, scalingConfig=size(3))
    made = fleet.nodes(template, scalingConfig=size(2))
    with pytest.raises(RefusedError, match="desiredSize is 3"):
        fleet.aws.cloud.change(made, **{**made.inputs, "scalingConfig": size(3)})


@pytest.mark.parametrize(
    ("nodes", "strategy", "refused"),
    [
        (2, None, True),
        (2, {"updateStrategy": "DEFAULT"}, True),
        (2, {"updateStrategy": "MINIMAL"}, False),
        (1, None, False),
    ],
)
def test_an_update_of_nodes_that_take_all_that_is_reserved(
    nodes: int, strategy: Any, refused: bool
) -> None:  # aws trap 20
    fleet = Fleet()
    more = {"updateConfig": strategy} if strategy else {}
    made = fleet.nodes(reserved(fleet, 2), scalingConfig=size(nodes), **more)
    fleet.aws.cloud.change(made, **{**made.inputs, "tags": {"a": "b"}})
    news = {**made.inputs, "launchTemplate": {**made.inputs["launchTemplate"], "version": "2"}}
    if refused:
        with pytest.raises(RefusedError, match=r'set updateConfig\.updateStrategy to "MINIMAL"'):
            fleet.aws.cloud.change(made, **news)
    else:
        fleet.aws.cloud.change(made, **news)
