"""What real clouds accept is accepted: mistakes of the rehearsal that programs from public examples have brought up."""

from __future__ import annotations

import re
from typing import Any

import pytest

from polysilicon.rehearsal.accounts import address
from polysilicon.rehearsal.controllers.settling import move_all
from polysilicon.rehearsal.judges.objects import Objects
from polysilicon.rehearsal.judges.references import References
from polysilicon.rehearsal.lookups import Lookups
from polysilicon.rehearsal.model import RefusedError
from polysilicon.rehearsal.times import load_times
from polysilicon.rehearsal.values import UNKNOWN, at
from tests.rehearsal.simulated import Cloud

SUBNETS = "aws:ec2/getSubnets:getSubnets"


def stateful(claims: Any, mounted: str = "data") -> list[str]:
    """What is wrong with a StatefulSet whose container mounts something."""
    container = {"name": "db", "image": "postgres:16", "volumeMounts": [{"name": mounted, "mountPath": "/data"}]}
    template = {
        "metadata": {"labels": {"app": "db"}},
        "spec": {"containers": [container], "volumes": [{"name": "tmp"}]},
    }
    spec = {"selector": {"matchLabels": {"app": "db"}}, "template": template, "volumeClaimTemplates": claims}
    cloud = Cloud(judges=[Objects()])
    found = cloud.problems("kubernetes:apps/v1:StatefulSet", "db", metadata={"name": "db"}, spec=spec)
    return [problem.message for problem in found]


CLAIM = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}


@pytest.mark.parametrize(
    ("claims", "mounted", "valid"),
    [
        ([CLAIM], "data", True),
        ([CLAIM], "tmp", True),
        (UNKNOWN, "data", True),
        ([CLAIM], "dat", False),
        ([], "data", False),
    ],
)
def test_pods_of_a_stateful_set_mount_its_claims(claims: Any, mounted: str, valid: bool) -> None:
    refusals = [text for text in stateful(claims, mounted) if f'Not found: "{mounted}"' in text]
    assert len(refusals) == (0 if valid else 1)


def subnets(cloud: Cloud, **wanted: list[str]) -> list[str]:
    """The ids that a lookup with these filters tells."""
    filters = [{"name": name.replace("_", "-"), "values": values} for name, values in wanted.items()]
    ids: list[str] = Lookups(cloud.simulation).answer(cloud.settings, SUBNETS, {"filters": filters})["ids"]
    return ids


def test_a_lookup_of_many_tells_what_was_made_and_else_what_an_account_has() -> None:
    cloud = Cloud()
    lookups = Lookups(cloud.simulation)
    default = lookups.answer(cloud.settings, "aws:ec2/getVpc:getVpc", {"default": True})["id"]
    there = subnets(cloud, vpc_id=[default])
    assert len(set(there)) == 3
    cloud.make("aws:lb/loadBalancer:LoadBalancer", "it", subnets=there)

    mine = cloud.make("aws:ec2/vpc:Vpc", "mine", cidrBlock="10.0.0.0/16")
    assert subnets(cloud, vpc_id=[mine.id]) == []
    ids = {zone: _subnet(cloud, mine.id, zone) for zone in ("us-east-1a", "us-east-1b")}
    assert subnets(cloud, vpc_id=[mine.id]) == list(ids.values())
    assert subnets(cloud, vpc_id=[mine.id], availability_zone=["us-east-1b"]) == [ids["us-east-1b"]]
    tagged = lookups.answer(cloud.settings, SUBNETS, {"tags": {"Zone": "us-east-1a"}})
    assert tagged["ids"] == [ids["us-east-1a"]]
    assert subnets(cloud, vpc_id=[default]) == there


def _subnet(cloud: Cloud, network: str, zone: str) -> str:
    block = {"us-east-1a": "10.0.0.0/24", "us-east-1b": "10.0.1.0/24"}[zone]
    made = cloud.make(
        "aws:ec2/subnet:Subnet", zone, vpcId=network, cidrBlock=block, availabilityZone=zone, tags={"Zone": zone}
    )
    return made.id


READ = [
    ("aws:ec2/vpc:Vpc", "vpc-0abc12345678def00", True, "id", None),
    ("aws:ec2/vpc:Vpc", "vpc-0abc12345678def01", False, "", None),
    ("aws:iam/role:Role", "ops", True, "name", "ops"),
    ("aws:eks/nodeGroup:NodeGroup", "prod:extra", True, "clusterName", "prod"),
    ("kubernetes:core/v1:Namespace", "kube-system", False, "metadata.name", "kube-system"),
    ("kubernetes:core/v1:Secret", "web/tls", True, "metadata.namespace", "web"),
]


@pytest.mark.parametrize(("type_", "id_", "named", "path", "value"), READ)
def test_what_is_outside_can_be_read(type_: str, id_: str, named: bool, path: str, value: str | None) -> None:
    """`Vpc.get(…)` of what a person named with `--exists`, and of what every cluster has."""
    cloud = Cloud()
    cloud.accounts.learn([id_] if named else [])
    call = cloud.simulation.call("read", cloud.settings, cloud.urn(type_, "it"), {}, id_)
    told = cloud.simulation.outside(call, {})
    assert (told is None) == (path == "")
    assert value is None or at(told, path) == value
    assert told is None or cloud.simulation.outside(call, told) == told, "a refresh tells the same"


def test_what_was_made_here_and_is_gone_is_not_outside() -> None:
    cloud = Cloud()
    vpc = cloud.make("aws:ec2/vpc:Vpc", "it", cidrBlock="10.0.0.0/16")
    cloud.accounts.learn([vpc.id])
    cloud.delete(vpc)
    call = cloud.simulation.call("read", cloud.settings, vpc.urn, {}, vpc.id)
    assert cloud.simulation.outside(call, {}) is None


def test_a_certificate_tells_the_record_that_proves_its_domain() -> None:
    certificate = Cloud().make("aws:acm/certificate:Certificate", "it", domainName="a.example.org")
    (option,) = certificate.outputs["domainValidationOptions"]
    assert option["resourceRecordName"].endswith(".a.example.org.")
    assert option["resourceRecordType"] == "CNAME"


def test_texts_in_what_is_only_answered_are_there() -> None:
    service = Cloud().make("gcp:cloudrun/service:Service", "it", location="us-central1", template={})
    assert service.outputs["statuses"][0]["url"].startswith("https://")


def test_an_ingress_has_an_address_when_it_is_made() -> None:
    ingress = Cloud().make("kubernetes:networking.k8s.io/v1:Ingress", "it", metadata={"name": "web"}, spec={})
    assert at(ingress.outputs, "status.loadBalancer.ingress.0.hostname")


@pytest.mark.parametrize(("scaling", "after"), [(None, 1), ({"minNodeCount": 0, "maxNodeCount": 3}, 2)])
def test_a_pool_moves_only_if_it_is_scaled(scaling: Any, after: int) -> None:
    cloud = Cloud()
    cloud.accounts.learn(["prod"])
    given = {"autoscaling": scaling} if scaling else {}
    pool = cloud.make("gcp:container/nodePool:NodePool", "it", cluster="prod", nodeCount=1, **given)
    move_all(cloud.accounts)
    assert at(cloud.accounts.called(pool.id)[0].outputs, "nodeCount") == after


@pytest.mark.parametrize(
    ("type_", "seconds"),
    [
        ("aws:rds/subnetGroup:SubnetGroup", 2),
        ("aws:rds/clusterInstance:ClusterInstance", 600),
        ("gcp:sql/user:User", 12),
    ],
)
def test_settings_of_a_service_take_no_longer_than_a_call(type_: str, seconds: int) -> None:
    assert load_times().of(type_, "create", {}).spread.typical == seconds


def test_what_a_lookup_has_made_up_is_there() -> None:
    cloud = Cloud(judges=[References()])
    lookups = Lookups(cloud.simulation)
    cluster = lookups.answer(cloud.settings, "aws:eks/getCluster:getCluster", {"name": "prod"})
    zone = lookups.answer(cloud.settings, "aws:route53/getZone:getZone", {"name": "example.org."})
    cloud.make("aws:eks/addon:Addon", "it", clusterName="prod", addonName="vpc-cni")
    cloud.make(
        "aws:route53/record:Record", "it", zoneId=zone["zoneId"], name="a", type="A", ttl=60, records=["10.0.0.1"]
    )
    assert cloud.accounts.is_elsewhere(address(cluster["endpoint"]))
    with pytest.raises(RefusedError, match="--exists test"):
        cloud.make("aws:eks/addon:Addon", "it", clusterName="test", addonName="vpc-cni")


@pytest.mark.parametrize("type_", ["aws:wafv2/webAclAssociation:WebAclAssociation", "aws:cognito/userPool:UserPool"])
def test_everything_has_an_id(type_: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{12}|us-east-1_\w{9}", Cloud().make(type_, "it").id)


@pytest.mark.parametrize(("id_", "there"), [("blog/wordpress", True), ("other/wordpress", False)])
def test_what_a_chart_may_have_brought_can_be_read(id_: str, there: bool) -> None:
    cloud = Cloud()
    cloud.accounts.learn(["blog"])
    cloud.make("kubernetes:helm.sh/v3:Release", "it", chart="wordpress", namespace="blog")
    call = cloud.simulation.call("read", cloud.settings, cloud.urn("kubernetes:core/v1:Service", "web"), {}, id_)
    assert (cloud.simulation.outside(call, {}) is not None) == there
