"""Which images a cache in ECR holds, how they come into it, and what they are called there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from polysilicon.catalog import Catalog
from polysilicon.planning.arns import require_partition
from polysilicon.planning.pool_parts import EksPoolPlan
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

_WORDS = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    r"(?:(?P<host>[A-Za-z0-9-]*[.:][A-Za-z0-9.:-]*|localhost)/)?"
    rf"(?P<repository>{_WORDS}(?:/{_WORDS})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?"
)
"""As ECR names repositories (botocore ecr, RepositoryName), and opencontainers/distribution-spec spec.md tags."""
_PRIVATE_ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[-a-z0-9]+)\.amazonaws\.com(\.cn)?")
_AWS_REGISTRIES = ("763104351884",)
"""Accounts with images for everybody: AWS's Deep Learning Containers
(aws.github.io/deep-learning-containers/reference/available_images)."""
_LONGEST_WORD = 40


@dataclass(frozen=True)
class CachedImage:
    """An image, where it comes from, and where it lies in the cache."""

    image: str
    """What it is called where it comes from."""
    host: str
    repository: str
    """Its repository there."""
    tag: str
    """Its tag in the cache: the one that it has there, or for a copy of a certain digest one made of that."""
    digest: str | None
    """The digest that its name demands."""
    upstream: str | None
    """A word for the registry that ECR pulls it through from. None: it is copied."""

    @property
    def place(self) -> str:
        """Its repository in the cache, under the cache's own prefix."""
        return f"{self.upstream or self.host.replace(':', '-')}/{self.repository}"

    @property
    def source(self) -> str:
        """Where it is copied from: by tag or by digest, since a copier takes only one."""
        return f"{self.host}/{self.repository}{f'@{self.digest}' if self.digest else f':{self.tag}'}"

    @property
    def in_ecr(self) -> bool:
        """Whether it comes from another account's registry of ECR, which wants a login to ECR."""
        return _PRIVATE_ECR.fullmatch(self.host) is not None

    @property
    def account(self) -> str:
        """The account of that registry."""
        return self.host.partition(".")[0]

    @property
    def word(self) -> str:
        """What it is, as part of a Kubernetes name."""
        return re.sub(r"[^a-z0-9]+", "-", self.repository.rsplit("/", 1)[-1])[:_LONGEST_WORD].strip("-")


@dataclass(frozen=True)
class Upstream:
    """A registry that images are pulled through from."""

    key: str
    address: str
    secret_arn: str | None


@dataclass(frozen=True)
class ImageCachePlan:
    """What a cache holds."""

    upstreams: tuple[Upstream, ...]
    images: tuple[CachedImage, ...]


def plan_image_cache(spec: ImageCacheSpec, images: Iterable[str], region: str) -> ImageCachePlan:
    """The cache for these images.

    What ECR does not pull through is copied: images of other registries, of those whose login is not given, AWS's Deep
    Learning Containers of the same region, and images that are called by their digest alone, which ECR pulls through
    only once it has them (aws/containers-roadmap issue 2837). Images of any other private registry of ECR stay where
    they are: they are somebody's own already.
    """
    cached, used = [], {}
    for image in sorted(set(images)):
        host, repository, tag, digest = _parts(image)
        own = _PRIVATE_ECR.fullmatch(host)
        if own and (own["account"] not in _AWS_REGISTRIES or own["region"] != region):
            continue
        key, address, login = _UPSTREAMS.get(host, ("", "", None))
        secret = getattr(spec, login) if login else None
        through = bool(key and tag and (secret or not login))
        if through:
            used[key] = Upstream(key, address, secret)
        pinned = f"pinned-{digest.removeprefix('sha256:')[:16]}" if digest and not through else None
        known_as = pinned or tag or "latest"
        cached.append(CachedImage(image, host, repository, known_as, digest, key if through else None))
    return ImageCachePlan(tuple(used.values()), tuple(cached))


def device_images(pools: Collection[EksPoolPlan], catalog: Catalog) -> tuple[str, ...]:
    """The images of what runs on the nodes of pools beside the servers, but for those that EKS keeps in each region."""
    wanted: set[str] = set()
    for pool in pools:
        family = catalog.silicon[pool.landing.silicon].family
        if family == "neuron":
            wanted |= {"neuron.device_plugin_image", "neuron.monitor_image"}
        elif pool.sharing is not None and pool.sharing.kind == "mig":
            wanted |= {row for row in catalog.defaults if row.startswith("nvidia.operator_")}
        else:
            wanted |= {"nvidia.device_plugin_image", "nvidia.dcgm_exporter_image"}
        if pool.landing.pod.scheduler_name:
            wanted |= {"neuron.scheduler_image", "neuron.kube_scheduler_image"}
    return tuple(sorted(catalog.default(row) for row in wanted))


def require_operator_images(catalog: Catalog) -> None:
    """Raises `SpecError` where a cache would give the chart of NVIDIA's operator the images of another version."""
    version, image = catalog.default("nvidia.gpu_operator_chart"), catalog.default("nvidia.operator_image")
    if image.partition("@")[0].rpartition(":")[2] != version:
        text = f"got chart {version} of NVIDIA's operator, and a cache would give it {image}"
        fix = "take rows nvidia.operator_*_image of the chart's version into polysilicon:overlay, defaults, as well"
        raise refuse("", text, fix)


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


def _parts(image: str) -> tuple[str, str, str | None, str | None]:
    """Host, repository, tag and digest. An image without a host is Docker Hub's, one without a folder is in its
    library, and one without tag and digest is the latest."""
    found = _IMAGE.fullmatch(image)
    if found is None:
        fix = "write host/repository:tag, or behind it @sha256:..., where polysilicon:overlay names it"
        raise refuse("", f"got the image {image!r}, which is no name of one", fix)
    host, repository = found["host"] or _DOCKER, found["repository"]
    if host == _DOCKER and "/" not in repository:
        repository = f"library/{repository}"
    return host, repository, found["tag"] or (None if found["digest"] else "latest"), found["digest"]
