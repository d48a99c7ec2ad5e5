"""What came in time though nothing makes sure of it is found in the state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from polysilicon.catalog import load_catalog
from polysilicon.rehearsal.cluster import NotReadyError, Rollouts
from polysilicon.rehearsal.judges.order import Order
from polysilicon.rehearsal.luck import Need, by_luck, needs_of
from polysilicon.rehearsal.outcome import Outcome, Resource
from tests.rehearsal.clusters import InCluster, kubeconfig
from tests.rehearsal.order_account import EVERYTHING, Aws
from tests.rehearsal.test_node_traps import PRIVATE, google


def urn(name: str) -> str:
    return f"urn:pulumi:dev::shop::aws:ec2/thing:Thing::{name}"


def held(name: str, *dependencies: str, by: str = "", within: str = "", given: Sequence[str] = ()) -> Resource:
    return Resource(
        urn=urn(name),
        type="aws:ec2/thing:Thing",
        dependencies=[urn(other) for other in dependencies],
        provider=f"{urn(by)}::id" if by else "",
        parent=urn(within) if within else "",
        property_dependencies={"subnets": [urn(other) for other in given]},
    )


def need(*ways: Sequence[str]) -> Need:
    return Need(urn("nodes"), [frozenset(urn(name) for name in way) for way in ways], "it no node joins")


OTHERS = [held("route"), held("nat", "route"), held("policy")]
CASES: list[tuple[Resource, Need, bool]] = [
    (held("nodes"), need(["route"]), True),
    (held("nodes", "route"), need(["route"]), False),
    (held("nodes", "nat"), need(["route"]), False),
    (held("nodes", given=["nat"]), need(["route", "nat"]), False),
    (held("nodes", by="nat"), need(["nat"]), False),
    (held("nodes", within="nat"), need(["route"]), False),
    (held("nodes", "route"), need(["route", "policy"]), True),
    (held("nodes", "route"), need(["policy"], ["route"]), False),
    (held("nodes", "policy"), need(["route"], ["nat"]), True),
    (held("nodes"), need(["of another stack"]), False),
]


@pytest.mark.parametrize(("nodes", "what", "lucky"), CASES)
def test_luck_is_what_no_dependency_makes_sure_of(nodes: Resource, what: Need, lucky: bool) -> None:
    assert bool(by_luck([what], [*OTHERS, nodes])) is lucky


def test_what_is_tried_again_is_told_and_no_mistake() -> None:
    what = replace(need(["route"]), retried=True)
    assert by_luck([what], [*OTHERS, held("nodes")]) == []
    (sentence,) = by_luck([what], [*OTHERS, held("nodes")], retried=True)
    assert "nodes came after Thing route by luck alone" in sentence


def test_it_is_told_who_came_after_what_and_what_for() -> None:
    (sentence,) = by_luck([need(["route", "policy"]), need(["route", "policy"])], [*OTHERS, held("nodes", "route")])
    assert sentence == (
        "Thing nodes came after Thing policy by luck alone: nothing makes it wait, and without it no node joins. "
        "Let it depend on that (depends_on)"
    )


def test_an_outcome_of_luck_is_not_ok() -> None:
    outcome = Outcome(operation="up", project="shop", stack="dev", exit_code=0)
    assert outcome.ok
    assert not Outcome(operation="up", project="shop", stack="dev", exit_code=0, lucky=["nodes came first"]).ok


def test_the_judge_of_the_order_tells_what_it_found_in_time() -> None:
    aws = Aws()
    nodes = aws.whole(EVERYTHING)
    found = {need.why: need.ways for need in needs_of([aws.judge]) if need.urn == nodes.urn}
    (way,) = found["it no node joins the cluster"]
    assert {name.rsplit("::", 1)[-1] for name in way} == {"igw", "public", "nat", "private"}
    assert any("lacks AmazonEKSWorkerNodePolicy" in why for why in found)
    assert "it no node becomes ready" in found


def test_what_was_there_before_is_no_luck() -> None:
    aws = Aws()
    network = aws.network(EVERYTHING)
    aws.cloud.simulation.judges = [again := Order()]
    aws.nat(network)
    assert needs_of([again]) == []


# ── Images on Google Cloud ───────────────────────────────────────────────────────────────────────────────────────────

NAT = {
    "router": "r",
    "natIpAllocateOption": "AUTO_ONLY",
    "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
}
OWN_IMAGE = "us-docker.pkg.dev/acme/images/server:1"


def behind_nat(region: str = "us-central1", **cluster: Any) -> InCluster:
    """A cluster with private nodes, in a network with a Cloud NAT."""
    found = google(**{**PRIVATE, **cluster})
    found.cloud.make("gcp:compute/router:Router", "r", name="r", network="vpc", region=region)
    found.cloud.make("gcp:compute/routerNat:RouterNat", "nat", region=region, **NAT)
    return found


def relied_upon(cluster: InCluster) -> list[tuple[str, list[set[str]]]]:
    """Who needs what, by their names."""
    needs = cluster.cloud.simulation.rollouts.needs
    assert all(need.retried for need in needs), "the kubelet tries again"
    return [(last(need.urn), [{last(urn) for urn in way} for way in need.ways]) for need in needs]


def last(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


# gcp trap 36: the mirror of Docker Hub keeps what it likes.
@pytest.mark.parametrize(
    ("image", "cluster", "lucky"),
    [
        ("quay.io/team/server:1", {}, True),
        ("vllm/vllm-tpu:v1", {}, True),
        ("gcr.io/team/server:1", {}, False),
        (OWN_IMAGE, {}, False),
        ("registry.acme.internal/server:1", {}, False),
        ("quay.io/team/server:1", {"privateClusterConfig": {}}, False),
        ("quay.io/team/server:1", {"network": "default"}, False),
    ],
)
def test_pods_on_private_nodes_need_the_nat_that_images_come_through(
    image: str, cluster: dict[str, Any], lucky: bool
) -> None:
    found = behind_nat(**cluster)
    found.deploy(image=image)
    assert relied_upon(found) == ([("chat", [{"nat"}])] if lucky else [])


def test_who_is_not_waited_for_needs_nothing_in_time() -> None:
    found = behind_nat()
    found.deploy(image="quay.io/team/server:1", annotations={"pulumi.com/skipAwait": "true"})
    assert relied_upon(found) == []


def test_a_nat_that_was_there_before_is_no_luck() -> None:
    found = behind_nat()
    again = found.cloud.simulation
    again.rollouts = Rollouts(again.accounts, load_catalog(), again.schedule, again.note)
    found.deploy(image="quay.io/team/server:1")
    assert relied_upon(found) == []


def test_another_way_out_may_have_done() -> None:
    found = behind_nat()
    found.cloud.make("gcp:compute/vPNTunnel:VPNTunnel", "vpn", peerIp="192.0.2.1", sharedSecret="x")
    found.deploy(image="quay.io/team/server:1")
    assert relied_upon(found) == []


def test_a_nat_of_another_region_leads_nobody_out() -> None:
    with pytest.raises(NotReadyError) as refusal:
        behind_nat("us-west4").deploy(image="quay.io/team/server:1")
    assert "has no Cloud NAT" in "\n".join(refusal.value.reasons)


def test_a_nat_of_the_host_project_leads_out_of_a_shared_network() -> None:
    found = InCluster("gke")
    host = {"project": "host"}
    shared = found.cloud.make("gcp:compute/network:Network", "vpc", name="vpc", **host)
    found.cloud.make("gcp:compute/router:Router", "r", name="r", network=shared.id, region="us-central1", **host)
    found.cloud.make("gcp:compute/routerNat:RouterNat", "nat", region="us-central1", **NAT, **host)
    inside = {"network": shared.id, "privateClusterConfig": {"enablePrivateNodes": True}}
    cluster = found.cloud.make(
        "gcp:container/cluster:Cluster", "own", name="own", location="us-central1-a", initialNodeCount=1, **inside
    )
    found.cloud.settings["kubeconfig"] = kubeconfig(str(cluster.outputs["endpoint"]))
    found.deploy(image="quay.io/team/server:1")
    assert relied_upon(found) == [("chat", [{"nat"}])]


# gcp trap 37
@pytest.mark.parametrize(("image", "lucky"), [(OWN_IMAGE, True), ("gcr.io/team/server:1", False)])
def test_pods_need_the_grant_by_which_nodes_read_their_images(image: str, lucky: bool) -> None:
    found = InCluster("gke")
    account = found.cloud.make("gcp:serviceaccount/account:Account", "nodes", accountId="nodes")
    email = str(account.outputs["email"])
    pool = {"nodeConfig": {"machineType": "n2-standard-4", "serviceAccount": email}, "initialNodeCount": 1}
    found.cloud.make("gcp:container/nodePool:NodePool", "p", name="p", cluster="gke", location="us-central1-a", **pool)
    for role in ("roles/logging.logWriter", "roles/artifactregistry.reader"):
        given = {"project": "acme", "role": role, "member": f"serviceAccount:{email}"}
        found.cloud.make("gcp:projects/iAMMember:IAMMember", role, **given)
    found.deploy(image=image)
    assert relied_upon(found) == ([("chat", [{"roles/artifactregistry.reader"}])] if lucky else [])
