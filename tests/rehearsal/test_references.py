"""The judge of references, without the engine."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal import Call, Hooks, Record
from polysilicon.rehearsal.model import Fault, Problem, RefusedError
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.simulated import Cloud

VPC, SUBNET, GROUP = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/securityGroup:SecurityGroup"
ROLE, ATTACHMENT = "aws:iam/role:Role", "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
CLUSTER, NODES, NAT = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:ec2/natGateway:NatGateway"
NETWORK, SUBNETWORK = "gcp:compute/network:Network", "gcp:compute/subnetwork:Subnetwork"
LOG_KEY = "aws:cloudwatch/logGroup:LogGroup"

MISSING: list[tuple[str, dict[str, Any], str]] = [
    (SUBNET, {"vpcId": "vpc-0123456789abcdef0"}, "InvalidVpcID.NotFound: The vpc ID 'vpc-0123456789abcdef0'"),
    (NAT, {"subnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound"),
    (GROUP, {"ingress": [{"securityGroups": ["sg-0123456789abcdef0"]}]}, "InvalidGroup.NotFound"),
    (CLUSTER, {"roleArn": "arn:aws:iam::123456789012:role/nobody"}, "NoSuchEntity: The role with name nobody"),
    (NODES, {"clusterName": "nowhere"}, "No cluster found for name: nowhere."),
    (ATTACHMENT, {"role": "nobody", "policyArn": "arn:aws:iam::aws:policy/X"}, "The role with name nobody"),
    (LOG_KEY, {"kmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/none"}, "Invalid keyId"),
    ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "none"}, "NoSuchBucket"),
    ("aws:ecr/lifecyclePolicy:LifecyclePolicy", {"repository": "none"}, "RepositoryNotFoundException"),
    (SUBNETWORK, {"network": "none"}, "The resource 'global/networks/none' was not found"),
    (SUBNETWORK, {"network": "projects/acme/global/networks/none"}, "Error 404"),
    ("gcp:container/nodePool:NodePool", {"cluster": "none"}, "Error 404: Not found: clusters/none."),
    (
        "gcp:container/nodePool:NodePool",
        {"nodeConfig": {"serviceAccount": "robot@acme.iam.gserviceaccount.com"}},
        "Service account robot@acme.iam.gserviceaccount.com does not exist.",
    ),
    ("kubernetes:core/v1:ConfigMap", {"metadata": {"namespace": "none"}}, 'namespaces "none" not found'),
    ("kubernetes:helm.sh/v3:Release", {"chart": "x", "namespace": "none"}, 'namespaces "none" not found'),
]

EXISTS_ELSEWHERE: list[tuple[str, dict[str, Any]]] = [
    (ATTACHMENT, {"role": "arn-is-no-name", "policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"}),
    (SUBNET, {"tags": {"note": "vpc-0123456789abcdef0"}}),
    (CLUSTER, {"roleArn": "arn:aws:iam::999999999999:role/theirs"}),
    (CLUSTER, {"roleArn": "arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/Y"}),
    (LOG_KEY, {"kmsKeyId": "arn:aws:kms:us-east-1:123456789012:alias/aws/logs"}),
    (SUBNETWORK, {"network": "default"}),
    (SUBNETWORK, {"network": "projects/shared-host/global/networks/theirs"}),
    ("gcp:compute/instance:Instance", {"machineType": "projects/acme/zones/us-central1-a/machineTypes/n2-standard-4"}),
    ("kubernetes:core/v1:ConfigMap", {"metadata": {"namespace": "kube-system"}}),
    ("kubernetes:helm.sh/v3:Release", {"chart": "x", "namespace": "new", "createNamespace": True}),
]


@pytest.mark.parametrize(("type_", "inputs", "message"), MISSING, ids=[m[2] for m in MISSING])
def test_missing(type_: str, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError) as refused:
        Cloud().make(type_, "x", **inputs)
    assert message in str(refused.value)
    assert refused.value.fault is Fault.NOT_FOUND


@pytest.mark.parametrize(("type_", "inputs"), EXISTS_ELSEWHERE, ids=[str(e[1]) for e in EXISTS_ELSEWHERE])
def test_what_exists_without_having_been_made(type_: str, inputs: dict[str, Any]) -> None:
    cloud = Cloud()
    cloud.make(ROLE, "role", name="arn-is-no-name", assumeRolePolicy="{}")
    assert cloud.make(type_, "x", **inputs).id


def test_by_id_by_name_by_link() -> None:
    cloud = Cloud()
    network = cloud.make(NETWORK, "n", name="net")
    for way in ("net", network.id, network.outputs["selfLink"]):
        cloud.make(SUBNETWORK, way[-20:], network=way, region="us-central1")
    robot = cloud.make("gcp:serviceaccount/account:Account", "r", accountId="robot")
    cloud.make("gcp:projects/iAMMember:IAMMember", "m", member=robot.outputs["member"], role="roles/viewer")
    cluster = cloud.make("gcp:container/cluster:Cluster", "c", name="c", location="us-central1", network="net")
    cloud.make("gcp:container/nodePool:NodePool", "p", cluster=cluster.id, location="us-central1")


def test_another_region_is_another_place() -> None:
    cloud = Cloud()
    vpc = cloud.make(VPC, "net", cidrBlock="10.0.0.0/16")
    with pytest.raises(RefusedError, match="InvalidVpcID"):
        cloud.make(SUBNET, "sub", vpcId=vpc.id, region="eu-west-1")
    role = cloud.make(ROLE, "role", assumeRolePolicy="{}")
    there = cloud.make("aws:lambda/function:Function", "f", role=role.outputs["arn"], region="eu-west-1")
    assert there.scope.place == "eu-west-1"


def test_previews_look_only_for_what_cannot_be_new() -> None:
    cloud = Cloud()
    cloud.preview(NODES, "n", clusterName="about-to-be-made", nodeRoleArn=UNKNOWN, subnetIds=[UNKNOWN])
    with pytest.raises(RefusedError, match="InvalidSubnetID"):
        cloud.preview(NODES, "n", clusterName="c", subnetIds=["subnet-0123456789abcdef0"])


def test_users_keep_what_they_use() -> None:
    cloud = Cloud()
    vpc = cloud.make(VPC, "net", cidrBlock="10.0.0.0/16")
    subnet = cloud.make(SUBNET, "sub", vpcId=vpc.id)
    address = cloud.make("aws:ec2/eip:Eip", "ip")
    nat = cloud.make(NAT, "nat", subnetId=subnet.id, allocationId=address.id)
    role = cloud.make(ROLE, "role", assumeRolePolicy="{}")
    policy = cloud.make(ATTACHMENT, "a", role=role.id, policyArn="arn:aws:iam::aws:policy/X")
    cluster = cloud.make(CLUSTER, "c", roleArn=role.outputs["arn"], vpcConfig={"subnetIds": [subnet.id]})
    nodes = cloud.make(NODES, "n", clusterName=cluster.id, nodeRoleArn=role.outputs["arn"], subnetIds=[subnet.id])
    entry = cloud.make("aws:eks/addon:Addon", "ad", clusterName=cluster.id, addonName="coredns")

    _refused(cloud, vpc, "DependencyViolation: The vpc")
    _refused(cloud, subnet, "DependencyViolation: The subnet")
    _refused(cloud, address, "AuthFailure")
    _refused(cloud, role, "DeleteConflict: Cannot delete entity, must detach all policies first.")
    _refused(cloud, cluster, "ResourceInUseException: Cluster has nodegroups attached")
    for record in (policy, role, nodes, cluster, nat, address, subnet, vpc, entry):
        cloud.delete(record)
    assert not cloud.accounts.records()


def test_rules_go_with_their_group_and_hold_the_one_they_name() -> None:
    cloud = Cloud()
    vpc = cloud.make(VPC, "net", cidrBlock="10.0.0.0/16")
    own, other = (cloud.make(GROUP, name, vpcId=vpc.id) for name in ("own", "other"))
    rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    cloud.make(rule, "r", securityGroupId=own.id, referencedSecurityGroupId=other.id, ipProtocol="-1")
    _refused(cloud, other, "has a dependent object (SecurityGroupIngressRule")
    cloud.delete(own)


def test_a_network_in_use() -> None:
    cloud = Cloud()
    network = cloud.make(NETWORK, "n", name="net")
    subnetwork = cloud.make(SUBNETWORK, "s", network=network.id, region="us-central1")
    _refused(cloud, network, "resourceInUseByAnotherResource")
    cloud.delete(subnetwork)
    cloud.delete(network)


def test_a_lookup_makes_its_answer_known() -> None:
    from polysilicon.rehearsal.lookups import Lookups

    cloud = Cloud()
    found = Lookups(cloud.simulation).answer(cloud.settings, "aws:ec2/getVpc:getVpc", {"default": True})
    cloud.make(SUBNET, "s", vpcId=found["id"])
    assert any("getVpc" in note for note in cloud.simulation.notes)


def test_the_same_id_twice_is_two_records() -> None:
    cloud = Cloud()
    role = cloud.make(ROLE, "role", assumeRolePolicy="{}")
    twins = [cloud.make(ATTACHMENT, name, role=role.id, policyArn="arn:aws:iam::aws:policy/X") for name in ("a", "b")]
    assert twins[0].id == twins[1].id
    for twin in twins:
        cloud.delete(twin)
    assert cloud.accounts.records() == (role,)


def test_what_a_person_says_is_there() -> None:
    cloud = Cloud()
    cloud.accounts.learn(["vpc-0123456789abcdef0", "robot", "https://theirs.example.com"], lasting=False)
    cloud.make(SUBNET, "s", vpcId="vpc-0123456789abcdef0")
    cloud.make(ATTACHMENT, "a", role="robot", policyArn="arn:aws:iam::aws:policy/X")
    cloud.settings["kubeconfig"] = {"clusters": [{"name": "x", "cluster": {"server": "https://theirs.example.com"}}]}
    cloud.settings["cluster"] = "x"
    there = cloud.make("kubernetes:core/v1:ConfigMap", "cm")
    assert str(there.scope) == "kubernetes cluster https://theirs.example.com"


def test_namespaces_and_clusters_take_their_contents_along() -> None:
    cloud = Cloud()
    namespace = cloud.make("kubernetes:core/v1:Namespace", "ns", metadata={"name": "apps"})
    cloud.make("kubernetes:core/v1:ConfigMap", "cm", metadata={"namespace": "apps"})
    cloud.delete(namespace)
    assert not cloud.accounts.records()

    role = cloud.make(ROLE, "role", assumeRolePolicy="{}")
    cluster = cloud.make(CLUSTER, "c", roleArn=role.outputs["arn"], vpcConfig={})
    cloud.settings["kubeconfig"] = {
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": cluster.outputs["endpoint"]}}],
        "contexts": [{"name": "x", "context": {"cluster": "x"}}],
    }
    inside = cloud.make("kubernetes:core/v1:ConfigMap", "cm")
    assert str(inside.scope) == f"kubernetes cluster {cluster.id}"
    cloud.delete(cluster)
    assert [record.id for record in cloud.accounts.records()] == [role.id]
    with pytest.raises(RefusedError, match="no such host"):
        cloud.delete(inside)


def test_hooks_come_around_every_change() -> None:
    seen: list[str] = []

    def before(call: Call, _: object) -> None:
        seen.append(f"before {call.operation}")
        if call.inputs.get("cidrBlock") == "refuse":
            raise RefusedError(Problem("InsufficientInstanceCapacity: no"))

    def after(call: Call, _: object) -> None:
        seen.append(f"after {call.operation} {call.record.id[:4] if call.record else ''}")

    cloud = Cloud(hooks=Hooks(before=[before], after=[after]))
    vpc = cloud.make(VPC, "net", cidrBlock="10.0.0.0/16")
    cloud.change(vpc, cidrBlock="10.0.0.0/16", tags={"a": "b"})
    cloud.delete(vpc)
    both = [("before", ""), ("after", " vpc-")]
    assert seen == [f"{when} {what}{made}" for what in ("create", "update", "delete") for when, made in both]
    with pytest.raises(RefusedError, match="InsufficientInstanceCapacity"):
        cloud.make(VPC, "net", cidrBlock="refuse")


def _refused(cloud: Cloud, record: Record, message: str) -> None:
    with pytest.raises(RefusedError) as refused:
        cloud.delete(record)
    assert message in str(refused.value)
    assert refused.value.fault is Fault.IN_USE
