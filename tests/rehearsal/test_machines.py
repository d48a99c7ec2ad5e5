"""Machines against the catalog and against quotas."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.catalog import load_catalog
from polysilicon.errors import UserError
from polysilicon.rehearsal import Record, RefusedError
from polysilicon.rehearsal.judges.machines import Machines
from tests.rehearsal.simulated import Cloud

GROUP, INSTANCE, POOL = "aws:eks/nodeGroup:NodeGroup", "aws:ec2/instance:Instance", "gcp:container/nodePool:NodePool"
INF, INF_SPOT, TPU = "L-1945791B", "L-B5D1601B", "TPU_LITE_PODSLICE_V5"


def cloud(**quotas: float) -> Cloud:
    return Cloud(judges=[Machines(load_catalog(), {name.replace("_L_", "L-"): n for name, n in quotas.items()})])


def subnet(where: Cloud, zone: str) -> Record:
    return where.make("aws:ec2/subnet:Subnet", zone, vpcId="vpc-1", cidrBlock="10.0.0.0/20", availabilityZoneId=zone)


def group(where: Cloud, name: str, *zones: str, machine: str = "inf2.8xlarge", nodes: int = 1, **more: Any) -> Record:
    subnets = [subnet(where, zone).id for zone in zones]
    scaling = {"minSize": 0, "desiredSize": nodes, "maxSize": 9}
    return where.make(
        GROUP,
        name,
        clusterName="k",
        nodeRoleArn="r",
        instanceTypes=[machine],
        subnetIds=subnets,
        scalingConfig=scaling,
        **more,
    )


def pool(where: Cloud, name: str, machine: str, zone: str, **more: Any) -> Record:
    config = {"machineType": machine, "spot": more.pop("spot", False)}
    return where.make(POOL, name, cluster="k", location="us-central1", nodeLocations=[zone], nodeConfig=config, **more)


def test_a_group_needs_a_zone_that_sells_its_machine() -> None:  # aws trap 28
    where = cloud()
    with pytest.raises(
        RefusedError, match=r"instance type \(inf2.8xlarge\) is not supported .* \(use1-az1\).*use1-az2"
    ):
        group(where, "wrong", "use1-az1")
    group(where, "right", "use1-az2")
    group(where, "one-of-two", "use1-az1", "use1-az4")  # it starts in the one that has it (eksctl issue 636)


def test_a_region_that_does_not_sell_a_machine_is_told_others() -> None:
    where = Cloud({"region": "af-south-1"}, judges=[Machines(load_catalog())])
    assert "us-east-1" in load_catalog().regions_of("inf2.48xlarge")
    with pytest.raises(RefusedError, match=r"a region that has it: .*us-east-1"):
        group(where, "wrong", "afs1-az1", machine="inf2.48xlarge")


def test_a_template_may_name_the_machine() -> None:
    where = cloud()
    template = where.make("aws:ec2/launchTemplate:LaunchTemplate", "t", instanceType="inf2.8xlarge")
    inputs = {"clusterName": "k", "nodeRoleArn": "r", "launchTemplate": {"id": template.id, "version": "1"}}
    with pytest.raises(RefusedError, match="use1-az1"):
        where.make(GROUP, "g", **inputs, subnetIds=[subnet(where, "use1-az1").id])
    where.make(GROUP, "g", **inputs, subnetIds=[subnet(where, "use1-az2").id])


def test_an_instance_stands_in_one_zone() -> None:
    where = cloud()
    with pytest.raises(RefusedError, match="use1-az1"):
        where.make(INSTANCE, "i", ami="ami-1", instanceType="inf2.xlarge", subnetId=subnet(where, "use1-az1").id)
    where.make(INSTANCE, "i", ami="ami-1", instanceType="inf2.xlarge", subnetId=subnet(where, "use1-az2").id)


def test_a_tpu_machine_needs_a_zone_that_has_it() -> None:
    # gcp trap 25
    where = cloud()
    zone = load_catalog().zones("ct5lp-hightpu-1t", "us-central1")[0]
    with pytest.raises(RefusedError, match="'ct5lp-hightpu-1t' does not exist in zone 'us-central1-z'"):
        pool(where, "wrong", "ct5lp-hightpu-1t", "us-central1-z", nodeCount=1)
    pool(where, "right", "ct5lp-hightpu-1t", zone, nodeCount=1)


def test_a_machine_that_the_catalog_lacks_is_counted_and_not_judged() -> None:
    where = cloud()
    group(where, "any", "use1-az1", machine="x99.huge")
    (judge,) = where.simulation.judges
    assert judge.tally.unjudged == {"machine x99.huge: not in the catalog": 1}


def test_quotas_count_vcpus_of_what_runs_already() -> None:
    # aws trap 27
    where = cloud(_L_1945791B=64)
    group(where, "first", "use1-az2")
    with pytest.raises(
        RefusedError, match=r"VcpuLimitExceeded - .* limit of 64 .*\(L-1945791B: this asks for 64, 32 are in use\)"
    ):
        group(where, "second", "use1-az2", nodes=2)
    group(where, "third", "use1-az2", nodes=1)  # what failed is left, and runs nothing
    group(where, "spot", "use1-az2", nodes=5, capacityType="SPOT")  # another quota, and none is given


def test_growing_counts_the_group_itself_once() -> None:
    where = cloud(_L_1945791B=64)
    made = group(where, "g", "use1-az2")
    grown = {**made.inputs, "scalingConfig": {"minSize": 0, "desiredSize": 2, "maxSize": 9}}
    where.change(made, **grown)
    with pytest.raises(RefusedError, match="this asks for 96, 0 are in use"):
        where.change(made, **{**grown, "scalingConfig": {"minSize": 0, "desiredSize": 3, "maxSize": 9}})


def test_quotas_of_google_count_chips() -> None:
    where = cloud(TPU_LITE_PODSLICE_V5=8)
    zone = load_catalog().zones("ct5lp-hightpu-8t", "us-central1")[0]
    with pytest.raises(
        RefusedError,
        match=r"requires '16\.0' and is short '8\.0'\. project has a quota of '8\.0' with '8\.0' available",
    ):
        pool(where, "two", "ct5lp-hightpu-8t", zone, nodeCount=2)
    pool(where, "one", "ct5lp-hightpu-8t", zone, nodeCount=1)
    pool(where, "spot", "ct5lp-hightpu-8t", zone, nodeCount=1, spot=True)


def test_spot_has_a_quota_of_its_own() -> None:  # gcp trap 23
    where = cloud(PREEMPTIBLE_TPU_LITE_PODSLICE_V5=8)
    zone = load_catalog().zones("ct5lp-hightpu-8t", "us-central1")[0]
    pool(where, "usual", "ct5lp-hightpu-8t", zone, nodeCount=2)
    with pytest.raises(RefusedError, match=r"requires '16\.0' and is short '8\.0'"):
        pool(where, "spot", "ct5lp-hightpu-8t", zone, nodeCount=2, spot=True)
    pool(where, "one", "ct5lp-hightpu-8t", zone, nodeCount=1, spot=True)


def test_a_quota_that_nothing_counts_against_is_refused() -> None:
    with pytest.raises(UserError, match="L-19457918"):
        cloud(_L_19457918=1)
