"""Inputs of every component of the stacks, with outputs known and unknown."""

from __future__ import annotations

import json
import re
import runpy
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from polysilicon.aws import EksCluster, EksClusterArgs, EksHome, NetworkWires, NeuronPool, NeuronPoolArgs
from polysilicon.aws.tags import named
from polysilicon.catalog import Catalog
from polysilicon.errors import SpecError
from polysilicon.gcp import GkeNetwork, GkeNetworkArgs
from polysilicon.identity import RESOURCE, STACK, is_identity
from polysilicon.kubernetes import ClusterRef, ModelServer, ModelServerArgs
from polysilicon.planning.cluster import EksClusterPlan
from polysilicon.planning.fleet import plan_fleet
from polysilicon.rehearsal.values import at
from polysilicon.specs import EksClusterSpec, EksNetworkSpec, FleetSpec, GkeNetworkSpec, ModelSpec, NeuronPoolSpec
from tests.components.recording import Recording, Registered, record, unknown_keys
from tests.conftest import ROOT, stack_config

STACKS = ("dev", "staging", "mixed")
SOFTWARE = {f"polysilicon:index:{name}" for name in ("NeuronDevicePlugin", "NeuronMonitor", "Karpenter")}
"""What no spec asks for by itself."""
_recorded: dict[tuple[str, bool], Recording] = {}


def stack(name: str, known: bool = True) -> Recording:
    """The recording of a stack's program; each is run once."""
    if (name, known) not in _recorded:
        config = {
            key: value if isinstance(value, str) else json.dumps(value) for key, value in stack_config(name).items()
        }
        pulumi.runtime.set_all_config(config)
        _recorded[name, known] = record(_program, known)
    return _recorded[name, known]


def _program() -> None:
    sys.path.insert(0, str(ROOT / "stacks"))
    try:
        runpy.run_path(str(ROOT / "stacks" / "__main__.py"))
    finally:
        sys.path.pop(0)


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_asks_for_the_same_resources_before_anything_exists(name: str) -> None:
    def names(recording: Recording) -> set[tuple[str, str]]:
        return {(r.type, r.name) for r in recording.resources}

    assert names(stack(name, known=False)) == names(stack(name))


@pytest.mark.parametrize("name", STACKS)
def test_every_key_is_one_that_the_providers_know(name: str) -> None:
    assert [path for resource in stack(name).resources for path in unknown_keys(resource)] == []


@pytest.mark.parametrize("name", STACKS)
def test_autonaming_leaves_room_in_every_name(name: str) -> None:
    limits = {"gcp:container/nodePool:NodePool": 40, "gcp:container/cluster:Cluster": 40, "aws:iam/role:Role": 64}
    for resource in stack(name).resources:
        assert len(resource.name) + 8 <= limits.get(resource.type, 63), resource.name


@pytest.mark.parametrize("name", STACKS)
def test_components_record_what_they_were_asked(name: str) -> None:
    components = [r for r in stack(name).resources if r.type.startswith("polysilicon:")]
    for component in components:
        assert component.type in SOFTWARE or "spec" in component.inputs


def neuron_group() -> dict[str, Any]:
    return stack("dev").all("aws:eks/nodeGroup:NodeGroup")["inf2-on-demand"]


def neuron_template() -> dict[str, Any]:
    return stack("dev").all("aws:ec2/launchTemplate:LaunchTemplate")["inf2-on-demand"]


def test_neuron_nodes_have_the_neuron_image_at_a_release_that_serves() -> None:
    group = neuron_group()
    assert group["amiType"] == "AL2023_x86_64_NEURON"
    assert group["releaseVersion"] == "1.35.6-20260625"
    assert group["instanceTypes"] == ["inf2.8xlarge"]


def test_neuron_nodes_are_tainted_and_labelled() -> None:
    group = neuron_group()
    assert group["taints"] == [{"key": "aws.amazon.com/neuron", "value": "present", "effect": "NO_SCHEDULE"}]
    assert group["labels"] == {"polysilicon.dev/landing": "inf2"}


def landings(pools: dict[str, dict[str, Any]], labels: str) -> dict[str, dict[str, Any]]:
    """The pools whose nodes have accelerators: those that models land on."""
    found = {name: pool for name, pool in pools.items() if "polysilicon.dev/landing" in (at(pool, labels) or {})}
    assert pools.keys() - found.keys() <= {"aws-system", "gcp-system"}
    return found


@pytest.mark.parametrize("name", STACKS)
def test_only_pods_that_land_there_run_on_accelerators(name: str) -> None:
    groups = landings(stack(name).all("aws:eks/nodeGroup:NodeGroup"), "labels")
    pools = landings(stack(name).all("gcp:container/nodePool:NodePool"), "nodeConfig.labels")
    assert groups or pools
    for group in groups.values():
        assert [taint["effect"] for taint in group["taints"]] == ["NO_SCHEDULE"]
    for pool in pools.values():
        tainted_by_gke = re.match(r"ct\d", pool["nodeConfig"]["machineType"])  # TPUs: GKE puts their taint on by itself
        assert tainted_by_gke or [taint["effect"] for taint in pool["nodeConfig"]["taints"]] == ["NO_SCHEDULE"]


@pytest.mark.parametrize("name", STACKS)
def test_every_disk_is_encrypted(name: str) -> None:
    templates = stack(name).all("aws:ec2/launchTemplate:LaunchTemplate")
    for group, inputs in stack(name).all("aws:eks/nodeGroup:NodeGroup").items():
        assert inputs["launchTemplate"]["id"] == f"{group}-id"
        disks = [device["ebs"] for device in templates[group]["blockDeviceMappings"]]
        assert [disk["encrypted"] for disk in disks] == ["true"]
    for pool in stack(name).all("gcp:container/nodePool:NodePool").values():
        assert pool["nodeConfig"]["diskType"].startswith("pd-"), "Google encrypts every persistent disk"


def test_neuron_nodes_are_in_private_subnets_of_the_chosen_zones() -> None:
    assert neuron_group()["subnetIds"] == ["aws-private-use1-az4-id", "aws-private-use1-az6-id"]


def test_an_update_takes_a_node_away_before_it_adds_one() -> None:
    assert neuron_group()["updateConfig"] == {"maxUnavailable": 1, "updateStrategy": "MINIMAL"}


def test_root_disks_are_large_encrypted_gp3() -> None:
    (device,) = neuron_template()["blockDeviceMappings"]
    assert device["deviceName"] == "/dev/xvda"
    assert device["ebs"] == {
        "volumeType": "gp3",
        "volumeSize": 500,
        "throughput": 600,
        "kmsKeyId": "arn:aws:mock:us-east-1:123456789012:aws",
        "encrypted": "true",
        "deleteOnTermination": "true",
    }


def test_the_metadata_service_asks_for_a_token() -> None:
    options = neuron_template()["metadataOptions"]
    assert options == {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1}


def test_whatever_is_launched_says_who_pays() -> None:
    specifications = {s["resourceType"]: s["tags"] for s in neuron_template()["tagSpecifications"]}
    assert specifications.keys() == {"instance", "volume", "network-interface"}
    for tags in specifications.values():
        assert tags == {
            "Name": "inf2-on-demand",
            "CostCenter": "ml-platform",
            "Workload": "chat",
            "Team": "inference",
            "Environment": "test",
            "ManagedBy": "pulumi",
        }


def taggable() -> list[Registered]:
    """The resources of `dev` that AWS keeps tags of."""
    untagged = {"Route", "RouteTableAssociation", "RolePolicy", "RolePolicyAttachment", "AccessPolicyAssociation"}
    on_aws = [resource for resource in stack("dev").resources if resource.type.startswith("aws:")]
    return [resource for resource in on_aws if resource.type.rsplit(":", 1)[1] not in untagged]


def test_every_taggable_aws_resource_says_which_one_it_is() -> None:
    for resource in taggable():
        assert is_identity(resource.inputs["tags"]), resource.type
        assert resource.inputs["tags"][RESOURCE] == resource.name
    known = Counter((resource.type, resource.inputs["tags"][RESOURCE]) for resource in taggable())
    assert set(known.values()) == {1}


def test_given_tags_win_over_those_that_identify() -> None:
    assert named({STACK: "mine", "Team": "a"}, "net")[STACK] == "mine"
    assert named({"Team": "a"}, "net")["Team"] == "a"


def test_every_taggable_aws_resource_says_who_pays() -> None:
    for resource in taggable():
        assert resource.inputs["tags"]["CostCenter"] == "ml-platform", resource.type


def test_the_eks_api_answers_inside_and_to_named_networks() -> None:
    vpc = stack("dev").one("aws:eks/cluster:Cluster")["vpcConfig"]
    assert vpc["endpointPrivateAccess"] is True
    assert vpc["publicAccessCidrs"] == ["203.0.113.0/24"]


def test_rights_on_eks_are_access_entries_alone() -> None:
    access = stack("dev").one("aws:eks/cluster:Cluster")["accessConfig"]
    assert access == {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False}
    entry = stack("dev").one("aws:eks/accessEntry:AccessEntry")
    assert entry["principalArn"] == "arn:aws:iam::123456789012:role/deployer", "the role, not its session"


def test_network_policies_are_enforced() -> None:
    cni = stack("dev").all("aws:eks/addon:Addon")["aws-vpc-cni"]
    assert json.loads(cni["configurationValues"]) == {"enableNetworkPolicy": "true"}


def cluster_program(**changes: Any) -> Callable[[], None]:
    spec = EksClusterSpec(
        cloud="aws",
        region="us-east-1",
        network=EksNetworkSpec(zones=("use1-az4", "use1-az6")),
        **{"endpoint": {"kind": "public", "cidrs": ["198.51.100.0/24"]}, **changes},
    )
    wires = NetworkWires(vpc_id="vpc-1", private_subnet_ids={"use1-az4": "subnet-a", "use1-az6": "subnet-b"})
    return lambda: EksCluster("main", EksClusterArgs(spec=spec, network=wires))


def test_a_private_api_lets_in_whom_the_spec_names_and_nobody_else() -> None:
    recording = record(cluster_program(endpoint={"kind": "private", "reach": ["10.8.0.0/16"]}))
    vpc = recording.one("aws:eks/cluster:Cluster")["vpcConfig"]
    assert (vpc["endpointPublicAccess"], vpc["endpointPrivateAccess"]) == (False, True)
    rule = recording.one("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert (rule["cidrIpv4"], rule["fromPort"], rule["toPort"]) == ("10.8.0.0/16", 443, 443)


def test_administrators_are_named_by_their_whole_arn() -> None:
    names = ("arn:aws:iam::111111111111:role/deployer", "arn:aws:iam::111111111111:user/deployer")
    entries = record(cluster_program(admins=names)).all("aws:eks/accessEntry:AccessEntry")
    assert entries.keys() == {
        "main-deployer",
        "main-111111111111-role-deployer",
        "main-111111111111-user-deployer",
    }


def test_system_nodes_surge_and_accelerators_do_not() -> None:
    groups = stack("mixed").all("aws:eks/nodeGroup:NodeGroup")
    assert groups["aws-system"]["updateConfig"]["updateStrategy"] == "DEFAULT"
    assert groups["inf2-on-demand"]["updateConfig"]["updateStrategy"] == "MINIMAL"
    pools = stack("mixed").all("gcp:container/nodePool:NodePool")
    assert pools["gcp-system"]["upgradeSettings"] == {"strategy": "SURGE", "maxSurge": 1, "maxUnavailable": 0}
    assert pools["v5e-spot"]["upgradeSettings"] == {"strategy": "SURGE", "maxSurge": 0, "maxUnavailable": 1}


def test_pools_use_up_no_reservation_that_was_made_for_something_else() -> None:
    for pool in stack("mixed").all("gcp:container/nodePool:NodePool").values():
        assert pool["nodeConfig"]["reservationAffinity"] == {"consumeReservationType": "NO_RESERVATION"}


def test_add_ons_are_pinned() -> None:
    addons = stack("dev").all("aws:eks/addon:Addon").values()
    assert {a["addonName"] for a in addons} == {"vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent"}
    assert all("-eksbuild." in a["addonVersion"] for a in addons)


@pytest.mark.parametrize(("name", "command"), [("dev", "aws"), ("staging", "gke-gcloud-auth-plugin")])
def test_kubeconfigs_ask_for_a_token_and_hold_none(name: str, command: str) -> None:
    kubeconfig = json.loads(stack(name).one("pulumi:providers:kubernetes")["kubeconfig"])
    (user,) = kubeconfig["users"]
    assert user["user"].keys() == {"exec"}
    assert user["user"]["exec"]["command"] == command
    assert kubeconfig["clusters"][0]["cluster"]["server"].startswith("https://")


def test_the_device_plugin_runs_on_the_pools_nodes_alone() -> None:
    spec = stack("dev").all("kubernetes:apps/v1:DaemonSet")["inf2"]["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"polysilicon.dev/landing": "inf2"}
    assert {"key": "aws.amazon.com/neuron", "operator": "Equal", "value": "present", "effect": "NoSchedule"} in (
        spec["tolerations"]
    )
    assert spec["containers"][0]["image"] == "public.ecr.aws/neuron/neuron-device-plugin:2.32.0.0"


def tpu_pool() -> dict[str, Any]:
    return stack("staging").all("gcp:container/nodePool:NodePool")["v5e-on-demand"]


def test_a_single_host_slice_has_no_placement() -> None:
    assert "placementPolicy" not in tpu_pool(), "the API refuses a topology on a single host"
    assert tpu_pool()["nodeConfig"]["machineType"] == "ct5lp-hightpu-1t"
    assert tpu_pool()["nodeLocations"] == ["us-west4-a"]


def test_tpu_nodes_run_as_an_account_of_their_own() -> None:
    node = tpu_pool()["nodeConfig"]
    assert node["serviceAccount"] == "nodes@acme.iam.gserviceaccount.com"
    assert node["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert node["labels"] == {"polysilicon.dev/landing": "v5e"}
    assert node["resourceLabels"]["cost-center"] == "ml-platform"
    assert "taints" not in node, "GKE puts the TPU taint on by itself"


def test_spot_and_on_demand_are_pools_of_their_own() -> None:
    pools = stack("mixed").all("gcp:container/nodePool:NodePool")
    assert pools["v5e-spot"]["nodeConfig"]["spot"] is True
    assert "spot" not in pools["v5e-on-demand"]["nodeConfig"]
    assert pools["v5e-spot"]["autoscaling"]["totalMaxNodeCount"] == 4


def test_gke_nodes_are_private_behind_nat() -> None:
    cluster = stack("staging").one("gcp:container/cluster:Cluster")
    assert cluster["privateClusterConfig"]["enablePrivateNodes"] is True
    assert cluster["privateClusterConfig"]["enablePrivateEndpoint"] is False
    assert cluster["masterAuthorizedNetworksConfig"]["cidrBlocks"] == [{"cidrBlock": "203.0.113.0/24"}]
    assert cluster["datapathProvider"] == "ADVANCED_DATAPATH"
    assert stack("staging").one("gcp:compute/routerNat:RouterNat")["sourceSubnetworkIpRangesToNat"] == (
        "ALL_SUBNETWORKS_ALL_IP_RANGES"
    )


def test_the_service_waits_for_no_pods_of_its_own() -> None:
    service = stack("dev").all("kubernetes:core/v1:Service")["chat"]
    assert service["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}


def other_cluster() -> ClusterRef:
    return ClusterRef(key="gcp", provider=k8s.Provider("gcp", kubeconfig="{}", cluster_identifier="gcp"))


def test_a_server_refuses_the_landing_of_another_cluster(mixed: dict[str, Any], catalog: Catalog) -> None:
    fleet = plan_fleet(FleetSpec.parse(mixed), catalog)
    message = "pool: landing 'inf2' is in cluster 'aws', this is cluster 'gcp'\n  fix: take a landing of 'gcp'"

    def program() -> None:
        args = ModelServerArgs(
            spec=ModelSpec(model="Qwen/Qwen3-0.6B", pool="inf2"),
            landing=fleet.landings["inf2"],
            cluster=other_cluster(),
        )
        with pytest.raises(SpecError, match=re.escape(message)):
            ModelServer("chat", args)

    assert [r.type for r in record(program).resources] == ["pulumi:providers:kubernetes"]


def test_a_pool_refuses_the_provider_and_the_home_of_another_cluster(mixed: dict[str, Any], catalog: Catalog) -> None:
    plan = plan_fleet(FleetSpec.parse(mixed), catalog).clusters["aws"]
    assert isinstance(plan, EksClusterPlan)
    home = EksHome(
        plan=plan,
        cluster_name="c",
        node_role_arn="r",
        subnet_ids={},
        nodes_after={},
        vpc_id="vpc-1",
        security_group_id="sg-1",
    )

    def program() -> None:
        pool = NeuronPoolSpec(kind="neuron", cluster="aws")
        with pytest.raises(SpecError, match="landing 'inf2' is in cluster 'aws', this is cluster 'gcp'"):
            NeuronPool("inf2", NeuronPoolArgs(spec=pool, home=home, cluster=other_cluster()))
        elsewhere = NeuronPoolSpec(kind="neuron", cluster="gcp")
        with pytest.raises(SpecError, match="got 'gcp', but the pool was given the home of cluster 'aws'"):
            NeuronPool("inf3", NeuronPoolArgs(spec=elsewhere, home=home, cluster=other_cluster()))

    assert {r.type for r in record(program).resources} == {"pulumi:providers:kubernetes"}


@pytest.mark.parametrize("name", ["Team_Network", "a-name-that-is-far-too-long-for-it", "9lives"])
def test_a_name_that_a_cloud_refuses_is_refused_here(name: str) -> None:
    args = GkeNetworkArgs(spec=GkeNetworkSpec(), project="acme-inference", region="us-west4")
    with pytest.raises(SpecError, match=f"got '{name}' as a name"):
        GkeNetwork(name, args)


def test_apis_stay_enabled_after_destroy() -> None:
    services = stack("staging").all("gcp:projects/service:Service").values()
    assert {s["service"] for s in services} == {
        "cloudresourcemanager.googleapis.com",
        "compute.googleapis.com",
        "container.googleapis.com",
        "iam.googleapis.com",
    }
    assert all(s["disableOnDestroy"] is False for s in services)
