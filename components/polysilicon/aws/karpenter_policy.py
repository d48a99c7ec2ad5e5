"""What Karpenter's controller may do, as data: only with what carries its cluster's tags.

Source: the roles that aws/karpenter-provider-aws@1d92708 ships for 1.14
(website/content/en/docs/getting-started/getting-started-with-karpenter/cloudformation.yaml).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Statement = dict[str, Any]

_MADE_BY_LAUNCHES = ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
_TAKEN_BY_LAUNCHES = ("security-group", "subnet", "capacity-reservation", "placement-group")
_READ = (
    "CapacityReservations",
    "Images",
    "Instances",
    "InstanceStatus",
    "InstanceTypeOfferings",
    "InstanceTypes",
    "LaunchTemplates",
    "PlacementGroups",
    "SecurityGroups",
    "SpotPriceHistory",
    "Subnets",
)


def karpenter_policy(
    cluster: str, region: str, account: str, node_role_arn: str, queue_arn: str, disk_key_arn: str | None
) -> dict[str, Any]:
    """The policy of the controller of one cluster.

    Args:
        disk_key_arn: KMS key of the nodes' disks; none where it is the account's own for EBS.
    """
    statements = [
        *(_disks(disk_key_arn) if disk_key_arn else ()),
        *_launching(cluster, region),
        *_ending(cluster, region),
        *_profiles(cluster, region, account, node_role_arn),
        *_reading(cluster, region, account),
        _allow("Interruptions", ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"], [queue_arn]),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def queue_policy(queue_arn: str) -> dict[str, Any]:
    """Events may write into the queue of interruptions, and nobody may use it without TLS."""
    services = {"Service": ["events.amazonaws.com", "sqs.amazonaws.com"]}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {**_allow("Events", ["sqs:SendMessage"], [queue_arn]), "Principal": services},
            {
                "Sid": "OnlyTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": queue_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def _allow(sid: str, actions: list[str], on: list[str], condition: dict[str, Any] | None = None) -> Statement:
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": on}
    return {**statement, "Condition": condition} if condition else statement


def _ec2(region: str, account: str, *kinds: str) -> list[str]:
    return [f"arn:aws:ec2:{region}:{account}:{kind}/*" for kind in kinds]


def _owned(cluster: str) -> dict[str, Any]:
    return {
        "StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{cluster}": "owned"},
        "StringLike": {"aws:ResourceTag/karpenter.sh/nodepool": "*"},
    }


def _asked(cluster: str, **more: Any) -> dict[str, Any]:
    tags = {
        f"aws:RequestTag/kubernetes.io/cluster/{cluster}": "owned",
        "aws:RequestTag/eks:eks-cluster-name": cluster,
    }
    return {"StringEquals": {**tags, **more}, "StringLike": {"aws:RequestTag/karpenter.sh/nodepool": "*"}}


def _launching(cluster: str, region: str) -> Iterator[Statement]:
    launch = ["ec2:RunInstances", "ec2:CreateFleet"]
    taken = [*_ec2(region, "", "image", "snapshot"), *_ec2(region, "*", *_TAKEN_BY_LAUNCHES)]
    made = _ec2(region, "*", *_MADE_BY_LAUNCHES)
    yield _allow("LaunchFrom", launch, taken)
    yield _allow("LaunchByTemplate", launch, _ec2(region, "*", "launch-template"), _owned(cluster))
    yield _allow("LaunchTagged", [*launch, "ec2:CreateLaunchTemplate"], made, _asked(cluster))
    creating = {"ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]}
    yield _allow("TagAtLaunch", ["ec2:CreateTags"], made, _asked(cluster, **creating))


def _disks(key_arn: str) -> Iterator[Statement]:
    """Who starts a machine with an encrypted disk must be allowed to hand its key to EC2:
    docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html."""
    use = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*"]
    yield _allow("UseDiskKey", use, [key_arn])
    grants = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    yield _allow("HandDiskKeyToEc2", ["kms:CreateGrant"], [key_arn], grants)


def _ending(cluster: str, region: str) -> Iterator[Statement]:
    names = {
        "StringEqualsIfExists": {"aws:RequestTag/eks:eks-cluster-name": cluster},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"]},
    }
    yield _allow("TagOwn", ["ec2:CreateTags"], _ec2(region, "*", "instance"), {**_owned(cluster), **names})
    actions = ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"]
    yield _allow("EndOwn", actions, _ec2(region, "*", "instance", "launch-template"), _owned(cluster))


def _profiles(cluster: str, region: str, account: str, node_role_arn: str) -> Iterator[Statement]:
    services = {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]}}
    yield _allow("PassNodeRole", ["iam:PassRole"], [node_role_arn], services)
    profiles = [f"arn:aws:iam::{account}:instance-profile/*"]

    def told(where: str) -> dict[str, str]:
        tags = {f"kubernetes.io/cluster/{cluster}": "owned", "topology.kubernetes.io/region": region}
        tags |= {"eks:eks-cluster-name": cluster} if where == "Request" else {}
        return {f"aws:{where}Tag/{key}": value for key, value in tags.items()}

    def classes(*where: str) -> dict[str, str]:
        return {f"aws:{each}Tag/karpenter.k8s.aws/ec2nodeclass": "*" for each in where}

    making = {"StringEquals": told("Request"), "StringLike": classes("Request")}
    yield _allow("MakeProfiles", ["iam:CreateInstanceProfile"], profiles, making)
    tagging = {
        "StringEquals": {**told("Resource"), **told("Request")},
        "StringLike": classes("Resource", "Request"),
    }
    yield _allow("TagProfiles", ["iam:TagInstanceProfile"], profiles, tagging)
    verbs = ["AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile", "DeleteInstanceProfile"]
    owned = {"StringEquals": told("Resource"), "StringLike": classes("Resource")}
    yield _allow("UseProfiles", [f"iam:{verb}" for verb in verbs], profiles, owned)


def _reading(cluster: str, region: str, account: str) -> Iterator[Statement]:
    here = {"StringEquals": {"aws:RequestedRegion": region}}
    yield _allow("ReadMachines", [f"ec2:Describe{what}" for what in _READ], ["*"], here)
    yield _allow("ReadImages", ["ssm:GetParameter"], [f"arn:aws:ssm:{region}::parameter/aws/service/*"])
    yield _allow("ReadPrices", ["pricing:GetProducts"], ["*"])
    yield _allow("ListProfiles", ["iam:ListInstanceProfiles"], ["*"])
    yield _allow("ReadProfiles", ["iam:GetInstanceProfile"], [f"arn:aws:iam::{account}:instance-profile/*"])
    yield _allow("ReadCluster", ["eks:DescribeCluster"], [f"arn:aws:eks:{region}:{account}:cluster/{cluster}"])
