"""The rights that deploying takes, held against what AWS's own CloudFormation handlers take for the same resources."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import cfnlint
import pytest

from polysilicon.lookups.preflight.policy import (
    MOST_CHARACTERS,
    deploying_actions,
    deploying_policy,
    preflight_policy,
    size,
)
from polysilicon.planning.requirements import Part
from tests.conftest import ROOT

DATA = Path(cfnlint.__file__).parent / "data"
PARTS: tuple[Part, ...] = get_args(Part)

MADE: Mapping[str, tuple[Part, str]] = {
    "autoscaling.Schedule": ("capacity_block", "AWS::AutoScaling::ScheduledAction"),
    "budgets.Budget": ("budget", "AWS::Budgets::Budget"),
    "cloudwatch.EventRule": ("karpenter", "AWS::Events::Rule"),
    "cloudwatch.EventTarget": ("karpenter", "AWS::Events::Rule"),
    "cloudwatch.MetricAlarm": ("server", "AWS::CloudWatch::Alarm"),
    "cloudwatch.LogGroup": ("common", "AWS::Logs::LogGroup"),
    "ecr.PullThroughCacheRule": ("images", "AWS::ECR::PullThroughCacheRule"),
    "ecr.Repository": ("images", "AWS::ECR::Repository"),
    "ec2.Eip": ("network", "AWS::EC2::EIP"),
    "ec2.Instance": ("server", "AWS::EC2::Instance"),
    "ec2.FlowLog": ("network", "AWS::EC2::FlowLog"),
    "ec2.InternetGateway": ("network", "AWS::EC2::InternetGateway"),
    "ec2.LaunchTemplate": ("cluster", "AWS::EC2::LaunchTemplate"),
    "ec2.NatGateway": ("network", "AWS::EC2::NatGateway"),
    "ec2.PlacementGroup": ("placement_group", "AWS::EC2::PlacementGroup"),
    "ec2.Route": ("network", "AWS::EC2::Route"),
    "ec2.RouteTable": ("network", "AWS::EC2::RouteTable"),
    "ec2.RouteTableAssociation": ("network", "AWS::EC2::SubnetRouteTableAssociation"),
    "ec2.SecurityGroup": ("common", "AWS::EC2::SecurityGroup"),
    "ec2.Subnet": ("network", "AWS::EC2::Subnet"),
    "ec2.Vpc": ("network", "AWS::EC2::VPC"),
    "ec2.VpcEndpoint": ("network", "AWS::EC2::VPCEndpoint"),
    "eks.AccessEntry": ("cluster", "AWS::EKS::AccessEntry"),
    "eks.AccessPolicyAssociation": ("cluster", "AWS::EKS::AccessEntry"),
    "eks.Addon": ("cluster", "AWS::EKS::Addon"),
    "eks.Cluster": ("cluster", "AWS::EKS::Cluster"),
    "eks.NodeGroup": ("cluster", "AWS::EKS::Nodegroup"),
    "eks.PodIdentityAssociation": ("cluster", "AWS::EKS::PodIdentityAssociation"),
    "iam.InstanceProfile": ("server", "AWS::IAM::InstanceProfile"),
    "iam.Role": ("common", "AWS::IAM::Role"),
    "iam.RolePolicy": ("common", "AWS::IAM::RolePolicy"),
    "iam.RolePolicyAttachment": ("common", "AWS::IAM::Role"),
    "kms.Key": ("common", "AWS::KMS::Key"),
    "s3.Bucket": ("bucket", "AWS::S3::Bucket"),
    "s3.BucketLifecycleConfiguration": ("bucket", "AWS::S3::Bucket"),
    "s3.BucketOwnershipControls": ("bucket", "AWS::S3::Bucket"),
    "s3.BucketPolicy": ("bucket", "AWS::S3::BucketPolicy"),
    "s3.BucketPublicAccessBlock": ("bucket", "AWS::S3::Bucket"),
    "s3.BucketServerSideEncryptionConfiguration": ("bucket", "AWS::S3::Bucket"),
    "s3.BucketVersioning": ("bucket", "AWS::S3::Bucket"),
    "sns.Topic": ("alert_topic", "AWS::SNS::Topic"),
    "sns.TopicPolicy": ("alert_topic", "AWS::SNS::TopicPolicy"),
    "sqs.Queue": ("karpenter", "AWS::SQS::Queue"),
    "sqs.QueuePolicy": ("karpenter", "AWS::SQS::QueuePolicy"),
    "vpc.SecurityGroupEgressRule": ("common", "AWS::EC2::SecurityGroupEgress"),
    "vpc.SecurityGroupIngressRule": ("common", "AWS::EC2::SecurityGroupIngress"),
}
"""Resources of our components: the part that they belong to, and CloudFormation's name for them."""
UNUSED = re.compile(
    r"""
    ec2:(AcceptAddressTransfer|AssociateAddress|.*PrivateNatGatewayAddress|(Disa|A)ssociateNatGatewayAddress)
    |ec2:(.*VpcEncryptionControls?|ModifyVpcTenancy|(Disa|A)ssociateSubnetCidrBlock|.*VpnGateways?)
    |ec2:(AttachVolume|DetachVolume|(Unm|M)onitorInstances|Modify(InstancePlacement|PrivateDnsNameOptions))
    |ec2:(ModifyInstance(CreditSpecification|MaintenanceOptions)|DescribeLaunchTemplate(s|Versions))
    |ec2:(DescribeInstances|DescribeNetworkInterfaces|DescribeKeyPairs|UpdateSecurityGroupRuleDescriptions.*)
    |eks:(ActivateCertificateAuthority|List(Clusters|Updates|Addons|AccessEntries))
    |iam:(ListInstanceProfiles|.*RolePermissionsBoundary|ListRoles|UpdateRoleDescription)
    |kms:(DisableKey|DisableKeyRotation|EnableKey|ListKeys)
    |logs:((Create|Delete)LogDelivery|DeleteRetentionPolicy|DisassociateKmsKey|.*BearerToken.*|.*DeletionProtection)
    |logs:(.*DataProtectionPolicy|.*Index(Policy|Policies)|.*Resource(Policy|Policies))
    |autoscaling:DescribeTags|billing:GetBillingViewData|events:ListRules|sqs:ListQueues
    |ecr:(.*RepositoryPolicy|.*LifecyclePolicy|PutImageTagMutability)
    |sns:(ListSubscriptionsByTopic|ListTopics|.*DataProtectionPolicy|Subscribe|Unsubscribe)
    |s3:(List(AllMyBuckets|Bucket|TagsForResource)|(Tag|Untag)Resource|.*(Abac|MetadataTable|Metadata.*Table).*)
    |s3:((Get|Put|Delete)(Bucket)?(Analytics|Inventory|Metrics|IntelligentTiering).*|.*Notification|.*Accelerate.*)
    |s3:((Put|Delete)Bucket(Acl|CORS|Cors|Logging|Website|Replication|ObjectLockConfiguration|Encryption|Lifecycle))
    |s3:(DeleteObject|PutObject(Acl|LockConfiguration)|PutReplicationConfiguration)
    |s3:REST\.PUT\.OBJECT|(firehose|ssm|s3tables|vpc-lattice|vpce):.*
    """,
    re.VERBOSE,
)
"""Rights for what we never set, or never change: private NAT, further volumes and other places for a machine, IPv6, key
pairs, boundaries, policies of log groups and repositories, logs that go elsewhere than to a group, and most settings of
buckets and topics. And lists, which the handlers take for inventories of whole accounts."""
ELSEWHERE: Mapping[str, re.Pattern[str]] = {
    "AWS::IAM::Role": re.compile("iam:(Delete|Get|Put)RolePolicy"),
    "AWS::EC2::FlowLog": re.compile("s3:.*"),
    "AWS::EKS::Cluster": re.compile("iam:.*InstanceProfile"),
}
"""Rights over what these may have, and ours have not: policies within a role, nodes of EKS Auto Mode, logs that go
to a bucket."""


@functools.cache
def handlers() -> Mapping[str, set[str]]:
    """Rights that CloudFormation's handlers take, by its name of the resource."""
    found: dict[str, set[str]] = {}
    for file in (DATA / "schemas" / "resources").glob("*.json"):
        schema: Any = json.loads(file.read_text())
        told = schema.get("handlers", {}).values()
        found.setdefault(schema.get("typeName", ""), {right for each in told for right in each["permissions"]})
    return found


def test_every_resource_that_a_component_makes_has_its_part() -> None:
    code = "\n".join(file.read_text() for file in (ROOT / "components/polysilicon/aws").glob("*.py"))
    made = set(re.findall(r"\baws\.([a-z0-9]+\.[A-Z]\w+)\(", code))
    assert made == MADE.keys()


@pytest.mark.parametrize("resource", MADE)
def test_a_part_may_do_what_cloudformation_does_for_its_resources(resource: str) -> None:
    part, name = MADE[resource]
    for whole in wholes(part):
        ours = {action.lower() for action in deploying_actions(whole)}
        assert handlers()[name]
        lacking = sorted(right for right in handlers()[name] if right.lower() not in ours)
        excused = [UNUSED, *([ELSEWHERE[name]] if name in ELSEWHERE else [])]
        assert [right for right in lacking if not any(each.fullmatch(right) for each in excused)] == []


def wholes(part: Part) -> list[tuple[Part, ...]]:
    """The parts of the smallest stacks that have this one."""
    if part in ("common", "server"):
        return [("common", part)]
    with_cluster: tuple[Part, ...] = ("common", "cluster", part)
    return [with_cluster, ("common", "server", "network")] if part == "network" else [with_cluster]


PROVIDER_ONLY: Mapping[str, str] = {
    # Reading the name of an address: hashicorp/terraform-provider-aws internal/service/ec2/ec2_eip.go, issue 41177.
    "ec2:DescribeAddressesAttribute": "ec2.Eip",
    # Private DNS: a dependent action of CreateVpcEndpoint in AWS's service authorization reference.
    "route53:AssociateVPCWithHostedZone": "ec2.VpcEndpoint",
    # Deleting a group looks for interfaces that are left: internal/service/ec2/vpc_security_group.go.
    "ec2:DescribeNetworkInterfaces": "ec2.SecurityGroup",
}
"""What the provider calls, or AWS for it, and CloudFormation's handlers of the same resource do not name."""


@pytest.mark.parametrize("action", PROVIDER_ONLY)
def test_a_part_may_do_what_the_provider_alone_does(action: str) -> None:
    part, _ = MADE[PROVIDER_ONLY[action]]
    service, name = action.split(":")
    assert name.lower() in known_actions()[service]["Actions"]
    for whole in wholes(part):
        assert action in deploying_actions(whole)


def test_a_bucket_that_is_emptied_when_it_goes_takes_rights_over_versions() -> None:
    """ListObjectVersions and DeleteObjects, which the provider calls: internal/service/s3/delete.go."""
    versions = {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListBucketVersions"}
    assert versions <= {*deploying_actions(["bucket", "emptied_bucket"])}
    assert versions.isdisjoint(deploying_actions(["bucket", "found_bucket"]))


@functools.cache
def known_actions() -> Mapping[str, Any]:
    """Actions of IAM by service."""
    found: Mapping[str, Any] = json.loads((DATA / "AdditionalSpecs" / "Policies.json").read_text())
    return found


def _asked() -> list[str]:
    return [action for statement in preflight_policy()["Statement"] for action in statement["Action"]]


@pytest.mark.parametrize("part", PARTS)
def test_every_action_is_one_that_iam_knows(part: Part) -> None:
    actions = [*deploying_actions([part]), *_asked()]
    assert actions
    for action in actions:
        service, name = action.split(":")
        assert name.lower() in known_actions()[service]["Actions"], action


def test_no_action_is_wanted_twice() -> None:
    each = [action for part in PARTS for action in deploying_actions([part])]
    twice = {action for action in each if each.count(action) > 1}
    assert twice == {"ec2:DescribeCapacityReservations"} & twice


def test_all_that_a_deployment_needs_fits_two_managed_policies_and_one_without_stores() -> None:
    policy = deploying_policy(PARTS, ["us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1"])
    stores = [statement for statement in policy["Statement"] if statement["Sid"] == "Stores"]
    others = [statement for statement in policy["Statement"] if statement["Sid"] != "Stores"]
    assert len(stores) == 1
    for statements in (stores, others):
        assert size({**policy, "Statement": statements}) <= MOST_CHARACTERS
    allowed = [action for statement in policy["Statement"] for action in statement["Action"]]
    assert sorted(allowed) == deploying_actions(PARTS)
    assert not any("*" in action for action in allowed)


def test_rights_are_bound_to_regions_and_services() -> None:
    policy = deploying_policy(["common", "cluster"], ["us-east-1"])
    statements = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert statements["Regional"]["Condition"] == {"StringEquals": {"aws:RequestedRegion": ["us-east-1"]}}
    assert "iam:CreateRole" in statements["Global"]["Action"]
    assert "iam:PassRole" not in statements["Global"]["Action"]
    assert "eks.amazonaws.com" in statements["PassRole"]["Condition"]["StringEquals"]["iam:PassedToService"]
    named = statements["CreateServiceLinkedRole"]["Condition"]["StringEquals"]["iam:AWSServiceName"]
    assert "autoscaling.amazonaws.com" in named


def test_roles_are_passed_to_the_services_of_the_parts_only() -> None:
    def bound(*parts: Part) -> dict[str, list[str]]:
        statements = {each["Sid"]: each for each in deploying_policy(parts, ["us-east-1"])["Statement"]}
        conditions = {sid: each["Condition"]["StringEquals"] for sid, each in statements.items() if "Condition" in each}
        return {key: conditions[sid][key] for sid in conditions for key in conditions[sid] if key.startswith("iam:")}

    assert bound("common", "server", "network") == {
        "iam:PassedToService": ["ec2.amazonaws.com", "vpc-flow-logs.amazonaws.com"],
        "iam:AWSServiceName": ["events.amazonaws.com"],
    }
    assert "vpc-flow-logs.amazonaws.com" not in bound("common", "cluster")["iam:PassedToService"]
    assert bound("budget") == {}


def test_names_are_bound_to_no_region() -> None:
    statements = {each["Sid"]: each for each in deploying_policy(["network"], ["us-west-2"])["Statement"]}
    assert statements["Global"]["Action"] == ["route53:AssociateVPCWithHostedZone"]


def test_a_budget_is_asked_for_where_it_is() -> None:
    statements = {each["Sid"]: each for each in deploying_policy(["budget"], ["us-west-2"])["Statement"]}
    assert statements.keys() == {"Global"}
    assert "budgets:ModifyBudget" in statements["Global"]["Action"]
