"""Likely mistakes on Google Cloud beside the traps: each is refused by a rule, and what is right is taken."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal.judges.rules import Rules
from polysilicon.rehearsal.values import UNKNOWN
from tests.rehearsal.simulated import Cloud
from tests.rehearsal.test_gcp_traps import CLUSTER, NETWORK, NODES, POOL, pool, told, unknown

NAT, ROUTER = "gcp:compute/routerNat:RouterNat", "gcp:compute/router:Router"
SUBNET, ADDRESS = "gcp:compute/subnetwork:Subnetwork", "gcp:compute/address:Address"
RULE, BACKEND = "gcp:compute/forwardingRule:ForwardingRule", "gcp:compute/regionBackendService:RegionBackendService"
INSTANCE, DISK = "gcp:compute/instance:Instance", "gcp:compute/disk:Disk"
MEMBER, BINDING = "gcp:projects/iAMMember:IAMMember", "gcp:projects/iAMBinding:IAMBinding"
BUCKET = "gcp:storage/bucket:Bucket"
ALL = {"natIpAllocateOption": "AUTO_ONLY", "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES"}
ADDRESS_OF_NODES = "nodes@acme.iam.gserviceaccount.com"


def surge(**settings: Any) -> dict[str, Any]:
    """A pool with these upgrade settings."""
    return pool(upgradeSettings=settings)


def scaled(**limits: int) -> dict[str, Any]:
    """A pool with these limits."""
    return pool(autoscaling=limits)


def grant(member: str, role: str = "roles/viewer") -> dict[str, Any]:
    """Somebody's role in a project."""
    return {"project": "acme", "role": role, "member": member}


def grants(member: str, role: str = "roles/viewer") -> dict[str, Any]:
    """All who have a role in a project."""
    return {"project": "acme", "role": role, "members": ["allUsers", member]}


def boot(**disk: Any) -> dict[str, Any]:
    """An instance with a boot disk."""
    image = {"bootDisk": {"initializeParams": disk}, "networkInterfaces": [{"network": "default"}]}
    return {"machineType": "e2-small", "zone": "us-central1-a", **image}


def labelled(**labels: str) -> dict[str, Any]:
    """A bucket with labels."""
    return {"location": "US", "labels": labels}


def cluster(**more: Any) -> dict[str, Any]:
    """A cluster with one node."""
    return {**NODES, "location": "us-central1", **more}


def shut(*cidrs: str) -> dict[str, Any]:
    """A cluster with a private endpoint, for these networks."""
    blocks = [{"cidrBlock": cidr} for cidr in cidrs]
    private = {"enablePrivateNodes": True, "enablePrivateEndpoint": True}
    return cluster(privateClusterConfig=private, masterAuthorizedNetworksConfig={"cidrBlocks": blocks})


GOOD = f"serviceAccount:{ADDRESS_OF_NODES}"

# type, inputs that are refused, a part of what is said, inputs that are taken
MISTAKES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (POOL, scaled(minNodeCount=3, maxNodeCount=2), "is greater than", scaled(minNodeCount=2, maxNodeCount=2)),
    (POOL, scaled(totalMinNodeCount=3, totalMaxNodeCount=2), "is greater than", scaled(totalMaxNodeCount=2)),
    (POOL, scaled(minNodeCount=1), "there is no maxNodeCount", scaled(minNodeCount=0, maxNodeCount=1)),
    (POOL, scaled(totalMinNodeCount=1), "there is no totalMaxNodeCount", scaled(totalMinNodeCount=0)),
    (POOL, surge(maxSurge=0, maxUnavailable=0), "At least one", surge(maxSurge=0, maxUnavailable=1)),
    (POOL, surge(maxSurge=0), "maxUnavailable is missing", surge(strategy="SHORT_LIVED", maxSurge=0, maxUnavailable=0)),
    (POOL, surge(strategy="SURGE", maxSurge=0), "maxUnavailable is missing", surge(strategy="SURGE", maxSurge=1)),
    (POOL, surge(maxUnavailable=0), "maxSurge is missing", surge(strategy="BLUE_GREEN", maxUnavailable=0)),
    (POOL, surge(strategy="BLUE_GREEN", maxSurge=1), "not enabled: maxSurge", surge(strategy="BLUE_GREEN", maxSurge=0)),
    (POOL, surge(strategy="BLUE_GREEN", maxUnavailable=1), "maxUnavailable is 1", surge(strategy="BLUE_GREEN")),
    (POOL, pool(diskType="pd-ballanced"), "diskTypes/pd-ballanced", pool(diskType="hyperdisk-balanced")),
    (POOL, pool(bootDisk={"diskType": "ssd"}), "diskTypes/ssd", pool(bootDisk={"diskType": "PD-Balanced"})),
    (
        CLUSTER,
        {"nodePools": [{"name": "a", "nodeConfig": {"diskType": "gp3"}}]},
        "diskTypes/gp3",
        {"nodePools": [{"name": "a", "nodeConfig": {"diskType": "pd-ssd"}}]},
    ),
    (
        DISK,
        {"zone": "us-central1-a", "type": "pd-sdd"},
        "diskTypes/pd-sdd",
        {"zone": "us-central1-a", "type": "projects/acme/zones/us-central1-a/diskTypes/pd-ssd"},
    ),
    (INSTANCE, boot(type="balanced"), "diskTypes/balanced", boot(type="hyperdisk-balanced-high-availability")),
    (
        CLUSTER,
        cluster(workloadIdentityConfig={"workloadPool": "acme.id.goog"}),
        "PROJECT_ID.svc.id.goog",
        cluster(workloadIdentityConfig={"workloadPool": "fleet.svc.id.goog"}),
    ),
    (MEMBER, grant(ADDRESS_OF_NODES), "put its kind in front", grant(GOOD)),
    (BINDING, grants(ADDRESS_OF_NODES), "put its kind in front", grants("principalSet://iam.googleapis.com/x/*")),
    (MEMBER, grant(f"deleted:{GOOD}?uid=1"), "deleted principals", grant("allAuthenticatedUsers")),
    (BINDING, grants("deleted:user:a@b.c?uid=1"), "deleted principals", grants("domain:acme.com")),
    (MEMBER, grant(f"account:{ADDRESS_OF_NODES}"), "unknown type", grant("group:all@acme.com")),
    (BINDING, grants("users:a@acme.com"), "unknown type", grants("user:a@acme.com")),
    (MEMBER, grant(GOOD, "artifactregistry.reader"), "role name must be", grant(GOOD, "projects/acme/roles/own")),
    (BINDING, grants(GOOD, "role/viewer"), "role name must be", grants(GOOD, "organizations/1/roles/own")),
    (CLUSTER, cluster(nodeLocations=["us-west4-a"]), "another region", cluster(nodeLocations=["us-central1-b"])),
    (
        NAT,
        {"router": "r", **ALL, "natIps": ["a"]},
        "leave natIps out",
        {"router": "r", **ALL, "natIpAllocateOption": "MANUAL_ONLY", "natIps": ["a"]},
    ),
    (
        CLUSTER,
        cluster(nodeVersion="1.35", removeDefaultNodePool=True),
        "remove_default_node_pool",
        cluster(nodeVersion="1.35"),
    ),
    (CLUSTER, cluster(resourceLabels={"team": "ML"}), "label value ML", cluster(resourceLabels={"team": "ml_1-x"})),
    (CLUSTER, cluster(resourceLabels={"CostCenter": "x"}), "label keys", cluster(resourceLabels={"cost-center": ""})),
    (POOL, pool(resourceLabels={"team": "a b"}), "label value a b", pool(resourceLabels={"team": "größe"})),
    (POOL, pool(resourceLabels={"a.b": "x"}), "label keys", pool(labels={"a.b/c": "X"})),
    (BUCKET, labelled(team="Chat"), "label value Chat", labelled(team="chat")),
    (BUCKET, labelled(**{"1st": "x"}), "label keys", labelled(first="1")),
    (POOL, pool(metadata={"startup-script": "x"}), "keeps for itself", pool(metadata={"own-script": "x"})),
    (CLUSTER, shut("198.40.0.0/16"), "not a reserved network", shut("10.0.0.0/8", "203.0.113.0/24")),
    (POOL, pool(diskSizeGb=10), "smallest allowed", pool(diskSizeGb=15)),
    (POOL, pool(metadata={"a.b": "x"}), "must conform", pool(metadata={"disable-legacy-endpoints": "true"})),
]


def account() -> Cloud:
    """A cloud with the judge of rules alone."""
    return Cloud({"region": "us-central1", "project": "acme"}, judges=[Rules()])


@pytest.mark.parametrize(("type_", "wrong", "words", "right"), MISTAKES, ids=[m[2] for m in MISTAKES])
def test_a_mistake_is_refused(type_: str, wrong: dict[str, Any], words: str, right: dict[str, Any]) -> None:
    assert words in told(account(), type_, wrong)
    assert told(account(), type_, right) == ""


# What is missing, and a name, are known when no value is.
BY_VALUE = [m for m in MISTAKES if "missing" not in m[2] and "label keys" not in m[2] and "metadata" not in str(m[1])]


@pytest.mark.parametrize("mistake", [m for m in BY_VALUE if m[0] != NAT], ids=lambda mistake: mistake[2])
def test_what_is_unknown_is_not_refused(mistake: tuple[str, dict[str, Any], str, Any]) -> None:
    assert mistake[2] not in told(account(), mistake[0], unknown(mistake[1]))


GKE_METADATA = pool(workloadMetadataConfig={"mode": "GKE_METADATA"})
IDENTITY = {"workloadIdentityConfig": {"workloadPool": "acme.svc.id.goog"}}
MANUAL = {"autoCreateSubnetworks": False}
HERE, THERE = {"region": "us-central1"}, {"region": "us-west4"}
HOME = {**NODES, "location": "us-central1"}
ATTACHED = {"attachedDisks": [{"source": "{}"}], **boot(type="pd-ssd")}

# Something else that is named, its inputs, and as it should be; then the path that names it and who does; what is said.
BESIDE: list[tuple[str, dict[str, Any], dict[str, Any], str, str, dict[str, Any], str]] = [
    (CLUSTER, HOME, {**HOME, **IDENTITY}, "cluster", POOL, GKE_METADATA, "needs Workload Identity"),
    (ROUTER, THERE, HERE, "router", NAT, {**ALL, **HERE}, "the router is in another region"),
    (SUBNET, THERE, HERE, "subnetwork", CLUSTER, cluster(), "another region than the cluster"),
    (SUBNET, THERE, HERE, "subnetwork", CLUSTER, {**NODES, "location": "us-central1-a"}, "another region than the"),
    (
        CLUSTER,
        {**NODES, "location": "us-west4-b"},
        {**NODES, "location": "us-central1-a"},
        "cluster",
        POOL,
        pool(nodeLocations=["us-central1-b"]),
        "another region than the cluster",
    ),
    (
        CLUSTER,
        {**NODES, "location": "us-central1-a"},
        HOME,
        "cluster",
        POOL,
        {**pool(), "location": "us-central1"},
        "the cluster is not in us-central1",
    ),
    (NETWORK, MANUAL, {}, "network", CLUSTER, cluster(), "requires specifying a subnetwork"),
    (SUBNET, THERE, HERE, "subnetwork", RULE, HERE, "another region than the forwarding rule"),
    (BACKEND, THERE, HERE, "backendService", RULE, HERE, "another region than the forwarding rule"),
    (SUBNET, THERE, HERE, "subnetwork", ADDRESS, HERE, "another region than the address"),
    (ADDRESS, THERE, HERE, "natIps.0", NAT, {"router": "r", "natIps": ["{}"], **HERE}, "another region than the NAT"),
    (
        SUBNET,
        THERE,
        HERE,
        "subnetworks.0.name",
        NAT,
        {"router": "r", **HERE, "subnetworks": [{"name": "{}", "sourceIpRangesToNats": ["ALL_IP_RANGES"]}]},
        "another region than the NAT",
    ),
    (
        SUBNET,
        THERE,
        HERE,
        "networkInterfaces.0.subnetwork",
        INSTANCE,
        {**boot(type="pd-ssd"), "networkInterfaces": [{"subnetwork": "{}"}]},
        "another region than the instance",
    ),
    (DISK, {"zone": "us-central1-b"}, {"zone": "us-central1-a"}, "attachedDisks.0.source", INSTANCE, ATTACHED, "zone"),
]


def naming(inputs: Any, path: str, name: str) -> Any:
    """Inputs with a name at a path."""
    step, _, rest = path.partition(".")
    if isinstance(inputs, list):
        return [naming(item, rest, name) if rest else name for item in inputs]
    return {**inputs, step: naming(inputs[step], rest, name) if rest else name}


@pytest.mark.parametrize("beside", BESIDE, ids=[f"{b[3]}-{b[6]}" for b in BESIDE])
def test_what_is_named_must_fit(beside: tuple[Any, ...]) -> None:
    other, wrong, right, path, type_, inputs, words = beside
    for made, refused in ((wrong, True), (right, False)):
        cloud = account()
        record = cloud.make(other, "other", name="other", **made)
        assert (words in told(cloud, type_, naming(inputs, path, record.id))) is refused
        assert (words in told(cloud, type_, naming(inputs, path, "other"))) is refused
        assert words not in told(cloud, type_, naming(inputs, path, UNKNOWN))
