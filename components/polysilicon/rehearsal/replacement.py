"""Which inputs a cloud cannot change in place, as its own schemas and documents say; `forms` adds the SDKs' word."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

from polysilicon.rehearsal import replacement_aws, replacement_gcp

CreateOnly = Callable[[str], frozenset[str]]

_BY_PACKAGE: Mapping[str, CreateOnly] = {
    "aws": replacement_aws.create_only,
    "gcp": replacement_gcp.create_only,
}


@functools.cache
def create_only(type_: str) -> frozenset[str]:
    """The dotted paths of inputs (`vpcConfig.subnetIds`) of which a change makes a new resource.

    Args:
        type_: The resource's type token. Types that no table or schema knows have none.
    """
    told = _BY_PACKAGE.get(type_.partition(":")[0])
    return told(type_) if told else frozenset()
