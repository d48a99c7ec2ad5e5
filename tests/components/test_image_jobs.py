"""What the jobs of a cache run: the scripts with a stand-in for the AWS CLI, whose answers are those of ECR."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from polysilicon.aws.image_jobs import COPY, LOGIN, PULL, Tools, copying, job_name, job_spec
from polysilicon.planning.images import CachedImage, plan_image_cache
from polysilicon.specs import ImageCacheSpec

DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
AWS = """#!/bin/sh
echo "$2" >> "$CALLS"
case "$2" in
  batch-get-image) echo "$ANSWER" ;;
  describe-images)
    if [ "$(grep -c describe-images "$CALLS")" -ge "$LISTED" ]; then echo "$ANSWER"; exit 0; fi
    echo "An error occurred ($ERROR) when calling the DescribeImages operation" >&2
    exit 254 ;;
  get-authorization-token) echo QVdTOnNlY3JldA== ;;
esac
"""
TOOLS = Tools(cli="cli", copier="copier")
REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
AWS_REGISTRY = "763104351884.dkr.ecr.us-east-1.amazonaws.com"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the stand-in, and with a `sleep` that does not."""
    for name, text in {"aws": AWS, "sleep": "#!/bin/sh\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(
    folder: Path,
    script: str,
    *words: str,
    answer: str = DIGEST,
    listed: int = 2,
    error: str = "ImageNotFoundException",
) -> tuple[int, str, list[str]]:
    """Exit code, what was said, and the calls of the CLI.

    Args:
        answer: The digest, or why there is none.
        listed: From which question on ECR lists the image.
        error: What it says until then.
    """
    calls = folder / "calls"
    calls.write_text("")
    told = {"ANSWER": answer, "LISTED": str(listed), "ERROR": error}
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(calls), **told}
    script = script.replace("/login", str(folder))
    done = subprocess.run(["/bin/sh", "-c", script, *words], env=env, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stderr, calls.read_text().split()


def test_pulling_waits_until_ecr_lists_the_image(folder: Path) -> None:
    code, _, calls = run(folder, PULL, "cache/vllm", "v1", "", listed=30)
    assert (code, calls) == (0, ["describe-images", "batch-get-image", *["describe-images"] * 29])


def test_an_image_that_is_there_is_not_asked_for_again(folder: Path) -> None:
    code, _, calls = run(folder, PULL, "cache/vllm", "v1", "", listed=1)
    assert (code, "batch-get-image" in calls) == (0, False)
    assert run(folder, LOGIN, "cache/vllm", "v1", "", f"{REGISTRY}/cache/vllm", listed=1)[0] == 0
    assert not (folder / "auth.json").exists()
    assert run(folder, COPY, "false")[0] == 0


def test_without_rights_nobody_waits(folder: Path) -> None:
    code, told, calls = run(folder, PULL, "cache/vllm", "v1", "", listed=99, error="AccessDeniedException")
    assert (code, len(calls)) == (1, 3)
    assert "AccessDeniedException" in told


@pytest.mark.parametrize(
    ("answer", "demanded", "said"),
    [
        ("Requested image not found", "", "cache/vllm:v1 cannot be had: Requested image not found"),
        (OTHER, DIGEST, f"cache/vllm:v1 has digest {OTHER}, and {DIGEST} was asked for"),
    ],
)
def test_what_is_not_there_or_is_another_image_is_told(folder: Path, answer: str, demanded: str, said: str) -> None:
    code, told, calls = run(folder, PULL, "cache/vllm", "v1", demanded, answer=answer)
    assert (code, told.strip(), calls) == (1, said, ["describe-images", "batch-get-image"])


def test_the_digest_that_is_demanded_is_taken(folder: Path) -> None:
    assert run(folder, PULL, "cache/vllm", "v1", DIGEST)[0] == 0


def test_the_copier_finds_a_login_to_registries_of_ecr_alone(folder: Path) -> None:
    code, told, _ = run(folder, LOGIN, "cache/vllm", "v1", "", f"{REGISTRY}/cache/vllm", AWS_REGISTRY)
    assert code == 0, told
    login = json.loads((folder / "auth.json").read_text())
    assert login == {"auths": {each: {"auth": "QVdTOnNlY3JldA=="} for each in (REGISTRY, AWS_REGISTRY)}}
    assert run(folder, COPY, "sh", "-c", "exit 7")[0] == 7


def test_what_comes_from_ecr_is_read_with_a_login_and_anything_else_without_one() -> None:
    assert any(word.startswith("--src-authfile=") for word in copying(image(f"{AWS_REGISTRY}/vllm:1")))
    assert "--src-no-creds" in copying(image("nvcr.io/a/b:1"))


def test_another_tool_is_another_job() -> None:
    pulled = image("public.ecr.aws/a/b:1")
    names = {job_name(pulled, "us-east-1", tools) for tools in (TOOLS, Tools(cli="other", copier="copier"))}
    names.add(job_name(image("public.ecr.aws/a/b:2"), "us-east-1", TOOLS))
    assert len(names) == 3
    assert all(re.fullmatch(r"image-b-[0-9a-f]{8}", name) for name in names)


def test_jobs_end_in_time_and_have_no_rights_on_their_node() -> None:
    for name in ("public.ecr.aws/a/b:1", "nvcr.io/a/b:1", f"{AWS_REGISTRY}/b:1"):
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
    (found,) = plan_image_cache(ImageCacheSpec(), [name], "us-east-1").images
    return found
