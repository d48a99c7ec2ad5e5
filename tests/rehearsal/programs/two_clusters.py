"""Two clusters in two regions, each with a provider of its own, and an object in each; one object with no provider."""

import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

trust = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}, "Action": "sts:AssumeRole"}
role = aws.iam.Role(
    "role",
    assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    managed_policy_arns=["arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"],
)
for region in ("us-east-1", "eu-west-1"):
    there = aws.Provider(region, region=region)
    opts = pulumi.ResourceOptions(provider=there)
    vpc = aws.ec2.Vpc(f"net-{region}", cidr_block="10.0.0.0/16", opts=opts)
    subnets = [
        aws.ec2.Subnet(
            f"sub-{region}-{zone}",
            vpc_id=vpc.id,
            cidr_block=f"10.0.{number}.0/24",
            availability_zone=f"{region}{zone}",
            opts=opts,
        )
        for number, zone in enumerate("ab")
    ]
    cluster = aws.eks.Cluster(
        f"c-{region}",
        name=f"c-{region}",
        role_arn=role.arn,
        vpc_config={"subnet_ids": [subnet.id for subnet in subnets]},
        opts=opts,
    )
    kubeconfig = cluster.endpoint.apply(
        lambda server: json.dumps(
            {
                "current-context": "x",
                "clusters": [{"name": "x", "cluster": {"server": server}}],
                "contexts": [{"name": "x", "context": {"cluster": "x"}}],
            }
        )
    )
    provider = k8s.Provider(f"k-{region}", kubeconfig=kubeconfig)
    k8s.core.v1.ConfigMap(
        f"cm-{region}",
        metadata={"name": "where"},
        data={"region": region},
        opts=pulumi.ResourceOptions(provider=provider),
    )
k8s.core.v1.ConfigMap("loose", metadata={"name": "where"}, data={"region": "none"})
