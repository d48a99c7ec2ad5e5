"""EFA interfaces of EKS nodes, and the huge pages that come with them.

Huge pages are set aside by the EFA software of the node's image where such an interface is attached, or by what the
program runs when a node starts; nodes without either have none (awsdocs/amazon-eks-user-guide ml/node-efa.adoc;
bottlerocket-os/bottlerocket-core-kit pull request 141; eksctl-io/eksctl issue 5300). How many there are beside an
interface depends on the machine, and is not judged.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.values import UNKNOWN, at

HUGE_PAGES = ("hugepages-2Mi", "hugepages-1Gi")
_SCRIPTS = ("#!", "x-shellscript", "cloud-config", "cloud-boothook")


def efas_of_group(inputs: Mapping[str, Any], template: Mapping[str, Any]) -> float | None:
    """EFA interfaces of a node of a managed group; nothing if that is not known."""
    if not template:
        return None if inputs.get("launchTemplate") else 0.0
    return _efas(template.get("networkInterfaces") or [])


def efas_of_node_class(name: object, objects: Iterable[Record]) -> float | None:
    """EFA interfaces of a node that Karpenter makes by the EC2NodeClass of that name; nothing if that is not known.

    Where the class names no interfaces, Karpenter attaches as many as pods ask for (aws/karpenter-provider-aws 1.14.1,
    concepts/nodeclasses.md).
    """
    found = [
        each for each in objects if each.type.endswith(":EC2NodeClass") and at(each.outputs, "metadata.name") == name
    ]
    told = at(found[-1].inputs, "spec.networkInterfaces") if found else None
    return _efas(told) if told else None


def pages_of_group(inputs: Mapping[str, Any], template: Mapping[str, Any]) -> float | None:
    """Huge pages of a node of a managed group: none, or nothing if that is not known."""
    if efas_of_group(inputs, template) != 0 or template.get("imageId") or _runs_scripts(template.get("userData")):
        return None
    return 0.0


def _efas(told: Any) -> float | None:
    if not isinstance(told, list):
        return None
    kinds = [str(at(each, "interfaceType") or "") for each in told]
    return None if UNKNOWN in kinds else float(sum(kind.startswith("efa") for kind in kinds))


def _runs_scripts(user_data: Any) -> bool:
    """Whether user data may do more than to configure the node's agent (a NodeConfig, alone or in MIME)."""
    if not user_data:
        return False
    try:
        text = base64.b64decode(str(user_data), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return True
    return "node.eks.aws" not in text or any(word in text for word in _SCRIPTS)
