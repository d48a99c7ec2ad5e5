"""A cache of images in ECR."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from polysilicon.aws.cluster import EksHome
from polysilicon.aws.image_jobs import ACCOUNT, NAMESPACE, PATIENCE_SECONDS, Tools, job_name, job_spec
from polysilicon.aws.pod_identity import pod_role
from polysilicon.aws.policies import image_cache
from polysilicon.aws.tags import named
from polysilicon.catalog import Catalog, load_catalog
from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.kubernetes.images import Images
from polysilicon.planning.images import CachedImage, ImageCachePlan, cache_prefix, plan_image_cache
from polysilicon.planning.names import require_key
from polysilicon.planning.order import Order
from polysilicon.resources import After, child, lookup, record
from polysilicon.specs import ImageCacheSpec

_TO_BE_TOLD_SECONDS = 60
"""Between the end of a job's time and Pulumi's: it is Kubernetes that says what failed."""


@dataclass(frozen=True, kw_only=True)
class EcrImageCacheArgs:
    """What an `EcrImageCache` is made of.

    Attributes:
        spec: Logins of registries that want one.
        images: The images to cache, as they are called where they come from.
        home: The EKS cluster on whose nodes images are fetched; its key encrypts them.
        cluster: The same cluster, for its jobs.
        tags: Tags of every resource that can be tagged.
        catalog: The tools of the jobs. By default those of the shipped one.
    """

    spec: ImageCacheSpec
    images: Sequence[str]
    home: EksHome
    cluster: ClusterRef
    tags: Mapping[str, str] = field(default_factory=dict)
    catalog: Catalog | None = None


class EcrImageCache(pulumi.ComponentResource):
    """A repository for each image, and a job that brings it there: through a rule of ECR where there is one for its
    registry, and as a copy of all its platforms from any other, such as nvcr.io and AWS's Deep Learning Containers.
    Images that want a login, and whose registry has no rule, cannot be had.

    The digest behind each tag is looked up when its job has ended, and nodes get the digest: all of them run the same
    image, and what its publisher puts behind the tag later comes only with another name in the catalog. Repositories
    are made beforehand: so they are encrypted and tagged, nobody needs a right to make any, and no other image comes
    in. They go with the cache. An image that somebody has deleted comes back once its job is deleted too
    (`kubectl -n kube-system delete job -l app.kubernetes.io/name=image-cache`, then `pulumi up --refresh`).

    Source: docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html.
    """

    references: Images
    """What each image is called in the cache. Whoever takes the name waits for the image."""

    def __init__(self, name: str, args: EcrImageCacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        require_key(name)
        plan = plan_image_cache(args.spec, args.images, args.home.plan.region)
        told = {
            "pulledThrough": [each.image for each in plan.images if each.upstream],
            "copied": [each.image for each in plan.images if not each.upstream],
        }
        super().__init__("polysilicon:index:EcrImageCache", name, record(args.spec, **told), opts)
        self._name, self._args = name, args
        self._catalog = args.catalog or load_catalog()
        self._prefix = cache_prefix(pulumi.get_project(), pulumi.get_stack(), name)

        rules = self._rules(plan)
        repositories = {place: self._repository(place) for place in sorted({each.place for each in plan.images})}
        rights = self._rights(plan, repositories) if plan.images else []
        first: After = {
            Order.OBJECTS_AFTER_ACCESS: args.cluster.ready,
            Order.PODS_AFTER_RIGHTS: rights,
            Order.PODS_AFTER_IMAGES: rules,
        }
        self.references = {each.image: self._brought(each, repositories[each.place], first) for each in plan.images}
        self.register_outputs({"references": self.references})

    def _rules(self, plan: ImageCachePlan) -> list[pulumi.Resource]:
        return [
            aws.ecr.PullThroughCacheRule(
                f"{self._name}-{upstream.key}",
                ecr_repository_prefix=f"{self._prefix}/{upstream.key}",
                upstream_registry_url=upstream.address,
                credential_arn=upstream.secret_arn,
                opts=child(self),
            )
            for upstream in plan.upstreams
        ]

    def _repository(self, place: str) -> aws.ecr.Repository:
        name = f"{self._name}-{place.replace('/', '-')}"
        return aws.ecr.Repository(
            name,
            name=f"{self._prefix}/{place}",
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": self._args.home.disk_key_arn}],
            image_scanning_configuration={"scan_on_push": True},
            force_delete=True,  # what is in it can be had again
            tags=named(self._args.tags, name),
            opts=child(self, delete_before_replace=True),  # two repositories cannot have one name
        )

    def _rights(self, plan: ImageCachePlan, repositories: Mapping[str, aws.ecr.Repository]) -> list[pulumi.Resource]:
        """What the jobs may do, and who they are."""
        through = sorted({each.place for each in plan.images if each.upstream})
        copied = sorted({each.place for each in plan.images if not each.upstream})
        elsewhere = sorted({(each.account, each.repository) for each in plan.images if each.in_ecr})

        def policy(arn: Mapping[str, str]) -> str:
            partition, region = next(iter(arn.values())).split(":")[1:4:2]
            read = [f"arn:{partition}:ecr:{region}:{account}:repository/{name}" for account, name in elsewhere]
            return json.dumps(image_cache([arn[each] for each in through], [arn[each] for each in copied], read))

        arns = pulumi.Output.all(**{place: repository.arn for place, repository in repositories.items()})
        name, home = f"{self._name}-images", self._args.home
        _, rights = pod_role(self, name, home.cluster_name, NAMESPACE, ACCOUNT, arns.apply(policy), self._args.tags)
        account = k8s.core.v1.ServiceAccount(
            name,
            metadata={"name": ACCOUNT, "namespace": NAMESPACE},
            automount_service_account_token=False,
            opts=child(
                self, {Order.OBJECTS_AFTER_ACCESS: self._args.cluster.ready}, provider=self._args.cluster.provider
            ),
        )
        return [*rights, account]

    def _brought(self, image: CachedImage, repository: aws.ecr.Repository, after: After) -> pulumi.Output[str]:
        """The image's name in the cache, known when a job has brought it there."""
        tools = Tools(cli=self._catalog.default("aws.cli_image"), copier=self._catalog.default("oci.copier_image"))
        url, region = repository.repository_url, self._args.home.plan.region
        called = job_name(image, region, tools)
        allowed = f"{PATIENCE_SECONDS + _TO_BE_TOLD_SECONDS}s"
        job = k8s.batch.v1.Job(
            f"{self._name}-{called}",
            metadata={
                "name": called,
                "namespace": NAMESPACE,
                # One that has failed is made anew.
                "annotations": {"pulumi.com/replaceUnready": "true"},
            },
            spec=job_spec(image, repository.name, url, region, tools),
            opts=child(
                self,
                after,
                provider=self._args.cluster.provider,
                custom_timeouts=pulumi.CustomTimeouts(create=allowed, update=allowed),
            ),
        )
        if image.digest:  # the job has compared it
            return pulumi.Output.all(url, job.id).apply(lambda known: f"{known[0]}@{image.digest}")
        found = aws.ecr.get_image_output(
            repository_name=repository.name,
            image_tag=image.tag,
            opts=lookup(self, {Order.DIGESTS_AFTER_IMAGES: [job]}),
        )
        return pulumi.Output.concat(url, "@", found.image_digest)
