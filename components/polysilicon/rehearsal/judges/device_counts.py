"""Counts of devices that no node can give: the pods are admitted, and stay Pending for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.judges.fields import Field, Finding
from polysilicon.rehearsal.judges.pods import containers
from polysilicon.rehearsal.quantities import quantity

_REQUIRED = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")


def device_findings(spec: Field, annotations: Field) -> Iterator[Finding]:
    """What the containers of a pod ask for and no node has that the pod is bound to.

    Args:
        spec: Of the pod.
        annotations: Of the pod: some rows are for pods with one of that name.
    """
    bound = None
    for container in containers(spec):
        for name, amount in container.at("resources", "limits").entries():
            rows = [row for row in table("kubernetes")["devices"] if row["resource"] == name]
            rows = [row for row in rows if "annotated" not in row or annotations[row["annotated"]].given]
            asked = quantity(amount.value) if rows and not amount.unknown else None
            bound = _bound(spec) if bound is None else bound
            yield from (
                _refused(amount, row)
                for row in rows
                if asked is not None and asked and asked not in row["counts"] and _applies(row, bound)
            )


def _refused(amount: Field, row: Mapping[str, Any]) -> Finding:
    allowed = ", ".join(map(str, row["counts"]))
    nodes = " or ".join(f"{label}={'|'.join(values)}" for label, values in row["nodes"].items())
    return amount.invalid(f"pods would stay Pending on nodes with {nodes}: ask for {allowed} ({row['reason']})")


def _applies(row: Mapping[str, Any], bound: Mapping[str, set[str]]) -> bool:
    return all(bound.get(label) and bound[label] <= set(values) for label, values in row["nodes"].items())


def _bound(spec: Field) -> dict[str, set[str]]:
    """The labels of the nodes that the pod can go to, with the values that each may have."""
    found = {label: {value.text} for label, value in spec["nodeSelector"].entries() if value.text}
    terms = list(spec.at(*_REQUIRED).items())
    if len(terms) == 1:  # with several terms one is enough
        for rule in terms[0]["matchExpressions"].items():
            values = {value.text for value in rule["values"].items() if value.text}
            if rule["key"].text and rule["operator"].value == "In" and rule["values"].whole and values:
                found.setdefault(rule["key"].text, values)
    return found
