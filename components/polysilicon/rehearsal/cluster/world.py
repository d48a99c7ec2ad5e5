"""The objects in one cluster, as workloads look for them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from functools import cached_property
from typing import Any, TypeAlias

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.cluster.matching import Plain, labelled
from polysilicon.rehearsal.cluster.nodes import facts
from polysilicon.rehearsal.cluster.workloads import Workload, is_workload, workload_of
from polysilicon.rehearsal.model import Record, Scope
from polysilicon.rehearsal.values import UNKNOWN, at, strings

Parsed: TypeAlias = dict[int, tuple[Record, Workload | None]]
"""Workloads by the key of their records, with the records that they were read from."""


class World:
    """What exists in a cluster at one moment.

    Args:
        scope: The cluster.
        accounts: What exists anywhere.
        parsed: Workloads that were read before, by key; new ones are added.
    """

    def __init__(self, scope: Scope, accounts: Accounts, parsed: Parsed | None = None) -> None:
        self._scope, self._accounts, self._parsed = scope, accounts, {} if parsed is None else parsed
        cloud, owner = scope.cloud, scope.owner
        records = accounts.records()
        self.objects = [each for each in records if each.scope.owner == owner and each.scope.cloud == cloud]

    @cached_property
    def workloads(self) -> list[Workload]:
        """Whatever runs pods, in the order of creation."""
        return [found for record in self.objects if is_workload(record.type) and (found := self._read(record))]

    def _read(self, record: Record) -> Workload | None:
        known, found = self._parsed.get(record.key, (None, None))
        if known is not record:
            found = workload_of(record)
            self._parsed[record.key] = (record, found)
        return found

    @cached_property
    def is_handed_over(self) -> bool:
        """Whether something in the cluster fetches objects from elsewhere, which nothing here knows."""
        return any(record.type.startswith(tuple(facts()["fetchers"])) for record in self.objects)

    @cached_property
    def _spoken_of(self) -> frozenset[str]:
        """All that custom resources name: their controllers make Secrets and the like."""
        custom = (record for record in self.objects if _is_custom(record.type))
        return frozenset(text for record in custom for _, text in strings(record.inputs))

    def get(self, kind: str, namespace: str, name: str) -> Record | None:
        """The object of that name, if the program made it."""
        called = self._accounts.called(f"{namespace}/{name}" if namespace else name)
        return next((r for r in called if r.scope == self._scope and _kind(r) == kind), None)

    def has(self, kind: str, namespace: str, name: Any) -> bool:
        """Whether there is such an object, or may be: a chart or a controller may have made it.

        Args:
            namespace: Empty for what lives in none.
        """
        if not isinstance(name, str) or name in ("", UNKNOWN) or self.get(kind, namespace, name):
            return True
        told = self._accounts.is_elsewhere(name) or self._accounts.is_elsewhere(f"{namespace}/{name}")
        if told or self.is_handed_over or name in self._spoken_of:
            return True
        return any(chart_of(record) and (not namespace or place_of(record)[0] == namespace) for record in self.objects)

    def mentions(self, text: str, without: Iterable[str]) -> bool:
        """Whether any object but those of the types `without` has `text` somewhere, or a chart may have it."""
        return any(
            chart_of(record) or (record.type not in without and any(text in told for _, told in strings(record.inputs)))
            for record in self.objects
        )

    def selected_by(self, namespace: str, selector: Plain) -> list[Workload]:
        """The workloads whose pods a selector matches."""
        return [each for each in self.workloads if each.namespace == namespace and labelled(each.labels, selector)]


def chart_of(record: Record) -> str:
    """The chart of a Helm release, if the object is one."""
    return str(record.inputs.get("chart") or UNKNOWN) if record.type.endswith(":Release") else ""


def place_of(record: Record) -> tuple[str, str]:
    """The namespace and the name of an object, or of a release."""
    metadata = at(record.outputs, "metadata") or record.outputs
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or record.name)


def given(what: str, name: str) -> bool:
    """Whether every cluster has an object of that name: `what` is a row of the table."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in facts()["given"][what])


def _kind(record: Record) -> str:
    return record.type.rsplit(":", 1)[-1].removesuffix("Patch")


def _is_custom(type_: str) -> bool:
    group = type_.split(":")[1].rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")
