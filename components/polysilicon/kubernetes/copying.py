"""Containers that move compiled code between a bucket and the server's cache."""

from __future__ import annotations

from typing import Any

from polysilicon.planning.compile_cache import CompileCache

_SYNC = 'aws s3 sync "$0" "$1" --exclude "*.lock" --only-show-errors'
"""Locks are of processes that have ended."""
_ASKED = {"cpu": "1", "memory": "1Gi"}


def fetching(compiled: CompileCache, cache_path: str, bucket: Any) -> dict[str, Any]:
    """Gets what is there before the server starts. Where nothing is, or nothing can be had, the server compiles."""
    script = f'{_SYNC} || echo "no compiled code was fetched: the server compiles" >&2'
    return _container("fetch", script, compiled, cache_path, bucket, [_place(compiled), compiled.path])


def putting(compiled: CompileCache, cache_path: str, bucket: Any) -> dict[str, Any]:
    """Puts what was compiled into the bucket."""
    return _container("put", _SYNC, compiled, cache_path, bucket, [compiled.path, _place(compiled)])


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
        "resources": {"requests": _ASKED, "limits": {"memory": _ASKED["memory"]}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "cache", "mountPath": cache_path}],
    }
