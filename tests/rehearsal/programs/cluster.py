"""A foreign program: a network, an EKS cluster, and objects in it by the kubeconfig that the cluster gives."""

import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

config = pulumi.Config()
zones = aws.get_availability_zones(state="available")
vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16", tags={"team": config.get("team") or "one"})
internet = aws.ec2.InternetGateway("internet", vpc_id=vpc.id)
route = aws.ec2.Route(
    "out", route_table_id=vpc.main_route_table_id, destination_cidr_block="0.0.0.0/0", gateway_id=internet.id
)
subnets = [
    aws.ec2.Subnet(
        f"s{i}",
        vpc_id=vpc.id,
        cidr_block=f"10.0.{i}.0/24",
        availability_zone=zones.names[i],
        map_public_ip_on_launch=True,
    )
    for i in range(2)
]
trust = {
    "Effect": "Allow",
    "Principal": {"Service": ["eks.amazonaws.com", "ec2.amazonaws.com"]},
    "Action": "sts:AssumeRole",
}
role = aws.iam.Role("role", assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
policies = [
    aws.iam.RolePolicyAttachment(name, role=role.name, policy_arn=f"arn:aws:iam::aws:policy/{name}")
    for name in (
        "AmazonEKSClusterPolicy",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKS_CNI_Policy",
    )
]
cluster = aws.eks.Cluster(
    "c",
    role_arn=role.arn,
    vpc_config={"subnet_ids": [subnet.id for subnet in subnets]},
    opts=pulumi.ResourceOptions(depends_on=policies),
)
template = aws.ec2.LaunchTemplate(
    "lt", block_device_mappings=[{"device_name": "/dev/xvda", "ebs": {"volume_size": 50}}]
)
nodes = aws.eks.NodeGroup(
    "nodes",
    cluster_name=cluster.name,
    node_role_arn=role.arn,
    subnet_ids=[subnet.id for subnet in subnets],
    launch_template={"id": template.id, "version": template.latest_version.apply(str)},
    scaling_config={"desired_size": 1, "min_size": 1, "max_size": config.get_int("most") or 2},
    opts=pulumi.ResourceOptions(depends_on=[route, *policies]),
)


def kubeconfig(parts: list[str]) -> str:
    """A kubeconfig that gets its token from the aws command."""
    server, authority, name = parts
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws", "args": ["eks", name]}}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority-data": authority}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": user}],
        }
    )


provider = k8s.Provider(
    "k8s",
    kubeconfig=pulumi.Output.all(cluster.endpoint, cluster.certificate_authority.data, cluster.name).apply(kubeconfig),
    cluster_identifier="c",
    opts=pulumi.ResourceOptions(depends_on=[nodes]),
)
inside = pulumi.ResourceOptions(provider=provider)
namespace = k8s.core.v1.Namespace("apps", metadata={"name": "apps"}, opts=inside)
web = k8s.apps.v1.Deployment(
    "web",
    metadata={"namespace": namespace.metadata.name},
    spec={
        "replicas": 2,
        "selector": {"match_labels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": config.get("image") or "nginx:1"}]},
        },
    },
    opts=inside,
)
key = k8s.core.v1.Secret(
    "key",
    metadata={"namespace": namespace.metadata.name},
    string_data={"token": config.require_secret("token")},
    opts=inside,
)
pulumi.export("vpc", vpc.id)
pulumi.export("clusterVpc", cluster.vpc_config.vpc_id)
pulumi.export("clusterGroup", cluster.vpc_config.cluster_security_group_id)
pulumi.export("endpoint", cluster.endpoint)
pulumi.export("issuer", cluster.identities[0].oidcs[0].issuer)
pulumi.export("ready", web.status.ready_replicas)
pulumi.export("token", config.require_secret("token"))
pulumi.export("caller", aws.get_caller_identity().arn)
pulumi.export("templateVersion", template.latest_version)
