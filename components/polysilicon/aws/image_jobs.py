"""Jobs that bring an image into a cache in ECR, before any node asks for it.

ECR pulls an image through by its tag; by its digest it gives only what it has (aws/containers-roadmap issue 2837). So
the tag is asked for once, by a job, and from then on everybody takes the digest behind it. What ECR does not pull
through is copied, with all its platforms, so that the digest stays the one that its publisher gave it. An image that
is there already is left alone, whatever its tag has become elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from polysilicon.planning.images import CachedImage

NAMESPACE, ACCOUNT = "kube-system", "image-cache"
PATIENCE_SECONDS = 1800
"""Of all tries together: chosen by this project, for images of some tens of GB."""
_TRIES = 4
"""Rights may come some seconds after the first pod, and registries fail now and then."""
_ROOTLESS = 65532
_LOGIN_PATH = "/login"

_KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""What containerd takes; without the first two ECR would give the digest of one platform."""
_LOOK = """set -eu
repository=$0 tag=$1 digest=$2
shift 2
look() {
  aws ecr describe-images --repository-name "$repository" --image-ids "imageTag=$tag" \\
    --query 'imageDetails[0].imageDigest' --output text
}
"""
"""Takes repository, tag and the digest that is demanded, if any."""
PULL = f"""{_LOOK}
if ! found=$(look 2>/dev/null); then
  found=$(aws ecr batch-get-image --repository-name "$repository" --image-ids "imageTag=$tag" \\
    --accepted-media-types {" ".join(_KINDS)} \\
    --query 'images[0].imageId.imageDigest || failures[0].failureReason' --output text)
fi
case "$found" in sha256:*) ;; *) echo "$repository:$tag cannot be had: $found" >&2; exit 1 ;; esac
if [ -n "$digest" ] && [ "$digest" != "$found" ]; then
  echo "$repository:$tag has digest $found, and $digest was asked for" >&2
  exit 1
fi
until told=$(look 2>&1); do
  case "$told" in *ImageNotFound*) sleep 10 ;; *) echo "$told" >&2; exit 1 ;; esac
done
"""
"""Asks for the image as a pull does, compares the digest, and waits until ECR lists the image, which it brings in
behind its answer. BatchGetImage is what a pull calls for the manifest (API_BatchGetImage), and what fails where the
image cannot be pulled through (botocore ecr, UnableToGetUpstreamImageException)."""
LOGIN = f"""{_LOOK}
if look >/dev/null 2>&1; then
  touch {_LOGIN_PATH}/there
  exit 0
fi
token=$(aws ecr get-authorization-token --query 'authorizationData[0].authorizationToken' --output text)
auths=
for registry in "$@"; do
  auths="$auths${{auths:+,}}\\"${{registry%%/*}}\\":{{\\"auth\\":\\"$token\\"}}"
done
echo "{{\\"auths\\":{{$auths}}}}" >{_LOGIN_PATH}/auth.json
"""
"""Leaves a login to registries of ECR, good for twelve hours, where the copier finds it; or says that there is nothing
to copy."""
COPY = f"""[ -e {_LOGIN_PATH}/there ] || exec "$0" "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Images of the jobs' own containers. They come from where they are published."""

    cli: str
    """The AWS CLI."""
    copier: str
    """Skopeo."""


def job_name(image: CachedImage, region: str, tools: Tools) -> str:
    """Name of the job that brings an image. What it runs is part of it: another job comes beside the old one, which
    goes last. One that is replaced would take all workloads with it that have their image's name from it."""
    run = json.dumps([image.image, job_spec(image, "", "", region, tools)])
    return f"image-{image.word}-{hashlib.sha256(run.encode()).hexdigest()[:8]}"


def job_spec(image: CachedImage, name: Any, url: Any, region: str, tools: Tools) -> dict[str, Any]:
    """Spec of the job that brings an image; the nodes that it runs on are any that take pods.

    Args:
        name: Name of the image's repository in the cache.
        url: Its address.
    """
    env = [
        {"name": "REPOSITORY", "value": name},
        {"name": "ADDRESS", "value": url},
        {"name": "AWS_REGION", "value": region},
    ]
    work = _pulling(image, env, tools) if image.upstream else _copying(image, env, tools)
    pod = {
        "restartPolicy": "Never",
        "serviceAccountName": ACCOUNT,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _ROOTLESS,
            "fsGroup": _ROOTLESS,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "login", "emptyDir": {"medium": "Memory"}}],
        **work,
    }
    return {
        "backoffLimit": _TRIES - 1,
        "activeDeadlineSeconds": PATIENCE_SECONDS,
        "template": {"metadata": {"labels": {"app.kubernetes.io/name": ACCOUNT}}, "spec": pod},
    }


def _pulling(image: CachedImage, env: list[dict[str, Any]], tools: Tools) -> dict[str, Any]:
    return {"containers": [_container("pull", tools.cli, [*_shell(PULL), *_asked(image)], env)]}


def _copying(image: CachedImage, env: list[dict[str, Any]], tools: Tools) -> dict[str, Any]:
    registries = ["$(ADDRESS)", *([image.host] if image.in_ecr else [])]
    login = [*_shell(LOGIN), *_asked(image), *registries]
    return {
        "initContainers": [_container("login", tools.cli, login, env)],
        "containers": [_container("copy", tools.copier, [*_shell(COPY), *copying(image)], env)],
    }


def _shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def _asked(image: CachedImage) -> list[str]:
    return ["$(REPOSITORY)", image.tag, image.digest or ""]


def copying(image: CachedImage) -> list[str]:
    """The command that copies an image with all its platforms, or fails."""
    login = f"authfile={_LOGIN_PATH}/auth.json"
    return [
        "skopeo",
        "--tmpdir=/tmp",
        "copy",
        "--all",
        "--preserve-digests",
        "--retry-times=3",
        f"--src-{login}" if image.in_ecr else "--src-no-creds",
        f"--dest-{login}",
        f"docker://{image.source}",
        f"docker://$(ADDRESS):{image.tag}",
    ]


def _container(name: str, image: str, command: list[str], env: list[dict[str, Any]]) -> dict[str, Any]:
    home: Mapping[str, str] = {"name": "HOME", "value": "/tmp"}
    return {
        "name": name,
        "image": image,
        "command": command,
        "env": [*env, home],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # A failed job tells what its last lines were.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "login", "mountPath": _LOGIN_PATH},
        ],
    }
