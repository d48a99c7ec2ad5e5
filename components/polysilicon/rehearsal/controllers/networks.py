"""Where controllers put what they make: subnets, zones, networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.identifiers import named
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.values import at

SUBNET = "aws:ec2/subnet:Subnet"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
ROLES = {True: "kubernetes.io/role/internal-elb", False: "kubernetes.io/role/elb"}


def balancer_subnets(cluster: Record | None, accounts: Accounts, internal: bool) -> list[str]:
    """One subnet per zone of the cluster's VPC: those tagged for load balancers if there are such, else the cluster's.

    Args:
        internal: For a load balancer that only the network reaches.
    """
    # EKS user guide, network-load-balancing: subnets are found by kubernetes.io/role/elb and …/internal-elb.
    vpc = at(cluster.outputs, "vpcConfig.vpcId") if cluster else None
    if cluster is None or not vpc:
        return []
    there = [record for record in accounts.mentioning(vpc) if record.type == SUBNET]
    tagged = [record for record in there if ROLES[internal] in (record.outputs.get("tags") or {})]
    own = at(cluster.outputs, "vpcConfig.subnetIds") or []
    chosen = tagged or [record for record in there if record.id in own]
    by_zone = {record.outputs.get("availabilityZone"): record.id for record in reversed(chosen)}
    return list(reversed(by_zone.values()))


def link(owner: Record, name: str, accounts: Accounts) -> str:
    """The self link of the network or subnetwork that a property names; what it names itself if nothing is known."""
    given = str(owner.outputs.get(name) or "")
    found = named(accounts, owner.package, given)
    kind = f"gcp:compute/{name}:"
    return next((str(r.outputs.get("selfLink") or r.id) for r in reversed(found) if r.type.startswith(kind)), given)


def zones(owner: Record, cluster: Record | None, region: str) -> list[str]:
    """The zones of a node pool: its own, the cluster's, the one that the cluster is in, or three of its region."""
    for record in (owner, cluster):
        if record is not None and record.outputs.get("nodeLocations"):
            return list(record.outputs["nodeLocations"])
    location = str((cluster or owner).outputs.get("location") or region)
    return [location] if location != region else [f"{region}-{letter}" for letter in "abc"]


def nodes_per_zone(pool: Record) -> int:
    """How many nodes a pool begins with in each zone."""
    for path in ("nodeCount", "initialNodeCount", "autoscaling.minNodeCount"):
        count = at(pool.outputs, path)
        if isinstance(count, int) and count > 0:
            return count
    return 0


def node_class(pool: Record, cluster: Record | None, accounts: Accounts) -> dict[str, list[str]]:
    """The subnets and the security groups that the class of a Karpenter NodePool selects."""
    name = at(pool.outputs, "spec.template.spec.nodeClassRef.name")
    classes = [r for r in accounts.called(str(name)) if r.type == NODE_CLASS and r.scope == pool.scope]
    if not classes or cluster is None:
        return {"subnets": [], "groups": []}
    spec = classes[-1].outputs.get("spec") or {}
    return {
        "subnets": [r.id for r in _selected(spec.get("subnetSelectorTerms") or (), SUBNET, cluster, accounts)],
        "groups": [r.id for r in _selected(spec.get("securityGroupSelectorTerms") or (), GROUP, cluster, accounts)],
    }


def _selected(terms: Iterable[Mapping[str, Any]], type_: str, cluster: Record, accounts: Accounts) -> Iterator[Record]:
    """Karpenter documentation, NodeClasses, `spec.subnetSelectorTerms`: any term; in a term all tags, or an id."""
    wanted = [term for term in terms if term]
    for record in accounts.of_types(type_.__eq__):
        if record.scope == cluster.scope and any(_fits(record, term) for term in wanted):
            yield record


def _fits(record: Record, term: Mapping[str, Any]) -> bool:
    if "id" in term or "name" in term:
        return term.get("id", record.id) == record.id and term.get("name") in (None, record.outputs.get("name"))
    tags = record.outputs.get("tags") or {}
    return all(key in tags and value in ("*", tags[key]) for key, value in (term.get("tags") or {}).items())
