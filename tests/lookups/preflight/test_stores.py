"""Buckets that are there, against the real moto server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest

from polysilicon.lookups.preflight import Clients, Finding, preflight
from polysilicon.lookups.preflight.stores import store
from polysilicon.planning.requirements import StoreWanted
from tests.lookups.preflight.fleets import cluster, fleet, pool, requirements
from tests.lookups.preflight.stand_in import Refused, StandIn
from tests.lookups.preflight.test_preflight import NOW, of

pytestmark = pytest.mark.filterwarnings(r"ignore:Exception\(_Error\) with code")
BUCKET = {"kind": "existing", "bucket": "acme-weights", "region": "us-east-1"}


@pytest.fixture
def bucket(aws: StandIn) -> Iterator[Any]:
    """A bucket that somebody else made, as a client of its service."""
    s3 = boto3.client("s3", "us-east-1")
    s3.create_bucket(Bucket="acme-weights")
    yield s3
    aws.answers.clear()
    for row in s3.list_objects_v2(Bucket="acme-weights").get("Contents", ()):
        s3.delete_object(Bucket="acme-weights", Key=row["Key"])
    s3.delete_bucket(Bucket="acme-weights")
    s3.close()


def document(store: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    """A fleet with a model whose weights lie in a bucket that is there."""
    model = {"model": "Qwen/Qwen3-0.6B", "pool": "a", "max_concurrency": 2, "weights": {}, **changed}
    floor = [{"kind": "on_demand", "min": 1, "max": 1}]
    return {
        **fleet(0),
        "clusters": {"a": cluster("us-east-1", weights=store or BUCKET)},
        "pools": {"a": {**pool("inf2.xlarge", capacity=floor), "cluster": "a"}},
        "models": {"chat": model},
    }


def judged(clients: Clients, **changed: Any) -> list[Finding]:
    (wanted,) = requirements(document(**changed)).regions[0].stores
    return [*store(wanted, "us-east-1", clients)]


def test_files_of_a_model_are_looked_for_in_buckets_that_are_there_only() -> None:
    def wanted(store: dict[str, Any], **changed: Any) -> tuple[StoreWanted, ...]:
        return requirements(document(store, **changed)).regions[0].stores

    assert wanted(BUCKET) == (StoreWanted("a", "acme-weights", {"chat": "Qwen/Qwen3-0.6B"}),)
    assert wanted(BUCKET, weights={"prefix": "mine"})[0].models == {"chat": "mine"}
    assert wanted(BUCKET, replicas=0)[0].models == {}
    assert wanted(BUCKET, replicas=0, compile_cache=True)[0].models == {"chat": "Qwen/Qwen3-0.6B"}
    assert wanted({"kind": "new"}) == ()


def test_a_bucket_with_the_models_files_is_fine(bucket: Any, aws: StandIn, clients: Clients) -> None:
    bucket.put_object(Bucket="acme-weights", Key="Qwen/Qwen3-0.6B/config.json", Body=b"{}")
    aws.asked.clear()
    (found,) = judged(clients)
    assert (found.check, found.status, found.text) == ("weights", "ok", "is there and has files of chat")
    assert aws.operations == ["HeadBucket", "ListObjectsV2"]


@pytest.mark.parametrize("key", ["", "Qwen/Qwen3-0.6B/", "Qwen/Qwen3-0.6B-Base/config.json"])
def test_a_model_without_files_is_told_before_its_servers_are_made(key: str, bucket: Any, clients: Clients) -> None:
    if key:
        bucket.put_object(Bucket="acme-weights", Key=key)
    (found,) = judged(clients)
    assert (found.subject, found.status) == ("chat", "fail")
    assert found.text == "nothing lies under s3://acme-weights/Qwen/Qwen3-0.6B/, where its servers look for files"
    assert found.fix == (
        "aws s3 cp --recursive FOLDER s3://acme-weights/Qwen/Qwen3-0.6B/; or correct models.chat.weights.prefix"
    )


@pytest.mark.parametrize("replicas", [0, 1])
def test_a_bucket_that_is_not_there_is_told(replicas: int, aws: StandIn, clients: Clients) -> None:
    (found,) = judged(clients, replicas=replicas)
    assert (found.subject, found.status, found.text) == ("acme-weights", "fail", "there is no such bucket")
    assert "clusters.a.weights.bucket" in found.fix


def test_a_bucket_of_another_region_is_told(bucket: Any, aws: StandIn, clients: Clients) -> None:
    aws.answers["HeadBucket"] = {"BucketRegion": "eu-west-1"}
    (found,) = judged(clients, replicas=0)
    assert found.text == "lies in eu-west-1, but clusters.a.weights.region says us-east-1"
    assert found.fix == "take a bucket in us-east-1, or copy the weights to one"


@pytest.mark.parametrize(
    ("replicas", "call", "code"), [(1, "ListObjectsV2", "AccessDenied"), (0, "HeadBucket", "Forbidden")]
)
def test_who_may_not_look_is_told_so(replicas: int, call: str, code: str, bucket: Any, aws: StandIn) -> None:
    aws.answers[call] = Refused(code, status=403)
    with Clients(tries=1) as clients:
        found = of(preflight(requirements(document(replicas=replicas)), clients, NOW), "weights")
    assert (found.status, found.text) == ("unknown", f"this identity may not call {call}")
