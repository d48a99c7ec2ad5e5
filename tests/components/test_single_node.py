"""A server without a cluster: what the engine is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.aws import NetworkWires, SingleNodeServer, SingleNodeServerArgs
from polysilicon.specs import SingleNodeServerSpec
from tests.components.recording import Recording, record, unknown_keys

TOPIC = "arn:aws:sns:us-east-1:123456789012:pages"
SERVER: dict[str, Any] = {
    "cloud": "aws",
    "region": "us-east-1",
    "network": {"zones": ["use1-az4"]},
    "model": "Qwen/Qwen3-0.6B",
    "reach": ["10.20.0.0/16"],
    "alarm_topics": [TOPIC],
}


def server(known: bool = True, **changes: Any) -> Recording:
    spec = SingleNodeServerSpec.parse({**SERVER, **changes})
    network = NetworkWires(vpc_id="vpc-1", private_subnet_ids={"use1-az4": "subnet-4", "use1-az6": "subnet-6"})
    args = SingleNodeServerArgs(spec=spec, network=network, tags={"CostCenter": "ml"}, disk_key_arn="arn:aws:kms:k")
    return record(lambda: SingleNodeServer("chat", args), known)


@pytest.mark.parametrize("known", [True, False])
def test_every_input_is_one_of_the_sdk(known: bool) -> None:
    made = server(known)
    assert len(made.resources) == 12
    assert [key for resource in made.resources for key in unknown_keys(resource)] == []


def test_what_may_keep_people_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", lambda line, resource=None, **_: told.append(line))
    closed = {"zones": ["use1-az4"], "nat": "none", "way_out": "the platform's proxy"}
    server(network={**closed, "endpoints": ["ssm"]})
    assert told == [
        "network.way_out: people reach the server by Systems Manager, which it finds by this way alone: if it does not"
        " lead there, add ssmmessages to network.endpoints"
    ]
    told.clear()
    server(network={**closed, "endpoints": ["ssm", "ssmmessages"]})
    server()
    assert told == []


def test_the_machine_is_private_encrypted_and_asks_for_session_tokens() -> None:
    machine = server().one("aws:ec2/instance:Instance")
    assert machine["associatePublicIpAddress"] is False
    assert "keyName" not in machine
    assert machine["subnetId"] == "subnet-4"
    assert machine["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpPutResponseHopLimit": 1,
        "httpTokens": "required",
    }
    disk = machine["rootBlockDevice"]
    assert (disk["volumeType"], disk["volumeSize"], disk["encrypted"]) == ("gp3", 500, True)
    assert disk["kmsKeyId"] == "arn:aws:kms:k"
    assert disk["tags"]["CostCenter"] == "ml"


def test_it_stops_rather_than_ends_when_it_switches_itself_off() -> None:
    machine = server().one("aws:ec2/instance:Instance")
    assert machine["instanceInitiatedShutdownBehavior"] == "stop"
    assert machine["userDataReplaceOnChange"] is True, "what runs at the first start alone would else never run"


def test_the_image_is_the_newest_of_amazon_whose_driver_fits() -> None:
    ((token, asked),) = [call for call in server().calls if "getAmi" in call[0]]
    assert token == "aws:ec2/getAmi:getAmi"
    assert (asked["mostRecent"], asked["owners"]) == (True, ["amazon"])
    told = {each["name"]: each["values"] for each in asked["filters"]}
    assert told == {
        "name": ["Deep Learning Base Neuron AMI (Amazon Linux 2023) *"],
        "description": ["*Neuron SDK 2.30.0*"],
        "architecture": ["x86_64"],
        "state": ["available"],
    }


def test_an_image_that_is_named_is_looked_up_nowhere() -> None:
    made = server(ami="ami-0123456789abcdef0")
    assert made.calls == []
    assert made.one("aws:ec2/instance:Instance")["ami"] == "ami-0123456789abcdef0"
    assert list(made.all("aws:ec2/instance:Instance")) == ["chat-ami-0123456789abcdef0"], (
        "another one is another machine"
    )


def test_nobody_but_the_named_networks_reaches_it() -> None:
    rules = server().all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert [(r["cidrIpv4"], r["fromPort"], r["toPort"]) for r in rules.values()] == [("10.20.0.0/16", 8080, 8080)]
    assert server(reach=[]).all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule") == {}


def test_its_role_has_ssm_and_images_and_no_more() -> None:
    attached = server().all("aws:iam/rolePolicyAttachment:RolePolicyAttachment").values()
    assert {each["policyArn"].rsplit("/", 1)[1] for each in attached} == {
        "AmazonSSMManagedInstanceCore",
        "AmazonEC2ContainerRegistryPullOnly",
    }


def test_alarms_mend_what_can_be_mended_and_tell_whom_they_should() -> None:
    alarms = server().all("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert {name: alarm["alarmActions"] for name, alarm in alarms.items()} == {
        "chat-system": ["arn:aws:automate:us-east-1:ec2:recover", TOPIC],
        "chat-instance": ["arn:aws:automate:us-east-1:ec2:reboot", TOPIC],
    }
    fixed = server(machine="g6e.8xlarge", model="Qwen/Qwen3-8B").all("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert fixed["chat-system"]["alarmActions"] == [TOPIC], "disks of its own cannot be moved"
