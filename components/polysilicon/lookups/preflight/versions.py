"""How long EKS supports a version, and whether the node images are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from polysilicon.lookups.preflight.clients import Clients
from polysilicon.lookups.preflight.findings import Finding
from polysilicon.planning.requirements import ImageWanted, RegionRequirements

_SOON = timedelta(days=60)
_OWNERS = "have its owner upgrade the cluster, and then state its version under clusters.*.kubernetes"
_AT_ONCE = 10
"""Names to one GetParameters: the length of the list in botocore's model of ssm."""


def support(wanted: RegionRequirements, clients: Clients, now: datetime) -> Iterator[Finding]:
    """Whether EKS makes clusters of the version, and until when at the usual price."""
    eks = clients("eks", wanted.region)
    pages = eks.get_paginator("describe_cluster_versions").paginate(clusterVersions=list(wanted.kubernetes))
    rows = {row["clusterVersion"]: row for page in pages for row in page["clusterVersions"]}
    for version in wanted.kubernetes:
        yield _judged(version, rows.get(version), version in wanted.made_kubernetes, now)


def _judged(version: str, row: Mapping[str, Any] | None, made: bool, now: datetime) -> Finding:
    """Clusters that are made take standard support only, so that EKS upgrades them at its end, and nothing is paid for
    extended support (docs.aws.amazon.com/eks/latest/userguide/view-upgrade-policy.html). Others do as their owners
    chose."""
    subject = f"Kubernetes {version}"
    fix = "state a newer version under clusters.*.kubernetes" if made else _OWNERS
    if row is None or row["versionStatus"] == "UNSUPPORTED":
        return Finding("EKS version", subject, "fail", "is not supported", fix)
    standard, extended = row["endOfStandardSupportDate"], row["endOfExtendedSupportDate"]
    later = "when EKS upgrades the cluster by itself" if made else f"extended until {extended:%Y-%m-%d}"
    if row["versionStatus"] == "EXTENDED_SUPPORT":
        costly = f"is in extended support until {extended:%Y-%m-%d}, which costs more by the hour"
        text = "is past standard support, and the cluster takes no other" if made else costly
        return Finding("EKS version", subject, "warn", text, fix)
    text = f"standard support until {standard:%Y-%m-%d}, {later}"
    if standard - now < _SOON:
        return Finding("EKS version", subject, "warn", f"{text}: soon", fix)
    return Finding("EKS version", subject, "ok", text)


def images(wanted: RegionRequirements, clients: Clients) -> Iterator[Finding]:
    """Whether the release's images are published in the region."""
    names = {parameter(image): image for image in wanted.images}
    found = _found(list(names), wanted.region, clients)
    for name, image in names.items():
        subject = f"{image.release} ({image.variant})"
        if name in found:
            yield Finding("node image", subject, "ok", found[name])
        else:
            fix = "state a release that is there under pools.*.ami_release, or another region"
            yield Finding("node image", subject, "fail", f"there is no parameter {name}", fix)


def parameter(image: ImageWanted) -> str:
    """The public SSM parameter of a release's image: aws/karpenter-provider-aws, pkg/providers/amifamily/al2023.go."""
    release = f"v{image.release.rpartition('-')[2]}"
    name = f"amazon-eks-node-al2023-x86_64-{image.variant}-{image.kubernetes}-{release}"
    path = f"/aws/service/eks/optimized-ami/{image.kubernetes}/amazon-linux-2023/x86_64/{image.variant}"
    return f"{path}/{name}/image_id"


def _found(names: Sequence[str], region: str, clients: Clients) -> dict[str, str]:
    ssm = clients("ssm", region)
    found: dict[str, str] = {}
    for begin in range(0, len(names), _AT_ONCE):
        answer = ssm.get_parameters(Names=list(names[begin : begin + _AT_ONCE]))
        found.update({row["Name"]: row["Value"] for row in answer["Parameters"]})
    return found
