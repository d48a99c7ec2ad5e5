"""Names that become part of cloud names."""

from __future__ import annotations

import hashlib
import re

from polysilicon.planning.problems import refuse
from polysilicon.specs.values import KEY_PATTERN

_LONGEST_CLUSTER_NAME = 100


def require_key(name: str) -> None:
    """Raises `SpecError` unless every cloud takes `name` with the suffixes that components and Pulumi put behind it."""
    if not re.fullmatch(KEY_PATTERN, name):
        fix = "take lower case letters, digits and dashes, a letter first, at most 20 characters"
        raise refuse("", f"got {name!r} as a name, which some cloud refuses", fix)


def cluster_name(project: str, stack: str, key: str) -> str:
    """The name of an EKS cluster, known before anything exists: `project-stack-key`.

    What EKS does not take becomes a dash, and what goes beyond its 100 characters gives way to a hash of the whole.
    Source: botocore's model of EKS, ClusterName.
    """
    whole = f"{project}-{stack}-{key}"
    name = re.sub(r"[^0-9A-Za-z_-]", "-", whole).lstrip("-_")
    if len(name) <= _LONGEST_CLUSTER_NAME and name == whole:
        return name
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST_CLUSTER_NAME - len(digest) - 1]}-{digest}"
