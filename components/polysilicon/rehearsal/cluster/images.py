"""Images that the nodes which a pod may go to cannot pull: no way to the registry, or no right to read it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.cluster.nodes import Cluster, NodeSet, facts
from polysilicon.rehearsal.cluster.scheduler import barred
from polysilicon.rehearsal.cluster.workloads import Workload
from polysilicon.rehearsal.values import UNKNOWN

_OWN = re.compile(r"[a-z0-9-]+-docker\.pkg\.dev/([^/]+)/.+")
"""An image in Artifact Registry, with its project."""


def unpullable(workload: Workload, cluster: Cluster, accounts: Accounts) -> list[str]:
    """What the kubelet says of images that none of the nodes can pull; nothing if some of them may."""
    nodes = [each for each in cluster.nodes if not barred(workload, each, cluster.tolerated)]
    return [told for image in dict.fromkeys(workload.images) for told in _nowhere(image, nodes, accounts)]


def _nowhere(image: str, nodes: Iterable[NodeSet], accounts: Accounts) -> Iterator[str]:
    reasons = [_refusal(image, each, accounts) for each in nodes] if image and image != UNKNOWN else []
    if reasons and all(reasons):
        yield f'[ImagePullBackOff] Back-off pulling image "{image}": {"; ".join(dict.fromkeys(reasons))}'


def _refusal(image: str, nodes: NodeSet, accounts: Accounts) -> str:
    host = registry(image)
    if nodes.outside and not nodes.starts_itself and host in nodes.far:
        return f"{nodes.title}: dial tcp: lookup {host}: i/o timeout ({nodes.outside})"
    own = _OWN.fullmatch(image)
    if own and nodes.account and own[1] in nodes.account and not _may_read(nodes.account, accounts):
        return (
            f"{nodes.title}: 403 Forbidden: Permission 'artifactregistry.repositories.downloadArtifacts' denied: "
            f"{nodes.account} has no role that lets it read: give it roles/artifactregistry.reader"
        )
    return ""


def registry(image: str) -> str:
    """The host that an image comes from: Docker Hub unless its first part is a host."""
    first, slash, _ = image.partition("/")
    return first if slash and ("." in first or ":" in first) else "docker.io"


def _may_read(account: str, accounts: Accounts) -> bool:
    """Whether anything here lets a service account read images; roles that nobody here knows may do so."""
    everybody = [name for public in ("allUsers", "allAuthenticatedUsers") for name in accounts.mentioning(public)]
    grants = [str(r.inputs.get("role") or "") for r in (*accounts.mentioning(f"serviceAccount:{account}"), *everybody)]
    readers = re.compile(facts()["images"]["readers"])
    whole = bool(accounts.of_types("gcp:projects/iAMPolicy:IAMPolicy".__eq__))
    return whole or any(readers.search(role) for role in grants)
