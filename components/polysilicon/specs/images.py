"""Where the images of a cluster come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from polysilicon.specs.base import Spec

SecretArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:secretsmanager:[-a-z0-9]+:\d{12}:secret:ecr-pullthroughcache/[A-Za-z0-9/_+=.@-]+$"
    ),
]
"""A secret of Secrets Manager, by its ARN; ECR takes only those whose name begins with ecr-pullthroughcache/ [botocore
ecr, CredentialArn]."""


class ImageCacheSpec(Spec):
    """Images of servers, and of what runs on their nodes, kept in ECR in the cluster's region and taken by digest: a
    deployment fetches each, and nodes wait for none.

    ECR pulls through from Amazon's public registry, Quay and Kubernetes' without a login, and from those below with
    one. From all others, such as NVIDIA's (nvcr.io), a job of the cluster copies the image, with all its platforms, and
    without a login. Secrets hold `username` and `accessToken`.
    """

    docker_hub_secret: SecretArn | None = None
    """Login to Docker Hub, by the ARN of its secret. Without it images of Docker Hub are copied, and what it gives to
    those without a login is limited."""
    github_secret: SecretArn | None = None
    """Login to ghcr.io, likewise."""
