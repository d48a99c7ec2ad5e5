"""Which images a cache in ECR can hold, and under which names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from polysilicon.planning.arns import require_partition
from polysilicon.planning.problems import Problems, refuse
from polysilicon.specs import ImageCacheSpec

_DOCKER = "docker.io"
_UPSTREAMS = {
    "public.ecr.aws": ("ecr", "public.ecr.aws", None),
    "quay.io": ("quay", "quay.io", None),
    "registry.k8s.io": ("k8s", "registry.k8s.io", None),
    _DOCKER: ("hub", "registry-1.docker.io", "docker_hub_secret"),
    "ghcr.io": ("ghcr", "ghcr.io", "github_secret"),
}
"""By host: a word of the prefix, the address that ECR wants, and the login that it wants, if any.
docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-rule.html; botocore ecr, UpstreamRegistry."""

_IMAGE = re.compile(r"(?:(?P<host>[^/]*[.:][^/]*|localhost)/)?(?P<repository>[^:@]+)(?P<reference>[:@].+)")
_PRIVATE_ECR = re.compile(r"\d{12}\.dkr\.ecr\.[-a-z0-9]+\.amazonaws\.com(\.cn)?")


@dataclass(frozen=True)
class CachedImage:
    """An image, and what it is called in the cache."""

    image: str
    upstream: str
    """A word for the registry that it comes from."""
    repository: str
    """Its repository there."""
    reference: str
    """Tag, digest or both, with the sign before them."""

    @property
    def place(self) -> str:
        """Its repository in the cache, under the cache's own prefix."""
        return f"{self.upstream}/{self.repository}"


@dataclass(frozen=True)
class Upstream:
    """A registry that images are pulled through from."""

    key: str
    address: str
    secret_arn: str | None


@dataclass(frozen=True)
class ImageCachePlan:
    """What a cache holds, and what it cannot."""

    upstreams: tuple[Upstream, ...]
    images: tuple[CachedImage, ...]
    left: tuple[str, ...]
    """A line for each image that is pulled from where it comes: why, and what to do."""


def plan_image_cache(spec: ImageCacheSpec, images: Iterable[str]) -> ImageCachePlan:
    """The cache for these images. Those that lie in a private registry of ECR already need none."""
    cached, left, used = [], [], {}
    for image in sorted(set(images)):
        host, repository, reference = _parts(image)
        if _PRIVATE_ECR.fullmatch(host):
            continue
        key, address, login = _UPSTREAMS.get(host, ("", "", None))
        secret = getattr(spec, login) if login else None
        if not key:
            left.append(f"{image} is not cached: ECR pulls nothing through from {host}. {_MIRROR}")
        elif login and secret is None:
            left.append(f"{image} is not cached: {host} wants a login. Set images.{login} of the cluster")
        else:
            cached.append(CachedImage(image, key, repository, reference))
            used[key] = Upstream(key, address, secret)
    return ImageCachePlan(tuple(used.values()), tuple(cached), tuple(left))


_MIRROR = "Copy it to a repository of yours, and name that under polysilicon:overlay, runtimes"


def require_secrets(spec: ImageCacheSpec, region: str, account: str | None) -> None:
    """Raises `SpecError` for each secret in another region or account than the cache, where ECR does not find it.

    Source: docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-rule.html, prerequisites.
    """
    problems = Problems()
    for name in ("docker_hub_secret", "github_secret"):
        arn = getattr(spec, name)
        if arn is None:
            continue
        its_region, its_account = arn.split(":")[3:5]
        with problems.under(name):
            if its_region != region or (account and its_account != account):
                text = f"got a secret of account {its_account} in {its_region}"
                where = f"account {account} in {region}" if account else region
                raise refuse("", f"{text}, but the cache is in {where}", f"take a secret of {where}")
            require_partition("", arn, region)
    problems.raise_any()


def cache_prefix(project: str, stack: str, key: str) -> str:
    """What the names of a cache's repositories begin with: an account's registry is one for all stacks in a region.

    With a registry's word behind it, it keeps to the 30 characters that ECR takes [botocore ecr,
    PullThroughCacheRuleRepositoryPrefix].
    """
    digest = hashlib.sha256(f"{project}/{stack}/{key}".encode()).hexdigest()
    return f"{key}-{digest[:4]}"


def _parts(image: str) -> tuple[str, str, str]:
    """Host, repository and reference. An image without a host is Docker Hub's, and one without a folder is in its
    library."""
    found = _IMAGE.fullmatch(image) or _IMAGE.fullmatch(f"{image}:latest")
    if found is None:
        raise refuse("image", f"got {image!r}, which is no name of an image", "write host/repository:tag")
    host = found["host"] or _DOCKER
    repository = found["repository"]
    if host == _DOCKER and "/" not in repository:
        repository = f"library/{repository}"
    return host, repository, found["reference"]
