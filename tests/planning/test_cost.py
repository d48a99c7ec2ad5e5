from __future__ import annotations

import dataclasses

import pytest

from polysilicon.catalog import Catalog, Overlay
from polysilicon.planning.cost import Deployed, price

TEMPLATE = {"blockDeviceMappings": [{"ebs": {"volumeSize": 500}}]}


def node_group(region: str = "us-east-1", **inputs: object) -> Deployed:
    scaling = {"minSize": 1, "maxSize": 2, "desiredSize": 1}
    given = {"instanceTypes": ["inf2.8xlarge"], "scalingConfig": scaling, **inputs}
    return Deployed("aws:eks/nodeGroup:NodeGroup", "inf2", region, given, TEMPLATE)


def test_a_node_group_costs_between_its_bounds(catalog: Catalog) -> None:
    machine, disk = price([node_group()], catalog).lines
    assert (machine.min_usd, machine.max_usd) == pytest.approx((1.96786 * 730, 2 * 1.96786 * 730))
    assert (disk.min_usd, disk.max_usd) == pytest.approx((0.08 * 500, 2 * 0.08 * 500))


def test_a_block_is_paid_beforehand_and_has_no_price_here(catalog: Catalog) -> None:
    group = node_group(capacityType="CAPACITY_BLOCK", instanceTypes=None)
    block = dataclasses.replace(group, related={**TEMPLATE, "instanceType": "p5.48xlarge"})
    assert price([block], catalog).unpriced == ("inf2: p5.48xlarge in us-east-1, capacity block",)


def test_what_karpenter_may_add_costs_nothing_at_least(catalog: Catalog) -> None:
    told = {
        "node.kubernetes.io/instance-type": ["inf2.8xlarge"],
        "karpenter.sh/capacity-type": ["spot"],
        "topology.k8s.aws/zone-id": ["use1-az6"],
    }
    requirements = [{"key": key, "operator": "In", "values": values} for key, values in told.items()]
    spec = {"limits": {"nodes": "3"}, "template": {"spec": {"requirements": requirements}}}
    pool = Deployed("kubernetes:karpenter.sh/v1:NodePool", "inf2-spot", "main", {"spec": spec}, {})
    (line,) = price([pool], catalog).lines
    assert (line.min_usd, line.max_usd) == (0, pytest.approx(3 * 0.5917 * 730))


def test_an_endpoint_costs_in_each_of_its_zones_and_that_of_a_gateway_nothing(catalog: Catalog) -> None:
    inputs = {"vpcEndpointType": "Interface", "subnetIds": ["subnet-1", "subnet-2"]}
    interface = Deployed("aws:ec2/vpcEndpoint:VpcEndpoint", "aws-sts", "us-east-1", inputs, {})
    gateway = dataclasses.replace(interface, inputs={"vpcEndpointType": "Gateway", "routeTableIds": ["rtb-1"]})
    (line,) = price([interface, gateway], catalog).lines
    assert (line.min_usd, line.max_usd) == pytest.approx((2 * 0.01 * 730, 2 * 0.01 * 730))


def test_spot_is_priced_as_spot(catalog: Catalog) -> None:
    assert price([node_group(capacityType="SPOT")], catalog).lines[0].max_usd == pytest.approx(2 * 0.5917 * 730)


def test_what_has_no_price_is_listed(catalog: Catalog) -> None:
    report = price([node_group("eu-west-1", instanceTypes=["inf2.48xlarge"])], catalog)
    assert report.unpriced == (
        "inf2: inf2.48xlarge in eu-west-1, on demand",
        "inf2: ebs-gp3 in eu-west-1, on demand",
    )


def test_a_pool_over_several_zones_counts_each(catalog: Catalog) -> None:
    inputs = {
        "nodeConfig": {"machineType": "ct5lp-hightpu-1t"},
        "autoscaling": {"minNodeCount": 1, "maxNodeCount": 2},
        "nodeLocations": ["us-west4-a", "us-west4-b"],
    }
    pool = Deployed("gcp:container/nodePool:NodePool", "v5e", "us-west4", inputs, {})
    line = price([pool], catalog).lines[0]
    assert (line.min_usd, line.max_usd) == pytest.approx((2 * 1.2 * 730, 4 * 1.2 * 730))


def test_an_overlay_gives_a_discount(catalog: Catalog) -> None:
    own = {
        "prices": [
            {
                "item": "inf2.8xlarge",
                "region": "us-east-1",
                "terms": "on_demand",
                "unit": "hour",
                "usd": 1.0,
                "source": "contract",
                "as_of": "2026-11",
            }
        ]
    }
    assert price([node_group()], catalog.overlaid(Overlay.parse(own))).lines[0].min_usd == pytest.approx(730)


def test_what_costs_nothing_is_not_listed(catalog: Catalog) -> None:
    report = price([Deployed("aws:iam/role:Role", "role", "us-east-1", {}, {})], catalog)
    assert (report.lines, report.unpriced) == ((), ())
