"""What a cloud takes in one property and answers in another, so that every update shows a change."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.read_back import read_back
from tests.rehearsal.order_account import EVERYTHING, Aws
from tests.rehearsal.simulated import Cloud

ROUTE, TABLE = "aws:ec2/route:Route", "aws:ec2/routeTable:RouteTable"


def changes(cloud: Cloud, type_: str, inputs: dict[str, Any]) -> set[tuple[str, str, bool]]:
    """What an update without changes is said to change."""
    found = cloud.simulation.compare(type_, inputs, inputs, cloud.settings).changes
    return {(change.text, change.kind, change.replaces) for change in found}


@pytest.mark.parametrize(
    ("gateway", "back"), [("nat-1", "natGatewayId"), ("eigw-1", "egressOnlyGatewayId"), ("igw-1", ""), ("vgw-1", "")]
)
def test_a_gateway_of_another_kind(gateway: str, back: str) -> None:
    cloud = Cloud()
    cloud.accounts.learn([gateway, "rtb-1"])
    inputs = {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway}
    made = cloud.make(ROUTE, "out", **inputs)
    assert made.outputs[back or "gatewayId"] == gateway
    assert ("gatewayId" in made.outputs) is not bool(back)
    assert changes(cloud, ROUTE, inputs) == ({("gatewayId", "add", False), (back, "delete", False)} if back else set())
    assert any(back in note and "every update shows a change" in note for note in cloud.simulation.notes) is bool(back)


@pytest.mark.parametrize("gateway", ["nat-1", "igw-1"])
def test_routes_inside_their_table(gateway: str) -> None:
    cloud, routes = Cloud(), [{"cidrBlock": "0.0.0.0/0", "gatewayId": gateway}]
    found = changes(cloud, TABLE, {"vpcId": "vpc-1", "routes": routes})
    assert {text for text, _, _ in found} == (
        {"routes[0].gatewayId", "routes[0].natGatewayId"} if gateway == "nat-1" else set()
    )


def test_the_way_leads_out_all_the_same() -> None:
    aws = Aws()
    network = aws.network(EVERYTHING - {"private route"})
    aws.route("private", network, gatewayId=network["nat"].id)
    told = read_back(ROUTE, {"gatewayId": network["nat"].id})
    assert told == {"natGatewayId": network["nat"].id}
    role = aws.role("node", "ec2.amazonaws.com", *("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"))
    aws.attach(role, "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy")
    cluster = aws.cluster(network)
    for addon in ("vpc-cni", "kube-proxy"):
        aws.addon(cluster, addon)
    aws.nodes(cluster, role, network["private"])


def test_rows_have_sources() -> None:
    assert all(row["source"] and row["advice"] for row in table("aws")["read_back"])
