"""Endpoints: AWS services that are reached from inside a VPC."""

from __future__ import annotations

from polysilicon.specs import EksNetworkSpec

SHORTHAND = "private_cluster"
EVERY_CLUSTER = ("ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "sts")
"""The network plugin and the start of a node ask EC2 and EKS, the Pod Identity agent EKS Auth, and images come from ECR
(awsdocs/amazon-eks-user-guide@2ef9e38 clusters/private-clusters.adoc; docs.aws.amazon.com/eks/latest/userguide,
pod-id-agent-setup)."""
KARPENTER = ("sqs", "ssm")
"""Its queue of interruptions, and the image releases, which are parameters of Systems Manager."""
PRIVATE_CLUSTER = (*EVERY_CLUSTER, *KARPENTER, "autoscaling", "elasticloadbalancing", "logs", "ssmmessages")
"""With the controllers that the same page names, and sessions on nodes through Systems Manager."""
SESSIONS = ("ssm", "ssmmessages")
"""By which the agent of Systems Manager on a machine is reached. Since its version 3.3.40.0 it asks no third one
(docs.aws.amazon.com/systems-manager/latest/userguide, setup-create-vpc)."""


def endpoint_services(spec: EksNetworkSpec) -> tuple[str, ...]:
    """The services that get an endpoint, each once, the shorthand written out."""
    named = [each for one in spec.endpoints for each in (PRIVATE_CLUSTER if one == SHORTHAND else (one,))]
    return tuple(dict.fromkeys(named))
