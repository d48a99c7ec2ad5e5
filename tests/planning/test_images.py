"""Which images come through a cache, under which names, and what is said of the others."""

from __future__ import annotations

import pytest

from polysilicon.errors import SpecError
from polysilicon.planning.images import cache_prefix, plan_image_cache, require_secrets
from polysilicon.specs import ImageCacheSpec

HUB = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf"
DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("image", "place", "reference"),
    [
        ("public.ecr.aws/neuron/vllm:0.13.0", "ecr/neuron/vllm", ":0.13.0"),
        ("quay.io/ascend/vllm:v1", "quay/ascend/vllm", ":v1"),
        ("registry.k8s.io/pause:3.10", "k8s/pause", ":3.10"),
        ("vllm/vllm-openai:v0.27.1", "hub/vllm/vllm-openai", ":v0.27.1"),
        ("docker.io/vllm/vllm-openai:v0.27.1", "hub/vllm/vllm-openai", ":v0.27.1"),
        ("busybox", "hub/library/busybox", ":latest"),
        (f"public.ecr.aws/aws-cli/aws-cli:2.36.15@{DIGEST}", "ecr/aws-cli/aws-cli", f":2.36.15@{DIGEST}"),
        (f"quay.io/a/b@{DIGEST}", "quay/a/b", f"@{DIGEST}"),
    ],
)
def test_an_image_has_a_place_in_the_cache(image: str, place: str, reference: str) -> None:
    plan = plan_image_cache(ImageCacheSpec(docker_hub_secret=HUB), [image])
    (cached,) = plan.images
    assert (cached.place, cached.reference, plan.left) == (place, reference, ())
    assert len(plan.upstreams) == 1


@pytest.mark.parametrize(
    ("image", "line"),
    [
        ("nvcr.io/nvidia/tritonserver:26.07-py3", "ECR pulls nothing through from nvcr.io. Copy it to a repository"),
        ("vllm/vllm-openai:v0.27.1", "docker.io wants a login. Set images.docker_hub_secret of the cluster"),
        ("ghcr.io/huggingface/optimum-neuron-vllm:1", "ghcr.io wants a login. Set images.github_secret"),
        ("registry.example:5000/vllm:1", "ECR pulls nothing through from registry.example:5000."),
    ],
)
def test_an_image_that_cannot_be_cached_is_told(image: str, line: str) -> None:
    plan = plan_image_cache(ImageCacheSpec(), [image])
    assert (plan.images, plan.upstreams) == ((), ())
    (told,) = plan.left
    assert told.startswith(f"{image} is not cached: ")
    assert line in told


def test_an_image_in_ecr_needs_no_cache() -> None:
    plan = plan_image_cache(ImageCacheSpec(), ["763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-vllm:1"])
    assert (plan.images, plan.left) == ((), ())


def test_only_registries_that_are_used_get_a_rule() -> None:
    plan = plan_image_cache(ImageCacheSpec(docker_hub_secret=HUB), ["vllm/vllm-openai:v1", "vllm/vllm-openai:v2"])
    assert [(each.key, each.address, each.secret_arn) for each in plan.upstreams] == [
        ("hub", "registry-1.docker.io", HUB)
    ]
    assert {each.place for each in plan.images} == {"hub/vllm/vllm-openai"}


def test_a_secret_of_another_partition_is_refused() -> None:
    secret = HUB.replace("arn:aws:", "arn:aws-cn:")
    with pytest.raises(SpecError, match=r"docker_hub_secret: got arn:aws-cn:.* of partition aws-cn, but us-east-1"):
        require_secrets(ImageCacheSpec(docker_hub_secret=secret), "us-east-1", None)


def test_a_secret_elsewhere_is_refused() -> None:
    require_secrets(ImageCacheSpec(docker_hub_secret=HUB), "us-east-1", "123456789012")
    for region, account, where in (
        ("us-west-2", None, "us-west-2"),
        ("us-east-1", "210987654321", "account 210987654321 in us-east-1"),
    ):
        with pytest.raises(
            SpecError, match=rf"docker_hub_secret: got a secret of account 1\d+ in us-east-1, but .*{where}"
        ):
            require_secrets(ImageCacheSpec(docker_hub_secret=HUB), region, account)


def test_a_prefix_is_the_stack_s_own_and_leaves_room_for_a_registry() -> None:
    longest = "a" * 20
    prefixes = {cache_prefix("p", stack, longest) for stack in ("dev", "prod")}
    assert len(prefixes) == 2
    assert all(len(f"{prefix}/quay") <= 30 for prefix in prefixes)
