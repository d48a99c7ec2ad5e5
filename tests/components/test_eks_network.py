"""The VPC of an EKS cluster."""

from __future__ import annotations

from polysilicon.aws import EksNetwork, EksNetworkArgs, existing_network
from polysilicon.specs import EksNetworkSpec, ExistingEksNetworkSpec
from tests.components.recording import Recording, record, unknown_keys


def network(known: bool = True) -> Recording:
    args = EksNetworkArgs(spec=EksNetworkSpec(zones=("use1-az4", "use1-az6")))
    return record(lambda: EksNetwork("aws", args), known)


def test_private_subnets_reach_s3_without_nat() -> None:
    endpoint = network().one("aws:ec2/vpcEndpoint:VpcEndpoint")
    assert endpoint["vpcEndpointType"] == "Gateway"
    assert endpoint["serviceName"] == "com.amazonaws.us-east-1.s3"
    assert endpoint["routeTableIds"] == ["aws-private-use1-az4-id", "aws-private-use1-az6-id"]


def test_the_same_is_asked_before_anything_exists() -> None:
    before, after = network(known=False), network()
    assert {(r.type, r.name) for r in before.resources} == {(r.type, r.name) for r in after.resources}
    assert [path for resource in after.resources for path in unknown_keys(resource)] == []


def test_subnets_that_are_there_are_looked_up_in_their_zones_and_in_one_vpc() -> None:
    subnets = {"use1-az4": "subnet-0000000000000004", "use1-az6": "subnet-0000000000000006"}
    spec = ExistingEksNetworkSpec(kind="existing", cidrs=("10.9.0.0/16",), private_subnets=subnets)
    made = record(lambda: existing_network(spec))
    assert made.resources == []
    assert sorted(asked["id"] for _, asked in made.calls) == sorted(subnets.values())
    assert {asked["id"]: asked["availabilityZoneId"] for _, asked in made.calls} == {i: z for z, i in subnets.items()}
    assert [asked.get("vpcId") for _, asked in made.calls] == [None, "vpc-1"]
