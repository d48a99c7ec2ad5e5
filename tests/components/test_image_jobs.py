"""What the jobs of a cache run: the scripts with a stand-in for the AWS CLI, whose answers are those of ECR."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from polysilicon.aws.image_jobs import LOGIN, PULL, Tools, copying, job_spec
from polysilicon.planning.images import CachedImage, plan_image_cache
from polysilicon.specs import ImageCacheSpec

DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
AWS = """#!/bin/sh
echo "$2" >> "$CALLS"
case "$2" in
  batch-get-image) echo "$ANSWER" ;;
  describe-images) [ "$(grep -c describe-images "$CALLS")" -ge "$LISTED" ] ;;
  get-authorization-token) echo QVdTOnNlY3JldA== ;;
esac
"""
TOOLS = Tools(cli="cli", copier="copier")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the stand-in, and with a `sleep` that does not."""
    for name, text in {"aws": AWS, "sleep": "#!/bin/sh\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(folder: Path, script: str, *words: str, answer: str = DIGEST, listed: int = 1) -> tuple[int, str, list[str]]:
    """Exit code, what was said, and the calls of the CLI."""
    calls = folder / "calls"
    calls.write_text("")
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(calls), "ANSWER": answer, "LISTED": str(listed)}
    done = subprocess.run(["/bin/sh", "-c", script, *words], env=env, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stderr, calls.read_text().split()


def test_pulling_waits_until_ecr_lists_the_image(folder: Path) -> None:
    code, _, calls = run(folder, PULL, "cache/vllm", "v1", "", listed=3)
    assert (code, calls) == (0, ["batch-get-image", *["describe-images"] * 3])


def test_an_image_that_is_never_listed_fails(folder: Path) -> None:
    code, _, calls = run(folder, PULL, "cache/vllm", "v1", "", listed=99)
    assert code != 0
    assert calls.count("describe-images") == 13


@pytest.mark.parametrize(
    ("answer", "demanded", "said"),
    [
        ("Requested image not found", "", "cache/vllm:v1 cannot be had: Requested image not found"),
        (OTHER, DIGEST, f"cache/vllm:v1 has digest {OTHER}, and {DIGEST} was asked for"),
    ],
)
def test_what_is_not_there_or_is_another_image_is_told(folder: Path, answer: str, demanded: str, said: str) -> None:
    code, told, calls = run(folder, PULL, "cache/vllm", "v1", demanded, answer=answer)
    assert (code, told.strip(), calls) == (1, said, ["batch-get-image"])


def test_the_digest_that_is_demanded_is_taken(folder: Path) -> None:
    assert run(folder, PULL, "cache/vllm", "v1", DIGEST)[0] == 0


def test_the_copier_finds_a_login_to_the_registry_alone(folder: Path) -> None:
    script = LOGIN.replace("/login", str(folder))
    assert run(folder, script, "123456789012.dkr.ecr.us-east-1.amazonaws.com/cache/vllm")[0] == 0
    login = json.loads((folder / "auth.json").read_text())
    assert login == {"auths": {"123456789012.dkr.ecr.us-east-1.amazonaws.com": {"auth": "QVdTOnNlY3JldA=="}}}


def test_jobs_end_in_time_and_have_no_rights_on_their_node() -> None:
    for name in ("public.ecr.aws/a/b:1", "nvcr.io/a/b:1"):
        spec = job_spec(image(name), "cache/b", "registry/cache/b", "us-east-1", TOOLS)
        pod = spec["template"]["spec"]
        assert spec["activeDeadlineSeconds"] > 0
        assert pod["restartPolicy"] == "Never"
        assert pod["securityContext"]["runAsNonRoot"] is True
        mounted = {each["name"] for each in pod["volumes"]}
        for container in (*pod.get("initContainers", []), *pod["containers"]):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert {each["name"] for each in container["volumeMounts"]} <= mounted


def test_a_copy_keeps_its_platforms_and_its_digest() -> None:
    assert {"--all", "--preserve-digests"} <= set(copying(image("nvcr.io/a/b:1")))


def image(name: str) -> CachedImage:
    (found,) = plan_image_cache(ImageCacheSpec(), [name]).images
    return found
