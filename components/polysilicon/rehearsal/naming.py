"""Names for what the program leaves unnamed, made once and kept, as real providers do it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from polysilicon.rehearsal.forms import Autoname
from polysilicon.rehearsal.model import Problem, RefusedError
from polysilicon.rehearsal.values import Properties, at

DEFAULTS = "__defaults"
"""Inputs that Check filled in are listed under this property, so that Diff and the next Check can tell."""
ANNOTATION = "pulumi.com/autonamed"
"""How the same is noted on a Kubernetes object."""


@dataclass(frozen=True)
class Proposal:
    """What the engine says about names: a name to use instead of ours, or that there must be none."""

    name: str = ""
    forbidden: bool = False


def named(
    inputs: Properties, old: Mapping[str, Any], rule: Autoname, logical: str, seed: str, proposal: Proposal
) -> Properties:
    """The inputs with a name: the program's, else the one it had, else a new one."""
    if at(inputs, rule.property) or at(inputs, f"{rule.property}Prefix") or at(inputs, "metadata.generateName"):
        return inputs
    kept = at(old, rule.property) if was_made(old, rule.property) else None
    if kept is None and proposal.forbidden:
        raise RefusedError(Problem(f"automatic naming is disabled: give {logical} a {rule.property}", rule.property))
    return _put(inputs, rule.property, kept or proposal.name or _made(rule, logical, seed))


def was_made(inputs: Mapping[str, Any], path: str) -> bool:
    """Whether the name at `path` was made by us and not by the program."""
    annotations = at(inputs, "metadata.annotations")
    marked = isinstance(annotations, Mapping) and annotations.get(ANNOTATION) == "true"
    return path in (inputs.get(DEFAULTS) or ()) or marked


def _made(rule: Autoname, logical: str, seed: str) -> str:
    ending = "-" + hashlib.sha256(seed.encode()).hexdigest()[: rule.hex]
    name = rule.prefix + logical[: rule.longest - len(ending) - len(rule.prefix)] + ending
    return name.lower() if rule.lower else name


def _put(inputs: Properties, path: str, name: str) -> Properties:
    if path != "metadata.name":
        return {**inputs, path: name, DEFAULTS: [*(inputs.get(DEFAULTS) or ()), path]}
    metadata = inputs.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        return inputs  # not known yet, nor whether it has a name
    annotations = metadata.get("annotations") or {}
    marked = {**annotations, ANNOTATION: "true"} if isinstance(annotations, Mapping) else annotations
    return {**inputs, "metadata": {**metadata, "name": name, "annotations": marked}}
