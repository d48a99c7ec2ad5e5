"""Persistent volume claims: their class, whether a pod uses them, and those that StatefulSets make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.controllers.clusters import WORKLOADS, objects_in, pod_of
from polysilicon.rehearsal.controllers.table import told
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.values import at

CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
STATEFUL = "kubernetes:apps/v1:StatefulSet"
DEFAULT = "storageclass.kubernetes.io/is-default-class"


def told_of(claim: Record, cluster: Record | None, accounts: Accounts) -> dict[str, Any]:
    """What decides over the volume of a claim."""
    if cluster is None or at(claim.outputs, "spec.volumeName"):
        return {}
    class_ = _class_of(claim, cluster, accounts)
    mode, reclaim = class_.get("volumeBindingMode"), class_.get("reclaimPolicy")
    used = mode in (None, "Immediate") or claim.maker or any(True for _ in users_of(claim, cluster, accounts))
    return {
        "class": class_.get("name", ""),
        "provisioner": class_.get("provisioner", ""),
        "reclaim": reclaim or "Delete",
        "bound": bool(used),
        "zone": str(cluster.scope.place) + "a",
    }


def users_of(claim: Record, cluster: Record, accounts: Accounts) -> Iterator[Record]:
    """The workloads whose pods mount a claim."""
    name, namespace = at(claim.outputs, "metadata.name"), at(claim.outputs, "metadata.namespace")
    for record in objects_in(cluster, accounts, WORKLOADS.__contains__):
        if at(record.outputs, "metadata.namespace") == namespace and name in mounted(record):
            yield record


def mounted(workload: Record) -> set[str]:
    """The names of the claims that a workload's pods mount."""
    volumes = at(pod_of(workload), "volumes") or []
    return {str(at(volume, "persistentVolumeClaim.claimName")) for volume in volumes} - {"None"}


def claims_of(stateful: Record) -> list[dict[str, Any]]:
    """The claims of a StatefulSet: `<template>-<set>-<ordinal>` for each replica."""
    templates = at(stateful.outputs, "spec.volumeClaimTemplates") or []
    name, namespace = at(stateful.outputs, "metadata.name"), at(stateful.outputs, "metadata.namespace")
    replicas = at(stateful.outputs, "spec.replicas")
    return [
        {**template, "metadata": {"name": f"{at(template, 'metadata.name')}-{name}-{number}", "namespace": namespace}}
        for template in templates
        for number in range(1 if replicas is None else int(replicas))
    ]


def are_retained(stateful: Record) -> bool:
    """Whether the claims of a StatefulSet outlive it."""
    return bool(at(stateful.outputs, "spec.persistentVolumeClaimRetentionPolicy.whenDeleted") != "Delete")


def _class_of(claim: Record, cluster: Record, accounts: Accounts) -> dict[str, Any]:
    """The storage class: one of the program's, else one that the cloud's clusters have."""
    name = at(claim.outputs, "spec.storageClassName")
    there = objects_in(cluster, accounts, lambda type_: type_.endswith(":StorageClass"))
    own = [_as_class(record) for record in there]
    for class_ in own:
        if name == class_["name"] or (name is None and class_["default"]):
            return class_
    brought = told()["classes"].get(cluster.type, {"default": "", "names": [], "provisioner": ""})
    name = brought["default"] if name is None else name
    if name not in brought["names"]:
        return {}
    return {"name": name, "provisioner": brought["provisioner"], "volumeBindingMode": "WaitForFirstConsumer"}


def _as_class(record: Record) -> dict[str, Any]:
    annotations = at(record.outputs, "metadata.annotations") or {}
    return {
        "name": at(record.outputs, "metadata.name"),
        "default": annotations.get(DEFAULT) == "true",
        **{key: record.outputs.get(key) for key in ("provisioner", "reclaimPolicy", "volumeBindingMode")},
    }
