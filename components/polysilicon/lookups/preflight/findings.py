"""What a check says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["ok", "warn", "fail", "unknown"]
"""`fail`: the deployment cannot succeed. `warn`: it may not, or not always. `unknown`: nobody could say."""
_RANK: tuple[Status, ...] = ("ok", "unknown", "warn", "fail")


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    check: str
    subject: str
    status: Status
    text: str
    fix: str = ""
    region: str = ""
    """The AWS region that it is about; empty for the account and for this machine."""
    answered: bool = True
    """Whether its question had an answer."""

    def as_json(self) -> dict[str, Any]:
        """The finding as plain values."""
        names = ("region", "check", "subject", "status", "text", "fix")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Check:
    """A question to a cloud, not yet asked."""

    name: str
    ask: Callable[[], Iterable[Finding]]
    region: str = ""


def worst(findings: Iterable[Status]) -> Status:
    """The gravest of several; ok where there are none."""
    return max(findings, key=_RANK.index, default="ok")
