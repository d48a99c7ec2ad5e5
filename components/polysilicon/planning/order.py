"""The order that no property shows. Each explicit `depends_on` of a component names its row here; nothing else is
ordered by hand, because order costs minutes."""

from __future__ import annotations

from enum import StrEnum


class Order(StrEnum):
    """What must be there first, and what goes wrong otherwise. On destroy the order is reversed."""

    ROUTE_AFTER_GATEWAY = "a NAT gateway leads out only while its own subnet is routed to the internet gateway"
    NODES_AFTER_NAT = (
        "private nodes reach image registries and the Kubernetes API through NAT, or ECR and EC2 through endpoints"
        " where there is none; without them they never join"
    )
    CLUSTER_AFTER_ROLE_POLICIES = "EKS refuses to start, and on destroy to clean up, when its role lacks its policies"
    CLUSTER_AFTER_LOG_GROUP = (
        "a cluster that finds no log group makes one itself, unencrypted, kept for ever and left behind by destroy"
    )
    NODES_AFTER_ROLE_POLICIES = (
        "nodes cannot join or pull, and on destroy not detach, when their role lacks its policies"
    )
    NODES_AFTER_CNI = "a node without its network plugin never becomes ready, and its group fails after a long wait"
    DNS_AFTER_NODES = "CoreDNS is degraded until it has a node to run on, and so are controllers of add-ons"
    ADDONS_AFTER_RIGHTS = (
        "a controller whose role has no policy yet fails what it is asked, and on destroy leaves its volumes behind"
    )
    NODE_POOLS_AFTER_KARPENTER = (
        "NodePools need Karpenter's custom resources, and on destroy Karpenter itself, which takes their nodes away"
    )
    KARPENTER_AFTER_RIGHTS = "Karpenter's pods take their rights when they start, and crash without them"
    OBJECTS_AFTER_ACCESS = "the Kubernetes API refuses objects of whoever has no access entry yet"
    DRIVER_AFTER_NODES = "the driver that mounts buckets is degraded until its controller has a node to run on"
    VOLUMES_AFTER_DRIVER = "pods mount a bucket, and on destroy let go of it, only while driver and rights are there"
    PODS_AFTER_RIGHTS = "pods are given the rights of their service account when they start, and only then"
    PODS_AFTER_IMAGES = "an image is pulled through its cache only once the cache has a rule for its registry"
    DIGESTS_AFTER_IMAGES = "the cache knows an image's digest only once a job has brought the image there"
    SERVERS_AFTER_COMPILATION = "servers that start before their code is compiled compile it each for itself"
    SERVERS_AFTER_DNS = "servers resolve the model hub's name while they start"
    BUDGET_AFTER_TOPIC_POLICY = "AWS Budgets refuses a topic to which it may not publish"
    APIS_FIRST = "Google Cloud refuses resources of an API that is not enabled"
    PODS_AFTER_NAMESPACE_RULES = "pods that start before the network rules of their namespace are not covered by them"
