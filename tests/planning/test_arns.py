"""Partitions of AWS."""

from __future__ import annotations

import json
from pathlib import Path

import botocore  # type: ignore[import-untyped]
import pytest

from polysilicon.errors import SpecError
from polysilicon.planning.arns import partition_of, require_partition

KNOWN = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())["partitions"]


def test_every_region_that_the_sdk_knows_is_in_its_partition() -> None:
    wrong = [
        region
        for partition in KNOWN
        for region in partition["regions"]
        if not region.endswith("-global") and partition_of(region) != partition["id"]
    ]
    assert wrong == []
    assert len(KNOWN) > 7


def test_an_arn_of_another_partition_is_refused() -> None:
    require_partition("key_arn", "arn:aws-cn:kms:cn-north-1:123456789012:key/1", "cn-north-1")
    with pytest.raises(SpecError, match=r"^key_arn: got arn:aws:kms:.*of partition aws, but cn-north-1 is in aws-cn"):
        require_partition("key_arn", "arn:aws:kms:cn-north-1:123456789012:key/1", "cn-north-1")
