"""The tags that say which resource of which program something is, in an account that many share.

The components put them on what they make, and `polysilicon recover` knows a resource by them that has no name of its
own. Equal names and other tags are no proof: two stacks may well have them.
"""

from __future__ import annotations

from collections.abc import Mapping

PROJECT, STACK, RESOURCE = "polysilicon:project", "polysilicon:stack", "polysilicon:resource"


def identity(project: str, stack: str, resource: str) -> dict[str, str]:
    """The tags of a resource.

    Args:
        resource: Its logical name.
    """
    return {PROJECT: project, STACK: stack, RESOURCE: resource}


def is_identity(tags: Mapping[str, str]) -> bool:
    """Whether tags tell one resource of its type from all others."""
    return all(tags.get(key) for key in (PROJECT, STACK, RESOURCE))
