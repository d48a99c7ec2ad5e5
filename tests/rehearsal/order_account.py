"""An AWS account that a test builds up piece by piece, and objects in the clusters of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from polysilicon.rehearsal import Record
from polysilicon.rehearsal.judges.order import Order
from tests.rehearsal.simulated import Cloud

AWS_POLICY = "arn:aws:iam::aws:policy/"
NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy")
EVERYTHING = frozenset(
    {"igw", "public route", "nat", "private route", "association", "cluster policies", "node policies", "addons"}
)


def type_of(service: str, kind: str) -> str:
    """`aws:ec2/vpc:Vpc` of `ec2` and `Vpc`."""
    return f"aws:{service}/{kind[0].lower()}{kind[1:]}:{kind}"


class Aws:
    """An account in which a cluster with private nodes is built up, without what a test leaves out."""

    def __init__(self) -> None:
        self.cloud = Cloud()
        self.judge = Order()
        self.cloud.simulation.judges = [self.judge]

    def make(self, service: str, kind: str, name: str, /, **inputs: Any) -> Record:
        return self.cloud.make(type_of(service, kind), name, **inputs)

    def network(self, there: frozenset[str]) -> dict[str, Record]:
        vpc = self.make("ec2", "Vpc", "vpc", cidrBlock="10.0.0.0/16")
        made = {"vpc": vpc}
        for side, block in (("public", "10.0.0.0/20"), ("private", "10.0.16.0/20")):
            made[side] = self.make("ec2", "Subnet", side, vpcId=vpc.id, cidrBlock=block)
            made[f"{side} table"] = self.make("ec2", "RouteTable", side, vpcId=vpc.id)
        self.associate("public", made)
        if "igw" in there:
            made["igw"] = self.make("ec2", "InternetGateway", "igw", vpcId=vpc.id)
            if "public route" in there:
                self.route("public", made, gatewayId=made["igw"].id)
        if "nat" in there:
            made["nat"] = self.nat(made)
            if "private route" in there:
                self.route("private", made, natGatewayId=made["nat"].id)
        if "association" in there:
            self.associate("private", made)
        return made

    def nat(self, network: Mapping[str, Record], **more: Any) -> Record:
        address = self.make("ec2", "Eip", "nat", domain="vpc")
        return self.make("ec2", "NatGateway", "nat", allocationId=address.id, subnetId=network["public"].id, **more)

    def route(self, side: str, network: Mapping[str, Record], **target: Any) -> Record:
        table = network[f"{side} table"].id
        return self.make("ec2", "Route", side, routeTableId=table, destinationCidrBlock="0.0.0.0/0", **target)

    def associate(self, side: str, network: Mapping[str, Record]) -> Record:
        table, subnet = network[f"{side} table"].id, network[side].id
        return self.make("ec2", "RouteTableAssociation", side, routeTableId=table, subnetId=subnet)

    def role(self, name: str, service: str, *policies: str, **more: Any) -> Record:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        role = self.make("iam", "Role", name, assumeRolePolicy=json.dumps({"Statement": [statement]}), **more)
        for policy in policies:
            self.attach(role, AWS_POLICY + policy)
        return role

    def attach(self, role: Record, policy: str) -> Record:
        return self.make("iam", "RolePolicyAttachment", f"{role.name}-{policy}", role=role.id, policyArn=policy)

    def cluster(self, network: Mapping[str, Record], role: Record | None = None, **more: Any) -> Record:
        role = role or self.role("cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy")
        told: dict[str, Any] = {
            "roleArn": role.outputs["arn"],
            "vpcConfig": {"subnetIds": [network["private"].id], "endpointPrivateAccess": True},
            "bootstrapSelfManagedAddons": False,
            "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        }
        return self.make("eks", "Cluster", "prod", **{**told, **more})

    def addon(self, cluster: Record, name: str, **more: Any) -> Record:
        return self.make("eks", "Addon", name, clusterName=cluster.id, addonName=name, **more)

    def nodes(self, cluster: Record, role: Record, subnet: Record, **more: Any) -> Record:
        told: dict[str, Any] = {
            "clusterName": cluster.id,
            "nodeRoleArn": role.outputs["arn"],
            "subnetIds": [subnet.id],
            "scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 1},
        }
        return self.make("eks", "NodeGroup", "nodes", **{**told, **more})

    def whole(self, there: frozenset[str] = EVERYTHING, side: str = "private", **more: Any) -> Record:
        """A cluster with a node group, of which only what is in `there` was made before."""
        network = self.network(there)
        cluster = self.cluster(network)
        role = self.role("node", "ec2.amazonaws.com", *(NODE_POLICIES if "node policies" in there else ()))
        for addon in ("vpc-cni", "kube-proxy") if "addons" in there else ():
            self.addon(cluster, addon)
        return self.nodes(cluster, role, network[side], **more)


def kubeconfig(cluster: Record, *more: str) -> str:
    """A kubeconfig that asks the AWS CLI for a token."""
    server = str(cluster.outputs["endpoint"])
    server = server if server.startswith("https://") else f"https://{server}"
    user = {"exec": {"command": "aws", "args": ["eks", "get-token", "--cluster-name", cluster.id, *more]}}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    return json.dumps(config)


def put(cloud: Cloud, config: str, type_: str = "core/v1:ConfigMap", name: str = "settings", **inputs: Any) -> Record:
    """An object in the cluster of a kubeconfig."""
    before, cloud.settings = cloud.settings, {"kubeconfig": config}
    try:
        return cloud.make(f"kubernetes:{type_}", name, **{"metadata": {"name": name, "namespace": "default"}, **inputs})
    finally:
        cloud.settings = before


def take(cloud: Cloud, config: str, record: Record) -> None:
    """Deletes an object from its cluster."""
    before, cloud.settings = cloud.settings, {"kubeconfig": config}
    try:
        cloud.delete(record)
    finally:
        cloud.settings = before
