"""Clusters: what of the catalog they take."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.catalog import Catalog
from polysilicon.errors import SpecError, UserError
from polysilicon.planning.cluster import joined, plan_eks_cluster
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


def test_a_cluster_that_is_there_is_joined_where_its_version_is_that_of_the_images() -> None:
    assert joined("inf", "1.35", "company", "1.35", ["API_AND_CONFIG_MAP"]) == "company"
    with pytest.raises(UserError) as raised:
        joined("inf", "1.35", "company", "1.34", ["API"])
    assert str(raised.value) == (
        'clusters.inf.kubernetes: got 1.35, but cluster company has 1.34\n  fix: write kubernetes: "1.34"'
    )


def test_a_cluster_without_access_entries_is_not_joined() -> None:
    with pytest.raises(UserError, match="got company, which takes no access entries"):
        joined("inf", "1.35", "company", "1.35", ["CONFIG_MAP"])
