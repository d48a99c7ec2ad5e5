"""Which images a cache holds, under which names, and how they come into it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from polysilicon.catalog import Catalog, Overlay
from polysilicon.errors import SpecError
from polysilicon.planning.fleet import plan_fleet
from polysilicon.planning.images import ImageCachePlan, cache_prefix, plan_image_cache, require_secrets
from polysilicon.specs import FleetSpec, ImageCacheSpec

HUB = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf"
DIGEST = "sha256:" + "0" * 64


def planned(images: list[str], **secrets: str) -> ImageCachePlan:
    return plan_image_cache(ImageCacheSpec(**secrets), images, "us-east-1")


@pytest.mark.parametrize(
    ("image", "place", "tag", "digest"),
    [
        ("public.ecr.aws/neuron/vllm:0.13.0", "ecr/neuron/vllm", "0.13.0", None),
        ("quay.io/ascend/vllm:v1", "quay/ascend/vllm", "v1", None),
        ("registry.k8s.io/pause:3.10", "k8s/pause", "3.10", None),
        ("vllm/vllm-openai:v0.27.1", "hub/vllm/vllm-openai", "v0.27.1", None),
        ("docker.io/vllm/vllm-openai:v0.27.1", "hub/vllm/vllm-openai", "v0.27.1", None),
        ("busybox", "hub/library/busybox", "latest", None),
        (f"public.ecr.aws/aws-cli/aws-cli:2.36.15@{DIGEST}", "ecr/aws-cli/aws-cli", "2.36.15", DIGEST),
    ],
)
def test_an_image_has_a_place_in_the_cache(image: str, place: str, tag: str, digest: str | None) -> None:
    plan = planned([image], docker_hub_secret=HUB)
    (cached,) = plan.images
    assert (cached.place, cached.tag, cached.digest) == (place, tag, digest)
    assert [each.key for each in plan.upstreams] == [cached.upstream]


@pytest.mark.parametrize(
    ("image", "place", "source"),
    [
        (
            "nvcr.io/nvidia/tritonserver:26.07-py3",
            "nvcr.io/nvidia/tritonserver",
            "nvcr.io/nvidia/tritonserver:26.07-py3",
        ),
        ("vllm/vllm-openai:v0.27.1", "docker.io/vllm/vllm-openai", "docker.io/vllm/vllm-openai:v0.27.1"),
        ("ghcr.io/huggingface/vllm:1", "ghcr.io/huggingface/vllm", "ghcr.io/huggingface/vllm:1"),
        ("registry.example:5000/vllm:1", "registry.example-5000/vllm", "registry.example:5000/vllm:1"),
        (f"nvcr.io/nvidia/a:1@{DIGEST}", "nvcr.io/nvidia/a", f"nvcr.io/nvidia/a@{DIGEST}"),
        (f"quay.io/a/b@{DIGEST}", "quay.io/a/b", f"quay.io/a/b@{DIGEST}"),
    ],
)
def test_what_ecr_does_not_pull_through_is_copied(image: str, place: str, source: str) -> None:
    plan = planned([image])
    (cached,) = plan.images
    assert (cached.upstream, plan.upstreams) == (None, ())
    assert (cached.place, cached.source) == (place, source)


def test_an_image_that_is_called_by_its_digest_alone_gets_a_tag_of_it() -> None:
    (cached,) = planned([f"quay.io/a/b@{DIGEST}"]).images
    assert cached.tag == "pinned-0000000000000000"


def test_what_an_image_is_goes_into_names_of_kubernetes() -> None:
    (cached,) = planned([f"nvcr.io/nvidia/{'a_b.c' * 30}:1"]).images
    assert re.fullmatch(r"[a-z]([-a-z0-9]{0,40}[a-z0-9])?", cached.word)


def test_aws_own_containers_are_copied_within_their_region_and_other_registries_of_ecr_left_alone() -> None:
    aws, mine = "763104351884.dkr.ecr.us-east-1.amazonaws.com", "111122223333.dkr.ecr.us-east-1.amazonaws.com"
    elsewhere = aws.replace("us-east-1", "us-west-2")
    plan = plan_image_cache(ImageCacheSpec(), [f"{aws}/vllm:1", f"{mine}/vllm:1", f"{elsewhere}/vllm:1"], "us-east-1")
    (copied,) = plan.images
    assert (copied.image, copied.in_ecr, copied.account) == (f"{aws}/vllm:1", True, "763104351884")
    assert (copied.upstream, copied.place, copied.source) == (None, f"{aws}/vllm", f"{aws}/vllm:1")


def test_copies_of_two_digests_of_a_tag_lie_beside_each_other() -> None:
    other = "sha256:" + "1" * 64
    images = planned(["nvcr.io/a:1", f"nvcr.io/a:1@{DIGEST}", f"nvcr.io/a:1@{other}"]).images
    assert len({each.tag for each in images}) == 3


def test_only_registries_that_are_used_get_a_rule() -> None:
    plan = planned(["vllm/vllm-openai:v1", "vllm/vllm-openai:v2"], docker_hub_secret=HUB)
    assert [(each.key, each.address, each.secret_arn) for each in plan.upstreams] == [
        ("hub", "registry-1.docker.io", HUB)
    ]
    assert {each.place for each in plan.images} == {"hub/vllm/vllm-openai"}


def test_a_secret_of_another_partition_is_refused() -> None:
    secret = HUB.replace("arn:aws:", "arn:aws-cn:")
    with pytest.raises(SpecError, match=r"docker_hub_secret: got arn:aws-cn:.* of partition aws-cn, but us-east-1"):
        require_secrets(ImageCacheSpec(docker_hub_secret=secret), "us-east-1", None)


def test_what_a_cache_cannot_hold_is_refused_before_anything_is_made(mixed: dict[str, Any], catalog: Catalog) -> None:
    def given(row: str, value: str) -> Catalog:
        rows = {row: {"value": value, "source": "made up", "as_of": "2026-11-25"}}
        return catalog.overlaid(Overlay.parse({"defaults": rows}, ""))

    mixed["clusters"]["aws"]["images"] = {}
    message = (
        r"clusters.aws.images: got the image 'nvcr.io/a b', which is no name of one\n  fix: write host/repository:tag"
    )
    with pytest.raises(SpecError, match=message):
        plan_fleet(FleetSpec.parse(mixed), given("neuron.monitor_image", "nvcr.io/a b"))

    sharing = {"kind": "mig", "profile": "all-1g.10gb"}
    bounds = {"capacity": [{"kind": "on_demand", "min": 1, "max": 1}], "zones": ["use1-az6"]}
    mixed["pools"]["cut"] = {
        "kind": "eks_gpu",
        "cluster": "aws",
        "machine": "p5.48xlarge",
        "sharing": sharing,
        **bounds,
    }
    plan_fleet(FleetSpec.parse(mixed), catalog)
    with pytest.raises(SpecError, match=r"clusters.aws.images: got chart v99.1.0 of NVIDIA's operator"):
        plan_fleet(FleetSpec.parse(mixed), given("nvidia.gpu_operator_chart", "v99.1.0"))


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
