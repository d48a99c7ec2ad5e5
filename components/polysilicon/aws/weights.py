"""A store of weights in S3, and the driver that mounts it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from polysilicon.aws.cluster import EksHome
from polysilicon.aws.pod_identity import pod_role
from polysilicon.aws.policies import bucket_access, tls_only, with_key
from polysilicon.aws.tags import named
from polysilicon.errors import UserError
from polysilicon.planning.names import require_key
from polysilicon.planning.order import Order
from polysilicon.planning.weights import require_prefix, require_store
from polysilicon.resources import child, lookup, record
from polysilicon.specs.storage import ExistingBucket, NewBucket

_DRIVER = "aws-mountpoint-s3-csi-driver"
_ABORT_DAYS = 7
"""An upload that has not ended by then never will, and its parts cost money unseen."""


@dataclass(frozen=True, kw_only=True)
class S3WeightStoreArgs:
    """What an `S3WeightStore` is made of.

    Attributes:
        spec: A new bucket, or one that is there.
        region: Region of the cluster that reads it.
        key_arn: KMS key that encrypts the objects of a new bucket. By default that of the spec, else S3's own keys do.
        tags: Tags of every resource.
    """

    spec: NewBucket | ExistingBucket
    region: str
    key_arn: pulumi.Input[str] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class S3WeightStore(pulumi.ComponentResource):
    """A bucket of weights, and rights to read it."""

    bucket: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]

    def __init__(self, name: str, args: S3WeightStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        require_key(name)
        require_store(args.spec, args.region)
        super().__init__("polysilicon:index:S3WeightStore", name, record(args.spec), opts)
        self._name, self._args = f"{name}-weights", args

        if isinstance(args.spec, NewBucket):
            self._key_arn = args.key_arn or args.spec.key_arn
            made = self._bucket(args.spec)
            self.bucket, self.bucket_arn = made.bucket, made.arn
        else:
            self.bucket = _found(self, args.spec)
            self.bucket_arn = pulumi.Output.from_input(f"arn:aws:s3:::{args.spec.bucket}")
            self._key_arn = args.spec.key_arn
        self.register_outputs({"bucket": self.bucket, "bucketArn": self.bucket_arn})

    def grant(
        self,
        key: str,
        cluster_name: pulumi.Input[str],
        namespace: str,
        service_account: str,
        read: Sequence[str] = (),
        write: Sequence[str] = (),
    ) -> list[pulumi.Resource]:
        """Lets the pods of a service account read, or read and write, what lies under prefixes; returns what they wait
        for.

        Raises `SpecError` for a prefix that no policy can name.
        """
        for prefix in (*read, *write):
            require_prefix(prefix)
        known = pulumi.Output.all(self.bucket_arn, self._key_arn)
        policy = known.apply(lambda k: json.dumps(_access(k[0], k[1], read, write)))
        name, tags = f"{self._name}-{key}", self._args.tags
        places = "\n".join((_known_as(self._args.spec), *read, "", *write))
        changed = hashlib.sha256(places.encode()).hexdigest()[:8]
        return pod_role(self, name, cluster_name, namespace, service_account, policy, tags, changed)[1]

    def _bucket(self, spec: NewBucket) -> aws.s3.Bucket:
        name, inside = self._name, child(self)
        bucket = aws.s3.Bucket(name, force_destroy=spec.force_destroy, tags=named(self._args.tags, name), opts=inside)
        aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=inside,
        )
        aws.s3.BucketOwnershipControls(
            name, bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}, opts=inside
        )
        aws.s3.BucketVersioning(name, bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}, opts=inside)
        aws.s3.BucketServerSideEncryptionConfiguration(
            name, bucket=bucket.bucket, rules=[_encryption(self._key_arn)], opts=inside
        )
        aws.s3.BucketLifecycleConfiguration(
            name, bucket=bucket.bucket, rules=[_lifecycle(spec.keep_old_days)], opts=inside
        )
        policy = bucket.arn.apply(lambda arn: json.dumps(tls_only(arn)))
        aws.s3.BucketPolicy(name, bucket=bucket.bucket, policy=policy, opts=inside)
        return bucket


def _known_as(spec: NewBucket | ExistingBucket) -> str:
    """What tells a store from another beforehand."""
    return spec.bucket if isinstance(spec, ExistingBucket) else spec.kind


@dataclass(frozen=True, kw_only=True)
class S3DriverArgs:
    """What an `S3Driver` is made of.

    Attributes:
        home: The cluster.
        nodes_ready: What must be there before a pod finds a node: a `ClusterRef`'s `ready`.
        tags: Tags of the add-on.
    """

    home: EksHome
    nodes_ready: Sequence[pulumi.Resource] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


class S3Driver(pulumi.ComponentResource):
    """The driver by which pods mount buckets (Mountpoint for S3), as an add-on of EKS, on all nodes of a cluster.

    It has no rights of its own: each pod reads by those of its service account.
    """

    addon: aws.eks.Addon

    def __init__(self, name: str, args: S3DriverArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        version = args.home.plan.addon(_DRIVER)
        super().__init__("polysilicon:index:S3Driver", name, {"version": version}, opts)
        self.addon = aws.eks.Addon(
            f"{name}-s3-driver",
            cluster_name=args.home.cluster_name,
            addon_name=_DRIVER,
            addon_version=version,
            # Nodes with accelerators are tainted, and pods there mount the most.
            configuration_values=json.dumps({"node": {"tolerateAllTaints": True}}),
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="PRESERVE",
            tags=named(args.tags, f"{name}-s3-driver"),
            opts=child(self, {Order.DRIVER_AFTER_NODES: args.nodes_ready}),
        )
        self.register_outputs({"version": version})


def _found(parent: pulumi.Resource, spec: ExistingBucket) -> pulumi.Output[str]:
    """The name of a bucket that is there and lies where the spec says; anything else ends the preview."""

    def checked(region: str) -> str:
        if region != spec.region:
            # Within an apply a ValueError, as a SpecError is, would reach the user wrapped in the SDK's own.
            text = f"weights.region: got {spec.region}, but bucket {spec.bucket} lies in {region}"
            raise UserError(f"{text}\n  fix: take a bucket in {spec.region}, or copy the weights to one")
        return spec.bucket

    found = aws.s3.get_bucket_output(bucket=spec.bucket, opts=lookup(parent))
    region: pulumi.Output[str] = found.bucket_region
    return region.apply(checked)


def _access(bucket_arn: str, key_arn: str | None, read: Sequence[str], write: Sequence[str]) -> dict[str, Any]:
    policy = bucket_access(bucket_arn, read, write)
    return with_key(policy, key_arn, writes=bool(write)) if key_arn else policy


def _encryption(key_arn: pulumi.Input[str] | None) -> Any:
    if key_arn is None:
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    by_key = {"sse_algorithm": "aws:kms", "kms_master_key_id": key_arn}
    return {"apply_server_side_encryption_by_default": by_key, "bucket_key_enabled": True}


def _lifecycle(keep_old_days: int) -> Any:
    return {
        "id": "tidy",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "abort_incomplete_multipart_upload": {"days_after_initiation": _ABORT_DAYS},
        "noncurrent_version_expiration": {"noncurrent_days": keep_old_days},
    }
