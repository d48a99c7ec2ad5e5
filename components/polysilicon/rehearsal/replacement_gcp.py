"""What the Google Cloud provider cannot change in place: `ForceNew` in its schemas.

They are in `data/google_replacement.csv`; the SDK's documentation says it of one input in a hundred.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources


def create_only(type_: str) -> frozenset[str]:
    """The inputs of a type of which a change makes a new resource."""
    return frozenset(_table().get(type_.partition(":")[2], "").split())


@functools.cache
def _table() -> Mapping[str, str]:
    file = resources.files("polysilicon.rehearsal") / "data" / "google_replacement.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    rows = (line.partition(",") for line in lines if not line.startswith("#"))
    return {type_: inputs for type_, _, inputs in rows}
