"""The VPC of an EKS cluster."""

from __future__ import annotations

from polysilicon.aws import EksNetwork, EksNetworkArgs
from polysilicon.specs import EksNetworkSpec
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
