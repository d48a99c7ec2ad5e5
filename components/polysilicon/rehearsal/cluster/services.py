"""Services that lead nowhere: a cluster takes them, and the provider that waits for them is content at once.

Sources: pulumi/pulumi-kubernetes@94977969d provider/pkg/await/service.go (ready is what has no unready pods);
kubernetes v1.35.0 pkg/api/v1/pod/util.go (FindPort) and pkg/controller/endpoint (a pod without the port is left out).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.cluster.matching import labelled
from polysilicon.rehearsal.cluster.workloads import Workload, workload_of
from polysilicon.rehearsal.cluster.world import World, place_of
from polysilicon.rehearsal.model import Record, Scope
from polysilicon.rehearsal.values import UNKNOWN, at

_SERVICE = "kubernetes:core/v1:Service"
_BUILTIN = (
    "core/",
    "apps/v1:",
    "batch/v1:",
    "rbac.",
    "networking.k8s.io/",
    "policy/",
    "autoscaling/",
    "storage.k8s.io/",
)
_GIVEN_LATER = frozenset(  # api/apps/v1/types.go, api/batch/v1/types.go, controllers of Deployments and DaemonSets
    {
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "job-name",
        "controller-uid",
        "batch.kubernetes.io/job-name",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "controller-revision-hash",
        "pod-template-generation",
        "pod-template-hash",
    }
)
"""Labels that pods get from their controllers: no template has them."""
_MAKERS = ("ReplicaSet", "ReplicationController", "CronJob", "Release", "Patch")


def astray(accounts: Accounts) -> list[str]:
    """A sentence for each Service that selects none of the pods in its namespace, or no port of theirs.

    A namespace without workloads, or with anything that may make pods which are not known here, is passed over.
    """
    found: defaultdict[tuple[Scope, str], list[Record]] = defaultdict(list)
    for record in accounts.of_types(lambda type_: type_.startswith("kubernetes:")):
        found[record.scope, place_of(record)[0]].append(record)
    handed = {scope: World(scope, accounts).is_handed_over for scope in {scope for scope, _ in found}}
    return [
        sentence
        for (scope, namespace), records in found.items()
        if namespace and not handed[scope] and not any(_may_make_pods(record) for record in records)
        for sentence in _in_namespace(records)
    ]


def _may_make_pods(record: Record) -> bool:
    type_ = record.type.removeprefix("kubernetes:")
    return not type_.startswith(_BUILTIN) or type_.endswith(_MAKERS)


def _in_namespace(records: Sequence[Record]) -> Iterator[str]:
    workloads = [found for record in records if (found := workload_of(record))]
    for service in records if workloads else ():
        selector = at(service.inputs, "spec.selector")
        if service.type != _SERVICE or not isinstance(selector, Mapping) or not selector:
            continue
        name = "/".join(place_of(service))
        known = {key: value for key, value in selector.items() if key not in _GIVEN_LATER}
        selected = [each for each in workloads if labelled(each.labels, known)]
        if not selected:
            told = ",".join(f"{key}={value}" for key, value in selector.items())
            yield f"Service {name} leads nowhere, though nobody complains: no pod in its namespace is labelled {told}."
        elif port := _missing(service, selected):
            yield (
                f'Service {name} leads nowhere at targetPort "{port}", though nobody complains: no container of the '
                "pods that it selects names a port so."
            )


def _missing(service: Record, selected: Sequence[Workload]) -> str:
    containers = [container for workload in selected for container in workload.lasting]
    listed = [container.get("ports") or [] for container in containers]
    if any(not isinstance(ports, list) or UNKNOWN in ports for ports in listed):
        return ""
    names = {str(at(port, "name")) for ports in listed for port in ports}
    told = at(service.inputs, "spec.ports")
    wanted = [at(port, "targetPort") for port in told] if isinstance(told, list) else []
    absent = (name for name in wanted if isinstance(name, str) and name not in names)
    return next((name for name in absent if name != UNKNOWN and UNKNOWN not in names), "")
