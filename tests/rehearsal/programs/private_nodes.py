"""A cluster with private nodes. `shop:careless` leaves out the order of one thing."""

import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

careless = pulumi.Config("shop").get("careless")


def after(what: str, *others: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(depends_on=[] if what == careless else list(others))


def role(name: str, service: str, *policies: str) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    made = aws.iam.Role(name, assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return made, [
        aws.iam.RolePolicyAttachment(f"{name}-{p}", role=made.name, policy_arn=f"arn:aws:iam::aws:policy/{p}")
        for p in policies
    ]


def routed(side: str, vpc: aws.ec2.Vpc, block: str, **target: pulumi.Input[str]) -> tuple[aws.ec2.Subnet, list]:
    subnet = aws.ec2.Subnet(side, vpc_id=vpc.id, cidr_block=block, availability_zone=f"us-east-1{side[-1]}")
    table = aws.ec2.RouteTable(side, vpc_id=vpc.id)
    route = aws.ec2.Route(side, route_table_id=table.id, destination_cidr_block="0.0.0.0/0", **target)
    return subnet, [route, aws.ec2.RouteTableAssociation(side, subnet_id=subnet.id, route_table_id=table.id)]


vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", enable_dns_hostnames=True)
internet = aws.ec2.InternetGateway("internet", vpc_id=vpc.id)
public, to_internet = routed("public-a", vpc, "10.0.0.0/20", gateway_id=internet.id)
address = aws.ec2.Eip("nat", domain="vpc")
nat = aws.ec2.NatGateway(
    "nat", allocation_id=address.allocation_id, subnet_id=public.id, opts=after("nat", internet, *to_internet)
)
private, out = routed("private-a", vpc, "10.0.16.0/20", nat_gateway_id=nat.id)
spare, spare_out = routed("private-b", vpc, "10.0.32.0/20", nat_gateway_id=nat.id)

cluster_role, cluster_policies = role("cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy")
cluster = aws.eks.Cluster(
    "prod",
    role_arn=cluster_role.arn,
    vpc_config={"subnet_ids": [private.id, spare.id], "endpoint_private_access": True},
    access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False},
    opts=after("policies", *cluster_policies),
)
node_role, node_policies = role(
    "node",
    "ec2.amazonaws.com",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKS_CNI_Policy",
)
aws.eks.NodeGroup(
    "nodes",
    cluster_name=cluster.name,
    node_role_arn=node_role.arn,
    subnet_ids=[private.id, spare.id],
    scaling_config={"min_size": 1, "max_size": 2, "desired_size": 1},
    opts=pulumi.ResourceOptions.merge(after("nodes", *out, *spare_out), after("node policies", *node_policies)),
)
deployer = aws.iam.get_session_context_output(arn=aws.get_caller_identity_output().arn).issuer_arn
entry = aws.eks.AccessEntry("deployer", cluster_name=cluster.name, principal_arn=deployer)
right = aws.eks.AccessPolicyAssociation(
    "deployer",
    cluster_name=cluster.name,
    principal_arn=entry.principal_arn,
    policy_arn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
    access_scope={"type": "cluster"},
)


def kubeconfig(known: list[str]) -> str:
    name, endpoint, authority = known
    told = {"server": endpoint, "certificate-authority-data": authority}
    token = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws", "args": ["eks", "get-token"]}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": told}],
        "users": [{"name": name, "user": {"exec": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return json.dumps(config)


config = pulumi.Output.all(cluster.name, cluster.endpoint, cluster.certificate_authority.data).apply(kubeconfig)
provider = k8s.Provider("prod", kubeconfig=config)
k8s.core.v1.ConfigMap(
    "settings",
    data={"color": "blue"},
    opts=pulumi.ResourceOptions.merge(after("objects", right), pulumi.ResourceOptions(provider=provider)),
)
