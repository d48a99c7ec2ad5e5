"""Which changes of a Google Cloud resource make a new one: what the provider says, not only what the SDK documents."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal.replacement import create_only
from tests.rehearsal.simulated import Cloud

CLUSTER = "gcp:container/cluster:Cluster"
POOL = "gcp:container/nodePool:NodePool"
NETWORK = "gcp:compute/network:Network"
TAINT = {"key": "a", "value": "b", "effect": "NO_SCHEDULE"}
GPU = {"type": "nvidia-l4", "count": 1}

# type, inputs before, inputs after, whether a new resource is made
CHANGES: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    # gcp trap 8: the data plane is decided on day one.
    (CLUSTER, {"datapathProvider": "LEGACY_DATAPATH"}, {"datapathProvider": "ADVANCED_DATAPATH"}, True),
    (CLUSTER, {}, {"datapathProvider": "ADVANCED_DATAPATH"}, True),
    (CLUSTER, {"enableMultiNetworking": False}, {"enableMultiNetworking": True}, False),
    (CLUSTER, {"enableAutopilot": False}, {"enableAutopilot": True}, True),
    (CLUSTER, {"initialNodeCount": 1}, {"initialNodeCount": 2}, True),
    (CLUSTER, {"resourceLabels": {"a": "b"}}, {"resourceLabels": {"a": "c"}}, False),
    (
        CLUSTER,
        {"privateClusterConfig": {"enablePrivateEndpoint": False}},
        {"privateClusterConfig": {"enablePrivateEndpoint": True}},
        False,
    ),
    (
        CLUSTER,
        {"privateClusterConfig": {"masterIpv4CidrBlock": "10.0.0.0/28"}},
        {"privateClusterConfig": {"masterIpv4CidrBlock": "10.1.0.0/28"}},
        True,
    ),
    (
        CLUSTER,
        {"ipAllocationPolicy": {"clusterSecondaryRangeName": "a"}},
        {"ipAllocationPolicy": {"clusterSecondaryRangeName": "b"}},
        True,
    ),
    # gcp trap 18: the first size is part of the pool's identity.
    (POOL, {"initialNodeCount": 1}, {"initialNodeCount": 2}, True),
    (POOL, {"nodeCount": 1}, {"nodeCount": 2}, False),
    (POOL, {"nodeConfig": {"machineType": "e2-standard-4"}}, {"nodeConfig": {"machineType": "e2-standard-8"}}, False),
    (POOL, {"nodeConfig": {"imageType": "COS_CONTAINERD"}}, {"nodeConfig": {"imageType": "UBUNTU_CONTAINERD"}}, False),
    (POOL, {"nodeConfig": {"labels": {"a": "b"}}}, {"nodeConfig": {"labels": {}}}, False),
    (POOL, {"nodeConfig": {"taints": [TAINT]}}, {"nodeConfig": {"taints": [{**TAINT, "value": "c"}]}}, False),
    (POOL, {"nodeConfig": {"spot": False}}, {"nodeConfig": {"spot": True}}, True),
    (POOL, {"nodeConfig": {"serviceAccount": "a@b"}}, {"nodeConfig": {"serviceAccount": "c@d"}}, True),
    (POOL, {"nodeConfig": {"metadata": {"a": "b"}}}, {"nodeConfig": {"metadata": {"a": "c"}}}, True),
    # Inside a list: the accelerator's count.
    (
        POOL,
        {"nodeConfig": {"guestAccelerators": [GPU]}},
        {"nodeConfig": {"guestAccelerators": [{**GPU, "count": 2}]}},
        True,
    ),
    (POOL, {}, {"placementPolicy": {"type": "COMPACT", "policyName": "p"}}, True),
    (POOL, {"queuedProvisioning": {"enabled": False}}, {"queuedProvisioning": {"enabled": True}}, True),
    (POOL, {"management": {"autoUpgrade": True}}, {"management": {"autoUpgrade": False}}, False),
    # gcp trap 10: a profile cannot come later.
    (NETWORK, {}, {"networkProfile": "projects/p/global/networkProfiles/us-central1-a-vpc-roce"}, True),
    (NETWORK, {"autoCreateSubnetworks": True}, {"autoCreateSubnetworks": False}, True),
    (NETWORK, {"routingMode": "REGIONAL"}, {"routingMode": "GLOBAL"}, False),
    ("gcp:compute/subnetwork:Subnetwork", {"network": "a"}, {"network": "b"}, True),
    (
        "gcp:compute/subnetwork:Subnetwork",
        {"privateIpGoogleAccess": False},
        {"privateIpGoogleAccess": True},
        False,
    ),
    ("gcp:compute/router:Router", {"network": "a"}, {"network": "b"}, True),
    ("gcp:compute/routerNat:RouterNat", {"router": "a"}, {"router": "b"}, True),
    ("gcp:compute/disk:Disk", {"type": "pd-ssd"}, {"type": "pd-balanced"}, True),
    ("gcp:compute/disk:Disk", {"size": 10}, {"size": 20}, False),
    (
        "gcp:compute/instance:Instance",
        {"bootDisk": {"initializeParams": {"image": "a"}}},
        {"bootDisk": {"initializeParams": {"image": "b"}}},
        True,
    ),
    ("gcp:compute/instance:Instance", {"labels": {"a": "b"}}, {"labels": {"a": "c"}}, False),
    (
        "gcp:compute/reservation:Reservation",
        {"specificReservation": {"count": 1, "instanceProperties": {"machineType": "a"}}},
        {"specificReservation": {"count": 1, "instanceProperties": {"machineType": "b"}}},
        True,
    ),
    (
        "gcp:compute/reservation:Reservation",
        {"specificReservation": {"count": 1}},
        {"specificReservation": {"count": 2}},
        False,
    ),
    ("gcp:storage/bucket:Bucket", {"location": "US"}, {"location": "EU"}, True),
    ("gcp:storage/bucket:Bucket", {"storageClass": "STANDARD"}, {"storageClass": "NEARLINE"}, False),
    ("gcp:serviceaccount/account:Account", {"accountId": "a"}, {"accountId": "b"}, True),
    ("gcp:serviceaccount/account:Account", {"displayName": "a"}, {"displayName": "b"}, False),
    ("gcp:artifactregistry/repository:Repository", {"format": "DOCKER"}, {"format": "NPM"}, True),
    ("gcp:kms/keyRing:KeyRing", {"location": "us"}, {"location": "eu"}, True),
]


@pytest.mark.parametrize(("type_", "old", "new", "replaced"), CHANGES)
def test_change_replaces_or_not(type_: str, old: dict[str, Any], new: dict[str, Any], replaced: bool) -> None:
    account = Cloud({"region": "us-central1", "project": "acme"})
    same = {"name": "x", "cluster": "c"} if type_ == POOL else {"name": "x"}
    found = account.simulation.compare(type_, {**same, **old}, {**same, **new}, account.settings)
    assert found.changes
    assert found.replaces is replaced


def test_the_provider_says_more_than_the_documentation() -> None:
    """The SDK's text names the machines' first size alone; the table has what is nested too."""
    told = create_only(POOL)
    assert {"initialNodeCount", "nodeConfig.guestAccelerators.type", "nodeConfig.reservationAffinity.values"} <= told
    assert not {path for path in told if path.startswith("management")}
    assert create_only("gcp:container/noSuch:Thing") == frozenset()
