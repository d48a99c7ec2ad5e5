"""The objects in one cluster, as workloads look for them."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable
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

    def of_types(self, wanted: Callable[[str], bool]) -> list[Record]:
        """The objects of the types that `wanted` says, in the order of creation."""
        cloud, owner = self._scope.cloud, self._scope.owner
        there = self._accounts.of_types(wanted)
        return [each for each in there if each.scope.owner == owner and each.scope.cloud == cloud]

    @cached_property
    def objects(self) -> list[Record]:
        """All of them. Of a thousand few are of one type: `of_types` is quicker."""
        return self.of_types(lambda _: True)

    @cached_property
    def charts(self) -> list[Record]:
        """The releases of charts."""
        return self.of_types(lambda type_: type_.endswith(_RELEASE))

    @cached_property
    def workloads(self) -> list[Workload]:
        """Whatever runs pods, in the order of creation."""
        return [found for record in self.of_types(is_workload) if (found := self._read(record))]

    def _read(self, record: Record) -> Workload | None:
        known, found = self._parsed.get(record.key, (None, None))
        if known is not record:
            found = workload_of(record)
            self._parsed[record.key] = (record, found)
        return found

    @cached_property
    def is_handed_over(self) -> bool:
        """Whether something in the cluster fetches objects from elsewhere, which nothing here knows."""
        fetchers = tuple(facts()["fetchers"])
        return bool(self.of_types(lambda type_: type_.startswith(fetchers)))

    @cached_property
    def _spoken_of(self) -> frozenset[str]:
        """All that custom resources name: their controllers make Secrets and the like."""
        return frozenset(text for record in self.of_types(_is_custom) for _, text in strings(record.inputs))

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
        return any(not namespace or place_of(record)[0] == namespace for record in self.charts)

    def mentions(self, text: str, without: Iterable[str]) -> bool:
        """Whether any object but those of the types `without` has `text` somewhere, or a chart may have it."""
        return any(
            chart_of(record) or (record.type not in without and any(text in told for _, told in strings(record.inputs)))
            for record in self.objects
        )

    def selected_by(self, namespace: str, selector: Plain) -> list[Workload]:
        """The workloads whose pods a selector matches."""
        return [each for each in self.workloads if each.namespace == namespace and labelled(each.labels, selector)]


_RELEASE = ":Release"


def chart_of(record: Record) -> str:
    """The chart of a Helm release, if the object is one."""
    return str(record.inputs.get("chart") or UNKNOWN) if record.type.endswith(_RELEASE) else ""


def place_of(record: Record) -> tuple[str, str]:
    """The namespace and the name of an object, or of a release."""
    metadata = at(record.outputs, "metadata") or record.outputs
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or record.name)


def given(what: str, name: str) -> bool:
    """Whether every cluster has an object of that name: `what` is a row of the table."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in facts()["given"][what])


def unbound(wanted: str, world: World) -> str:
    """Why no volume of a storage class will be there for a claim; nothing if one may."""
    if not given("storage_classes", wanted) and not world.has("StorageClass", "", wanted):
        return f'storageclass.storage.k8s.io "{wanted}" not found'
    record = world.get("StorageClass", "", wanted)
    driver = str(record.inputs.get("provisioner")) if record else ""
    if record is None or driver not in facts()["no_provisioning"] or record.inputs.get("volumeBindingMode") == _LATER:
        return ""
    if any(_kind(each) == "PersistentVolume" for each in world.objects) or world.is_handed_over:
        return ""
    return (
        f'Waiting for a volume to be created either by the external provisioner "{driver}" or manually by the system '
        "administrator (this driver makes none: make a PersistentVolume)"
    )


_LATER = "WaitForFirstConsumer"


def _kind(record: Record) -> str:
    return record.type.rsplit(":", 1)[-1].removesuffix("Patch")


def _is_custom(type_: str) -> bool:
    group = type_.split(":")[1].rpartition("/")[0] if type_.startswith("kubernetes:") else ""
    return "." in group and not group.endswith(".k8s.io")
