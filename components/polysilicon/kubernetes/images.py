"""Images from a cache instead of where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

Images = Mapping[str, pulumi.Input[str]]
"""What images are called in a cache; one that is not in it is pulled from where it comes. A workload that is given such
a name waits until the image is there."""


def from_cache(spec: Mapping[str, Any], images: Images) -> dict[str, Any]:
    """The spec of a workload with its images as the cache calls them."""
    template = spec["template"]
    pod = {
        name: [_renamed(each, images) for each in value] if name in ("containers", "initContainers") else value
        for name, value in template["spec"].items()
    }
    return {**spec, "template": {**template, "spec": pod}}


def _renamed(container: Mapping[str, Any], images: Images) -> dict[str, Any]:
    return {**container, "image": images.get(container["image"], container["image"])}
