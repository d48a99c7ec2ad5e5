"""The nodes of a GKE cluster: its node pools, with what GKE itself puts on their nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from polysilicon.catalog import Catalog
from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.cluster.matching import Taint
from polysilicon.rehearsal.cluster.nodes import (
    Cluster,
    NodeSet,
    capacity_of,
    chips_of,
    count,
    facts,
    labels_of,
    taints_of,
)
from polysilicon.rehearsal.cluster.world import World
from polysilicon.rehearsal.identifiers import named
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.values import UNKNOWN, Properties, at

_NODE_POOL = "gcp:container/nodePool:NodePool"
_NETWORK, _ROUTER = "gcp:compute/network:Network", "gcp:compute/router:Router"
_TPU_LABEL = "cloud.google.com/gke-tpu-accelerator"


def gke(cluster: Record, world: World, accounts: Accounts, catalog: Catalog) -> Cluster:
    """What the cluster consists of."""
    if cluster.inputs.get("enableAutopilot") is True:
        return Cluster(open="GKE Autopilot makes the nodes that pods ask for")
    if at(cluster.inputs, "clusterAutoscaling.enabled") is True:
        return Cluster(open="node auto-provisioning makes the nodes that pods ask for")
    pools = [_pool(cluster, name, inputs, accounts, catalog) for name, inputs in _pools(cluster, accounts)]
    rules = facts()["gke"]
    return Cluster(pools, tolerated=frozenset((rules["tpu"], rules["gpu"], rules["arm_taint"]["key"])))


def _pools(cluster: Record, accounts: Accounts) -> Iterable[tuple[str, Properties]]:
    named = {record.key: record for name in {*cluster.names, cluster.id} for record in accounts.mentioning(name)}
    for record in named.values():
        if record.type == _NODE_POOL and record.scope.owner == cluster.scope.owner:
            yield str(record.outputs.get("name") or record.name), record.inputs
    inline = cluster.inputs.get("nodePools")
    if isinstance(inline, list):
        yield from ((str(pool.get("name") or "inline"), dict(pool)) for pool in inline if isinstance(pool, Mapping))
    elif cluster.inputs.get("removeDefaultNodePool") is not True:
        yield "default-pool", cluster.inputs


def _pool(cluster: Record, name: str, inputs: Properties, accounts: Accounts, catalog: Catalog) -> NodeSet:
    config: Mapping[str, Any] = inputs.get("nodeConfig") or {}
    machine = str(config.get("machineType") or facts()["gke"]["usual_machine"])
    machines = [] if machine == UNKNOWN else [machine]
    devices, taints, labels = _accelerators(machine, config, inputs, catalog)
    arm = machine.split("-")[0] in facts()["gke"]["arm_families"]
    through = _gateways(cluster, inputs, accounts)
    given: dict[str, Iterable[str] | None] = {
        **labels,
        "kubernetes.io/arch": ["arm64" if arm else "amd64"] if machines else None,
        "cloud.google.com/gke-nodepool": [name],
        "kubernetes.io/os": ["linux"],
        "node.kubernetes.io/instance-type": machines or None,
    }
    return NodeSet(
        title=f"node pool {name}",
        labels=labels_of(config.get("labels"), given),
        taints=[*taints_of(config.get("taints")), *taints, *_arm_taint(arm, config)],
        count=_size(cluster, inputs),
        machines=machines,
        capacity={**capacity_of(machines, catalog), **devices},
        starts_itself=bool(config.get("containerdConfig")),
        outside=_shut_in(cluster) if through == () else "",
        through=[gateway.urn for gateway in through or ()],
        far=[host for host in facts()["images"]["public"] if host not in facts()["images"]["near_google"]],
        account=_account(config, accounts),
    )


def _arm_taint(arm: bool, config: Mapping[str, Any]) -> list[Taint]:
    kept = at(config, "taintConfig.architectureTaintBehavior") != "NONE"
    return [Taint(**facts()["gke"]["arm_taint"])] if arm and kept else []


def _gateways(cluster: Record, inputs: Properties, accounts: Accounts) -> tuple[Record, ...] | None:
    """The Cloud NATs that alone lead private nodes to anything but Google's own services; nothing for nodes that have
    another way out, or whose network was not made here."""
    private = at(inputs, "networkConfig.enablePrivateNodes")
    private = at(cluster.inputs, "privateClusterConfig.enablePrivateNodes") if private is None else private
    made = [r for r in named(accounts, "gcp", cluster.inputs.get("network")) if r.type == _NETWORK]
    if private is not True or not made:
        return None
    owners = {cluster.scope.owner, *(network.scope.owner for network in made)}  # a Shared VPC is in a host project
    ways = accounts.of_types(facts()["gke"]["ways_out"].__contains__)
    if any(record.scope.owner in owners for record in ways):
        return None
    gateways = accounts.of_types(facts()["gke"]["nat"].__eq__)
    return tuple(r for r in gateways if r.scope.owner in owners and _serves(r, made, cluster, accounts))


def _serves(nat: Record, networks: Sequence[Record], cluster: Record, accounts: Accounts) -> bool:
    """Whether a Cloud NAT is in a cluster's region and one of the networks of that name; if its router was not made
    here, it may be."""
    routers = [r for r in named(accounts, "gcp", nat.inputs.get("router")) if r.type == _ROUTER]
    home = str(cluster.outputs.get("location") or "")
    region = str(nat.outputs.get("region") or "")
    there = not home or not region or home == region or home.startswith(f"{region}-")
    reached = (each for router in routers for each in named(accounts, "gcp", router.inputs.get("network")))
    return there and (not routers or any(each in networks for each in reached))


def _shut_in(cluster: Record) -> str:
    network = cluster.inputs.get("network")
    return f"nodes are private and the network {network} has no Cloud NAT: make a RouterNat, or mirror the image"


def _account(config: Mapping[str, Any], accounts: Accounts) -> str:
    """The service account of the nodes, if it was made here."""
    email = str(config.get("serviceAccount") or "")
    made = any(record.type == "gcp:serviceaccount/account:Account" for record in accounts.called(email))
    return email if made else ""


def _size(cluster: Record, inputs: Mapping[str, Any]) -> int:
    """How many nodes there can be: GKE's own autoscaler adds what pods wait for."""
    zones = _zones(cluster, inputs)
    scaled = inputs.get("autoscaling") or {}
    first = count(inputs.get("nodeCount"), count(inputs.get("initialNodeCount"), 1)) * zones
    most = count(at(scaled, "totalMaxNodeCount"), count(at(scaled, "maxNodeCount"), 0) * zones)
    return max(first, most)


def _zones(cluster: Record, inputs: Mapping[str, Any]) -> int:
    named = inputs.get("nodeLocations") or cluster.inputs.get("nodeLocations")
    if isinstance(named, list) and named:
        return len(named)
    regional = str(cluster.outputs.get("location") or cluster.scope.place).count("-") < 2
    return int(facts()["gke"]["zones_of_region"]) if regional else 1


_Accelerators = tuple[dict[str, float | None], list[Taint], dict[str, list[str] | None]]


def _accelerators(machine: str, config: Mapping[str, Any], inputs: Properties, catalog: Catalog) -> _Accelerators:
    """What GKE offers on these nodes, with the taints and labels that it gives them."""
    family, rules = machine.split("-")[0], facts()["gke"]
    tpu = facts()["tpu"].get(family)
    if tpu is not None:
        chips = chips_of([machine], catalog, "chips")
        shape = at(inputs, "placementPolicy.tpuTopology") or tpu["one_host"].get(machine.rpartition("-")[2].rstrip("t"))
        shapes = [shape] if shape and shape != UNKNOWN else None
        labels = {_TPU_LABEL: [tpu["accelerator"]], "cloud.google.com/gke-tpu-topology": shapes}
        return {rules["tpu"]: chips}, [Taint(**rules["tpu_taint"])], labels
    attached = config.get("guestAccelerators") or []
    if attached or family in rules["gpu_families"]:
        kinds = [str(kind) for kind in (at(each, "type") for each in attached) if kind]
        return {rules["gpu"]: None}, [Taint(**rules["gpu_taint"])], {"cloud.google.com/gke-accelerator": kinds or None}
    return {}, [], {}
