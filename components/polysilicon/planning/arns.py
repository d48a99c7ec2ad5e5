"""What an ARN says of where its resource is."""

from __future__ import annotations

from polysilicon.planning.problems import refuse

_PARTITIONS = {
    "cn-": "aws-cn",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
}
"""By what names of regions begin with; all others are of `aws`. Source: botocore data/partitions.json, regionRegex."""


def partition_of(region: str) -> str:
    """The partition of AWS that a region is in: nothing of one is seen from another."""
    return next((partition for start, partition in _PARTITIONS.items() if region.startswith(start)), "aws")


def require_partition(path: str, arn: str, region: str) -> None:
    """Raises `SpecError` unless an ARN is of the partition of `region`."""
    got, wanted = arn.split(":")[1], partition_of(region)
    if got != wanted:
        fix = f"take one of {region}; the ARNs of {wanted} begin with arn:{wanted}:"
        raise refuse(path, f"got {arn}, which is of partition {got}, but {region} is in {wanted}", fix)
