"""A cache of images: rules, encrypted repositories, the jobs that fetch, and the names that workloads get."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from polysilicon.aws.images import EcrImageCache, EcrImageCacheArgs
from polysilicon.catalog import load_catalog
from polysilicon.kubernetes.images import from_cache
from polysilicon.specs import ImageCacheSpec
from tests.components.recording import Recording, record, unknown_keys
from tests.components.test_eks_pools import home, ref

HUB = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf"
PINNED = "sha256:" + "1" * 64
IMAGES = (
    "vllm/vllm-openai:v1",
    "public.ecr.aws/neuron/vllm:1",
    f"public.ecr.aws/neuron/vllm:2@{PINNED}",
    "nvcr.io/nvidia/k8s-device-plugin:v1",
    "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:1",
)
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"


def cache(known: bool = True, taken: dict[str, str] | None = None) -> Recording:
    """A cache with what its images are called, put into `taken`."""

    def program() -> None:
        spec = ImageCacheSpec(docker_hub_secret=HUB)
        args = EcrImageCacheArgs(spec=spec, images=IMAGES, home=home(load_catalog()), cluster=ref())
        called = pulumi.Output.all(**EcrImageCache("main", args).references)
        called.apply(lambda names: taken.update(names) if taken is not None else None)

    return record(program, known)


def job(made: Recording, word: str) -> dict[str, Any]:
    jobs = made.all("kubernetes:batch/v1:Job")
    (found,) = (each for name, each in jobs.items() if name.startswith(f"main-image-{word}-"))
    return found["spec"]["template"]["spec"]


@pytest.mark.parametrize("known", [True, False])
def test_every_input_is_one_of_the_sdk(known: bool) -> None:
    made = cache(known)
    assert len(made.all("aws:ecr/repository:Repository")) == 4
    assert [key for resource in made.resources for key in unknown_keys(resource)] == []


def test_a_rule_for_each_registry_and_a_repository_for_each_image() -> None:
    made = cache()
    rules = made.all("aws:ecr/pullThroughCacheRule:PullThroughCacheRule")
    assert set(rules) == {"main-hub", "main-ecr"}
    prefix = rules["main-hub"]["ecrRepositoryPrefix"].removesuffix("/hub")
    assert rules["main-hub"]["credentialArn"] == HUB
    assert "credentialArn" not in rules["main-ecr"]
    repositories = made.all("aws:ecr/repository:Repository")
    assert {each["name"] for each in repositories.values()} == {
        f"{prefix}/hub/vllm/vllm-openai",
        f"{prefix}/ecr/neuron/vllm",
        f"{prefix}/nvcr.io/nvidia/k8s-device-plugin",
        f"{prefix}/763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference",
    }
    for each in repositories.values():
        assert each["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": KEY}]
        assert (each["forceDelete"], each["imageScanningConfiguration"]) == (True, {"scanOnPush": True})


def test_each_image_is_fetched_once_by_a_job_of_its_own() -> None:
    made = cache()
    assert len(made.all("kubernetes:batch/v1:Job")) == 5
    pulling = job(made, "vllm-openai")["containers"]
    assert [each["name"] for each in pulling] == ["pull"]
    assert pulling[0]["command"][3:] == ["$(REPOSITORY)", "v1", ""]
    copying = job(made, "k8s-device-plugin")
    assert [each["name"] for each in copying["initContainers"]] == ["login"]
    assert copying["containers"][0]["command"][-2:] == [
        "docker://nvcr.io/nvidia/k8s-device-plugin:v1",
        "docker://$(ADDRESS):v1",
    ]


def test_a_digest_that_a_name_demands_is_compared() -> None:
    pinned = [each for each in cache().all("kubernetes:batch/v1:Job").values() if PINNED in json.dumps(each["spec"])]
    (job,) = pinned
    assert job["spec"]["template"]["spec"]["containers"][0]["command"][4:] == ["2", PINNED]


def test_jobs_may_write_into_the_repositories_of_their_cache_alone() -> None:
    (policy,) = cache().all("aws:iam/rolePolicy:RolePolicy").values()
    through, copy, login, source = json.loads(policy["policy"])["Statement"]
    assert (len(through["Resource"]), len(copy["Resource"])) == (2, 2)
    assert source["Resource"] == ["arn:aws:ecr:us-east-1:763104351884:repository/djl-inference"]
    assert not any(action.startswith("ecr:Put") for action in source["Action"])
    assert (login["Action"], login["Resource"]) == (["ecr:GetAuthorizationToken"], "*")
    assert "ecr:PutImage" in copy["Action"]
    assert "ecr:PutImage" not in through["Action"]


def test_an_image_is_called_by_the_digest_that_the_cache_has() -> None:
    names: dict[str, str] = {}
    lookups = cache(taken=names).calls
    assert names["vllm/vllm-openai:v1"] == f"123456789012.dkr.ecr.us-east-1.amazonaws.com/cached@sha256:{'0' * 64}"
    asked = [args for token, args in lookups if token == "aws:ecr/getImage:getImage"]
    assert sorted(args["imageTag"] for args in asked) == ["1", "1", "v1", "v1"]
    assert names[f"public.ecr.aws/neuron/vllm:2@{PINNED}"].endswith(f"/cached@{PINNED}")


def test_all_containers_of_a_workload_take_the_cache_s_names() -> None:
    images = {"a:1": "cache/a@sha256:1"}
    containers = [{"name": "server", "image": "a:1"}, {"name": "other", "image": "b:1"}]
    pod = {"containers": containers, "initContainers": [{"name": "fetch", "image": "a:1"}], "volumes": []}
    spec = {"replicas": 1, "template": {"metadata": {}, "spec": pod}}
    changed = from_cache(spec, images)["template"]["spec"]
    assert [each["image"] for each in changed["containers"]] == ["cache/a@sha256:1", "b:1"]
    assert [each["image"] for each in changed["initContainers"]] == ["cache/a@sha256:1"]
    assert from_cache(spec, {}) == spec
