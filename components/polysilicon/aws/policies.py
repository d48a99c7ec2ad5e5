"""Policies of storage and alerts as plain data: each names what it is for, and no more than its reader needs.

Values that exist only after deployment are put in at the call site, by `pulumi.Output.json_dumps` or `apply`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Document = dict[str, Any]


def bucket_access(bucket_arn: str, read: Sequence[str] = (), write: Sequence[str] = ()) -> Document:
    """Lists and reads objects under the prefixes of `read`, and under those of `write` puts them as well.

    Source: what Mountpoint asks for a read-only mount (awslabs/mountpoint-s3-csi-driver docs/CONFIGURATION.md).
    """
    writing = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
    statements = [_listing(bucket_arn, [*read, *write])]
    if read:
        statements.append(_allow("Read", ["s3:GetObject"], _objects(bucket_arn, read)))
    if write:
        statements.append(_allow("ReadWrite", writing, _objects(bucket_arn, write)))
    return _document(*statements)


def with_key(document: Document, key_arn: str, writes: bool = False) -> Document:
    """The policy together with the use of the KMS key that encrypts the bucket; only a writer makes new data keys."""
    actions = ["kms:Decrypt", *(["kms:GenerateDataKey"] if writes else [])]
    return {**document, "Statement": [*document["Statement"], _allow("Key", actions, key_arn)]}


def image_cache(pulled: Sequence[str], copied: Sequence[str], sources: Sequence[str]) -> Document:
    """What fetches images into repositories of ECR: through rules of ECR into `pulled`, as copies into `copied`, also
    from `sources`, which are ECR's too.

    Source: docs.aws.amazon.com/AmazonECR/latest/userguide, pull-through-cache-iam and image-push-iam.
    """
    statements = []
    if pulled:
        actions = ["ecr:BatchGetImage", "ecr:BatchImportUpstreamImage", "ecr:DescribeImages"]
        statements.append(_allow("PullThrough", actions, list(pulled)))
    if copied:
        actions = [
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:CompleteLayerUpload",
            "ecr:DescribeImages",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:UploadLayerPart",
        ]
        statements.append(_allow("Copy", actions, list(copied)))
        statements.append(_allow("Login", ["ecr:GetAuthorizationToken"], "*"))
    if sources:
        actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        statements.append(_allow("Source", actions, list(sources)))
    return _document(*statements)


def pod_trust(cluster: str, namespace: str, service_account: str) -> Document:
    """Who may take a role of pods: EKS Pod Identity, for one service account of one cluster.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html; Pod Identity sends these tags unless an
    association turns them off.
    """
    tags = {
        "aws:RequestTag/eks-cluster-name": cluster,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": service_account,
    }
    statement = {
        "Sid": "Pods",
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": tags},
    }
    return _document(statement)


def budget_topic(topic_arn: str, account: str) -> Document:
    """A topic's policy: the account's own budgets publish to it.

    Source: docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html.
    """
    publish = _allow("Budgets", ["sns:Publish"], topic_arn)
    return _document({**publish, **_own_budgets(account)})


def budget_topic_key(account: str) -> Document:
    """The policy of the key of such a topic: the account's IAM says who may use it, and its budgets encrypt with it.

    Source: docs.aws.amazon.com/sns/latest/dg/sns-key-management.html, topics to which services of AWS publish.
    """
    root = {"Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
    encrypt = _allow("Budgets", ["kms:GenerateDataKey*", "kms:Decrypt"], "*")
    return _document({**_allow("Administration", ["kms:*"], "*"), **root}, {**encrypt, **_own_budgets(account)})


def _own_budgets(account: str) -> Document:
    """AWS Budgets, but only for this account: the service works for everybody."""
    condition = {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnLike": {"aws:SourceArn": f"arn:aws:budgets::{account}:*"},
    }
    return {"Principal": {"Service": "budgets.amazonaws.com"}, "Condition": condition}


def tls_only(bucket_arn: str) -> Document:
    """A bucket's policy: nobody, whatever else he may, reaches it without TLS."""
    statement = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return _document(statement)


def _listing(bucket_arn: str, prefixes: Sequence[str]) -> Document:
    """Listing is a right on the bucket; a condition narrows it to the prefixes, with their slash: a sibling that begins
    alike is none of them."""
    listing = _allow("List", ["s3:ListBucket"], bucket_arn)
    return {**listing, "Condition": {"StringLike": {"s3:prefix": [f"{prefix}/*" for prefix in prefixes]}}}


def _objects(bucket_arn: str, prefixes: Sequence[str]) -> str | list[str]:
    objects = [f"{bucket_arn}/{prefix}/*" for prefix in prefixes]
    return objects if len(objects) > 1 else objects[0]


def _allow(sid: str, actions: Sequence[str], resource: str | list[str]) -> Document:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}


def _document(*statements: Mapping[str, Any]) -> Document:
    return {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}
