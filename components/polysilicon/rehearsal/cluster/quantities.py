"""Kubernetes quantities as numbers."""

from __future__ import annotations

import re
from typing import Any

_QUANTITY = re.compile(r"([+-]?[0-9.]+)([eE][+-]?[0-9]+)?(m|n|u|[kMGTPE]i?|Ki)?")
_DECIMAL = {"": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_FACTORS = {**_DECIMAL, **{f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", 1)}}
GIB = 1024.0**3


def quantity(value: Any) -> float | None:
    """The number that `500m`, `1.5` or `16Gi` stands for; nothing where it is not known or not a quantity."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        return float(match[1] + (match[2] or "")) * _FACTORS[match[3] or ""]
    except ValueError:
        return None
