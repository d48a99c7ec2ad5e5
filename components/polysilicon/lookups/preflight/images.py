"""Whether the images of servers without a cluster are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from polysilicon.lookups.preflight.clients import Clients
from polysilicon.lookups.preflight.findings import Finding
from polysilicon.planning.requirements import MachineImageWanted, RegionRequirements


def machine_images(wanted: RegionRequirements, clients: Clients) -> Iterator[Finding]:
    """Which image a new machine would start from: the newest of its kind, or the one that is named."""
    ec2 = clients("ec2", wanted.region)
    for image in wanted.machine_images:
        pages = ec2.get_paginator("describe_images").paginate(**_question(image))
        found = sorted((row for page in pages for row in page["Images"]), key=lambda row: row.get("CreationDate", ""))
        if found:
            text = f"{found[-1]['ImageId']} ({found[-1].get('Name', 'without a name')})"
            yield Finding("machine image", image.key, "ok", text)
        elif image.name:
            told = f"{image.name!r}" + (f", {image.description!r}" if image.description else "")
            fix = "name one that is there under servers.*.ami, or lay a row over machine_images"
            yield Finding("machine image", image.key, "fail", f"Amazon has no image called {told} here", fix)
        else:
            fix = "name one of this region, shared with this account, under servers.*.ami"
            yield Finding("machine image", image.key, "fail", "is not there, or not for this account", fix)


def _question(image: MachineImageWanted) -> Mapping[str, Any]:
    filters = {"architecture": image.architecture, "state": "available"}
    if image.name is None:
        return {"IncludeDeprecated": True, "Filters": _filters({**filters, "image-id": image.key})}
    filters |= {"name": image.name} | ({"description": image.description} if image.description else {})
    return {"Owners": ["amazon"], "IncludeDeprecated": True, "Filters": _filters(filters)}


def _filters(told: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": [value]} for name, value in told.items()]
