"""The configuration of providers: reading it, and when a change of it makes every resource of a provider anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from polysilicon.rehearsal.kubeconfig import KubeconfigError, target
from polysilicon.rehearsal.values import UNKNOWN, Properties

CLUSTER_SETTINGS = ("kubeconfig", "context", "cluster")


def settings(args: Mapping[str, Any]) -> Properties:
    """A provider's configuration as data: SDKs send everything but text as JSON inside a string."""
    return {name: _parsed(value) for name, value in args.items()}


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and (value[:1] in ("{", "[") or value in ("true", "false")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def replaces(package: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The settings whose change means another cloud, project or cluster, so that all of a provider's resources move.

    As the official Kubernetes provider has it: with the same `clusterIdentifier` nothing does, otherwise a kubeconfig
    that names another server does, and one that is not known yet may.
    """
    if package != "kubernetes":
        return []
    identifier = new.get("clusterIdentifier")
    if identifier and identifier == old.get("clusterIdentifier"):
        return []
    if identifier and old.get("clusterIdentifier"):
        return ["clusterIdentifier"]
    unknown = [name for name in CLUSTER_SETTINGS if new.get(name) == UNKNOWN]
    if unknown:
        return unknown
    changed = [name for name in CLUSTER_SETTINGS if old.get(name) != new.get(name)]
    return changed if _server(old) != _server(new) else []


def _server(told: Mapping[str, Any]) -> str:
    try:
        return target(told.get("kubeconfig"), told.get("context") or "", told.get("cluster") or "").server
    except KubeconfigError:
        return ""
