"""Against figures that the clouds and Karpenter publish for the same machines."""

from __future__ import annotations

import pytest

from polysilicon.catalog import Catalog
from polysilicon.planning.allocatable import eks_per_node, gke_per_node


@pytest.mark.parametrize(
    ("machine", "cpu", "memory_mib"),
    # aws/karpenter-provider-aws@1d92708 website/content/en/docs/reference/instance-types.md
    [
        ("inf2.xlarge", 3920, 14162),
        ("inf2.8xlarge", 31850, 118312),
        ("inf2.24xlarge", 95690, 355262),
        ("inf2.48xlarge", 191450, 718987),
        ("m7i.large", 1930, 6903),
    ],
)
def test_eks_nodes_offer_what_karpenter_computes(machine: str, cpu: int, memory_mib: int, catalog: Catalog) -> None:
    node = eks_per_node(catalog.machines[machine], 100, catalog)
    assert node.cpu_millicores == cpu
    assert node.memory_gib == pytest.approx(memory_mib / 1024, abs=0.01)


def test_gke_nodes_offer_what_google_documents(catalog: Catalog) -> None:
    # docs.cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes: a node of 4 vCPUs and 16 GiB
    node = gke_per_node(catalog.machines["e2-standard-4"], 100, catalog)
    assert node.cpu_millicores == 3920
    assert node.memory_gib == pytest.approx(13.30, abs=0.01)
