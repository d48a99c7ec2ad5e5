"""What is refused of a store of weights before anything is created."""

from __future__ import annotations

from polysilicon.planning.names import require_key
from polysilicon.planning.problems import refuse
from polysilicon.specs.storage import ExistingBucket, NewBucket


def require_store(key: str, spec: NewBucket | ExistingBucket, region: str) -> None:
    """Raises `SpecError` unless `key` can be a name and the bucket lies in `region`, the cluster's."""
    require_key(key)
    if spec.region != region:
        text = f"got {spec.region}, but the cluster that reads the weights is in {region}"
        fix = (
            f"write {region}"
            if isinstance(spec, NewBucket)
            else f"take a bucket in {region}, or copy the weights to one"
        )
        raise refuse("region", text, fix)


def require_prefix(prefix: str) -> None:
    """Raises `SpecError` unless `prefix` names objects as a policy can: no slash at its ends, no wildcard."""
    if prefix.strip("/") != prefix or set(prefix) & set("*?$"):
        raise refuse("prefix", f"got {prefix!r}", "write it without a slash at either end and without *, ? and $")
