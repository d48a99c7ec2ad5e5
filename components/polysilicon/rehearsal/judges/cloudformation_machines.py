"""Which EC2 instance types a region has, by the list that cfn-lint carries.

The list lacks some types that are new, so a type that it has nowhere is only refused where no type at all has a size of
that name, unless its family is new too. A type that it has elsewhere is refused in a region for which it has a list.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from polysilicon.rehearsal.judges.cloudformation_schemas import extension
from polysilicon.rehearsal.judges.rules import values_at
from polysilicon.rehearsal.model import Problem
from polysilicon.rehearsal.values import UNKNOWN, shown

_LIST = "aws_ec2_instance/instancetype_enum"
_SIZE = re.compile(r"\d+xlarge")


def machines(inputs: Mapping[str, Any], paths: tuple[str, ...], region: str) -> Iterator[Problem]:
    """What is wrong with the instance types at `paths`."""
    for where in paths:
        for path, name in values_at(inputs, where):
            message = _message(name, region) if isinstance(name, str) and name != UNKNOWN else ""
            if message:
                yield Problem(message, shown(path))


def _message(name: str, region: str) -> str:
    family, _, size = name.partition(".")
    if name in everywhere():
        if by_region().get(region) and name not in by_region()[region]:
            return f"Unsupported: Your requested instance type ({name}) is not supported in your Region ({region})."
        return ""
    if size in _sizes() or (family not in _families() and _SIZE.fullmatch(size)):
        return ""
    close = difflib.get_close_matches(name, sorted(everywhere()), 1, 0.6)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"InvalidParameterValue: Invalid value '{name}' for InstanceType.{hint}"


@functools.cache
def by_region() -> Mapping[str, frozenset[str]]:
    """The instance types of each region; empty where cfn-lint has no list."""
    told = extension(_LIST).items()
    return {region: frozenset(part.get("enum", ())) for region, part in told if isinstance(part, Mapping)}


@functools.cache
def everywhere() -> frozenset[str]:
    """The instance types of all regions together."""
    return frozenset().union(*by_region().values())


@functools.cache
def _families() -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in everywhere())


@functools.cache
def _sizes() -> frozenset[str]:
    return frozenset(name.partition(".")[2] for name in everywhere())
