from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from polysilicon.lookups.preflight import Finding
from polysilicon.lookups.preflight.versions import images, parameter, support
from polysilicon.planning.requirements import ImageWanted
from tests.lookups.preflight.answers import version
from tests.lookups.preflight.fleets import fleet, requirements
from tests.lookups.preflight.stubs import Stubbed

NOW = datetime(2026, 11, 25, tzinfo=UTC)
REGION = requirements(fleet(1)).regions[0]
NEURON = ImageWanted("1.35", "1.35.6-20260625", "neuron")


def supported(*rows: dict[str, Any], made: bool = True) -> Finding:
    """What preflight says of Kubernetes 1.35, where EKS tells these."""
    stub = Stubbed("eks")
    stub.expect("describe_cluster_versions", {"clusterVersions": list(rows)}, {"clusterVersions": ["1.35"]})
    (found,) = support(
        replace(REGION, kubernetes=("1.35",), made_kubernetes=("1.35",) if made else ()), stub.clients, NOW
    )
    stub.done()
    return found


def test_a_version_in_standard_support_is_fine() -> None:
    found = supported(version())
    assert (found.status, found.subject) == ("ok", "Kubernetes 1.35")
    assert found.text == "standard support until 2027-03-27, when EKS upgrades the cluster by itself"


def test_a_cluster_that_is_there_does_as_its_owner_chose() -> None:
    found = supported(version(), made=False)
    assert (found.status, found.text) == ("ok", "standard support until 2027-03-27, extended until 2028-03-27")
    found = supported(version(status="EXTENDED_SUPPORT"), made=False)
    assert found.status == "warn"
    assert found.text == "is in extended support until 2028-03-27, which costs more by the hour"
    assert found.fix.startswith("have its owner upgrade the cluster")


@pytest.mark.parametrize(
    ("rows", "status", "text"),
    [
        ((), "fail", "is not supported"),
        ((version(status="UNSUPPORTED"),), "fail", "is not supported"),
        ((version(status="EXTENDED_SUPPORT"),), "warn", "is past standard support, and the cluster takes no other"),
        ((version(endOfStandardSupportDate=datetime(2027, 1, 10, tzinfo=UTC)),), "warn", "2027-01-10"),
    ],
)
def test_what_speaks_against_a_version_is_told(rows: tuple[dict[str, Any], ...], status: str, text: str) -> None:
    found = supported(*rows)
    assert found.status == status
    assert text in found.text
    assert "clusters.*.kubernetes" in found.fix


def test_the_parameter_of_an_image_is_spelled_as_eks_publishes_it() -> None:
    assert parameter(NEURON) == (
        "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/neuron/"
        "amazon-eks-node-al2023-x86_64-neuron-1.35-v20260625/image_id"
    )


def test_images_are_asked_for_ten_at_a_time_and_those_that_lack_fail() -> None:
    wanted = tuple(replace(NEURON, release=f"1.35.6-202606{day:02}") for day in range(1, 13))
    names = [parameter(image) for image in wanted]
    stub = Stubbed("ssm")
    first = [{"Name": name, "Value": "ami-0123456789abcdef0"} for name in names[:10]]
    stub.expect("get_parameters", {"Parameters": first}, {"Names": names[:10]})
    stub.expect("get_parameters", {"Parameters": [], "InvalidParameters": names[10:]}, {"Names": names[10:]})
    found = list(images(replace(REGION, images=wanted), stub.clients))
    stub.done()
    assert [each.status for each in found] == ["ok"] * 10 + ["fail"] * 2
    assert found[0].text == "ami-0123456789abcdef0"
    assert found[-1].subject == "1.35.6-20260612 (neuron)"
    assert names[-1] in found[-1].text
