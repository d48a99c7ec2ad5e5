"""Who may ask the API server of an EKS cluster for anything, at this moment."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from typing import Any

from polysilicon.rehearsal.judges.order_eks import CLUSTER
from polysilicon.rehearsal.judges.order_moment import Moment, Row, words
from polysilicon.rehearsal.judges.order_roles import ROLE
from polysilicon.rehearsal.model import Call, Fault, Problem, Record
from polysilicon.rehearsal.values import at
from polysilicon.rehearsal.wording import plural

_ENTRY, _RIGHT = "aws:eks/accessEntry:AccessEntry", "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
_REFUSED = (
    "configured Kubernetes cluster is unreachable: unable to load schema information from the API server: "
    "the server has asked for the client to provide credentials"
)
"""pulumi-eks issue 669, pulumi/actions issue 1295."""


def _access(call: Call, moment: Moment) -> Iterator[Problem]:
    """Whoever asks has an access entry and rights, unless EKS gave them to who made the cluster."""
    cluster = moment.accounts.at_endpoint(call.scope.owner)
    if cluster is None or cluster.type != CLUSTER:
        return
    access = cluster.inputs.get("accessConfig") or {}
    if access.get("bootstrapClusterCreatorAdminPermissions") is not False:
        return
    if not str(access.get("authenticationMode", "")).startswith("API"):
        moment.unjudged("access by the aws-auth map of a cluster")
        return
    entries = [entry for entry in moment.mentioning(cluster.id, _ENTRY, "clusterName") if _may_ask(call, moment, entry)]
    if not entries:
        yield Problem(f"{_REFUSED} {_advice(call, cluster, 'no access entry of EKS lets the caller in')}", **_BLAME)
        return
    rights = [way for entry in entries for way in _rights(call, moment, cluster, entry)]
    moment.relies(call, "it the Kubernetes API refuses whoever runs this", *rights)
    if not rights:
        who = entries[-1].inputs["principalArn"]
        text = f'{plural(call.kind)} is forbidden: User "{who}" cannot {call.operation} resource "{plural(call.kind)}"'
        yield Problem(f"{text} {_advice(call, cluster, 'no access policy is associated with its entry')}", **_BLAME)


_BLAME: Mapping[str, Any] = {"fault": Fault.UNREACHABLE}


def _advice(call: Call, cluster: Record, why: str) -> str:
    """What to do about it: on a delete the rights went too early, else they come too late."""
    rights = "its access entry and policy association"
    if call.operation == "delete":
        return f"(cluster {cluster.id}: {why} any more: let the object depend on {rights}, which then go after it)"
    return f"(cluster {cluster.id}: {why} yet: make the object after {rights}, by depends_on)"


def _may_ask(call: Call, moment: Moment, entry: Record) -> bool:
    """Whether an entry may be that of the caller: it is if named in the kubeconfig, it is not if the program made it.

    The real deployer's role is not known here, so any principal from outside may be it.
    """
    principal = str(entry.inputs.get("principalArn", ""))
    if str(entry.inputs.get("type") or "STANDARD") != "STANDARD":
        return False
    named = re.findall(r"arn:aws[a-z-]*:iam::\d+:role/[\w+=,.@/-]+", str(call.settings.get("kubeconfig", "")))
    if named:
        return principal in named
    return moment.made(principal, ROLE, "aws:iam/user:User") is None


def _rights(call: Call, moment: Moment, cluster: Record, entry: Record) -> Iterator[tuple[Record, ...]]:
    """The entry with each policy that gives it rights here."""
    if entry.inputs.get("kubernetesGroups"):
        yield (entry,)  # what their bindings allow is written inside the cluster
    for right in moment.mentioning(cluster.id, _RIGHT, "clusterName"):
        if right.inputs.get("principalArn") == entry.inputs.get("principalArn") and _covers(call, right):
            yield entry, right


def _covers(call: Call, right: Record) -> bool:
    if str(right.inputs.get("policyArn", "")).rsplit("/", 1)[-1] in words("aws")["look_only"]:
        return False
    scope = right.inputs.get("accessScope") or {}
    if scope.get("type") != "namespace":
        return True
    here = str(at(call.inputs, "metadata.namespace") or call.inputs.get("namespace") or "")
    return any(fnmatch.fnmatchcase(here, pattern) for pattern in scope.get("namespaces") or ())


ROWS: tuple[tuple[str, str, Row], ...] = tuple(
    (operation, "kubernetes:*", _access) for operation in ("create", "update", "delete")
)
