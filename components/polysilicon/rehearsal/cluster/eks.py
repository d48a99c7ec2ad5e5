"""The nodes of an EKS cluster: managed node groups, and what Karpenter's NodePools allow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from polysilicon.catalog import Catalog
from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.cluster import disks, fabric
from polysilicon.rehearsal.cluster.matching import Labels
from polysilicon.rehearsal.cluster.nodes import Cluster, NodeSet, capacity_of, count, facts, labels_of, taints_of
from polysilicon.rehearsal.cluster.world import World, chart_of
from polysilicon.rehearsal.judges.order_moment import Moment
from polysilicon.rehearsal.judges.order_network import SUBNET, UnjudgedError, ways_out
from polysilicon.rehearsal.model import Record, Tally
from polysilicon.rehearsal.remains import is_broken
from polysilicon.rehearsal.values import UNKNOWN, at

_NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
_ARCHITECTURE = {True: "arm64", False: "amd64"}


def eks(cluster: Record, world: World, accounts: Accounts, catalog: Catalog) -> Cluster:
    """What the cluster consists of.

    Args:
        world: The Kubernetes objects in it.
    """
    if at(cluster.inputs, "computeConfig.enabled") is True:
        return Cluster(open="EKS Auto Mode makes the nodes that pods ask for")
    name = str(cluster.outputs.get("name") or cluster.id)
    if _joins_by_itself(name, cluster, accounts):
        return Cluster(open="machines outside of node groups may join the cluster")
    scaled = _has_autoscaler(world)

    def groups() -> list[NodeSet]:
        named = (record for record in accounts.mentioning(name) if record.scope == cluster.scope)
        groups = (record for record in named if record.type == _NODE_GROUP and not is_broken(record))
        return [_group(record, scaled, accounts, catalog) for record in groups]

    known = accounts.recall((eks, cluster.key, scaled), cluster.scope.cloud, groups)
    return Cluster([*known, *_karpenter(world.of_types(_is_karpenters), catalog)])


def _joins_by_itself(name: str, cluster: Record, accounts: Accounts) -> bool:
    """Tags of self-managed nodes have the cluster's name in the key (`kubernetes.io/cluster/NAME`); what a node
    group's controller made is no such machine."""
    types = facts()["unknown_nodes"]["types"]
    there = (record for record in accounts.of_types(types.__contains__) if not record.maker)
    return any(name in json.dumps(record.inputs) for record in there if record.scope.owner == cluster.scope.owner)


def _has_autoscaler(world: World) -> bool:
    names = facts()["autoscalers"]["names"]
    running = [*(image for each in world.workloads for image in each.images), *map(chart_of, world.charts)]
    return any(name in text for name in names for text in running)


def _group(record: Record, scaled: bool, accounts: Accounts, catalog: Catalog) -> NodeSet:
    template = _template(record, accounts)
    machines = _machines(record, template)
    name = str(record.outputs.get("nodeGroupName") or record.name)
    image = "CUSTOM" if template.get("imageId") else str(record.inputs.get("amiType") or "")
    size = record.inputs.get("scalingConfig") or {}
    return NodeSet(
        title=f"node group {name}",
        labels=labels_of(record.inputs.get("labels"), _given(name, record, machines, image, accounts)),
        taints=taints_of(record.inputs.get("taints")),
        count=count(at(size, "maxSize" if scaled else "desiredSize"), 1),
        machines=machines,
        image=image,
        capacity={
            **capacity_of(machines, catalog),
            **dict.fromkeys(fabric.HUGE_PAGES, fabric.pages_of_group(record.inputs, template)),
            "ephemeral-storage": disks.of_group(record.inputs, template),
        },
        efas=fabric.efas_of_group(record.inputs, template),
        starts_itself=bool(template.get("imageId") or template.get("userData")),
        outside=_shut_in(record, accounts),
        far=facts()["images"]["public"],
    )


def _shut_in(record: Record, accounts: Accounts) -> str:
    """Why nodes reach nothing outside: no route leads out of their subnets, if these were made here."""
    moment = Moment(accounts, Tally())
    subnets = [moment.made(subnet, SUBNET) for subnet in record.inputs.get("subnetIds") or ()]
    try:
        ways = [way for subnet in subnets for way in (ways_out(moment, subnet) if subnet else [None])]
    except UnjudgedError:
        return ""
    if ways or not subnets:
        return ""
    return "no route leads out of its subnets: mirror the image into ECR, or make a way out"


def _template(record: Record, accounts: Accounts) -> Mapping[str, Any]:
    told = record.inputs.get("launchTemplate") or {}
    found = accounts.called(str(at(told, "id") or at(told, "name") or " "))
    return found[-1].inputs if found else {}


def _machines(record: Record, template: Mapping[str, Any]) -> list[str]:
    told = record.inputs.get("instanceTypes") or [template.get("instanceType") or facts()["eks"]["usual_machine"]]
    return [machine for machine in told if isinstance(machine, str) and machine != UNKNOWN]


def _given(
    name: str, record: Record, machines: Sequence[str], image: str, accounts: Accounts
) -> dict[str, Iterable[str]]:
    given: dict[str, Iterable[str]] = {
        "eks.amazonaws.com/nodegroup": [name],
        "eks.amazonaws.com/capacityType": [str(record.inputs.get("capacityType") or "ON_DEMAND")],
        "kubernetes.io/os": ["windows" if image.startswith("WINDOWS") else "linux"],
    }
    if machines:
        given["node.kubernetes.io/instance-type"] = machines
    if image and image != "CUSTOM":
        given["kubernetes.io/arch"] = [_ARCHITECTURE["ARM" in image]]
    if zones := _zones(record, accounts):
        given["topology.kubernetes.io/zone"] = zones
        given["topology.kubernetes.io/region"] = [record.scope.place]
    return given


def _zones(record: Record, accounts: Accounts) -> list[str]:
    subnets = [accounts.called(str(subnet)) for subnet in record.inputs.get("subnetIds") or ()]
    zones = [str(found[-1].outputs.get("availabilityZone") or "") for found in subnets if found]
    return zones if zones and all(zones) and len(zones) == len(subnets) else []


# ── Karpenter ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_karpenters(type_: str) -> bool:
    return type_.startswith("kubernetes:karpenter.")


def _karpenter(objects: Sequence[Record], catalog: Catalog) -> Iterator[NodeSet]:
    for record in objects:
        if record.type.startswith("kubernetes:karpenter.sh/") and record.type.endswith(":NodePool"):
            yield _node_pool(record, objects, catalog)


def _node_pool(record: Record, objects: Iterable[Record], catalog: Catalog) -> NodeSet:
    """As many nodes as it takes; its limits are not looked at."""
    template = at(record.inputs, "spec.template") or {}
    demands = [told for told in at(template, "spec.requirements") or () if isinstance(told, Mapping)]
    offered = {str(told.get("key")): told.get("values") or [] for told in demands if told.get("operator") == "In"}
    labels = labels_of(at(template, "metadata.labels"), {key: map(str, values) for key, values in offered.items()})
    free = [str(told.get("key")) for told in demands if told.get("operator") != "In"]
    machines = [str(machine) for machine in offered.get("node.kubernetes.io/instance-type", ())]
    sizes = {**capacity_of(machines, catalog), "ephemeral-storage": _disk(template, objects)}
    return NodeSet(
        title=f"Karpenter NodePool {at(record.outputs, 'metadata.name') or record.name}",
        labels=Labels(labels.known, (*labels.unsaid, *free, "kubernetes.io/")),
        taints=taints_of(at(template, "spec.taints")),  # startup taints go away by themselves
        machines=machines or _named(offered),
        efas=fabric.efas_of_node_class(at(template, "spec.nodeClassRef.name"), objects),
        capacity={**sizes, **_shared(machines or _named(offered))},
    )


def _disk(template: Any, objects: Iterable[Record]) -> float | None:
    return disks.of_node_class(at(template, "spec.nodeClassRef.name"), objects)


def _shared(machines: Sequence[str]) -> dict[str, float | None]:
    """Karpenter finds no GPU on machines with a part of one, and makes none of them for pods that ask for it."""
    row = facts()["karpenter"]
    return {row["gpu"]: 0.0} if machines and all(m.startswith(tuple(row["parts"])) for m in machines) else {}


def _named(offered: Mapping[str, Any]) -> list[str]:
    """Machines by family: `inf2.` stands for what begins so; which sizes there are is not known here."""
    return [f"{family}." for family in offered.get("karpenter.k8s.aws/instance-family", ())]
