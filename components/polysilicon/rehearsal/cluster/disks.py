"""How much disk the pods of an EKS node have at the most: that of its root volume, where nothing else is mounted.

What the kubelet keeps for itself is not taken off. Machines that start in a way of the program's own, or with several
volumes, are not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.quantities import GIB, number
from polysilicon.rehearsal.values import at, every

_USUAL_GIB = 20
"""Of a node group on Linux that says nothing (botocore, eks CreateNodegroup.diskSize), and of Karpenter's AL2023 nodes
(aws/karpenter-provider-aws 1.14.1, nodeclasses.md, spec.blockDeviceMappings)."""


def of_group(inputs: Mapping[str, Any], template: Mapping[str, Any]) -> float | None:
    """Bytes on a node of a managed group; nothing if that is not known."""
    image = str(inputs.get("amiType") or "")
    # Bottlerocket keeps images and pods on a volume of their own, Windows has another size.
    if (image and not image.startswith("AL2")) or template.get("imageId") or template.get("userData"):
        return None
    if not template:
        told = inputs.get("diskSize", _USUAL_GIB)
        return float(told) * GIB if isinstance(told, (int, float)) else None
    sizes = [size for _, size in every(template, "blockDeviceMappings.*.ebs.volumeSize")]
    return _largest(f"{size}Gi" for size in sizes)


def of_node_class(name: object, objects: Iterable[Record]) -> float | None:
    """Bytes on a node that Karpenter makes by the EC2NodeClass of that name; nothing if that is not known."""
    found = [
        each for each in objects if each.type.endswith(":EC2NodeClass") and at(each.outputs, "metadata.name") == name
    ]
    spec = at(found[-1].inputs, "spec") if found else None
    if not isinstance(spec, Mapping) or spec.get("instanceStorePolicy") or spec.get("userData"):
        return None
    aliases = [str(alias) for _, alias in every(spec, "amiSelectorTerms.*.alias")]
    if not aliases or not all(alias.startswith("al2023") for alias in aliases):
        return None
    sizes = [size for _, size in every(spec, "blockDeviceMappings.*.ebs.volumeSize")]
    return _largest(sizes) if spec.get("blockDeviceMappings") else float(_USUAL_GIB * GIB)


def _largest(sizes: Iterable[Any]) -> float | None:
    amounts = [number(size) for size in sizes]
    known = [amount for amount in amounts if amount is not None]
    return max(known) if known and len(known) == len(amounts) else None
