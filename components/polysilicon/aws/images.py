"""A cache of images in ECR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from polysilicon.aws.tags import named
from polysilicon.planning.images import CachedImage, cache_prefix, plan_image_cache
from polysilicon.planning.names import require_key
from polysilicon.resources import child, record
from polysilicon.specs import ImageCacheSpec


@dataclass(frozen=True, kw_only=True)
class EcrImageCacheArgs:
    """What an `EcrImageCache` is made of.

    Attributes:
        spec: Logins of registries that want one.
        images: The images to cache, as they are called where they come from.
        key_arn: KMS key that encrypts them. By default ECR's own key of the account does.
        tags: Tags of every resource that can be tagged.
    """

    spec: ImageCacheSpec
    images: Sequence[str]
    key_arn: pulumi.Input[str] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


class EcrImageCache(pulumi.ComponentResource):
    """A rule for each registry that images come from, and a repository for each image, which go with the cache.

    The repositories are made beforehand: so they are encrypted and tagged, nodes need no right to make any, and no
    other image comes in. Nodes need `ecr:BatchImportUpstreamImage` beside the rights to pull, which
    AmazonEC2ContainerRegistryPullOnly has. Images keep the reference that the catalog has: ECR knows the digest behind
    a tag only after the first pull.

    Sources: docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html; aws/karpenter-provider-aws
    issue 7956 for the policy.
    """

    references: Mapping[str, pulumi.Output[str]]
    """What each image is called in the cache; images that cannot be cached are not in it."""
    ready: Sequence[pulumi.Resource]
    """What must be there before the first pull."""

    def __init__(self, name: str, args: EcrImageCacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        require_key(name)
        plan = plan_image_cache(args.spec, args.images)
        told = {"images": [each.image for each in plan.images], "left": list(plan.left)}
        super().__init__("polysilicon:index:EcrImageCache", name, record(args.spec, **told), opts)
        self._name, self._args = name, args
        self._prefix = cache_prefix(pulumi.get_project(), pulumi.get_stack(), name)
        for line in plan.left:
            pulumi.log.warn(line, self)

        rules = [
            aws.ecr.PullThroughCacheRule(
                f"{name}-{upstream.key}",
                ecr_repository_prefix=f"{self._prefix}/{upstream.key}",
                upstream_registry_url=upstream.address,
                credential_arn=upstream.secret_arn,
                opts=child(self),
            )
            for upstream in plan.upstreams
        ]
        repositories = {place: self._repository(place) for place in sorted({each.place for each in plan.images})}
        self.references = {each.image: _reference(repositories[each.place], each) for each in plan.images}
        self.ready = [*rules, *repositories.values()]
        self.register_outputs({"references": self.references})

    def _repository(self, place: str) -> aws.ecr.Repository:
        name, key_arn = f"{self._name}-{place.replace('/', '-')}", self._args.key_arn
        return aws.ecr.Repository(
            name,
            name=f"{self._prefix}/{place}",
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": key_arn}],
            image_scanning_configuration={"scan_on_push": True},
            force_delete=True,  # what is in it can be had again
            tags=named(self._args.tags, name),
            opts=child(self, delete_before_replace=True),  # two repositories cannot have one name
        )


def _reference(repository: aws.ecr.Repository, image: CachedImage) -> pulumi.Output[str]:
    return pulumi.Output.concat(repository.repository_url, image.reference)
