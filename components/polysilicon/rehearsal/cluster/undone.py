"""Jobs that are made anew until they are done: what `pulumi.com/replaceUnready` asks of the official provider.

Sources: pulumi/pulumi-kubernetes@94977969d, `Diff` in provider/pkg/provider/provider.go and await/checker/job/check.go.
The engine gives a job that is made anew the program's own inputs, those too that it ignores changes of: the second
`prov.Check` in `continueStepsFromDiff` of pulumi/pulumi pkg/resource/deploy/step_generator.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polysilicon.rehearsal.differences import Difference
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.values import at

JOB = "kubernetes:batch/v1:Job"
_ANNOTATION = "pulumi.com/replaceUnready"
_COMPLETE = {"type": "Complete", "status": "True"}


def ended(status: Mapping[str, Any] | None, done: bool) -> dict[str, Any]:
    """The status of a job that was waited for."""
    rest = {name: value for name, value in (status or {}).items() if name not in ("succeeded", "conditions")}
    return {**rest, "succeeded": 1, "conditions": [_COMPLETE]} if done else rest


def is_watched(type_: str, new: Mapping[str, Any]) -> bool:
    """Whether it is a job that asks to be made anew until it is done."""
    annotations = at(new, "metadata.annotations") or {}
    return type_ == JOB and str(annotations.get(_ANNOTATION)).lower() == "true"


def unless_done(record: Record | None) -> list[Difference]:
    """The difference that makes such a job anew; none once it is done, or gone."""
    if record is None or _COMPLETE in (at(record.outputs, "status.conditions") or ()):
        return []
    return [Difference(("metadata", "annotations", _ANNOTATION), "update", replaces=True)]
