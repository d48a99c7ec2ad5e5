"""Clusters: what of the catalog they take."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.catalog import Catalog
from polysilicon.errors import SpecError
from polysilicon.planning.cluster import plan_eks_cluster
from polysilicon.specs import EksClusterSpec

DOCUMENT: dict[str, Any] = {
    "cloud": "aws",
    "region": "us-east-1",
    "network": {},
    "endpoint": {"kind": "public", "cidrs": ["203.0.113.0/24"]},
    "addons": ["aws-ebs-csi-driver"],
}


def test_an_add_on_without_a_pinned_version_is_refused(catalog: Catalog) -> None:
    spec = EksClusterSpec.parse(DOCUMENT)
    assert plan_eks_cluster("main", spec, catalog).chosen_addons == ("aws-ebs-csi-driver",)
    others = tuple(row for row in catalog.addons if row.name != "aws-ebs-csi-driver")
    with pytest.raises(SpecError) as raised:
        plan_eks_cluster("main", spec, catalog.model_copy(update={"addons": others}))
    assert str(raised.value) == (
        "addons[0]: got 'aws-ebs-csi-driver', of which the catalog has no version for Kubernetes 1.35\n"
        "  fix: add a row under polysilicon:overlay, addons"
    )
