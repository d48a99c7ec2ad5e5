"""Comparing dotted versions, such as Neuron drivers and Kubernetes releases."""

from __future__ import annotations


def numbers(version: str) -> tuple[int, ...]:
    """`2.28.0.0` as (2, 28, 0, 0). Parts that are not numbers end it."""
    parts: list[int] = []
    for part in version.replace("-", ".").split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)


def within(version: str, low: str | None, high: str | None) -> bool:
    """Whether `version` lies between `low` and `high`, each as precise as it is written: 2.28.5 is within high 2.28."""
    got = numbers(version)
    above = low is None or got >= numbers(low)
    below = high is None or got[: len(numbers(high))] <= numbers(high)
    return above and below
