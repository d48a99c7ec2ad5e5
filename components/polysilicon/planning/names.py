"""Names that become part of cloud names."""

from __future__ import annotations

import re

from polysilicon.planning.problems import refuse
from polysilicon.specs.values import KEY_PATTERN


def require_key(name: str) -> None:
    """Raises `SpecError` unless every cloud takes `name` with the suffixes that components and Pulumi put behind it."""
    if not re.fullmatch(KEY_PATTERN, name):
        fix = "take lower case letters, digits and dashes, a letter first, at most 20 characters"
        raise refuse("", f"got {name!r} as a name, which some cloud refuses", fix)
