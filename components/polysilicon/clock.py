"""What time it is, for what has a window: capacity blocks, and leave to replace nodes."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from polysilicon.errors import UserError

NOW = "POLYSILICON_NOW"
"""Environment variable that says another time than the clock's, for rehearsals of another day."""


def now() -> datetime:
    """The time of UTC, or that of the variable. Raises `UserError` where the variable says no time."""
    told = os.environ.get(NOW)
    if not told:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise UserError(f"{NOW}: got {told!r}, which is no time\n  fix: write such as 2026-12-01T12:00:00Z") from None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
