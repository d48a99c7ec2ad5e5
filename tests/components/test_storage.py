"""Buckets of weights, and the rights to read them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from polysilicon.aws.cluster import EksHome
from polysilicon.aws.policies import (
    bucket_access,
    budget_topic,
    budget_topic_key,
    pod_trust,
    tls_only,
    with_key,
)
from polysilicon.aws.weights import S3Driver, S3DriverArgs, S3WeightStore, S3WeightStoreArgs
from polysilicon.catalog import Catalog
from polysilicon.errors import SpecError, UserError
from polysilicon.planning.cluster import EksClusterPlan, SystemNodesPlan
from polysilicon.specs.storage import ExistingBucket, NewBucket
from tests.components.recording import Recording, record, unknown_keys

GOLDEN = Path(__file__).parent / "golden" / "policies"
BUCKET, KEY = "arn:aws:s3:::weights", "arn:aws:kms:us-east-1:123456789012:key/1"
POLICIES = {
    "read_prefix": bucket_access(BUCKET, read=["Qwen/Qwen3-0.6B"]),
    "read_prefix_with_key": with_key(bucket_access(BUCKET, read=["Qwen/Qwen3-0.6B"]), KEY),
    "read_two_prefixes": bucket_access(BUCKET, read=["Qwen/Qwen3-0.6B", "compiled/chat"]),
    "read_and_write": bucket_access(BUCKET, read=["Qwen/Qwen3-0.6B"], write=["compiled/chat"]),
    "write_prefix_with_key": with_key(bucket_access(BUCKET, write=["neuron/chat"]), KEY, writes=True),
    "pod_trust": pod_trust("main", "chat", "chat"),
    "tls_only": tls_only(BUCKET),
    "budget_topic": budget_topic("arn:aws:sns:us-east-1:123456789012:alerts", "123456789012"),
    "budget_topic_key": budget_topic_key("123456789012"),
}


@pytest.mark.parametrize("name", POLICIES)
def test_policy_is_the_checked_in_one(name: str) -> None:
    file = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(POLICIES[name], indent=2) + "\n")
    assert POLICIES[name] == json.loads(file.read_text())


def store(spec: Any, known: bool = True, key: str | None = None, prefix: str = "Qwen") -> Recording:
    def program() -> None:
        made = S3WeightStore("weights", S3WeightStoreArgs(spec=spec, region="us-east-1", key_arn=key))
        made.grant("chat", "main", "chat", "chat", read=[prefix])

    return record(program, known)


@pytest.mark.parametrize("known", [True, False])
def test_every_input_is_one_of_the_sdk(known: bool) -> None:
    made = store(NewBucket(), known, KEY)
    assert len(made.resources) > 9
    assert [key for resource in made.resources for key in unknown_keys(resource)] == []


def test_a_new_bucket_is_private_versioned_and_tidied() -> None:
    made = store(NewBucket(keep_old_days=9))
    assert made.one("aws:s3/bucket:Bucket")["forceDestroy"] is False
    assert made.one("aws:s3/bucketVersioning:BucketVersioning")["versioningConfiguration"] == {"status": "Enabled"}
    block = made.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    assert [value for value in block.values() if isinstance(value, bool)] == [True] * 4
    (rule,) = made.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")["rules"]
    assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": 9}
    (encryption,) = made.one("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")[
        "rules"
    ]
    assert encryption["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


def test_a_reader_of_an_existing_bucket_gets_its_prefix_and_the_bucket_stays_as_it_is() -> None:
    made = store(ExistingBucket(kind="existing", bucket="weights", region="us-east-1", key_arn=KEY))
    assert [r.type for r in made.resources if r.type.startswith("aws:s3/")] == []
    policy = json.loads(made.one("aws:iam/rolePolicy:RolePolicy")["policy"])
    assert policy == with_key(bucket_access(BUCKET, read=["Qwen"]), KEY)
    assert json.loads(made.one("aws:iam/role:Role")["assumeRolePolicy"]) == pod_trust("main", "chat", "chat")


@pytest.mark.parametrize(
    ("spec", "prefix", "message"),
    [
        (
            ExistingBucket(kind="existing", bucket="weights", region="eu-west-1"),
            "",
            "region: got eu-west-1, but the cluster that reads the weights is in us-east-1\n  fix: take a bucket in",
        ),
        (NewBucket(), "Qwen/", "prefix: got 'Qwen/'\n  fix: write words of letters, digits"),
        (NewBucket(), "Qwen*", "prefix: got 'Qwen\\*'\n  fix: write words of letters, digits"),
    ],
)
def test_bad_input_is_refused(spec: Any, prefix: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        store(spec, prefix=prefix)


def test_a_bucket_that_lies_elsewhere_is_refused_whatever_the_yaml_says() -> None:
    spec = ExistingBucket(kind="existing", bucket="weights", region="eu-west-1")
    message = r"weights.region: got eu-west-1, but bucket weights lies in us-east-1\n  fix: take a bucket in eu-west-1"
    with pytest.raises(UserError, match=message):
        record(lambda: S3WeightStore("weights", S3WeightStoreArgs(spec=spec, region="eu-west-1")))


def test_the_driver_runs_on_tainted_nodes_and_has_no_rights(catalog: Catalog) -> None:
    versions = tuple((row.name, row.version) for row in catalog.addons)
    plan = EksClusterPlan("main", "us-east-1", "1.35", "", (), SystemNodesPlan("m7i.large", 1, 1), versions)

    def program() -> None:
        home = EksHome(
            plan=plan,
            cluster_name="main",
            node_role_arn="arn:aws:iam::123456789012:role/nodes",
            subnet_ids={},
            vpc_id="vpc-1",
            security_group_id="sg-1",
            nodes_after={},
        )
        S3Driver("main", S3DriverArgs(home=home))

    made = record(program)
    assert [key for resource in made.resources for key in unknown_keys(resource)] == []
    addon = made.one("aws:eks/addon:Addon")
    assert json.loads(addon["configurationValues"]) == {"node": {"tolerateAllTaints": True}}
    assert addon["addonVersion"] == dict(versions)["aws-mountpoint-s3-csi-driver"]
    assert {"podIdentityAssociations", "serviceAccountRoleArn"}.isdisjoint(addon)


def test_other_rights_come_beside_the_old_ones() -> None:
    """Pods that still mount the old prefix keep their rights until they are gone."""
    before, after = (store(NewBucket(), prefix=prefix).all("aws:iam/rolePolicy:RolePolicy") for prefix in ("a", "b"))
    assert before.keys().isdisjoint(after)
    assert before.keys() == store(NewBucket(), prefix="a").all("aws:iam/rolePolicy:RolePolicy").keys()


def test_a_new_bucket_is_encrypted_with_the_key_that_the_spec_names() -> None:
    made = store(NewBucket(key_arn=KEY))
    (rule,) = made.one("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")[
        "rules"
    ]
    assert rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == KEY
    assert KEY in made.one("aws:iam/rolePolicy:RolePolicy")["policy"]
