"""What a refusal does not repeat: a value that is wrong and secret must not come to stand in a terminal or a log.

The engine opens secrets before it asks a provider, so that their marks are gone; what is secret is told by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import replace

from polysilicon.rehearsal.model import Problem
from polysilicon.rehearsal.values import MASK, Properties, strings

_SECRET = re.compile(
    r"(?i)(password|passphrase|token|private_?key|api_?key|access_?key|secret_?(key|string|value|data)|^secret$)$"
)
_SHORTEST = 3
"""What is shorter would be found in any text."""


def discreet(problems: Iterable[Problem], inputs: Properties, secret: Set[str]) -> list[Problem]:
    """The problems without the secrets among the inputs.

    Args:
        secret: Properties that are secret whatever their name.
    """
    found = list(problems)
    if not found:
        return found
    hidden = {
        text
        for path, text in strings(inputs)
        if len(text) >= _SHORTEST and (str(path[0]) in secret or any(_SECRET.search(str(step)) for step in path))
    }
    return [replace(problem, message=_masked(problem.message, hidden)) for problem in found]


def _masked(message: str, hidden: Set[str]) -> str:
    for text in sorted(hidden, key=len, reverse=True):
        message = message.replace(text, MASK)
    return message
