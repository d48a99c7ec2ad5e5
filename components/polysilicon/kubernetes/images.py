"""Images from a cache instead of where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi


@dataclass(frozen=True, kw_only=True)
class ImageWires:
    """What a workload must know of a cache of images."""

    references: Mapping[str, pulumi.Input[str]]
    """What each image is called in the cache. One that is not in it is pulled from where it comes."""
    ready: Sequence[pulumi.Resource] = ()
    """What must be there before the first pull. By default it is, such as in another stack."""


def from_cache(spec: Mapping[str, Any], images: ImageWires | None) -> dict[str, Any]:
    """The spec of a workload with its images as the cache calls them."""
    if images is None:
        return dict(spec)
    template = spec["template"]
    pod = {
        name: [_renamed(each, images) for each in value] if name in ("containers", "initContainers") else value
        for name, value in template["spec"].items()
    }
    return {**spec, "template": {**template, "spec": pod}}


def _renamed(container: Mapping[str, Any], images: ImageWires) -> dict[str, Any]:
    return {**container, "image": images.references.get(container["image"], container["image"])}
