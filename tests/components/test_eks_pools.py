"""What pools on EKS ask of the clouds: launch templates, groups, Karpenter's objects, security groups."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pulumi_kubernetes as k8s
import pytest

from polysilicon.aws import (
    EksGpuPool,
    EksGpuPoolArgs,
    EksHome,
    Karpenter,
    KarpenterArgs,
    KarpenterWires,
    NeuronPool,
    NeuronPoolArgs,
)
from polysilicon.catalog import Catalog
from polysilicon.errors import SpecError
from polysilicon.kubernetes import ClusterRef
from polysilicon.planning.cluster import plan_eks_cluster
from polysilicon.specs import EksClusterSpec, EksGpuPoolSpec, EksNetworkSpec, NeuronPoolSpec, PublicEndpoint
from tests.components.recording import Recording, record, unknown_keys
from tests.planning.test_eks_pool import BLOCK, NOW, RESERVED

GROUP, TEMPLATE = "aws:eks/nodeGroup:NodeGroup", "aws:ec2/launchTemplate:LaunchTemplate"
ZONES = ("use1-az4", "use1-az6")
TAGS = {"CostCenter": "ml"}


def home(catalog: Catalog) -> EksHome:
    spec = EksClusterSpec(
        cloud="aws",
        region="us-east-1",
        network=EksNetworkSpec(zones=ZONES),
        endpoint=PublicEndpoint(kind="public", cidrs=("203.0.113.0/24",)),
    )
    return EksHome(
        plan=plan_eks_cluster("main", spec, catalog),
        cluster_name="main",
        node_role_arn="arn:aws:iam::123456789012:role/nodes",
        subnet_ids={zone: f"subnet-{zone}" for zone in ZONES},
        vpc_id="vpc-1",
        security_group_id="sg-cluster",
        disk_key_arn="arn:aws:kms:us-east-1:123456789012:key/1",
        nodes_after={},
    )


def ref() -> ClusterRef:
    return ClusterRef(key="main", provider=k8s.Provider("main", kubeconfig="{}", cluster_identifier="main"))


def gpus(catalog: Catalog, now: datetime = NOW, known: bool = True, elastic: bool = True, **pool: Any) -> Recording:
    spec = EksGpuPoolSpec.parse({"kind": "eks_gpu", "cluster": "main", "machine": "p5.48xlarge", **pool})

    def program() -> None:
        karpenter = KarpenterWires(node_role_name="nodes", ready=()) if elastic else None
        args = EksGpuPoolArgs(
            spec=spec, home=home(catalog), cluster=ref(), karpenter=karpenter, tags=TAGS, catalog=catalog, now=now
        )
        EksGpuPool("h100", args)

    return record(program, known)


EFA = {"efa": True, "zones": ["use1-az6"]}


def only(found: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    (one,) = found.values()
    return one


@pytest.mark.parametrize("known", [True, False])
def test_every_key_is_one_that_the_provider_knows(known: bool, catalog: Catalog) -> None:
    recording = gpus(catalog, known=known, capacity=[RESERVED, {"kind": "on_demand", "min": 1, "max": 4}], **EFA)
    assert [path for resource in recording.resources for path in unknown_keys(resource)] == []


def test_an_efa_node_has_all_interfaces_and_the_groups_that_eks_would_add(catalog: Catalog) -> None:
    interfaces = only(gpus(catalog, **EFA).all(TEMPLATE))["networkInterfaces"]
    assert len(interfaces) == 32
    assert [i["interfaceType"] for i in interfaces[:2]] == ["efa", "efa-only"]
    # aws trap 2: with groups of its own in the template EKS adds none
    assert all(i["securityGroups"] == ["sg-cluster", "h100-efa-id"] for i in interfaces)
    assert "vpcSecurityGroupIds" not in only(gpus(catalog, **EFA).all(TEMPLATE))  # aws trap 3


# aws trap 1
@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_efa_lets_everything_through_between_the_nodes_both_ways(direction: str, catalog: Catalog) -> None:
    rule = gpus(catalog, **EFA).one(f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule")
    assert rule["ipProtocol"] == "-1"
    assert rule["securityGroupId"] == rule["referencedSecurityGroupId"] == "h100-efa-id"


def test_a_pool_without_efa_leaves_interfaces_to_ec2(catalog: Catalog) -> None:
    recording = gpus(catalog)
    assert "networkInterfaces" not in only(recording.all(TEMPLATE))
    assert recording.all("aws:ec2/securityGroup:SecurityGroup") == {}


# aws trap 12
def test_a_placement_group_is_for_what_is_not_reserved(catalog: Catalog) -> None:
    capacity = [RESERVED, {"kind": "on_demand", "min": 1, "max": 1}]
    templates = gpus(catalog, capacity=capacity, placement_group=True, zones=["use1-az6"]).all(TEMPLATE)
    assert "placement" not in templates["h100-cr-00000000000000001"]
    assert templates["h100-on-demand"]["placement"] == {"groupName": "h100"}


def test_reserved_nodes_come_from_their_reservation_alone(catalog: Catalog) -> None:
    recording = gpus(catalog, capacity=[RESERVED])
    target = {"capacityReservationTarget": {"capacityReservationId": "cr-00000000000000001"}}
    assert only(recording.all(TEMPLATE))["capacityReservationSpecification"] == target
    group = only(recording.all(GROUP))
    assert group["subnetIds"] == ["subnet-use1-az6"]
    assert group["capacityType"] == "ON_DEMAND"


# aws trap 24
def test_a_block_has_its_machine_and_market_in_the_template_alone(catalog: Catalog) -> None:
    recording = gpus(catalog, capacity=[{**BLOCK, "min": 2, "max": 2}])
    template, group = only(recording.all(TEMPLATE)), only(recording.all(GROUP))
    assert template["instanceType"] == "p5.48xlarge"
    assert template["instanceMarketOptions"] == {"marketType": "capacity-block"}
    assert group["capacityType"] == "CAPACITY_BLOCK"
    assert "instanceTypes" not in group
    assert len(group["subnetIds"]) == 1


# aws trap 25
def test_a_block_that_has_not_begun_is_filled_when_it_begins(catalog: Catalog) -> None:
    recording = gpus(catalog, capacity=[{**BLOCK, "min": 2, "max": 2}])
    assert only(recording.all(GROUP))["scalingConfig"] == {"minSize": 0, "maxSize": 2, "desiredSize": 0}
    action = recording.one("aws:autoscaling/schedule:Schedule")
    assert (action["startTime"], action["desiredCapacity"]) == ("2026-12-05T11:30:00Z", 2)


def test_a_block_that_has_begun_is_filled_at_once(catalog: Catalog) -> None:
    recording = gpus(catalog, datetime(2026, 12, 6, tzinfo=UTC), capacity=[{**BLOCK, "min": 2, "max": 2}])
    assert only(recording.all(GROUP))["scalingConfig"] == {"minSize": 0, "maxSize": 2, "desiredSize": 2}
    assert recording.all("aws:autoscaling/schedule:Schedule") == {}


def test_disks_are_encrypted_with_the_clusters_key_and_fast_enough_to_pull(catalog: Catalog) -> None:
    (disk,) = only(gpus(catalog).all(TEMPLATE))["blockDeviceMappings"]
    assert disk["ebs"]["encrypted"] == "true"
    assert disk["ebs"]["kmsKeyId"].startswith("arn:aws:kms:")
    assert disk["ebs"]["throughput"] == 600


def test_user_data_is_mime_with_a_node_config(catalog: Catalog) -> None:  # aws trap 16
    told = base64.b64decode(only(gpus(catalog).all(TEMPLATE))["userData"]).decode()
    assert told.startswith("MIME-Version: 1.0\nContent-Type: multipart/mixed")
    assert "Content-Type: application/node.eks.aws" in told
    assert "strategy: RAID0" in told
    assert "FastImagePull: true" in told


# ── Karpenter ────────────────────────────────────────────────────────────────────────────────────────────────────────

ELASTIC = [{"kind": "on_demand", "min": 1, "max": 3}, {"kind": "spot", "min": 0, "max": 4}]


def objects(recording: Recording, kind: str) -> dict[str, Any]:
    found = [r.inputs for r in recording.resources if r.inputs.get("kind") == kind]
    return {inputs["metadata"]["name"]: inputs["spec"] for inputs in found}


def test_what_is_above_the_floor_is_karpenters_in_order(catalog: Catalog) -> None:
    recording = gpus(catalog, machine="g6e.8xlarge", capacity=ELASTIC)
    pools = objects(recording, "NodePool")
    assert list(recording.all(GROUP)) == ["h100-on-demand"]
    assert {name: (pool["weight"], pool["limits"]) for name, pool in pools.items()} == {
        "h100-on-demand": (100, {"nodes": "2"}),
        "h100-spot": (99, {"nodes": "4"}),
    }
    spot = {each["key"]: each["values"] for each in pools["h100-spot"]["template"]["spec"]["requirements"]}
    assert spot["karpenter.sh/capacity-type"] == ["spot"]
    assert spot["node.kubernetes.io/instance-type"] == ["g6e.8xlarge"]


def test_elastic_nodes_are_as_the_managed_ones(catalog: Catalog) -> None:
    recording = gpus(catalog, capacity=[{"kind": "on_demand", "min": 1, "max": 3}], **EFA)
    (node_class,) = objects(recording, "EC2NodeClass").values()
    assert node_class["instanceStorePolicy"] == "RAID0"  # aws trap 47
    assert node_class["amiSelectorTerms"] == [
        {"alias": f"al2023@v{only(recording.all(GROUP))['releaseVersion'].split('-')[1]}"}
    ]
    types = [each["interfaceType"] for each in node_class["networkInterfaces"]]
    assert (types[0], types.count("efa-only")) == ("interface", 32)
    assert [term["id"] for term in node_class["securityGroupSelectorTerms"]] == ["sg-cluster", "h100-efa-id"]
    (pool,) = objects(recording, "NodePool").values()
    assert pool["template"]["metadata"]["labels"]["polysilicon.dev/landing"] == "h100"
    assert pool["template"]["spec"]["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]


# aws trap 45
def test_elastic_nodes_of_a_reservation_are_selected_by_it(catalog: Catalog) -> None:
    recording = gpus(catalog, capacity=[{**RESERVED, "min": 0}])
    (node_class,) = objects(recording, "EC2NodeClass").values()
    assert node_class["capacityReservationSelectorTerms"] == [{"id": "cr-00000000000000001"}]
    assert recording.all(GROUP) == {}


def test_an_elastic_pool_wants_somebody_who_makes_its_nodes(catalog: Catalog) -> None:
    with pytest.raises(SpecError, match="nothing was given that makes nodes when pods ask for them"):
        gpus(catalog, elastic=False, machine="g6e.8xlarge", capacity=ELASTIC)


def test_karpenter_has_rights_over_its_own_clusters_nodes_alone(catalog: Catalog) -> None:
    def program() -> None:
        Karpenter("main", KarpenterArgs(home=home(catalog), cluster=ref(), tags=TAGS, catalog=catalog))

    recording = record(program)
    policy = json.loads(recording.one("aws:iam/rolePolicy:RolePolicy")["policy"])
    unbound = [s["Sid"] for s in policy["Statement"] if "*" in s["Resource"] and "Condition" not in s]
    assert unbound == ["ReadPrices", "ListProfiles"], "neither can be narrowed"
    ending = next(s for s in policy["Statement"] if s["Sid"] == "EndOwn")
    assert ending["Condition"]["StringEquals"] == {"aws:ResourceTag/kubernetes.io/cluster/main": "owned"}
    association = recording.one("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert (association["namespace"], association["serviceAccount"]) == ("kube-system", "karpenter")
    assert len(recording.all("aws:cloudwatch/eventTarget:EventTarget")) == 5
    entry = recording.one("aws:eks/accessEntry:AccessEntry")
    assert entry["type"] == "EC2_LINUX"  # aws trap 52


# ── Software of the pools ────────────────────────────────────────────────────────────────────────────────────────────


def kinds(recording: Recording) -> set[str]:
    return {r.type.split(":")[-1] for r in recording.resources if r.type.startswith("polysilicon:")}


def test_pools_bring_the_software_of_their_devices(catalog: Catalog) -> None:
    assert kinds(gpus(catalog)) == {"EksGpuPool", "NvidiaDevicePlugin", "DcgmExporter"}
    assert kinds(gpus(catalog, **EFA)) == {"EksGpuPool", "NvidiaDevicePlugin", "DcgmExporter", "EfaDevicePlugin"}


# aws trap 41
def test_gpus_that_the_operator_cuts_have_no_second_plugin(catalog: Catalog) -> None:
    assert kinds(gpus(catalog, sharing={"kind": "mig", "profile": "all-1g.10gb"})) == {"EksGpuPool"}


def test_a_neuron_pool_is_measured(catalog: Catalog) -> None:
    def program() -> None:
        spec = NeuronPoolSpec(kind="neuron", cluster="main")
        NeuronPool("inf2", NeuronPoolArgs(spec=spec, home=home(catalog), cluster=ref(), catalog=catalog, now=NOW))

    assert kinds(record(program)) == {"NeuronPool", "NeuronDevicePlugin", "NeuronMonitor"}


# aws trap 20
def test_scarce_nodes_are_protected_and_updated_without_a_spare(catalog: Catalog) -> None:
    assert only(gpus(catalog).all(GROUP))["updateConfig"]["updateStrategy"] == "MINIMAL"
