"""Jobs that bring an image into a cache in ECR, before any node asks for it.

ECR pulls an image through by its tag; by its digest it gives only what it has (aws/containers-roadmap issue 2837). So
the tag is asked for once, by a job, and from then on everybody takes the digest behind it. What ECR does not pull
through is copied, with all its platforms, so that the digest stays the one that its publisher gave it.
"""

from __future__ import annotations

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
PULL = f"""set -eu
digest=$(aws ecr batch-get-image --repository-name "$0" --image-ids "imageTag=$1" \\
  --accepted-media-types {" ".join(_KINDS)} \\
  --query 'images[0].imageId.imageDigest || failures[0].failureReason' --output text)
case "$digest" in sha256:*) ;; *) echo "$0:$1 cannot be had: $digest" >&2; exit 1 ;; esac
if [ -n "$2" ] && [ "$2" != "$digest" ]; then
  echo "$0:$1 has digest $digest, and $2 was asked for" >&2
  exit 1
fi
for try in 1 2 3 4 5 6 7 8 9 10 11 12; do
  aws ecr describe-images --repository-name "$0" --image-ids "imageTag=$1" >/dev/null 2>&1 && exit 0
  sleep 10
done
exec aws ecr describe-images --repository-name "$0" --image-ids "imageTag=$1"
"""
"""Asks for repository and tag, compares the digest with the one that is demanded, if any, and waits until ECR lists the
image, which it brings in behind its answer."""
LOGIN = f"""set -eu
token=$(aws ecr get-authorization-token --query 'authorizationData[0].authorizationToken' --output text)
printf '{{"auths":{{"%s":{{"auth":"%s"}}}}}}' "${{0%%/*}}" "$token" >{_LOGIN_PATH}/auth.json
"""
"""Leaves a login to the registry of a repository, good for twelve hours, where the copier finds it."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Images of the jobs' own containers. They come from where they are published."""

    cli: str
    """The AWS CLI."""
    copier: str
    """Skopeo."""


def job_name(image: CachedImage) -> str:
    """Name of the job that brings an image."""
    return f"image-{image.key}"


def job_spec(image: CachedImage, name: Any, url: Any, region: str, tools: Tools) -> dict[str, Any]:
    """Spec of the job that brings an image; the nodes that it runs on are any that take pods.

    Args:
        name: Name of the image's repository in the cache.
        url: Its address.
    """
    env = [{"name": "REPOSITORY", "value": name if image.upstream else url}, {"name": "AWS_REGION", "value": region}]
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
    labels = {"app.kubernetes.io/name": ACCOUNT, "app.kubernetes.io/instance": job_name(image)}
    return {
        "backoffLimit": _TRIES - 1,
        "activeDeadlineSeconds": PATIENCE_SECONDS,
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }


def _pulling(image: CachedImage, env: list[dict[str, Any]], tools: Tools) -> dict[str, Any]:
    script = ["/bin/sh", "-c", PULL, "$(REPOSITORY)", image.tag, image.digest or ""]
    return {"containers": [_container("pull", tools.cli, script, env)]}


def _copying(image: CachedImage, env: list[dict[str, Any]], tools: Tools) -> dict[str, Any]:
    login = ["/bin/sh", "-c", LOGIN, "$(REPOSITORY)"]
    return {
        "initContainers": [_container("login", tools.cli, login, env)],
        "containers": [_container("copy", tools.copier, copying(image), env)],
    }


def copying(image: CachedImage) -> list[str]:
    """The command that copies an image with all its platforms, or fails."""
    return [
        "skopeo",
        "--tmpdir=/tmp",
        "copy",
        "--all",
        "--preserve-digests",
        "--retry-times=3",
        "--src-no-creds",
        f"--dest-authfile={_LOGIN_PATH}/auth.json",
        f"docker://{image.source}",
        f"docker://$(REPOSITORY):{image.tag}",
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
