"""Each row of the order table is an edge in the engine's own state, on both clouds."""

from __future__ import annotations

import fnmatch
from typing import Any

import pytest

from polysilicon.planning.order import Order
from polysilicon.rehearsal.outcome import Outcome, Resource
from tests.stacks.project import copy_project, edit, rehearse

pytestmark = pytest.mark.engine

EDGES = (
    (Order.ROUTE_AFTER_GATEWAY, "NatGateway *", "Route aws-public"),
    (Order.ROUTE_AFTER_GATEWAY, "NatGateway *", "RouteTableAssociation aws-public-*"),
    (Order.NODES_AFTER_NAT, "NodeGroup *", "Route aws-private-*"),
    (Order.NODES_AFTER_NAT, "NodeGroup *", "RouteTableAssociation aws-private-*"),
    (Order.NODES_AFTER_NAT, "NodePool gcp-*", "RouterNat *"),
    (Order.NODES_AFTER_NAT, "NodePool v5e-*", "RouterNat *"),
    (Order.CLUSTER_AFTER_ROLE_POLICIES, "Cluster aws", "RolePolicyAttachment aws-cluster-*"),
    (Order.CLUSTER_AFTER_LOG_GROUP, "Cluster aws", "LogGroup aws"),
    (Order.NODES_AFTER_ROLE_POLICIES, "NodeGroup *", "RolePolicyAttachment aws-node-*"),
    (Order.NODES_AFTER_ROLE_POLICIES, "NodePool v5e-*", "IAMMember *"),
    (Order.NODES_AFTER_CNI, "NodeGroup *", "Addon aws-vpc-cni"),
    (Order.DNS_AFTER_NODES, "Addon aws-coredns", "NodeGroup aws-system"),
    (Order.DNS_AFTER_NODES, "Addon aws-aws-ebs-csi-driver", "NodeGroup aws-system"),
    (Order.ADDONS_AFTER_RIGHTS, "Addon aws-aws-ebs-csi-driver", "RolePolicyAttachment aws-aws-ebs-csi-driver"),
    (Order.OBJECTS_AFTER_ACCESS, "DaemonSet *", "AccessPolicyAssociation *"),
    (Order.KARPENTER_AFTER_RIGHTS, "Release aws-karpenter", "RolePolicy aws-karpenter"),
    (Order.KARPENTER_AFTER_RIGHTS, "Release aws-karpenter", "PodIdentityAssociation aws-karpenter"),
    (Order.NODE_POOLS_AFTER_KARPENTER, "NodePool inf2-*", "Release aws-karpenter"),
    (Order.NODE_POOLS_AFTER_KARPENTER, "EC2NodeClass inf2-*", "Release aws-karpenter-crd"),
    (Order.SERVERS_AFTER_DNS, "Namespace chat", "Addon aws-coredns"),
    (Order.DRIVER_AFTER_NODES, "Addon aws-s3-driver", "Addon aws-coredns"),
    (Order.VOLUMES_AFTER_DRIVER, "PersistentVolume chat-weights", "Addon aws-s3-driver"),
    (Order.VOLUMES_AFTER_DRIVER, "PersistentVolume chat-weights", "RolePolicy aws-weights-chat-????????"),
    (Order.VOLUMES_AFTER_DRIVER, "PersistentVolume chat-weights", "PodIdentityAssociation aws-weights-chat"),
    (Order.PODS_AFTER_RIGHTS, "Deployment chat", "PodIdentityAssociation aws-weights-chat"),
    (Order.PODS_AFTER_RIGHTS, "Job chat-fill-????????", "RolePolicy aws-weights-chat-fill-????????"),
    (Order.SERVERS_AFTER_COMPILATION, "Deployment chat", "Job chat-fill-????????"),
    (Order.PODS_AFTER_IMAGES, "Job aws-image-aws-cli-????????", "PullThroughCacheRule aws-ecr"),
    (Order.DIGESTS_AFTER_IMAGES, "Deployment chat", "Job aws-image-aws-cli-????????"),
    (Order.DIGESTS_AFTER_IMAGES, "DaemonSet inf2", "Job aws-image-neuron-device-plugin-????????"),
    (Order.PODS_AFTER_RIGHTS, "Job aws-image-aws-cli-????????", "RolePolicy aws-images"),
    (Order.OBJECTS_AFTER_ACCESS, "Job aws-image-aws-cli-????????", "AccessPolicyAssociation *"),
    (Order.BUDGET_AFTER_TOPIC_POLICY, "Budget aws", "TopicPolicy aws-alerts"),
    (Order.APIS_FIRST, "Network gcp", "Service gcp-*"),
    (Order.APIS_FIRST, "Cluster gcp", "Service gcp-*"),
    (Order.APIS_FIRST, "Account *", "Service gcp-*"),
    (Order.PODS_AFTER_NAMESPACE_RULES, "Deployment *", "NetworkPolicy chat"),
    (Order.PODS_AFTER_NAMESPACE_RULES, "Job chat-fill-*", "NetworkPolicy chat-fill"),
)


def with_volumes(config: dict[str, Any]) -> None:
    config["polysilicon:fleet"]["clusters"]["aws"]["addons"] = ["aws-ebs-csi-driver"]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("order")
    project = copy_project(folder)

    def with_weights(config: dict[str, Any]) -> None:
        config["polysilicon:fleet"]["clusters"]["aws"]["weights"] = {}
        config["polysilicon:fleet"]["clusters"]["aws"]["images"] = {}
        config["polysilicon:fleet"]["budget"] = {"monthly_usd": 9, "alert_emails": ["ml@example.com"], "topic": True}
        config["polysilicon:fleet"]["models"]["chat"] |= {"weights": {}, "compile_cache": True}

    edit(project, "mixed", with_weights)
    edit(project, "mixed", with_volumes)
    result = rehearse(project, "mixed", folder / "state").up()
    assert result.ok, result.log
    return result


@pytest.mark.parametrize(("row", "later", "earlier"), EDGES)
def test_an_edge_is_there(row: Order, later: str, earlier: str, outcome: Outcome) -> None:
    waiting, first = matching(outcome, later), matching(outcome, earlier)
    assert waiting, later
    assert first, earlier
    for resource in waiting:
        assert {r.urn for r in first} <= set(resource.dependencies), f"{row.name}: {resource.name} does not wait"


def test_every_row_is_looked_at() -> None:
    assert {row for row, _, _ in EDGES} == set(Order)


def matching(outcome: Outcome, pattern: str) -> list[Resource]:
    """Resources whose `Kind name` matches; names of Google's API services do not clash with Kubernetes' services."""
    return [
        resource
        for resource in outcome.resources
        if fnmatch.fnmatch(f"{resource.type.rsplit(':', 1)[1]} {resource.name}", pattern)
    ]
