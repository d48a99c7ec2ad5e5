"""A cache of images: rules, encrypted repositories, and the names that workloads get."""

from __future__ import annotations

import pytest

from polysilicon.aws.images import EcrImageCache, EcrImageCacheArgs
from polysilicon.kubernetes.images import ImageWires, from_cache
from polysilicon.specs import ImageCacheSpec
from tests.components.recording import Recording, record, unknown_keys

HUB = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf"
IMAGES = ("vllm/vllm-openai:v1", "public.ecr.aws/neuron/vllm:1", "public.ecr.aws/neuron/vllm:2")
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"


def cache(known: bool = True) -> Recording:
    spec = ImageCacheSpec(docker_hub_secret=HUB)
    return record(lambda: EcrImageCache("main", EcrImageCacheArgs(spec=spec, images=IMAGES, key_arn=KEY)), known)


@pytest.mark.parametrize("known", [True, False])
def test_every_input_is_one_of_the_sdk(known: bool) -> None:
    made = cache(known)
    assert len(made.all("aws:ecr/repository:Repository")) == 2
    assert [key for resource in made.resources for key in unknown_keys(resource)] == []


def test_a_rule_for_each_registry_and_a_repository_for_each_image() -> None:
    made = cache()
    rules = made.all("aws:ecr/pullThroughCacheRule:PullThroughCacheRule")
    prefix = rules["main-hub"]["ecrRepositoryPrefix"].removesuffix("/hub")
    assert rules["main-hub"]["credentialArn"] == HUB
    assert "credentialArn" not in rules["main-ecr"]
    repositories = made.all("aws:ecr/repository:Repository")
    assert {each["name"] for each in repositories.values()} == {
        f"{prefix}/hub/vllm/vllm-openai",
        f"{prefix}/ecr/neuron/vllm",
    }
    for each in repositories.values():
        assert each["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": KEY}]
        assert (each["forceDelete"], each["imageScanningConfiguration"]) == (True, {"scanOnPush": True})


def test_all_containers_of_a_workload_take_the_cache_s_names() -> None:
    wires = ImageWires(references={"a:1": "cache/a:1"})
    containers = [{"name": "server", "image": "a:1"}, {"name": "other", "image": "b:1"}]
    pod = {"containers": containers, "initContainers": [{"name": "fetch", "image": "a:1"}], "volumes": []}
    spec = {"replicas": 1, "template": {"metadata": {}, "spec": pod}}
    changed = from_cache(spec, wires)["template"]["spec"]
    assert [each["image"] for each in changed["containers"]] == ["cache/a:1", "b:1"]
    assert [each["image"] for each in changed["initContainers"]] == ["cache/a:1"]
    assert from_cache(spec, None) == spec
