from __future__ import annotations

from typing import Any

import pytest

from polysilicon.lookups.preflight import Clients, Finding
from polysilicon.lookups.preflight.clusters import cluster
from polysilicon.planning.requirements import ClusterWanted
from tests.lookups.preflight.answers import there
from tests.lookups.preflight.fleets import fleet, requirements
from tests.lookups.preflight.stand_in import Refused, StandIn
from tests.lookups.preflight.vpcs import made_vpc, vpc_of

pytestmark = pytest.mark.filterwarnings(r"ignore:Exception\(_Error\) with code")
ZONES = {"use1-az4": "10.64.0.0/24", "use1-az6": "10.64.1.0/24"}


def wanted(subnets: dict[str, str]) -> ClusterWanted:
    """What the stack asks of a cluster that is there."""
    network = {"kind": "existing", "cidrs": ["10.64.0.0/16"], "private_subnets": subnets}
    stated = {"cloud": "aws", "kind": "existing", "region": "us-east-1", "name": "platform", "network": network}
    (region,) = requirements({**fleet(0), "clusters": {"theirs": {**stated, "kubernetes": "1.35"}}}).regions
    (found,) = region.clusters
    assert found == ClusterWanted("theirs", "platform", "1.35", tuple(subnets.values()))
    assert region.made_kubernetes == ()
    return found


def judged(aws: StandIn, clients: Clients, **changed: Any) -> list[Finding]:
    """What preflight says, where EKS tells it so."""
    subnets = made_vpc("10.64.0.0/16", ZONES)
    aws.answers["DescribeCluster"] = {"cluster": there(**{"vpc": vpc_of(subnets), **changed})}
    aws.asked.clear()
    return list(cluster(wanted(subnets), "us-east-1", clients))


def test_a_cluster_that_takes_the_nodes_is_fine(aws: StandIn, clients: Clients) -> None:
    (found,) = judged(aws, clients)
    assert (found.status, found.subject) == ("ok", "platform")
    assert found.text.startswith("takes nodes, in vpc-")
    assert aws.operations == ["DescribeCluster", "DescribeSubnets"]


@pytest.mark.parametrize(
    ("changed", "text", "fix"),
    [
        ({"version": "1.34"}, "got 1.35, but cluster platform has 1.34", 'write kubernetes: "1.34"'),
        ({"mode": "CONFIG_MAP"}, "which takes no access entries", "API_AND_CONFIG_MAP"),
        ({"mode": None}, "which takes no access entries", "API_AND_CONFIG_MAP"),
        ({"status": "FAILED"}, "is FAILED", "ACTIVE"),
        ({"vpc": "vpc-0"}, "lies in vpc-0, but subnet-", "clusters.theirs.network.private_subnets"),
    ],
)
def test_what_keeps_nodes_out_is_told(
    changed: dict[str, Any], text: str, fix: str, aws: StandIn, clients: Clients
) -> None:
    (found,) = judged(aws, clients, **changed)
    assert found.status == "fail"
    assert text in found.text
    assert fix in found.fix


def test_a_cluster_that_is_not_there_is_told(aws: StandIn, clients: Clients) -> None:
    subnets = made_vpc("10.64.0.0/16", ZONES)
    aws.answers["DescribeCluster"] = Refused("ResourceNotFoundException", status=404)
    (found,) = cluster(wanted(subnets), "us-east-1", clients)
    assert (found.status, found.text) == ("fail", "is not there")
    assert "clusters.theirs.name" in found.fix
