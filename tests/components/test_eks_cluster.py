"""The key, the logs and the name of an EKS cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest

from polysilicon.aws import EksCluster, EksClusterArgs, NetworkWires
from polysilicon.aws.encryption import key_policy
from polysilicon.aws.policies import pod_trust
from polysilicon.catalog import Catalog
from polysilicon.planning.names import cluster_name
from polysilicon.specs import EksClusterSpec
from tests.components.recording import Recording, record, unknown_keys

ZONES = ("use1-az4", "use1-az6")
USE = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
ROLE = "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"


def cluster(known: bool = True, zones: tuple[str, ...] = ZONES, **more: Any) -> Recording:
    endpoint = {"kind": "public", "cidrs": ["203.0.113.0/24"]}
    document = {"cloud": "aws", "region": "us-east-1", "network": {"zones": zones}, "endpoint": endpoint, **more}
    network = NetworkWires(vpc_id="vpc-1", private_subnet_ids={zone: f"subnet-{zone}" for zone in zones})
    args = EksClusterArgs(spec=EksClusterSpec.parse(document), network=network)
    return record(lambda: EksCluster("aws", args), known)


def test_the_policy_of_the_key() -> None:
    assert key_policy("us-east-1", "123456789012") == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Administration",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
                "Action": ["kms:*"],
                "Resource": "*",
            },
            {
                "Sid": "LogGroups",
                "Effect": "Allow",
                "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
                "Action": USE,
                "Resource": "*",
                "Condition": {
                    "ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:123456789012:log-group:*"}
                },
            },
            {
                "Sid": "NodeDisks",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": USE,
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalArn": ROLE}},
            },
            {
                "Sid": "NodeDiskGrants",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["kms:CreateGrant"],
                "Resource": "*",
                "Condition": {
                    "StringEquals": {"aws:PrincipalArn": ROLE},
                    "Bool": {"kms:GrantIsForAWSResource": "true"},
                },
            },
        ],
    }


def test_one_rotating_key_is_for_secrets_logs_and_disks() -> None:
    made = cluster()
    key = made.one("aws:kms/key:Key")
    assert key["enableKeyRotation"] is True
    assert key["deletionWindowInDays"] == 30
    assert json.loads(key["policy"]) == key_policy("us-east-1", "123456789012")
    arn = "arn:aws:mock:us-east-1:123456789012:aws"
    (template,) = made.all("aws:ec2/launchTemplate:LaunchTemplate").values()
    assert template["blockDeviceMappings"][0]["ebs"]["kmsKeyId"] == arn
    assert made.one("aws:cloudwatch/logGroup:LogGroup")["kmsKeyId"] == arn
    encryption = made.one("aws:eks/cluster:Cluster")["encryptionConfig"]
    assert encryption == {"provider": {"keyArn": arn}, "resources": ["secrets"]}


def test_the_control_plane_writes_all_logs_into_a_group_of_ours() -> None:
    made = cluster()
    control_plane, group = made.one("aws:eks/cluster:Cluster"), made.one("aws:cloudwatch/logGroup:LogGroup")
    assert len(control_plane["enabledClusterLogTypes"]) == 5
    assert group["name"] == f"/aws/eks/{control_plane['name']}/cluster"
    assert group["retentionInDays"] == 30


def test_control_plane_and_system_nodes_stay_in_the_first_two_zones_wherever_others_are() -> None:
    made = cluster(zones=(*ZONES, "use1-az2"))
    first_two = [f"subnet-{zone}" for zone in ZONES]
    assert made.one("aws:eks/cluster:Cluster")["vpcConfig"]["subnetIds"] == first_two
    assert made.one("aws:eks/nodeGroup:NodeGroup")["subnetIds"] == first_two


def test_the_spec_chooses_logs_and_how_long_they_stay() -> None:
    made = cluster(logs={"types": ["audit"], "retention_days": 365})
    assert made.one("aws:eks/cluster:Cluster")["enabledClusterLogTypes"] == ["audit"]
    assert made.one("aws:cloudwatch/logGroup:LogGroup")["retentionInDays"] == 365


def test_no_logs_make_no_group() -> None:
    made = cluster(logs={"types": []})
    assert "enabledClusterLogTypes" not in made.one("aws:eks/cluster:Cluster")
    assert made.all("aws:cloudwatch/logGroup:LogGroup") == {}


def test_the_same_is_asked_before_anything_exists() -> None:
    before, after = cluster(known=False), cluster()
    assert {(r.type, r.name) for r in before.resources} == {(r.type, r.name) for r in after.resources}
    assert [path for resource in after.resources for path in unknown_keys(resource)] == []


def test_a_chosen_add_on_comes_in_the_pinned_version_with_rights_for_its_own_pods(catalog: Catalog) -> None:
    made = cluster(addons=["aws-ebs-csi-driver", "eks-node-monitoring-agent"])
    addons = made.all("aws:eks/addon:Addon")
    pinned = {row.name: row.version for row in catalog.addons if row.kubernetes == "1.35"}
    ebs, agent = addons["aws-aws-ebs-csi-driver"], addons["aws-eks-node-monitoring-agent"]
    assert (ebs["addonVersion"], agent["addonVersion"]) == (pinned[ebs["addonName"]], pinned[agent["addonName"]])
    arn = "arn:aws:mock:us-east-1:123456789012:aws-aws-ebs-csi-driver"
    assert ebs["podIdentityAssociations"] == [{"roleArn": arn, "serviceAccount": "ebs-csi-controller-sa"}]
    assert "podIdentityAssociations" not in agent
    attached = made.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment")["aws-aws-ebs-csi-driver"]
    assert attached["policyArn"] == "arn:aws:iam::aws:policy/AmazonEBSCSIDriverPolicyV2"
    trust = made.all("aws:iam/role:Role")["aws-aws-ebs-csi-driver"]["assumeRolePolicy"]
    known_as = made.one("aws:eks/cluster:Cluster")["name"]
    assert json.loads(trust) == pod_trust(known_as, "kube-system", "ebs-csi-controller-sa")
    assert [path for resource in made.resources for path in unknown_keys(resource)] == []


def test_a_cluster_has_no_more_add_ons_than_it_needs() -> None:
    names = {each["addonName"] for each in cluster().all("aws:eks/addon:Addon").values()}
    assert names == {"vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent"}


def test_a_cluster_name_fits_and_differs() -> None:
    assert cluster_name("polysilicon", "dev", "aws") == "polysilicon-dev-aws"
    long = [cluster_name("p" * 90, f"stack{end}", "aws-us-east") for end in "ab"]
    assert [len(name) for name in long] == [100, 100]
    assert long[0] != long[1]


@pytest.mark.parametrize(("dotted", "dashed"), [("a.b", "a-b"), ("_a", "a")])
def test_names_that_eks_does_not_take_stay_apart(dotted: str, dashed: str) -> None:
    assert cluster_name(dotted, "dev", "aws") != cluster_name(dashed, "dev", "aws")
