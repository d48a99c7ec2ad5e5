"""The service account that nodes run as."""

from __future__ import annotations

import hashlib

import pulumi
import pulumi_gcp as gcp

from polysilicon.resources import After, child

_NODE_ROLES = ("roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader")
_ACCOUNT_ID_LENGTH = 30


def node_account(
    parent: pulumi.Resource, name: str, project: str, after: After
) -> tuple[gcp.serviceaccount.Account, list[gcp.projects.IAMMember]]:
    """An account that may log, report metrics and pull images, and the grants that nodes wait for. The default account
    of a project may do far more, or in new organisations nothing."""
    account = gcp.serviceaccount.Account(
        f"{name}-nodes",
        account_id=account_id(name, pulumi.get_project(), pulumi.get_stack()),
        project=project,
        display_name=f"Nodes of {name}",
        opts=child(parent, after),
    )
    grants = [
        gcp.projects.IAMMember(
            f"{name}-{role.rsplit('.', 1)[-1]}",
            project=project,
            role=role,
            member=account.email.apply("serviceAccount:{}".format),
            opts=child(parent),
        )
        for role in _NODE_ROLES
    ]
    return account, grants


def account_id(name: str, project: str, stack: str) -> str:
    """An id that two stacks in one Google Cloud project do not share: ids of accounts are not named by Pulumi."""
    digest = hashlib.sha256(f"{project}/{stack}/{name}".encode()).hexdigest()[:6]
    return f"{name[: _ACCOUNT_ID_LENGTH - 7]}-{digest}"
