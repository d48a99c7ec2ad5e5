"""Clusters and what runs in them, as the accounts show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.identifiers import named
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.values import at

RELEASES = "kubernetes:helm.sh/"
PROGRAMS = ("kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:DaemonSet", "kubernetes:apps/v1:StatefulSet")
WORKLOADS = (*PROGRAMS, "kubernetes:batch/v1:Job", "kubernetes:batch/v1:CronJob", "kubernetes:core/v1:Pod")
ADDON = "aws:eks/addon:Addon"
POD_SPECS = ("spec", "spec.template.spec", "spec.jobTemplate.spec.template.spec")
"""Where the spec of a pod stands, by the kind of workload."""


def cluster_of(record: Record, accounts: Accounts, path: str = "") -> Record | None:
    """The cluster that an object lives in; for what is no object, the one that the property at `path` names."""
    if record.package == "kubernetes":
        return accounts.at_endpoint(record.scope.owner)
    found = named(accounts, record.package, at(record.outputs, path) if path else None)
    return next((r for r in reversed(found) if "endpoint" in r.outputs and r.scope.owner == record.scope.owner), None)


def objects_in(cluster: Record, accounts: Accounts, wanted: Callable[[str], bool]) -> Iterator[Record]:
    """Every object of a cluster, of the types that `wanted` says."""
    here: dict[str, bool] = {}
    for record in accounts.of_types(wanted):
        if record.scope.cloud == "kubernetes":
            server = record.scope.owner
            if server not in here:
                found = accounts.at_endpoint(server)
                here[server] = found is not None and found.key == cluster.key
            if here[server]:
                yield record


def runs(cluster: Record | None, accounts: Accounts, names: Iterable[str]) -> bool:
    """Whether a cluster runs one of these: a chart, a deployment, or an add-on of Amazon EKS of that name."""
    if cluster is None:
        return False
    wanted = tuple(names)
    told = [_program(record) for record in objects_in(cluster, accounts, _is_program)]
    told += [
        str(record.inputs.get("addonName"))
        for record in accounts.mentioning(str(cluster.outputs.get("name") or cluster.id))
        if record.type == ADDON and record.scope == cluster.scope
    ]
    return any(name in program for program in told for name in wanted)


def _is_program(type_: str) -> bool:
    return type_ in PROGRAMS or type_.startswith(RELEASES)


def _program(record: Record) -> str:
    if record.type.startswith(RELEASES):
        return str(record.inputs.get("chart") or "").rstrip("/").rsplit("/", 1)[-1]
    return str(at(record.outputs, "metadata.name") or "")


def pod_of(workload: Record) -> object:
    """The pod's spec of a workload."""
    pods = (at(workload.inputs, path) for path in POD_SPECS)
    return next((pod for pod in pods if isinstance(pod, dict) and "containers" in pod), {})
