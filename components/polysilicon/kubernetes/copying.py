"""Containers that move compiled code between a bucket and the server's cache."""

from __future__ import annotations

from typing import Any

from polysilicon.planning.compile_cache import CompileCache

_SYNC = 'aws s3 sync "$0" "$1" --exclude "*.lock" --exclude .complete --only-show-errors'
"""Locks are of processes that have ended."""
FETCH = f"""aws s3 cp "$0/.complete" - >/dev/null 2>&1 && {_SYNC} && exit 0
rm -rf "${{1:?}}"/* "${{1:?}}"/.[!.]*
echo "no compiled code was fetched: the server compiles" >&2"""
"""Half of it would be taken for the whole: what has no mark of its end is not fetched, nor kept where it broke off."""
PUT = f"""{_SYNC} && echo | aws s3 cp - "$1/.complete" --only-show-errors"""
NO_RIGHTS = 75
"""How a pod ends that came before its rights: EX_TEMPFAIL, with which neither a shell nor the AWS CLI ends."""
WITH_RIGHTS = f"""if [ -z "$AWS_CONTAINER_CREDENTIALS_FULL_URI" ]; then
  echo "no rights yet: another pod has them" >&2
  exit {NO_RIGHTS}
fi
"""
"""Rights are given to a pod when it is made; those that were just associated may take several seconds to be effective.
Source: Amazon EKS API reference, CreatePodIdentityAssociation."""
_ASKED = {"cpu": "100m", "memory": "256Mi"}
"""Beside a server that has nearly all of a node."""
_MOST_MEMORY = "1Gi"


def fetching(compiled: CompileCache, cache_path: str, bucket: Any, needs_rights: bool = False) -> dict[str, Any]:
    """Gets what is there before the server starts. Where nothing is, or nothing can be had, the server compiles.

    Args:
        needs_rights: Fail where the pod has no rights, rather than compile what cannot be put anywhere.
    """
    script = f"{WITH_RIGHTS if needs_rights else ''}{FETCH}"
    return _container("fetch", script, compiled, cache_path, bucket, [_place(compiled), compiled.path])


def putting(compiled: CompileCache, cache_path: str, bucket: Any) -> dict[str, Any]:
    """Puts what was compiled into the bucket, and then the mark that it is all there."""
    return _container("put", PUT, compiled, cache_path, bucket, [compiled.path, _place(compiled)])


def _place(compiled: CompileCache) -> str:
    return f"s3://$(BUCKET)/{compiled.prefix}"


def _container(
    name: str, script: str, compiled: CompileCache, cache_path: str, bucket: Any, ways: list[str]
) -> dict[str, Any]:
    return {
        "name": name,
        "image": compiled.copier,
        "command": ["/bin/sh", "-c", script],
        "args": ways,
        "env": [{"name": "BUCKET", "value": bucket}, {"name": "AWS_REGION", "value": compiled.region}],
        "resources": {"requests": _ASKED, "limits": {"memory": _MOST_MEMORY}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "cache", "mountPath": cache_path}],
    }
