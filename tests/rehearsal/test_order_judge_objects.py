"""What must be there before objects in a cluster, and before what is on Google Cloud."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal import Record
from polysilicon.rehearsal.judges.order import Order
from polysilicon.rehearsal.model import RefusedError
from tests.rehearsal.order_account import EVERYTHING, Aws, kubeconfig, put, take
from tests.rehearsal.simulated import Cloud

ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
DEPLOYER = "arn:aws:iam::123456789012:role/Rehearsal"


@pytest.fixture
def aws() -> Aws:
    return Aws()


# ── Objects ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def admit(aws: Aws, cluster: Record, principal: str = DEPLOYER, policy: str = ADMIN, **scope: Any) -> list[Record]:
    entry = aws.make("eks", "AccessEntry", "deployer", clusterName=cluster.id, principalArn=principal)
    right = aws.make(
        "eks",
        "AccessPolicyAssociation",
        "deployer",
        clusterName=cluster.id,
        principalArn=principal,
        policyArn=policy,
        accessScope=scope or {"type": "cluster"},
    )
    return [entry, right]


def test_objects_come_after_access_and_go_before_it(aws: Aws) -> None:
    cluster = aws.cluster(aws.network(EVERYTHING))
    config = kubeconfig(cluster)
    with pytest.raises(RefusedError, match=r"asked for the client to provide credentials .*no access entry.* yet"):
        put(aws.cloud, config)
    rights = admit(aws, cluster)
    placed = put(aws.cloud, config)
    aws.cloud.delete(rights[1])
    with pytest.raises(RefusedError, match=r"is forbidden: .* any more: let the object depend on"):
        take(aws.cloud, config, placed)
    aws.cloud.delete(rights[0])
    with pytest.raises(RefusedError, match=r"provide credentials .* any more: let the object depend on"):
        take(aws.cloud, config, placed)


def test_whoever_made_the_cluster_has_access_by_default(aws: Aws) -> None:
    cluster = aws.cluster(aws.network(EVERYTHING), accessConfig={"authenticationMode": "API"})
    put(aws.cloud, kubeconfig(cluster))


OTHER = "arn:aws:iam::123456789012:role/people"
ACCESS: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
    ({}, (), ""),
    ({"principal": "arn:aws:iam::123456789012:role/whoever-deploys"}, (), ""),
    ({"policy": VIEW}, (), "is forbidden"),
    ({"type": "namespace", "namespaces": ["team-*"]}, (), "is forbidden"),
    ({"type": "namespace", "namespaces": ["default"]}, (), ""),
    ({"principal": OTHER}, ("--role", OTHER), ""),
    ({"principal": DEPLOYER}, ("--role", OTHER), "provide credentials"),
]


@pytest.mark.parametrize(("entry", "arguments", "refused"), ACCESS)
def test_access_is_that_of_whoever_asks(
    entry: dict[str, Any], arguments: tuple[str, ...], refused: str, aws: Aws
) -> None:
    cluster = aws.cluster(aws.network(EVERYTHING))
    admit(aws, cluster, **entry)
    config = kubeconfig(cluster, *arguments)
    if not refused:
        put(aws.cloud, config)
        return
    with pytest.raises(RefusedError, match=refused):
        put(aws.cloud, config)


def test_a_role_that_the_program_makes_is_not_its_deployer(aws: Aws) -> None:
    cluster = aws.cluster(aws.network(EVERYTHING))
    admit(aws, cluster, principal=aws.role("pods", "pods.eks.amazonaws.com").outputs["arn"])
    with pytest.raises(RefusedError, match="no access entry"):
        put(aws.cloud, kubeconfig(cluster))


def test_a_session_gets_no_access_entry(aws: Aws) -> None:
    cluster = aws.cluster(aws.network(EVERYTHING))
    with pytest.raises(RefusedError, match="is a session"):
        admit(aws, cluster, principal="arn:aws:sts::123456789012:assumed-role/Rehearsal/session")


NODE_POOL = {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "spec": {}}
DEFINITION = {"group": "karpenter.sh", "names": {"kind": "NodePool"}, "scope": "Cluster", "versions": []}


@pytest.mark.parametrize(
    ("before", "refused"),
    [
        (None, True),
        (("apiextensions.k8s.io/v1:CustomResourceDefinition", {"spec": DEFINITION}), False),
        (("apiextensions.k8s.io/v1:CustomResourceDefinition", {"spec": {**DEFINITION, "group": "x.io"}}), True),
        (("helm.sh/v3:Release", {"chart": "oci://public.ecr.aws/karpenter/karpenter"}), False),
        (("helm.sh/v3:Release", {"chart": "keda"}), True),
        (("helm.sh/v3:Release", {"chart": "somebody-elses"}), False),
    ],
)
def test_custom_resources_come_after_their_definition(
    before: tuple[str, dict[str, Any]] | None, refused: bool, aws: Aws
) -> None:
    config = kubeconfig(aws.cluster(aws.network(EVERYTHING), accessConfig={}))
    if before is not None:
        put(aws.cloud, config, before[0], "before", **before[1])
    if not refused:
        put(aws.cloud, config, "karpenter.sh/v1:NodePool", "general", **NODE_POOL)
        return
    with pytest.raises(RefusedError, match=r'no matches for kind "NodePool" in version "karpenter.sh/v1"'):
        put(aws.cloud, config, "karpenter.sh/v1:NodePool", "general", **NODE_POOL)


def test_a_definition_takes_its_resources_along(aws: Aws) -> None:
    config = kubeconfig(aws.cluster(aws.network(EVERYTHING), accessConfig={}))
    definition = put(
        aws.cloud, config, "apiextensions.k8s.io/v1:CustomResourceDefinition", "nodepools", spec=DEFINITION
    )
    put(aws.cloud, config, "karpenter.sh/v1:NodePool", "general", **NODE_POOL)
    take(aws.cloud, config, definition)
    assert all(record.scope.cloud != "kubernetes" for record in aws.cloud.accounts.records())


# ── Google Cloud ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def gcp() -> Cloud:
    cloud = Cloud()
    cloud.simulation.judges = [Order()]
    return cloud


def announce(cloud: Cloud, api: str) -> None:
    """The engine checks a resource before it is made."""
    cloud.simulation.judge_check(cloud.settings, cloud.urn("gcp:projects/service:Service", api), {"service": api})


def enable(cloud: Cloud, api: str, **more: Any) -> Record:
    announce(cloud, api)
    return cloud.make("gcp:projects/service:Service", api, service=api, **more)


def network(cloud: Cloud) -> Record:
    return cloud.make("gcp:compute/network:Network", "net")


def test_an_api_is_enabled_before_its_resources(gcp: Cloud) -> None:
    announce(gcp, "container.googleapis.com")
    with pytest.raises(RefusedError, match="Compute Engine API has not been used in project acme before or it is dis"):
        network(gcp)
    enable(gcp, "compute.googleapis.com")
    network(gcp)


def test_a_resource_that_was_first_by_chance_is_found_all_the_same(gcp: Cloud) -> None:
    network(gcp)
    with pytest.raises(RefusedError, match="is enabled only now, after Network net"):
        enable(gcp, "compute.googleapis.com")


def test_apis_of_a_project_that_enables_none_are_taken_for_enabled(gcp: Cloud) -> None:
    network(gcp)
    (judge,) = gcp.simulation.judges
    assert judge.tally.unjudged["APIs that no gcp.projects.Service enables: taken for enabled"] == 1


def test_an_api_that_is_there_already_is_told(gcp: Cloud) -> None:
    announce(gcp, "container.googleapis.com")
    gcp.accounts.learn(["compute.googleapis.com"])
    network(gcp)


@pytest.mark.parametrize("off", [True, False])
def test_an_api_is_disabled_after_its_resources(off: bool, gcp: Cloud) -> None:
    api = enable(gcp, "compute.googleapis.com", disableOnDestroy=off)
    made = network(gcp)
    gcp.delete(api)
    if not off:
        gcp.delete(made)
        return
    with pytest.raises(RefusedError, match=r"accessNotConfigured .*which then is disabled after it"):
        gcp.delete(made)


# gcp trap 32
def test_a_regional_gateway_is_made_and_waits_for_its_proxies(gcp: Cloud) -> None:
    made = network(gcp)
    cluster = gcp.make("gcp:container/cluster:Cluster", "c", location="us-central1", network=made.id)
    config = kubeconfig(cluster)
    spec = {"gatewayClassName": "gke-l7-regional-external-managed"}
    (judge,) = gcp.simulation.judges
    put(gcp, config, "gateway.networking.k8s.io/v1:Gateway", "all", spec={"gatewayClassName": "gke-l7-global-external"})
    assert not [told for told in judge.tally.unjudged if "proxy-only" in told]
    put(gcp, config, "gateway.networking.k8s.io/v1:Gateway", "models", spec=spec)
    (told,) = [told for told in judge.tally.unjudged if "proxy-only" in told]
    assert told == "Gateways that have no address until net has a proxy-only subnet in us-central1"
    proxies(gcp, made)
    put(gcp, config, "gateway.networking.k8s.io/v1:Gateway", "more", spec=spec)
    assert judge.tally.unjudged[told] == 1


def proxies(cloud: Cloud, network: Record) -> None:
    cloud.make(
        "gcp:compute/subnetwork:Subnetwork",
        "proxies",
        network=network.outputs["selfLink"],
        region="us-central1",
        ipCidrRange="10.9.0.0/23",
        purpose="REGIONAL_MANAGED_PROXY",
        role="ACTIVE",
    )


# gcp trap 32
@pytest.mark.parametrize(("scheme", "refused"), [("INTERNAL_MANAGED", True), ("INTERNAL", False)])
def test_a_managed_forwarding_rule_comes_after_its_proxies(scheme: str, refused: bool, gcp: Cloud) -> None:
    made = network(gcp)
    given = {"loadBalancingScheme": scheme, "network": made.id, "region": "us-central1"}
    if refused:
        with pytest.raises(RefusedError, match="An active proxy-only subnetwork is required"):
            gcp.make("gcp:compute/forwardingRule:ForwardingRule", "rule", **given)
        proxies(gcp, made)
    gcp.make("gcp:compute/forwardingRule:ForwardingRule", "rule", **given)
