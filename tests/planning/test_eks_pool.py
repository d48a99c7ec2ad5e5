"""Pools on EKS: what always runs, what comes when it is asked for, fabric, sharing, protection."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from polysilicon.catalog import Catalog, Overlay
from polysilicon.errors import SpecError
from polysilicon.planning.cluster import EksClusterPlan, plan_eks_cluster
from polysilicon.planning.eks_pool import plan_eks_pool
from polysilicon.planning.fabric import Interface, efa_interfaces
from polysilicon.planning.node_config import node_config
from polysilicon.planning.pool_parts import EksPoolPlan
from polysilicon.specs import EksClusterSpec, EksGpuPoolSpec, EksNetworkSpec, NeuronPoolSpec, PublicEndpoint

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
BLOCK = {
    "kind": "capacity_block",
    "reservation": {"id": "cr-0123456789abcdef0", "zone": "use1-az6", "count": 4},
    "start": "2026-12-05T11:30:00Z",
    "end": "2026-12-12T11:30:00Z",
}
RESERVED = {
    "kind": "reserved",
    "min": 2,
    "max": 2,
    "reservation": {"id": "cr-00000000000000001", "zone": "use1-az6", "count": 2},
}


@pytest.fixture(scope="module")
def cluster(catalog: Catalog) -> EksClusterPlan:
    spec = EksClusterSpec(
        cloud="aws",
        region="us-east-1",
        network=EksNetworkSpec(zones=("use1-az4", "use1-az6")),
        endpoint=PublicEndpoint(kind="public", cidrs=("203.0.113.0/24",)),
    )
    return plan_eks_cluster("main", spec, catalog)


def gpus(cluster: EksClusterPlan, catalog: Catalog, now: datetime = NOW, **pool: Any) -> EksPoolPlan:
    document = {"kind": "eks_gpu", "cluster": "main", "machine": "p5.48xlarge", **pool}
    return plan_eks_pool("h100", EksGpuPoolSpec.parse(document), cluster, catalog, now)


def neuron(cluster: EksClusterPlan, catalog: Catalog, **pool: Any) -> EksPoolPlan:
    document = {"kind": "neuron", "cluster": "main", **pool}
    return plan_eks_pool("neuron", NeuronPoolSpec.parse(document), cluster, catalog, NOW)


# ── Terms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_floor_always_runs_and_the_rest_comes_when_asked_for(cluster: EksClusterPlan, catalog: Catalog) -> None:
    plan = gpus(
        cluster,
        catalog,
        machine="g6e.8xlarge",
        capacity=[{"kind": "on_demand", "min": 1, "max": 3}, {"kind": "spot", "min": 0, "max": 4}],
    )
    assert [(n.key, n.floor, n.elastic, n.weight) for n in plan.nodes] == [("on-demand", 1, 2, 100), ("spot", 0, 4, 99)]
    assert (plan.landing.nodes, plan.landing.scaled) == (7, True)


def test_reserved_nodes_lie_where_the_reservation_lies_and_in_no_group(
    cluster: EksClusterPlan, catalog: Catalog
) -> None:
    beside = {"kind": "on_demand", "max": 1}
    plan = gpus(cluster, catalog, capacity=[RESERVED, beside], zones=["use1-az6"], placement_group=True)
    nodes, others = plan.nodes
    assert others.placement_group
    assert nodes.zones == ("use1-az6",)
    assert not nodes.placement_group, "aws trap 12: a group that is forced on a reservation loses machines"
    assert nodes.in_group is None


def test_a_reservation_that_was_made_in_a_group_is_used_in_it(cluster: EksClusterPlan, catalog: Catalog) -> None:
    reservation = {**RESERVED["reservation"], "placement_group": "ours"}  # type: ignore[dict-item]
    plan = gpus(cluster, catalog, capacity=[{**RESERVED, "reservation": reservation}])
    assert plan.nodes[0].in_group == "ours"


@pytest.mark.parametrize(
    ("now", "begins"),
    [(NOW, datetime(2026, 12, 5, 11, 30, tzinfo=UTC)), (datetime(2026, 12, 6, tzinfo=UTC), None)],
)
def test_nodes_of_a_block_wait_for_its_begin(
    now: datetime, begins: datetime | None, cluster: EksClusterPlan, catalog: Catalog
) -> None:
    plan = gpus(cluster, catalog, now, capacity=[{**BLOCK, "min": 2, "max": 4}])
    assert [(n.begins, n.floor, n.elastic) for n in plan.nodes] == [(begins, 2, 2)]
    assert plan.landing.absent == ("its pool begins on 2026-12-05 at 11:30 UTC" if begins else "")
    assert plan.landing.interruption is not None
    assert plan.landing.interruption.reason == "end of the capacity block"


def test_a_block_that_has_ended_stays_while_there_is_leave_to_replace(
    cluster: EksClusterPlan, catalog: Catalog
) -> None:
    leave = {"reason": "the next block follows", "until": date(2026, 12, 20)}
    after = datetime(2026, 12, 19, 12, 0, tzinfo=UTC)
    plan = gpus(cluster, catalog, after, capacity=[BLOCK], replace_ok=leave)
    assert not plan.protected
    assert [(n.key, n.begins, n.ended) for n in plan.nodes] == [("cr-0123456789abcdef0", None, True)]
    assert plan.landing.absent == "its capacity block has ended"


WRONG_TERMS: dict[str, tuple[dict[str, Any], str]] = {
    "block in another zone": (
        {"capacity": [{**BLOCK, "reservation": {"id": "cr-0123456789abcdef0", "zone": "use1-az2", "count": 4}}]},
        "capacity[0].reservation.zone: cr-0123456789abcdef0 lies in use1-az2, where the pool has no subnet",
    ),
    "more nodes than the block has": (
        {"capacity": [{**BLOCK, "max": 5}]},
        "capacity[0].max: got max 5, but cr-0123456789abcdef0 holds 4\n  fix: lower max",
    ),
    "group of reserved nodes alone": (
        {"capacity": [RESERVED], "zones": ["use1-az6"], "placement_group": True},
        "placement_group: got true, but all nodes are reserved",
    ),
    "sharing that Karpenter cannot count": (
        {
            "machine": "g6e.12xlarge",
            "sharing": {"kind": "time_slicing", "replicas": 2},
            "capacity": [{"kind": "on_demand", "min": 1, "max": 2}],
        },
        "sharing: got time_slicing in a pool that Karpenter adds nodes to, which counts whole GPUs alone",
    ),
    "block of another machine": (
        {"capacity": [{**BLOCK, "reservation": {**BLOCK["reservation"], "machine": "p5e.48xlarge"}}]},  # type: ignore[dict-item]
        "capacity[0].reservation.machine: got p5e.48xlarge, but the pool's machine is p5.48xlarge",
    ),
    "block that has ended": (
        {"capacity": [{**BLOCK, "start": "2026-11-14T11:30:00Z", "end": "2026-11-28T11:30:00Z"}]},
        "capacity[0].end: cr-0123456789abcdef0 ended on 2026-11-28 at 11:30 UTC; its machines are gone",
    ),
    "end that no block has": (
        {"capacity": [{**BLOCK, "end": "2026-12-12T12:00:00Z"}]},
        "capacity[0].end: got 2026-12-12T12:00Z: every capacity block ends at 11:30 UTC",
    ),
    "window that no block has": (
        {"capacity": [{**BLOCK, "end": "2026-12-22T11:30:00Z"}]},
        "capacity[0].end: a window of 17 days: blocks last 1 to 14 days, or whole weeks up to 182 days",
    ),
    "window without a zone": (
        {"capacity": [{**BLOCK, "start": "2026-12-05T11:30:00"}]},
        "capacity[0].start: got 2026-12-05T11:30:00, of which nobody knows the zone\n  fix: add Z",
    ),
    "spot beside a block": (
        {"capacity": [BLOCK, {"kind": "spot", "max": 1}]},
        "capacity[1].kind: got spot in a pool with a capacity block",
    ),
    "block of a machine that AWS sells none of": (
        {"machine": "g6e.8xlarge", "capacity": [BLOCK]},
        "capacity[0].kind: got capacity_block, but AWS sells g6e.8xlarge only as on_demand, spot",
    ),
    "commitment over a year": (
        {"capacity": [{**RESERVED, "committed_from": "2026-12-01", "committed_until": "2029-11-30"}]},
        "capacity[0].committed_until: commits to 1095 days; accelerators lose their value fast\n  fix: commit to",
    ),
    "half a commitment": (
        {"capacity": [{**RESERVED, "committed_until": "2027-11-30"}]},
        "capacity[0].committed_from: is missing",
    ),
    "efa without efa": (
        {"machine": "g6e.2xlarge", "efa": True, "zones": ["use1-az6"]},
        "efa: got true, but g6e.2xlarge has no EFA\n  fix: take efa: false, or a machine with EFA:",
    ),
    "efa over zones": (
        {"efa": True},
        "zones: the pool lies in use1-az4, use1-az6, but EFA does not leave a zone\n  fix: name one of them",
    ),
    "placement group over zones": (
        {"placement_group": True},
        "zones: the pool lies in use1-az4, use1-az6, but a placement group does not leave a zone",
    ),
    "profile of another chip": (
        {"sharing": {"kind": "mig", "profile": "all-1g.18gb"}},
        "sharing.profile: got 'all-1g.18gb', which p5.48xlarge cannot be cut into\n  fix: allowed: all-1g.10gb,",
    ),
    "parts of a GPU over a fabric": (
        {"sharing": {"kind": "time_slicing", "replicas": 2}, "efa": True, "zones": ["use1-az6"]},
        "efa: got true for a pool whose servers have a part of a GPU",
    ),
    "uneven shares": (
        {"devices_per_server": 3},
        "devices_per_server: got 3, but p5.48xlarge has 8, to be given out in equal shares\n  fix: allowed: 1, 2, 4, 8",
    ),
}


@pytest.mark.parametrize("name", WRONG_TERMS)
def test_terms_that_cannot_be_are_refused(name: str, cluster: EksClusterPlan, catalog: Catalog) -> None:
    pool, expected = WRONG_TERMS[name]
    with pytest.raises(SpecError) as raised:
        gpus(cluster, catalog, **pool)
    assert str(raised.value).startswith(expected)


def test_a_long_commitment_can_be_acknowledged(cluster: EksClusterPlan, catalog: Catalog) -> None:
    committed = {"committed_from": "2026-12-01", "committed_until": "2029-11-30", "acknowledged": "priced by finance"}
    assert gpus(cluster, catalog, capacity=[{**RESERVED, **committed}]).nodes


# ── Fabric ───────────────────────────────────────────────────────────────────────────────────────────────────────────

COUNTS = {
    "p5.48xlarge": 32,
    "p5e.48xlarge": 32,
    "p5en.48xlarge": 16,
    "p6-b200.48xlarge": 8,
    "p6-b300.48xlarge": 16,
    "p4d.24xlarge": 4,
    "trn1.32xlarge": 8,
    "trn1n.32xlarge": 16,
    "trn2.48xlarge": 16,
    "g6e.48xlarge": 4,
    "g6e.8xlarge": 1,
    "inf2.48xlarge": 0,
}


@pytest.mark.parametrize(("machine", "count"), COUNTS.items())
def test_a_machine_gets_all_its_efas_and_one_address(machine: str, count: int, catalog: Catalog) -> None:
    interfaces = efa_interfaces(catalog.machines[machine])
    assert sum(each.type != "interface" for each in interfaces) == count
    assert sum(each.type != "efa-only" for each in interfaces) == bool(count)
    assert len({each.card for each in interfaces}) == len(interfaces)


# aws trap 4
def test_a_first_card_without_efa_carries_the_address(catalog: Catalog) -> None:
    interfaces = efa_interfaces(catalog.machines["p6-b300.48xlarge"])
    assert interfaces[0] == Interface(0, 0, "interface")
    assert [each.card for each in interfaces] == list(range(17))


def test_pods_on_efa_ask_for_all_of_it_and_its_huge_pages(cluster: EksClusterPlan, catalog: Catalog) -> None:
    landing = gpus(cluster, catalog, efa=True, zones=["use1-az6"]).landing
    assert landing.pod.resources == {
        "nvidia.com/gpu": "8",
        "vpc.amazonaws.com/efa": "32",
        "hugepages-2Mi": "5120Mi",
    }
    assert landing.fabric == "efa"


# ── Sharing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pool", "devices", "per_node", "gib"),
    [
        ({}, 8, 1, 640),
        ({"devices_per_server": 2}, 2, 4, 160),
        ({"sharing": {"kind": "time_slicing", "replicas": 4}}, 1, 32, 20),
        ({"sharing": {"kind": "mig", "profile": "all-1g.10gb"}}, 1, 56, 9.3),
    ],
)
def test_servers_share_a_node(
    pool: dict[str, Any], devices: int, per_node: int, gib: float, cluster: EksClusterPlan, catalog: Catalog
) -> None:
    landing = gpus(cluster, catalog, **pool).landing
    assert landing.pod.resources == {"nvidia.com/gpu": str(devices)}
    assert landing.servers_per_node == per_node
    assert landing.device_memory_gib == pytest.approx(gib, rel=0.02)


# aws trap 34: without AWS's scheduler a pod's chips need not be neighbours
@pytest.mark.parametrize(
    ("machine", "devices", "per_node", "scheduler"),
    [
        ("inf2.48xlarge", None, 1, None),
        ("inf2.48xlarge", 1, 12, None),
        ("inf2.48xlarge", 3, 4, "neuron-scheduler"),
        ("inf2.24xlarge", 2, 3, "neuron-scheduler"),
        ("trn1.32xlarge", 4, 4, "neuron-scheduler"),
        ("trn1.2xlarge", 1, 1, None),
    ],
)
def test_several_of_a_nodes_neuron_chips_are_chosen_by_awss_scheduler(
    machine: str,
    devices: int | None,
    per_node: int,
    scheduler: str | None,
    cluster: EksClusterPlan,
    catalog: Catalog,
) -> None:
    landing = neuron(cluster, catalog, machine=machine, devices_per_server=devices).landing
    assert (landing.servers_per_node, landing.pod.scheduler_name) == (per_node, scheduler)


def test_gpus_of_a_node_need_no_scheduler(cluster: EksClusterPlan, catalog: Catalog) -> None:
    assert gpus(cluster, catalog, devices_per_server=2).landing.pod.scheduler_name is None


@pytest.mark.parametrize(
    ("machine", "devices", "allowed"),
    [
        ("inf2.48xlarge", 5, "1, 2, 3, 4, 6, 12"),
        ("inf2.24xlarge", 4, "1, 2, 3, 6"),
        ("trn1.32xlarge", 2, "1, 4, 8, 16"),  # aws trap 35
    ],
)
def test_what_the_scheduler_would_never_give_out_is_refused(
    machine: str, devices: int, allowed: str, cluster: EksClusterPlan, catalog: Catalog
) -> None:
    with pytest.raises(SpecError) as refused:
        neuron(cluster, catalog, machine=machine, devices_per_server=devices)
    assert f"devices_per_server: got {devices}, but {machine} has" in str(refused.value)
    assert f"fix: allowed: {allowed}" in str(refused.value)


# aws trap 46
@pytest.mark.parametrize(("devices", "most", "fits"), [(3, 1, True), (3, 2, False), (2, 2, True), (12, 2, True)])
def test_karpenter_packs_powers_of_two(
    devices: int, most: int, fits: bool, cluster: EksClusterPlan, catalog: Catalog
) -> None:
    pool: dict[str, Any] = {
        "machine": "inf2.48xlarge",
        "devices_per_server": devices,
        "capacity": [{"kind": "on_demand", "min": 1, "max": most}],
    }
    if fits:
        assert neuron(cluster, catalog, **pool).landing.devices == devices
        return
    with pytest.raises(SpecError, match="devices_per_server: got 3 in a pool that Karpenter adds nodes to") as refused:
        neuron(cluster, catalog, **pool)
    assert "fix: allowed: 1, 2, 4, 12; or make min and max of each choice of capacity equal" in str(refused.value)


def with_trainium2(catalog: Catalog) -> EksClusterPlan:
    spec = EksClusterSpec(
        cloud="aws",
        region="us-east-2",
        network=EksNetworkSpec(zones=("use2-az1", "use2-az3")),
        endpoint=PublicEndpoint(kind="public", cidrs=("203.0.113.0/24",)),
    )
    return plan_eks_cluster("main", spec, catalog)


def test_of_trainium2_a_server_has_one_chip_or_all(catalog: Catalog) -> None:
    with pytest.raises(SpecError, match="allowed: 1, 16"):
        neuron(with_trainium2(catalog), catalog, machine="trn2.48xlarge", devices_per_server=4)


# aws trap 33
@pytest.mark.parametrize(
    ("image", "fits"),
    [
        ("registry.k8s.io/kube-scheduler:v1.35.1", True),
        ("registry.k8s.io/kube-scheduler:v1.34.9", True),
        ("registry.k8s.io/kube-scheduler:v1.33.0", False),
        ("registry.k8s.io/kube-scheduler:v1.36.0", False),
        ("registry.example/kube-scheduler@sha256:0", True),
    ],
)
def test_the_second_scheduler_is_of_the_clusters_version(
    image: str, fits: bool, cluster: EksClusterPlan, catalog: Catalog
) -> None:
    row = {"source": "test", "as_of": "2026-11", "value": image}
    overlay = Overlay.parse({"defaults": {"neuron.kube_scheduler_image": row}}, "overlay")

    def plan(devices: int) -> EksPoolPlan:
        return neuron(cluster, catalog.overlaid(overlay), machine="inf2.48xlarge", devices_per_server=devices)

    assert plan(1).landing.pod.scheduler_name is None, "one chip needs no scheduler, whatever its version"
    if fits:
        assert plan(2).landing.pod.scheduler_name == "neuron-scheduler"
    else:
        with pytest.raises(
            SpecError, match=r"does not fit Kubernetes 1\.35\n  fix: add a row under polysilicon:overlay"
        ):
            plan(2)


def test_the_operator_cuts_what_asks_for_it_and_leaves_the_rest(cluster: EksClusterPlan, catalog: Catalog) -> None:
    mig = gpus(cluster, catalog, sharing={"kind": "mig", "profile": "all-1g.10gb"})
    assert mig.labels["nvidia.com/mig.config"] == "all-1g.10gb"
    assert gpus(cluster, catalog).labels["nvidia.com/gpu.deploy.operands"] == "false"
    assert set(neuron(cluster, catalog).labels) == {"polysilicon.dev/landing"}


# ── Nodes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_node_without_more_to_say_gets_no_user_data() -> None:
    assert node_config(raid=False, parallel_pulls=False) is None


def test_own_disks_hold_what_pods_write(cluster: EksClusterPlan, catalog: Catalog) -> None:
    with_disks, without = gpus(cluster, catalog), gpus(cluster, catalog, local_disks="unused")
    assert (with_disks.raid, without.raid) == (True, False)
    assert with_disks.landing.per_node.ephemeral_gib > without.landing.per_node.ephemeral_gib


def test_what_is_hard_to_get_is_protected_until_somebody_says_why_not(
    cluster: EksClusterPlan, catalog: Catalog
) -> None:
    leave = {"reason": "moving to us-east-2", "until": date(2026, 12, 1)}
    past = {**leave, "until": date(2026, 11, 30)}
    assert gpus(cluster, catalog).protected, "H100 are hard to get again"
    assert not gpus(cluster, catalog, replace_ok=leave).protected
    assert gpus(cluster, catalog, replace_ok=past).protected, "leave ends with its day"
    assert not gpus(cluster, catalog, machine="g6e.8xlarge").protected
    assert gpus(cluster, catalog, machine="g6e.8xlarge", capacity=[RESERVED]).protected, "so are reserved ones"
