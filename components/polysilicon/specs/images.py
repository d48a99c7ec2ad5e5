"""Where the images of servers come from."""

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
    """Images of servers, kept in ECR in the cluster's region: the first pull of each fetches it from where it comes.

    Amazon's public registry, Quay and Kubernetes' want no login; the others do. Secrets hold `username` and
    `accessToken`. NVIDIA's registry (nvcr.io) cannot be cached in this way: images of it are pulled from there.
    """

    docker_hub_secret: SecretArn | None = None
    """Login to Docker Hub, by the ARN of its secret. Without it images of Docker Hub are pulled from there."""
    github_secret: SecretArn | None = None
    """Login to ghcr.io, likewise."""
