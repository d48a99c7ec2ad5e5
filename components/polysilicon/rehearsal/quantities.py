"""Amounts as Kubernetes writes them: `500m`, `16Gi`, `1e3`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

# resource.ParseQuantity, k8s.io/apimachinery v0.35.0 pkg/api/resource/quantity.go and suffix.go
_PATTERN = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?")
_DECIMAL = {suffix: Fraction(1000) ** power for power, suffix in enumerate("num", -3)}
_DECIMAL |= {suffix: Fraction(1000) ** power for power, suffix in enumerate("kMGTPE", 1)}
_BINARY = {f"{suffix}i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", 1)}
_SCALES = {"": Fraction(1), **_DECIMAL, **_BINARY}

GIB = 1024**3

UNREADABLE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
"""What the API server says of a text that is no amount."""


def quantity(value: Any) -> Fraction | None:
    """The amount that a text or a number means, exactly; nothing if it means none or is not known."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return Fraction(str(value))
    match = _PATTERN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    number = Fraction(match[1])
    return number * Fraction(10) ** int(match[3]) if match[3] else number * _SCALES[match[2] or ""]


def number(value: Any) -> float | None:
    """The amount as near as a float comes to it: for sums over many pods, and for what people read."""
    amount = quantity(value)
    return None if amount is None else float(amount)
