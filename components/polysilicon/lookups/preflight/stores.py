"""Whether a bucket that is there has what the stack reads from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from polysilicon.lookups.preflight.clients import Clients
from polysilicon.lookups.preflight.findings import Finding
from polysilicon.planning.requirements import StoreWanted


def store(wanted: StoreWanted, region: str, clients: Clients) -> Iterator[Finding]:
    """Whether the bucket is there, lies in the cluster's region, and has files of each model: a question for each.

    Nobody can say beforehand whether the files are all of them, and those that the engine wants.
    """
    s3 = clients("s3", region)
    at = f"clusters.{wanted.key}.weights"
    try:
        lacking = [model for model, prefix in wanted.models.items() if not _has(s3, wanted.bucket, prefix)]
        lies = s3.head_bucket(Bucket=wanted.bucket)["BucketRegion"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchBucket", "404"):
            raise
        fix = f"correct {at}.bucket: `aws s3 ls` shows those of the account; or take {{kind: new}}, which makes one"
        yield Finding("weights", wanted.bucket, "fail", "there is no such bucket", fix)
        return
    if lies != region:
        fix = f"take a bucket in {region}, or copy the weights to one"
        yield Finding("weights", wanted.bucket, "fail", f"lies in {lies}, but {at}.region says {region}", fix)
    for model in lacking:
        yield _empty(model, f"s3://{wanted.bucket}/{wanted.models[model]}/")
    if lies == region and not lacking:
        yield Finding("weights", wanted.bucket, "ok", " ".join(["is there", *_of(wanted)]))


def _has(s3: Any, bucket: str, prefix: str) -> bool:
    """Whether there is an object under a prefix. One that has no further name is how consoles draw a folder."""
    folder = f"{prefix}/"
    return bool(s3.list_objects_v2(Bucket=bucket, Prefix=folder, StartAfter=folder, MaxKeys=1)["KeyCount"])


def _empty(model: str, place: str) -> Finding:
    fix = f"aws s3 cp --recursive FOLDER {place}; or correct models.{model}.weights.prefix"
    return Finding("weights", model, "fail", f"nothing lies under {place}, where its servers look for files", fix)


def _of(wanted: StoreWanted) -> list[str]:
    return [f"and has files of {', '.join(wanted.models)}"] if wanted.models else []
