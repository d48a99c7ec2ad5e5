"""Refers to what does not exist, in the way that the configuration names."""

import json

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp
import pulumi_kubernetes as k8s


def kubeconfig(server: str) -> str:
    """A kubeconfig for a server."""
    cluster, context = {"server": server}, {"cluster": "x"}
    return json.dumps(
        {
            "current-context": "x",
            "clusters": [{"name": "x", "cluster": cluster}],
            "contexts": [{"name": "x", "context": context}],
        }
    )


match pulumi.Config().require("case"):
    case "vpc":
        aws.ec2.Subnet("s", vpc_id="vpc-0123456789abcdef0", cidr_block="10.0.0.0/24")
    case "role":
        aws.iam.RolePolicyAttachment("a", role="nobody", policy_arn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
    case "cluster":
        aws.eks.Addon("a", cluster_name="nowhere", addon_name="coredns")
    case "network":
        gcp.compute.Subnetwork("s", network="nowhere", ip_cidr_range="10.0.0.0/24", region="us-central1")
    case "server":
        provider = k8s.Provider("k", kubeconfig=kubeconfig("https://gone.example.com"))
        k8s.core.v1.ConfigMap("c", data={}, opts=pulumi.ResourceOptions(provider=provider))
    case "namespace":
        k8s.core.v1.ConfigMap("c", metadata={"namespace": "nowhere"}, data={})
    case "twice":
        for name in ("one", "two"):
            k8s.core.v1.Namespace(name, metadata={"name": "same"})
    case "order":
        net = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        aws.ec2.Subnet("s", vpc_id=net.id, cidr_block="10.0.0.0/24", opts=pulumi.ResourceOptions(retain_on_delete=True))
