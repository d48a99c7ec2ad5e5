"""Images that the nodes which a pod may go to cannot pull: no way to the registry, or no right to read it.

The kubelet tries again and again, so that what comes later mends it; but whoever waits for the pods waits so long only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.cluster.nodes import Cluster, NodeSet, facts
from polysilicon.rehearsal.cluster.scheduler import barred
from polysilicon.rehearsal.cluster.workloads import Workload
from polysilicon.rehearsal.luck import Need
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.values import UNKNOWN

_OWN = re.compile(r"[a-z0-9-]+-docker\.pkg\.dev/([^/]+)/.+")
"""An image in Artifact Registry, with its project."""

_UNREAD = frozenset(
    {
        "gcp:projects/iAMPolicy:IAMPolicy",
        "gcp:folder/iAMPolicy:IAMPolicy",
        "gcp:organizations/iAMPolicy:IAMPolicy",
        "gcp:artifactregistry/repositoryIamPolicy:RepositoryIamPolicy",
        "gcp:cloudidentity/groupMembership:GroupMembership",
    }
)


def unpullable(workload: Workload, cluster: Cluster, accounts: Accounts) -> list[str]:
    """What the kubelet says of images that none of the nodes can pull; nothing if some of them may."""
    nodes = [each for each in cluster.nodes if not barred(workload, each, cluster.tolerated)]
    return [told for image in dict.fromkeys(workload.images) for told in _nowhere(image, nodes, accounts)]


def pulled_by_luck(workload: Workload, cluster: Cluster, urn: str, accounts: Accounts) -> Iterator[Need]:
    """What the pods of a workload could not pull their images without, on every node that they may go to.

    Args:
        urn: Whose pods they are.
    """
    nodes = [each for each in cluster.nodes if not barred(workload, each, cluster.tolerated)]
    for image in dict.fromkeys(workload.images) if nodes else ():
        if not image or image == UNKNOWN:
            continue
        host, own = registry(image), _OWN.fullmatch(image)
        outside = all(host in (*each.far, *facts()["images"]["cached"]) and not each.starts_itself for each in nodes)
        if outside and all(each.through for each in nodes):
            ways = [frozenset((gateway,)) for each in nodes for gateway in each.through]
            yield Need(urn, ways, f"it private nodes may not reach {host} to pull {image}", retried=True)
        if own and all(each.account and own[1] in each.account for each in nodes):
            grants = [grant for each in nodes for grant in _grants(each.account, accounts)]
            if grants and not _has_whole_policy(accounts):
                ways = [frozenset((grant.urn,)) for grant in grants]
                yield Need(urn, ways, f"it nodes may not read {image}", retried=True)


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
    return _has_whole_policy(accounts) or bool(_grants(account, accounts))


def _has_whole_policy(accounts: Accounts) -> bool:
    """Whether a policy is given as a whole, as text, or to a group: whom it lets read is not looked at."""
    return bool(accounts.of_types(_UNREAD.__contains__))


def _grants(account: str, accounts: Accounts) -> list[Record]:
    """What lets a service account read images."""
    everybody = [grant for public in ("allUsers", "allAuthenticatedUsers") for grant in accounts.mentioning(public)]
    readers = re.compile(facts()["images"]["readers"])
    grants = [*accounts.mentioning(f"serviceAccount:{account}"), *everybody]
    return [grant for grant in grants if readers.search(str(grant.inputs.get("role") or ""))]
