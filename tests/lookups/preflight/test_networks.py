from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest

from polysilicon.lookups.preflight import Clients, Finding
from polysilicon.lookups.preflight.networks import networks
from tests.lookups.preflight.fleets import cluster, fleet, pool, requirements, server
from tests.lookups.preflight.stand_in import StandIn
from tests.lookups.preflight.vpcs import made_vpc

TWO = {"use1-az4": "10.64.0.0/24", "use1-az6": "10.64.1.0/24"}


def asked(clients: Clients, subnets: Mapping[str, str], floor: int, most: int, **more: Any) -> list[Finding]:
    """What preflight says of a network that is there, and of its addresses for a pool of inf2.8xlarge."""
    network = {"kind": "existing", "cidrs": ["10.64.0.0/16"], "private_subnets": dict(subnets)}
    capacity = [{"kind": "on_demand", "min": floor, "max": most}]
    pools = {"inf2": pool("inf2.8xlarge", "theirs", capacity=capacity, **more)}
    document = {**fleet(0), "clusters": {"theirs": cluster("us-east-1", network=network)}, "pools": pools}
    return [*networks(requirements(document).regions[0], clients)]


def test_subnets_without_room_for_the_nodes_and_their_pods_are_told(aws: StandIn, clients: Clients) -> None:
    # Two subnets of 256: each without 5 of AWS and 16 of EKS leaves 235; NAT holds one, a system node 30, another 60.
    subnets = made_vpc("10.64.0.0/16", TWO)
    names = ", ".join(subnets.values())
    (fine,) = asked(clients, subnets, 1, 6)
    assert fine.status == "ok"
    _, elastic = asked(clients, subnets, 1, 7)
    assert (elastic.check, elastic.subject, elastic.status) == ("network", "addresses of theirs", "warn")
    wanted = "system nodes 3 x 30, pool inf2 7 x 60 want 510"
    assert elastic.text == f"{names} have 469 free addresses for nodes, and {wanted} at most"
    assert elastic.fix == "name larger subnets, or lower max; what runs there already counts too"
    _, always = asked(clients, subnets, 8, 8)
    assert (always.status, always.fix) == ("fail", "name larger subnets, or lower min")
    assert always.text == f"{names} have 470 addresses for nodes, but system nodes 1 x 30, pool inf2 8 x 60 want 510"


def test_addresses_that_others_hold_are_not_free(aws: StandIn, clients: Clients) -> None:
    subnets = made_vpc("10.64.0.0/16", TWO)
    ec2 = boto3.client("ec2", "us-east-1")
    for _ in range(60):
        ec2.create_network_interface(SubnetId=subnets["use1-az6"])
    ec2.close()
    assert [found.status for found in asked(clients, subnets, 1, 2, zones=["use1-az6"])] == ["ok"]
    _, found = asked(clients, subnets, 1, 3, zones=["use1-az6"])
    held = f"{subnets['use1-az6']} have 175 free addresses for nodes, and pool inf2 3 x 60 want 180 at most"
    assert (found.status, found.text) == ("warn", held)


def judged(clients: Clients, subnets: Mapping[str, str], *cidrs: str, of: str = "clusters") -> Finding:
    """What preflight says of one network that is there."""
    network = {"kind": "existing", "cidrs": list(cidrs), "private_subnets": dict(subnets)}
    owner = {"cost_center": "ml", "workload": "chat", "team": "inference"}
    home = (cluster if of == "clusters" else server)("us-east-1", network=network)
    wanted = requirements({"owner": owner, "clusters": {}, of: {"theirs": home}})
    (finding,) = networks(wanted.regions[0], clients)
    assert finding.subject == "network of theirs"
    return finding


def test_a_network_that_is_as_it_is_stated_is_fine(aws: StandIn, clients: Clients) -> None:
    subnets = made_vpc("10.64.0.0/16", TWO)
    found = judged(clients, subnets, "10.64.0.0/16")
    assert (found.status, found.fix) == ("ok", "")
    assert all(subnet in found.text for subnet in subnets.values())
    assert "in vpc-" in found.text


def test_a_subnet_that_is_not_there_does_not_hide_the_others(aws: StandIn, clients: Clients) -> None:
    subnets = made_vpc("10.64.0.0/16", TWO, public=True)
    stated = {**subnets, "use1-az6": "subnet-00000000000000000"}
    found = judged(clients, stated, "10.64.0.0/16")
    assert found.status == "fail"
    assert "subnet-00000000000000000 does not exist here" in found.text
    assert f"{subnets['use1-az4']} gives public addresses" in found.text
    assert "aws ec2 describe-subnets --region us-east-1" in found.fix


def test_none_of_the_subnets_there_is_told(aws: StandIn, clients: Clients) -> None:
    stated = {"use1-az4": "subnet-00000000000000000", "use1-az6": "subnet-00000000000000001"}
    assert judged(clients, stated, "10.64.0.0/16").text.count("does not exist here") == 2


@pytest.mark.parametrize(
    ("zones", "cidrs", "status", "text"),
    [
        (["use1-az6", "use1-az4"], ["10.64.0.0/16"], "fail", "lies in use1-az4, where the stack says use1-az6"),
        ([*TWO], ["10.65.0.0/16"], "fail", "has 10.64.0.0/24, which is in none of 10.65.0.0/16"),
        ([*TWO], ["10.64.0.0/16", "10.66.0.0/16"], "fail", "has no range 10.66.0.0/16: it has 10.64.0.0/16, 100.64."),
        ([*TWO], ["10.64.0.0/16"], "warn", "has 100.64.0.0/16 too, which cidrs does not say"),
    ],
    ids=["other zone", "other range", "range that the VPC lacks", "range that is not stated"],
)
def test_what_is_otherwise_than_stated_is_told(
    zones: list[str], cidrs: list[str], status: str, text: str, aws: StandIn, clients: Clients
) -> None:
    subnets = made_vpc("10.64.0.0/16", TWO, "100.64.0.0/16")
    found = judged(clients, dict(zip(zones, subnets.values(), strict=True)), *cidrs)
    assert found.status == status
    assert text in found.text


def test_subnets_of_two_vpcs_are_refused(aws: StandIn, clients: Clients) -> None:
    one, other = made_vpc("10.64.0.0/16", TWO), made_vpc("10.64.0.0/16", TWO)
    found = judged(clients, {**one, "use1-az6": other["use1-az6"]}, "10.64.0.0/16")
    assert found.status == "fail"
    assert "the subnets lie in several VPCs: vpc-" in found.text


def test_a_subnet_that_is_nearly_full_is_told(aws: StandIn, clients: Clients) -> None:
    subnets = made_vpc("10.64.0.0/16", {**TWO, "use1-az6": "10.64.1.0/28"})
    found = judged(clients, subnets, "10.64.0.0/16")
    assert found.status == "warn"
    assert f"{subnets['use1-az6']} has 11 free addresses, EKS alone wants 16" in found.text


@pytest.mark.parametrize(
    ("out", "status", "text"),
    [
        ("internet", "fail", "leads out by an internet gateway, which serves public addresses only"),
        ("nowhere", "warn", "has no route to 0.0.0.0/0: nodes pull images and models by it"),
    ],
)
def test_private_subnets_must_lead_out(out: str, status: str, text: str, aws: StandIn, clients: Clients) -> None:
    found = judged(clients, made_vpc("10.64.0.0/16", TWO, out=out), "10.64.0.0/16")
    assert found.status == status
    assert found.text.count(text) == 2


def test_a_subnets_own_route_table_goes_before_the_main_one(aws: StandIn, clients: Clients) -> None:
    subnets = made_vpc("10.64.0.0/16", TWO)
    ec2 = boto3.client("ec2", "us-east-1")
    vpc = ec2.describe_subnets(SubnetIds=[subnets["use1-az4"]])["Subnets"][0]["VpcId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnets["use1-az4"])
    ec2.close()
    found = judged(clients, subnets, "10.64.0.0/16")
    assert found.text == f"{subnets['use1-az4']} has no route to 0.0.0.0/0: nodes pull images and models by it"


def test_a_route_to_something_deleted_is_told(aws: StandIn, clients: Clients) -> None:
    gone = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-0123456789abcdef0", "State": "blackhole"}
    subnets = made_vpc("10.64.0.0/16", TWO)
    (vpc,) = {row["VpcId"] for row in _subnets(subnets)}
    main = {"VpcId": vpc, "Associations": [{"Main": True}], "Routes": [gone]}
    aws.answers["DescribeRouteTables"] = {"RouteTables": [main]}
    assert "has a route to 0.0.0.0/0 that leads to something deleted" in judged(clients, subnets, "10.64.0.0/16").text


def _subnets(subnets: Mapping[str, str]) -> list[dict[str, str]]:
    ec2 = boto3.client("ec2", "us-east-1")
    rows: list[dict[str, str]] = ec2.describe_subnets(SubnetIds=[*subnets.values()])["Subnets"]
    ec2.close()
    return rows


def test_a_vpc_without_names_is_refused(aws: StandIn, clients: Clients) -> None:
    found = judged(clients, made_vpc("10.64.0.0/16", TWO, names=False), "10.64.0.0/16")
    assert found.status == "fail"
    assert "has enableDnsHostnames off, without which no node joins" in found.text


def test_a_server_needs_neither_names_of_machines_nor_room_for_eks(aws: StandIn, clients: Clients) -> None:
    subnets = made_vpc("10.64.0.0/16", {"use1-az4": "10.64.0.0/28"}, names=False)
    assert judged(clients, subnets, "10.64.0.0/16", of="servers").status == "ok"


def test_a_server_needs_answers_to_names(aws: StandIn, clients: Clients) -> None:
    subnets = made_vpc("10.64.0.0/16", {"use1-az4": "10.64.0.0/24"})
    aws.answers["DescribeVpcAttribute"] = {"EnableDnsSupport": {"Value": False}}
    found = judged(clients, subnets, "10.64.0.0/16", of="servers")
    assert found.status == "fail"
    assert "has enableDnsSupport off, without which the server finds neither images nor models" in found.text


@pytest.mark.parametrize(("of", "status"), [("clusters", "warn"), ("servers", "fail")])
def test_nodes_with_public_addresses_have_a_way_out(of: str, status: str, aws: StandIn, clients: Clients) -> None:
    zones = TWO if of == "clusters" else {"use1-az4": "10.64.0.0/24"}
    found = judged(clients, made_vpc("10.64.0.0/16", zones, public=True, out="internet"), "10.64.0.0/16", of=of)
    assert found.status == status
    assert "leads out by an internet gateway" in found.text
