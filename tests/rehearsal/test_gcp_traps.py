"""The traps of Google Cloud that one resource's inputs show, or that resource and what it names: each is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from polysilicon.rehearsal import RefusedError
from polysilicon.rehearsal.judges.discovery import Discovery
from polysilicon.rehearsal.judges.rules import Rules, all_rules
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.simulated import Cloud

CLUSTER = "gcp:container/cluster:Cluster"
POOL = "gcp:container/nodePool:NodePool"
NETWORK = "gcp:compute/network:Network"
FIREWALL = "gcp:compute/firewall:Firewall"
RESERVATION = "gcp:compute/reservation:Reservation"
RDMA = "projects/acme/global/networkProfiles/us-central1-b-vpc-roce"
NAME = "compute.googleapis.com/reservation-name"
OTHER_NETWORKS = [{"network": "n1", "subnetwork": "s1"}]


def cloud() -> Cloud:
    """A cloud with the judges of values alone."""
    return Cloud({"region": "us-central1", "project": "acme"}, judges=[Discovery(), Rules()])


def told(account: Cloud, type_: str, inputs: dict[str, Any]) -> str:
    """What is wrong with inputs, in one text."""
    return "\n".join(f"{p.property}: {p.message}" for p in account.problems(type_, "x", **inputs))


def pool(machine: str = "e2-standard-4", /, **more: Any) -> dict[str, Any]:
    """A node pool; what is named as a property of `nodeConfig` goes there."""
    own = {"placementPolicy", "autoscaling", "nodeCount", "initialNodeCount", "management", "version", "nodeLocations"}
    own |= {"upgradeSettings", "queuedProvisioning", "networkConfig"}
    config = {name: value for name, value in more.items() if name not in own}
    rest = {name: value for name, value in more.items() if name in own}
    return {"cluster": "c", **rest, "nodeConfig": {"machineType": machine, **config}}


def slice_(topology: str, machine: str = "ct5lp-hightpu-4t", /, **more: Any) -> dict[str, Any]:
    """A pool that is a TPU slice."""
    return pool(machine, placementPolicy={"type": "COMPACT", "tpuTopology": topology}, **more)


def affinity(kind: str, *values: str, key: str = NAME) -> dict[str, Any]:
    """Which reservation a pool uses."""
    return {"consumeReservationType": kind, **({"key": key, "values": list(values)} if values else {})}


FLEX = {"flexStart": True, "reservationAffinity": affinity("NO_RESERVATION")}
NODES = {"initialNodeCount": 1}
MULTI = {**NODES, "enableMultiNetworking": True}

# trap of the facts, type, inputs that are refused, a part of what is said, inputs that are taken
TRAPS = [
    ("1", POOL, slice_("4x4", nodeCount=3), "has 4 nodes", slice_("4x4", nodeCount=4)),
    (
        "1",
        POOL,
        slice_("2x2x2", "ct5p-hightpu-4t", autoscaling={"minNodeCount": 0, "maxNodeCount": 8}),
        "has 2 nodes",
        slice_("2x2x2", "ct5p-hightpu-4t", autoscaling={"minNodeCount": 0, "maxNodeCount": 2}),
    ),
    ("1", POOL, slice_("4x2"), "one of 1x1, 2x2, 2x4", slice_("2x4")),
    ("1", POOL, slice_("4x4", "ct5p-hightpu-4t"), "of three numbers", slice_("2x2x1", "ct5p-hightpu-4t")),
    (
        "2",
        POOL,
        slice_("4x4", autoscaling={"totalMinNodeCount": 0, "totalMaxNodeCount": 4}),
        "not a valid pod slice size",
        pool("ct5lp-hightpu-4t", autoscaling={"totalMinNodeCount": 0, "totalMaxNodeCount": 4}),
    ),
    ("3", POOL, slice_("1x1", "ct6e-standard-1t"), "leave placementPolicy out", pool("ct6e-standard-1t")),
    ("7", POOL, slice_("4x4", "ct5lp-hightpu-8t"), "only machines with 4 chips", slice_("2x4", "ct5lp-hightpu-8t")),
    ("7", POOL, slice_("2x4", "ct5lp-hightpu-1t"), "only machines with 4 chips", slice_("2x4")),
    ("8", CLUSTER, MULTI, "needs Dataplane V2", {**MULTI, "datapathProvider": "ADVANCED_DATAPATH"}),
    ("8", CLUSTER, {**MULTI, "datapathProvider": "LEGACY_DATAPATH"}, "LEGACY_DATAPATH", NODES),
    ("9", NETWORK, {"mtu": 9000}, "8896", {"mtu": 8896}),
    ("9", NETWORK, {"mtu": 1200}, "1300", {"mtu": 1460}),
    (
        "10",
        NETWORK,
        {"networkProfile": RDMA, "autoCreateSubnetworks": True},
        "autoCreateSubnetworks",
        {"networkProfile": RDMA, "autoCreateSubnetworks": False},
    ),
    (
        "12",
        POOL,
        pool(networkConfig={"acceleratorNetworkProfile": "auto", "additionalNodeNetworkConfigs": OTHER_NETWORKS}),
        "exclude each other",
        pool(networkConfig={"acceleratorNetworkProfile": "auto"}),
    ),
    (
        "13",
        POOL,
        pool("a3-ultragpu-8g", fastSocket={"enabled": True}),
        "fastSocket",
        pool("a2-highgpu-8g", fastSocket={"enabled": True}),
    ),
    (
        "15",
        POOL,
        pool("a3-ultragpu-8g", imageType="UBUNTU_CONTAINERD"),
        "COS_CONTAINERD",
        pool("a3-ultragpu-8g", imageType="COS_CONTAINERD"),
    ),
    (
        "15",
        POOL,
        pool(gcfsConfig={"enabled": True}, imageType="UBUNTU_CONTAINERD"),
        "image streaming",
        pool(gcfsConfig={"enabled": False}, imageType="UBUNTU_CONTAINERD"),
    ),
    ("17", CLUSTER, {"removeDefaultNodePool": True}, "greater than zero", {"removeDefaultNodePool": True, **NODES}),
    ("17", CLUSTER, {"initialNodeCount": 0}, "greater than zero", {"enableAutopilot": True}),
    (
        "19",
        POOL,
        pool(nodeCount=1, autoscaling={"minNodeCount": 1, "maxNodeCount": 2}),
        "exclude each other",
        pool(initialNodeCount=1, autoscaling={"minNodeCount": 1, "maxNodeCount": 2}),
    ),
    ("19", POOL, pool(nodeCount=1, initialNodeCount=1), "Cannot set both", pool(nodeCount=1)),
    (
        "19",
        POOL,
        pool(autoscaling={"maxNodeCount": 2, "totalMaxNodeCount": 2}),
        "cannot be used together",
        pool(autoscaling={"minNodeCount": 0, "maxNodeCount": 2}),
    ),
    (
        "19",
        POOL,
        pool(autoscaling={"minNodeCount": 1, "totalMinNodeCount": 1}),
        "cannot be used together",
        pool(autoscaling={"totalMinNodeCount": 1, "totalMaxNodeCount": 2}),
    ),
    (
        "19",
        POOL,
        pool(autoscaling={"minNodeCount": 1, "totalMaxNodeCount": 2}),
        "for all zones",
        pool(autoscaling={"minNodeCount": 0, "totalMaxNodeCount": 2}),
    ),
    (
        "19",
        POOL,
        pool(autoscaling={"maxNodeCount": 2, "totalMinNodeCount": 1}),
        "for all zones",
        pool(autoscaling={"minNodeCount": 1, "maxNodeCount": 2}),
    ),
    (
        "20",
        POOL,
        pool(version="1.35.1", management={"autoUpgrade": True}),
        "fight each other",
        pool(version="1.35.1", management={"autoUpgrade": False}),
    ),
    ("21", POOL, pool(**FLEX, management={"autoRepair": True}), "autoRepair", pool(**FLEX)),
    ("21", POOL, pool(**FLEX, nodeCount=2), "no static size", pool(**FLEX, autoscaling={"maxNodeCount": 2})),
    ("21", POOL, pool(**FLEX, spot=True), "exclude each other", pool(**FLEX, spot=False)),
    (
        "21",
        POOL,
        pool(flexStart=True, reservationAffinity=affinity("ANY_RESERVATION")),
        "must be NO_RESERVATION",
        pool(flexStart=False, reservationAffinity=affinity("ANY_RESERVATION")),
    ),
    (
        "21",
        POOL,
        pool("a2-highgpu-8g", **FLEX, placementPolicy={"type": "COMPACT"}),
        "placed compactly",
        pool("a4-highgpu-8g", **FLEX, placementPolicy={"type": "COMPACT"}),
    ),
    (
        "22",
        POOL,
        pool("ct5lp-hightpu-4t", guestAccelerators=[{"type": "tpu-v5e-slice", "count": 4}]),
        "is no GPU",
        pool("ct5lp-hightpu-4t"),
    ),
    (
        "22",
        POOL,
        pool("a2-ultragpu-1g", guestAccelerators=[{"type": "nvidia-tesla-a100", "count": 1}]),
        "nvidia-a100-80gb",
        pool("a2-ultragpu-1g", guestAccelerators=[{"type": "nvidia-a100-80gb", "count": 1}]),
    ),
    ("24", POOL, pool("a3-highgpu-1g"), "use spot or flexStart", pool("a3-highgpu-1g", spot=True)),
    (
        "24",
        POOL,
        pool("a3-ultragpu-8g", reservationAffinity=affinity("NO_RESERVATION")),
        "not sold on demand",
        pool("a3-ultragpu-8g", reservationAffinity=affinity("SPECIFIC_RESERVATION", "r")),
    ),
    (
        "24",
        POOL,
        pool("a4x-highgpu-4g", reservationAffinity=affinity("NO_RESERVATION")),
        "by reservation only",
        pool("a4x-highgpu-4g", reservationAffinity=affinity("SPECIFIC_RESERVATION", "r")),
    ),
    (
        "25",
        POOL,
        pool(nodeLocations=["us-central1-ai1a"]),
        "AI zone",
        pool("ct6e-standard-4t", nodeLocations=["us-south1-ai1b"]),
    ),
    (
        "26",
        POOL,
        pool("ct6e-standard-4t", diskType="pd-balanced"),
        "no Persistent Disk",
        pool("ct6e-standard-4t", diskType="hyperdisk-balanced"),
    ),
    (
        "26",
        POOL,
        pool("tpu7x-standard-4t", bootDisk={"diskType": "pd-ssd"}),
        "no Persistent Disk",
        pool("ct5lp-hightpu-4t", bootDisk={"diskType": "pd-ssd"}),
    ),
    (
        "26",
        POOL,
        pool("ct5p-hightpu-4t", diskType="hyperdisk-balanced"),
        "no Hyperdisk Balanced",
        pool("ct5p-hightpu-4t", diskType="pd-balanced"),
    ),
    # The Python name of Terraform's guest_accelerator is plural; a mapping is not checked by the language.
    ("29", POOL, pool(guest_accelerator=[]), "Did you mean `guestAccelerators`", pool(guestAccelerators=[])),
    (
        "33",
        POOL,
        pool(placementPolicy={"type": "COMPACT"}, nodeLocations=["us-central1-a", "us-central1-b"]),
        "a single zone",
        pool(placementPolicy={"type": "COMPACT"}, nodeLocations=["us-central1-a"]),
    ),
    (
        "33",
        POOL,
        pool(placementPolicy={"type": "COMPACT"}, upgradeSettings={"strategy": "BLUE_GREEN"}),
        "blue-green",
        pool(placementPolicy={"type": "COMPACT"}, upgradeSettings={"strategy": "SURGE"}),
    ),
    (
        "33",
        POOL,
        pool("a2-highgpu-8g", placementPolicy={"type": "COMPACT"}, queuedProvisioning={"enabled": True}),
        "queued provisioning",
        slice_("4x4", queuedProvisioning={"enabled": True}),
    ),
    (
        "34",
        POOL,
        pool(spot=True, reservationAffinity=affinity("ANY_RESERVATION")),
        "Spot nodes cannot use",
        pool(spot=True, reservationAffinity=affinity("NO_RESERVATION")),
    ),
    (
        "34",
        POOL,
        pool(reservationAffinity=affinity("UNSPECIFIED")),
        "should not be used",
        pool(reservationAffinity=affinity("ANY_RESERVATION")),
    ),
    (
        "34",
        POOL,
        pool(reservationAffinity=affinity("SPECIFIC_RESERVATION")),
        "without a name",
        pool(reservationAffinity=affinity("SPECIFIC_RESERVATION", "projects/acme/reservations/r")),
    ),
    (
        "34",
        POOL,
        pool(reservationAffinity=affinity("ANY_RESERVATION", "r")),
        "not SPECIFIC_RESERVATION",
        pool(reservationAffinity=affinity("ANY_RESERVATION")),
    ),
    (
        "34",
        POOL,
        pool(reservationAffinity=affinity("SPECIFIC_RESERVATION", "r", "s")),
        "one reservation",
        pool(reservationAffinity=affinity("SPECIFIC_RESERVATION", "r")),
    ),
    (
        "34",
        POOL,
        pool(reservationAffinity=affinity("SPECIFIC_RESERVATION", "r", key="reservation-name")),
        "the key of a named reservation",
        pool(reservationAffinity=affinity("SPECIFIC_RESERVATION", "r", key=NAME)),
    ),
    (
        "38",
        POOL,
        pool(ephemeralStorageLocalSsdConfig={"localSsdCount": 1}, localNvmeSsdBlockConfig={"localSsdCount": 1}),
        "both take the local SSDs",
        pool(ephemeralStorageLocalSsdConfig={"localSsdCount": 1}),
    ),
    (
        "42",
        CLUSTER,
        {**NODES, "networkPolicy": {"enabled": True}, "datapathProvider": "ADVANCED_DATAPATH"},
        "networkPolicy",
        {**NODES, "networkPolicy": {"enabled": False}, "datapathProvider": "ADVANCED_DATAPATH"},
    ),
]


@pytest.mark.parametrize(("trap", "type_", "wrong", "words", "right"), TRAPS, ids=[f"{t[0]}-{t[3]}" for t in TRAPS])
def test_trap_is_refused(trap: str, type_: str, wrong: dict[str, Any], words: str, right: dict[str, Any]) -> None:
    account = cloud()
    assert words in told(account, type_, wrong), f"gcp trap {trap}"
    assert told(account, type_, right) == "", f"gcp trap {trap}"


def test_every_rule_has_a_trap_that_is_tested() -> None:
    named = {f"gcp {trap[0]}" for trap in TRAPS} | {"gcp 11"}
    assert {rule.trap for rule in all_rules("gcp") if rule.trap} <= named


def unknown(value: Any) -> Any:
    """The same inputs when nothing in them is known yet."""
    if isinstance(value, dict):
        return {name: unknown(item) for name, item in value.items()}
    return [unknown(item) for item in value] if isinstance(value, list) else UNKNOWN


# What is missing (17), a name (29) and the length of a list are known when no value is.
VALUES = [trap for trap in TRAPS if trap[0] not in ("17", "29") and trap[3] != "one reservation"]


@pytest.mark.parametrize("trap", VALUES, ids=[f"{trap[0]}-{trap[3]}" for trap in VALUES])
def test_what_is_unknown_is_not_refused(trap: tuple[str, str, dict[str, Any], str, Any]) -> None:
    account = cloud()
    assert trap[3] not in told(account, trap[1], unknown(trap[2]))


def of_cluster(**more: Any) -> Callable[[Cloud], dict[str, Any]]:
    """A pool with a second network in a cluster that has these inputs."""

    def made(account: Cloud) -> dict[str, Any]:
        home = account.make(CLUSTER, "c", name="c", location="us-central1", **NODES, **more)
        return {**pool(networkConfig={"additionalNodeNetworkConfigs": OTHER_NETWORKS}), "cluster": home.id}

    return made


def test_trap_8_a_second_network_needs_multi_networking_on_the_cluster() -> None:
    account = cloud()
    assert "multi-networking is not enabled" in told(account, POOL, of_cluster()(account))
    account, able = cloud(), {"enableMultiNetworking": True, "datapathProvider": "ADVANCED_DATAPATH"}
    assert told(account, POOL, of_cluster(**able)(account)) == ""


def test_trap_12_dranet_needs_dataplane_v2() -> None:
    for datapath, refused in ({}, True), ({"datapathProvider": "ADVANCED_DATAPATH"}, False):
        account = cloud()
        home = account.make(CLUSTER, "c", name="c", location="us-central1", **NODES, **datapath)
        inputs = {**pool(networkConfig={"acceleratorNetworkProfile": "auto"}), "cluster": home.id}
        assert ("needs Dataplane V2" in told(account, POOL, inputs)) is refused


def test_trap_11_no_firewall_rules_in_an_rdma_network() -> None:
    account = cloud()
    rdma = account.make(NETWORK, "rdma", name="rdma", networkProfile=RDMA, autoCreateSubnetworks=False)
    plain = account.make(NETWORK, "plain", name="plain", autoCreateSubnetworks=False)
    assert "RDMA_ROCE_POLICY" in told(account, FIREWALL, {"network": rdma.id, "allows": [{"protocol": "tcp"}]})
    assert told(account, FIREWALL, {"network": plain.id, "allows": [{"protocol": "tcp"}]}) == ""


def test_trap_34_a_reservation_of_other_machines() -> None:
    account = cloud()
    held = {"count": 1, "instanceProperties": {"machineType": "a3-ultragpu-8g"}}
    account.make(RESERVATION, "r", name="r", zone="us-central1-b", specificReservation=held)
    chosen = {"reservationAffinity": affinity("SPECIFIC_RESERVATION", "r")}
    assert "machine types must match" in told(account, POOL, pool("a3-megagpu-8g", **chosen))
    assert told(account, POOL, pool("a3-ultragpu-8g", **chosen)) == ""


def test_trap_4_a_multi_host_pool_is_not_resized() -> None:
    account = cloud()
    made = account.make(POOL, "x", **slice_("4x4", nodeCount=0))
    with pytest.raises(RefusedError, match="Error 501"):
        account.change(made, **slice_("4x4", nodeCount=4))
    account.change(made, **slice_("4x4", nodeCount=0, management={"autoRepair": True}))
    single = account.make(POOL, "y", **pool("ct5lp-hightpu-4t", nodeCount=1))
    account.change(single, **pool("ct5lp-hightpu-4t", nodeCount=2))
