"""Which nodes a pod may be put on: selectors and affinity against labels, tolerations against taints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from polysilicon.rehearsal.values import UNKNOWN, at, every

Plain = Mapping[str, Any]
_TERMS = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"


class Taint(NamedTuple):
    """A taint, spelled as Kubernetes does."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True)
class Labels:
    """The labels of nodes that are alike.

    Attributes:
        known: Each label with the values that some of the nodes have; an empty set for one that none has.
        unsaid: Prefixes of labels that something else sets, with values that are not known here.
    """

    known: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unsaid: Sequence[str] = ()

    def values(self, key: str) -> frozenset[str] | None:
        """The values of a label: none of them if no node has it, nothing if that is not known."""
        if key in self.known:
            return self.known[key]
        return None if any(key.startswith(prefix) for prefix in self.unsaid) else frozenset()


def selects(spec: Plain, labels: Labels) -> bool:
    """Whether a pod's node selector and required node affinity can be met by nodes with these labels."""
    selector = spec.get("nodeSelector")
    wanted = selector.items() if isinstance(selector, Mapping) else ()
    return all(_has(labels, key, value) for key, value in wanted) and _affine(spec, labels)


def _has(labels: Labels, key: str, value: Any) -> bool:
    values = labels.values(key)
    return values is None or value == UNKNOWN or str(value) in values


def _affine(spec: Plain, labels: Labels) -> bool:
    required = at(spec, _TERMS)
    if not isinstance(required, list) or not required:
        return True
    return any(_term(term, labels) for term in required if isinstance(term, Mapping))


def selected(spec: Plain) -> frozenset[str]:
    """The keys of the labels that nodes of a pod must have, by its selector or by any term of its affinity."""
    terms = at(spec, _TERMS)
    keys = {str(key) for _, key in every(terms, "*.matchExpressions.*.key")}
    return frozenset(keys | set(spec.get("nodeSelector") or ()))


def _term(term: Plain, labels: Labels) -> bool:
    if not term.get("matchExpressions"):
        return bool(term.get("matchFields"))  # names of nodes are not known here; an empty term matches no node
    return all(expression(each, labels.values(str(each.get("key")))) for each in term["matchExpressions"])


def expression(told: Plain, values: frozenset[str] | None) -> bool:
    """Whether a requirement (`key`, `operator`, `values`) can be met by a label with one of these values."""
    wanted, operator = told.get("values") or [], told.get("operator")
    if values is None or UNKNOWN in (wanted, operator, told.get("key")) or UNKNOWN in wanted:
        return True
    texts = {str(value) for value in wanted}
    if operator == "In":
        return bool(values & texts)
    if operator == "NotIn":
        return not values or bool(values - texts)
    if operator in ("Exists", "DoesNotExist"):
        return bool(values) is bool(operator == "Exists")
    return bool(values)  # Gt, Lt: the label is there, its number is not looked at


def untolerated(spec: Plain, taints: Iterable[Taint]) -> Taint | None:
    """The first taint that keeps the pod away, if one does."""
    tolerations = [told for told in spec.get("tolerations") or () if isinstance(told, Mapping)]
    hard = [taint for taint in taints if taint.effect in ("NoSchedule", "NoExecute")]
    return next((taint for taint in hard if not any(_tolerates(told, taint) for told in tolerations)), None)


def _tolerates(told: Plain, taint: Taint) -> bool:
    key, effect, operator = told.get("key") or "", told.get("effect") or "", told.get("operator") or "Equal"
    if UNKNOWN in (key, effect, operator, told.get("value")):
        return True
    if effect not in ("", taint.effect) or (key and key != taint.key):
        return False
    return bool(operator == "Exists" or (key and str(told.get("value") or "") == taint.value))


def labelled(labels: Any, selector: Plain) -> bool:
    """Whether an object with these labels is one of those that `selector`, a map of labels, selects."""
    if not isinstance(labels, Mapping):
        return bool(labels == UNKNOWN)
    return all(UNKNOWN in (value, labels.get(key)) or labels.get(key) == value for key, value in selector.items())
