"""What a rehearsal has made up about things that it does not know: no judge may hold it against a program.

A version, a release, a subnet's zone that lies outside the program is anything but what was answered for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from polysilicon.rehearsal.values import UNKNOWN, Properties, strings


def guessed(told: Properties, again: Properties) -> set[str]:
    """The texts in an answer that stand for something unknown.

    Args:
        again: The same answer with other made-up values. What is alike in both is the cloud's usual answer, or follows
            from what was asked - but for versions: the usual one need not be the one that is there.
    """
    versions = {text for path, text in strings(told) if re.fullmatch(r"(?!api).*[vV]ersion", str(path[-1]))}
    return versions | {text for _, text in strings(told)} - {text for _, text in strings(again)}


def masked(value: Any, texts: AbstractSet[str]) -> Any:
    """`value` with these texts unknown, wherever they are the whole of a string."""
    if not texts:
        return value
    if isinstance(value, Mapping):
        return {name: masked(item, texts) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item, texts) for item in value]
    return UNKNOWN if isinstance(value, str) and value in texts else value
