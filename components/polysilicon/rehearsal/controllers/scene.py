"""What conditions and templates of `data/controllers.toml` see of an owner and of what is around it.

owner, cluster      their outputs
annotation          the owner's annotations, by the short names of the table
internal            whether a load balancer is asked for that only the network reaches
balancer, uid       names that Kubernetes makes of the owner's uid; `digest`, `long_digest`: 8 and 10 hex digits
short_namespace, short_name   cut to eight letters
ingress_class       of an ingress
balancer_subnets    where AWS would put a load balancer: one subnet per zone
network, subnetwork the cluster's on Google Cloud, as self links
cluster_region, zones, nodes   the cluster's region; the zones of a pool; the zone of each of its nodes
claim               of a claim: `class`, `provisioner`, `reclaim`, `bound`, `zone`
claims_of_set, claims_retained   of a StatefulSet: its claims, and whether they outlive it
workloads           how many workloads the cluster has, those of `kube-system` left out
node_class          what Karpenter finds by the selectors of a NodePool's class: `subnets`, `groups`
made                ids of what was made before, by the item's name
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.controllers import claims, networks
from polysilicon.rehearsal.controllers.clusters import WORKLOADS, cluster_of, objects_in
from polysilicon.rehearsal.controllers.table import Making, told
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.values import at


class Scene(Mapping[str, Any]):
    """The values, each found out when it is first asked for.

    Args:
        making: For which row.
        owner: On whose behalf.
        accounts: What is around it.
    """

    def __init__(self, making: Making, owner: Record, accounts: Accounts) -> None:
        self.owner, self.accounts = owner, accounts
        self.cluster = cluster_of(owner, accounts, making.cluster_at) if making.cluster else None
        self.found: dict[str, Any] = {"made": {}}

    def __getitem__(self, name: str) -> Any:
        if name not in self.found:
            self.found[name] = _FOUND[name](self)
        return self.found[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**_FOUND, **self.found})

    def __len__(self) -> int:
        return len({**_FOUND, **self.found})

    @functools.cached_property
    def region(self) -> str:
        """The region of the cluster, or of the owner."""
        place = str(at((self.cluster or self.owner).outputs, "location") or "")
        return place.rpartition("-")[0] if place.count("-") > 1 else place


def _digest(length: int) -> Callable[[Scene], str]:
    return lambda scene: hashlib.shake_256(scene.owner.seed.encode()).hexdigest(length // 2)


def _balancer(scene: Scene) -> str:
    """The name that every cloud's service controller gives: `a` and the uid, 32 characters at most."""
    return ("a" + str(scene["uid"]).replace("-", ""))[:32]


def _annotation(scene: Scene) -> dict[str, str]:
    given = at(scene.owner.outputs, "metadata.annotations") or {}
    return {name: str(given.get(key, "")) for name, key in told()["annotations"].items()}


def _internal(scene: Scene) -> bool:
    said = scene["annotation"]
    schemes = {said[name].lower() for name in ("gke_type", "gke_type_old", "aws_scheme", "alb_scheme")}
    by_default = bool(scene["ingress_class"] == "alb" and not said["alb_scheme"])
    return "internal" in schemes or by_default or said["aws_internal"].lower() in ("true", "0.0.0.0/0")


def _short(path: str) -> Callable[[Scene], str]:
    return lambda scene: str(at(scene.owner.outputs, path) or "").replace("-", "")[:8]


def _workloads(scene: Scene) -> list[str]:
    if scene.cluster is None:
        return []
    here = objects_in(scene.cluster, scene.accounts, WORKLOADS.__contains__)
    return [record.id for record in here if at(record.outputs, "metadata.namespace") != "kube-system"]


_FOUND: Mapping[str, Callable[[Scene], Any]] = {
    "owner": lambda scene: scene.owner.outputs,
    "cluster": lambda scene: scene.cluster.outputs if scene.cluster else {},
    "uid": lambda scene: at(scene.owner.outputs, "metadata.uid") or "",
    "digest": _digest(8),
    "long_digest": _digest(10),
    "balancer": _balancer,
    "annotation": _annotation,
    "internal": _internal,
    "short_namespace": _short("metadata.namespace"),
    "short_name": _short("metadata.name"),
    "ingress_class": lambda scene: (
        at(scene.owner.outputs, "spec.ingressClassName") or scene["annotation"]["ingress_class"] or ""
    ),
    "balancer_subnets": lambda scene: networks.balancer_subnets(scene.cluster, scene.accounts, scene["internal"]),
    "network": lambda scene: networks.link(scene.cluster or scene.owner, "network", scene.accounts),
    "subnetwork": lambda scene: networks.link(scene.cluster or scene.owner, "subnetwork", scene.accounts),
    "cluster_region": lambda scene: scene.region,
    "zones": lambda scene: networks.zones(scene.owner, scene.cluster, scene.region),
    "nodes": lambda scene: [zone for zone in scene["zones"] for _ in range(networks.nodes_per_zone(scene.owner))],
    "claim": lambda scene: claims.told_of(scene.owner, scene.cluster, scene.accounts),
    "claims_of_set": lambda scene: claims.claims_of(scene.owner),
    "claims_retained": lambda scene: claims.are_retained(scene.owner),
    "workloads": _workloads,
    "node_class": lambda scene: networks.node_class(scene.owner, scene.cluster, scene.accounts),
}
