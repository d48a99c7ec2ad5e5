"""A single value against what a discovery document says of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from polysilicon.rehearsal.judges.discovery_documents import Spec
from polysilicon.rehearsal.values import Path

# The formats of numbers: https://developers.google.com/discovery/v1/type-format
_RANGES: Mapping[str, tuple[int, int]] = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
_INTEGER = re.compile(r"[+-]?\d+")


def wrong(value: Any, spec: Spec, path: Path) -> str:
    """Why Google refuses a value, in its words; empty if it does not.

    The provider turns text into numbers and truth values where the API wants them, so `"8"` is as good as `8`.
    """
    if value is None or value == "":
        return ""
    if "enum" in spec:
        return _not_in(value, spec["enum"], path)
    if spec.get("format") in _RANGES:
        return _not_a_number(value, _RANGES[spec["format"]], path)
    if spec.get("type") == "boolean" and isinstance(value, str) and value.lower() not in ("true", "false"):
        return f"googleapi: Error 400: Invalid value at '{_field(path)}' (TYPE_BOOL), \"{value}\": use true or false"
    if "pattern" in spec and isinstance(value, str) and re.fullmatch(spec["pattern"], value) is None:
        # Compute's words, as in GoogleCloudPlatform/terraformer issue 746.
        return (
            f"googleapi: Error 400: Invalid value for field 'resource.{_plain(path)}': '{value}'. "
            f"Must be a match of regex '{spec['pattern']}', invalid"
        )
    return ""


def _not_in(value: Any, allowed: list[str], path: Path) -> str:
    # The words of Google's JSON front end, as in k8s-config-connector, mockgcp: Invalid value at
    # 'node_pool.config.windows_node_config.os_version' (type.googleapis.com/…), "OS_2022".
    if not isinstance(value, str) or value in allowed:
        return ""
    given = [word for word in allowed if not word.endswith("UNSPECIFIED")]
    return f"googleapi: Error 400: Invalid value at '{_field(path)}', \"{value}\": must be one of {', '.join(given)}"


def _not_a_number(value: Any, bounds: tuple[int, int], path: Path) -> str:
    low, high = bounds
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        return f"googleapi: Error 400: Invalid value at '{_field(path)}', \"{value}\": must be a whole number"
    if isinstance(value, (str, int)) and not isinstance(value, bool) and not low <= int(value) <= high:
        return f"googleapi: Error 400: Invalid value at '{_field(path)}', {value}: must be from {low} to {high}"
    return ""


def _plain(path: Path) -> str:
    return ".".join(f"[{step}]" if isinstance(step, int) else step for step in path).replace(".[", "[")


def _field(path: Path) -> str:
    """A path as Google's front end writes it: `node_config.taints[0].effect`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _plain(path)).lower()
