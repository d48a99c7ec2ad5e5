"""The VPC of an EKS cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from polysilicon.aws import EksNetwork, EksNetworkArgs, existing_network
from polysilicon.aws.encryption import log_key_policy
from polysilicon.aws.flow_logs import flow_log_policy, flow_log_trust
from polysilicon.specs import EksNetworkSpec, ExistingEksNetworkSpec, FlowLogs
from tests.components.recording import Recording, record, unknown_keys

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


def network(known: bool = True, **more: Any) -> Recording:
    args = EksNetworkArgs(spec=EksNetworkSpec(zones=("use1-az4", "use1-az6"), **more))
    return record(lambda: EksNetwork("aws", args), known)


CLOSED: dict[str, Any] = {"nat": "none", "endpoints": ("ecr.api", "sts"), "way_out": "a transit gateway of others"}


def test_private_subnets_reach_s3_without_nat() -> None:
    endpoint = network().one("aws:ec2/vpcEndpoint:VpcEndpoint")
    assert endpoint["vpcEndpointType"] == "Gateway"
    assert endpoint["serviceName"] == "com.amazonaws.us-east-1.s3"
    assert endpoint["routeTableIds"] == ["aws-private-use1-az4-id", "aws-private-use1-az6-id"]


def test_an_endpoint_of_a_service_lies_in_each_private_subnet_under_the_services_own_name() -> None:
    made = network(endpoints=("ecr.api",))
    endpoint = made.all("aws:ec2/vpcEndpoint:VpcEndpoint")["aws-ecr-api"]
    assert endpoint["serviceName"] == "com.amazonaws.us-east-1.ecr.api"
    assert endpoint["vpcEndpointType"] == "Interface"
    assert endpoint["privateDnsEnabled"] is True
    assert endpoint["subnetIds"] == ["aws-private-use1-az4-id", "aws-private-use1-az6-id"]
    assert endpoint["securityGroupIds"] == ["aws-endpoints-id"]


def test_endpoints_admit_tls_from_the_vpc_and_nothing_else() -> None:
    made = network(endpoints=("ecr.api", "sts"))
    group, rule = made.one("aws:ec2/securityGroup:SecurityGroup"), made.one(INGRESS)
    assert "ingress" not in group
    assert "egress" not in group
    assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"], rule["cidrIpv4"]) == ("tcp", 443, 443, "10.20.0.0/16")


def test_without_nat_nothing_is_public_and_nodes_wait_for_the_endpoints() -> None:
    networks: list[EksNetwork] = []
    args = EksNetworkArgs(spec=EksNetworkSpec(zones=("use1-az4", "use1-az6"), **CLOSED))
    made = record(lambda: networks.append(EksNetwork("aws", args)))
    kinds = {resource.type for resource in made.resources}
    assert kinds.isdisjoint(f"aws:ec2/{kind}" for kind in ("internetGateway:InternetGateway", "natGateway:NatGateway"))
    assert kinds.isdisjoint(f"aws:ec2/{kind}" for kind in ("eip:Eip", "route:Route"))
    assert list(made.all("aws:ec2/subnet:Subnet")) == ["aws-private-use1-az4", "aws-private-use1-az6"]
    assert {"aws-s3", "aws-ecr-api", "aws-sts", "aws-endpoints"} <= {part._name for part in networks[0].wires.egress}


@pytest.mark.parametrize("more", [{}, CLOSED], ids=["behind NAT", "closed"])
def test_the_same_is_asked_before_anything_exists(more: dict[str, Any]) -> None:
    before, after = network(known=False, **more), network(**more)
    assert {(r.type, r.name) for r in before.resources} == {(r.type, r.name) for r in after.resources}
    assert [path for resource in after.resources for path in unknown_keys(resource)] == []


def test_rejected_traffic_is_written_into_an_encrypted_group_with_an_end() -> None:
    made = network()
    log, group = made.one("aws:ec2/flowLog:FlowLog"), made.one("aws:cloudwatch/logGroup:LogGroup")
    arn = "arn:aws:mock:us-east-1:123456789012:aws-flow"
    assert (log["vpcId"], log["trafficType"], log["logDestinationType"]) == ("aws-id", "REJECT", "cloud-watch-logs")
    assert (log["logDestination"], log["iamRoleArn"]) == (arn, arn)
    assert (group["kmsKeyId"], group["retentionInDays"]) == (arn, 30)
    key = made.one("aws:kms/key:Key")
    assert key["enableKeyRotation"] is True
    assert json.loads(key["policy"]) == log_key_policy("us-east-1", "123456789012")
    assert json.loads(made.one("aws:iam/rolePolicy:RolePolicy")["policy"]) == flow_log_policy(arn)
    role = made.one("aws:iam/role:Role")
    assert json.loads(role["assumeRolePolicy"]) == flow_log_trust("us-east-1", "123456789012")


def test_the_spec_chooses_the_traffic_and_how_long_it_is_kept() -> None:
    made = network(flow_logs=FlowLogs(traffic="all", retention_days=365))
    assert made.one("aws:ec2/flowLog:FlowLog")["trafficType"] == "ALL"
    assert made.one("aws:cloudwatch/logGroup:LogGroup")["retentionInDays"] == 365


def test_no_traffic_makes_no_group_no_key_and_no_role() -> None:
    kinds = {resource.type for resource in network(flow_logs=FlowLogs(traffic="none")).resources}
    assert kinds.isdisjoint(("aws:cloudwatch/logGroup:LogGroup", "aws:kms/key:Key", "aws:iam/role:Role"))


GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:aws-flow"
POLICIES = {
    "flow_log_policy": flow_log_policy(GROUP),
    "flow_log_trust": flow_log_trust("us-east-1", "123456789012"),
    "log_key": log_key_policy("us-east-1", "123456789012"),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_as_it_was_reviewed(name: str) -> None:
    file = Path(__file__).parent / "golden" / "policies" / f"{name}.json"
    assert json.loads(file.read_text()) == POLICIES[name]


def test_subnets_that_are_there_are_looked_up_in_their_zones_and_in_one_vpc() -> None:
    subnets = {"use1-az4": "subnet-0000000000000004", "use1-az6": "subnet-0000000000000006"}
    spec = ExistingEksNetworkSpec(kind="existing", cidrs=("10.9.0.0/16",), private_subnets=subnets)
    made = record(lambda: existing_network(spec))
    assert made.resources == []
    assert sorted(asked["id"] for _, asked in made.calls) == sorted(subnets.values())
    assert {asked["id"]: asked["availabilityZoneId"] for _, asked in made.calls} == {i: z for z, i in subnets.items()}
    assert [asked.get("vpcId") for _, asked in made.calls] == [None, "vpc-1"]
