"""Where Polysilicon keeps what it builds and remembers, outside every project."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir() -> Path:
    """What can be made again, as the engine: `POLYSILICON_CACHE`, else `polysilicon` in the user's cache folder."""
    return _chosen("POLYSILICON_CACHE", "XDG_CACHE_HOME", ".cache")


def state_dir() -> Path:
    """What must last between runs, as rehearsed stacks: `POLYSILICON_STATE`, else `polysilicon` in the user's folder
    for state."""
    return _chosen("POLYSILICON_STATE", "XDG_STATE_HOME", ".local/state")


def _chosen(own: str, xdg: str, under_home: str) -> Path:
    if own in os.environ:
        return Path(os.environ[own])
    base = Path(os.environ[xdg]) if os.environ.get(xdg) else Path.home() / under_home
    return base / "polysilicon"
