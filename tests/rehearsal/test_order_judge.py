"""What must be there first though no property says so: each row with a call that comes too early, and one in time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from polysilicon.rehearsal import Record
from polysilicon.rehearsal.model import RefusedError
from tests.rehearsal.order_account import AWS_POLICY, EVERYTHING, NODE_POLICIES, Aws


@pytest.fixture
def aws() -> Aws:
    return Aws()


# ── Networks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_nat_gateway_comes_after_the_internet_gateway(aws: Aws) -> None:
    network = aws.network(frozenset())
    with pytest.raises(RefusedError, match=r"Gateway.NotAttached: Network vpc-[0-9a-f]+ has no Internet gateway"):
        aws.nat(network)
    aws.nat(network, connectivityType="private")
    aws.make("ec2", "InternetGateway", "igw", vpcId=network["vpc"].id)
    aws.nat(network)


def test_an_attachment_of_its_own_attaches_as_well(aws: Aws) -> None:
    network = aws.network(frozenset())
    gateway = aws.make("ec2", "InternetGateway", "igw")
    attachment = aws.make(
        "ec2", "InternetGatewayAttachment", "igw", internetGatewayId=gateway.id, vpcId=network["vpc"].id
    )
    nat = aws.nat(network)
    with pytest.raises(RefusedError, match="mapped public address"):
        aws.cloud.delete(attachment)
    aws.cloud.delete(nat)
    aws.cloud.delete(attachment)


def test_an_internet_gateway_goes_after_public_addresses(aws: Aws) -> None:
    network = aws.network(EVERYTHING)
    with pytest.raises(RefusedError, match=r"DependencyViolation: Network vpc-[0-9a-f]+ has some mapped public addr"):
        aws.cloud.delete(network["igw"])
    aws.cloud.delete(network["nat"])
    aws.cloud.delete(network["igw"])


# ── Nodes ────────────────────────────────────────────────────────────────────────────────────────────────────────────

LATE = [
    ("igw", "no route that leads out"),
    ("public route", "no route that leads out"),
    ("nat", "no route that leads out"),
    ("private route", "no route that leads out"),
    ("association", "no route that leads out"),
    ("node policies", "the role node-[0-9a-f]+ lacks AmazonEKSWorkerNodePolicy"),
    ("node policies", "the role node-[0-9a-f]+ lacks AmazonEC2ContainerRegistryPullOnly"),
    ("node policies", "the role node-[0-9a-f]+ lacks AmazonEKS_CNI_Policy"),
    ("addons", "has no vpc-cni"),
    ("addons", "has no kube-proxy"),
]


@pytest.mark.parametrize(("late", "why"), LATE)
def test_nodes_come_after_what_they_start_with(late: str, why: str, aws: Aws) -> None:
    there = EVERYTHING - {late} - ({"nat"} if late == "igw" else set())
    with pytest.raises(RefusedError, match=f"NodeCreationFailure: Instances failed to join .*{why}"):
        aws.whole(there)


def test_nodes_start_when_all_is_there(aws: Aws) -> None:
    assert aws.whole().type == "aws:eks/nodeGroup:NodeGroup"
    assert aws.judge.tally.inputs > 0
    assert not aws.judge.tally.unjudged


def test_a_group_of_no_nodes_needs_nothing_yet(aws: Aws) -> None:
    aws.whole(frozenset(), scalingConfig={"minSize": 0, "maxSize": 2, "desiredSize": 0})


def test_a_public_subnet_must_give_addresses(aws: Aws) -> None:
    network = aws.network(EVERYTHING)
    cluster, role = aws.cluster(network), aws.role("node", "ec2.amazonaws.com", *NODE_POLICIES)
    for addon in ("vpc-cni", "kube-proxy"):
        aws.addon(cluster, addon)
    with pytest.raises(RefusedError, match="gives nodes no public address"):
        aws.nodes(cluster, role, network["public"])
    aws.cloud.change(network["public"], **network["public"].inputs, mapPublicIpOnLaunch=True)
    aws.nodes(cluster, role, network["public"])


def test_endpoints_stand_in_for_a_way_out(aws: Aws) -> None:
    network = aws.network(frozenset())
    cluster, role = aws.cluster(network), aws.role("node", "ec2.amazonaws.com", *NODE_POLICIES)
    for addon in ("vpc-cni", "kube-proxy"):
        aws.addon(cluster, addon)
    services = ("ec2", "ecr.api", "ecr.dkr", "s3")
    for service in services[:-1]:
        endpoint(aws, network, service)
    with pytest.raises(RefusedError, match="no endpoints for s3"):
        aws.nodes(cluster, role, network["private"])
    endpoint(aws, network, "s3")
    aws.nodes(cluster, role, network["private"])


def endpoint(aws: Aws, network: Mapping[str, Record], service: str) -> None:
    aws.make("ec2", "VpcEndpoint", service, vpcId=network["vpc"].id, serviceName=f"com.amazonaws.us-east-1.{service}")


def test_endpoints_are_not_enough_for_a_public_cluster(aws: Aws) -> None:
    network = aws.network(frozenset())
    cluster = aws.cluster(network, vpcConfig={"subnetIds": [network["private"].id], "endpointPrivateAccess": False})
    role = aws.role("node", "ec2.amazonaws.com", *NODE_POLICIES)
    for addon in ("vpc-cni", "kube-proxy"):
        aws.addon(cluster, addon)
    for service in ("ec2", "ecr.api", "ecr.dkr", "s3"):
        endpoint(aws, network, service)
    with pytest.raises(RefusedError, match="no private endpoint of the cluster"):
        aws.nodes(cluster, role, network["private"])


@pytest.mark.parametrize(
    ("private", "let_in", "barred"),
    [
        (False, ["203.0.113.0/24"], True),
        (False, ["203.0.113.0/24", "{nat}/32"], False),
        (False, ["0.0.0.0/0"], False),
        (False, None, False),
        (True, ["203.0.113.0/24"], False),
    ],
)
def test_nodes_come_in_by_an_endpoint_that_lets_them(
    private: bool, let_in: list[str] | None, barred: bool, aws: Aws
) -> None:
    network = aws.network(EVERYTHING)
    nat = network["nat"].outputs["publicIp"]
    config: dict[str, Any] = {"subnetIds": [network["private"].id], "endpointPrivateAccess": private}
    if let_in:
        config["publicAccessCidrs"] = [each.format(nat=nat) for each in let_in]
    cluster = aws.cluster(network, vpcConfig=config)
    role = aws.role("node", "ec2.amazonaws.com", *NODE_POLICIES)
    for addon in ("vpc-cni", "kube-proxy"):
        aws.addon(cluster, addon)
    if barred:
        with pytest.raises(RefusedError, match=rf"no private endpoint and its public .* come from {nat} "):
            aws.nodes(cluster, role, network["private"])
    else:
        aws.nodes(cluster, role, network["private"])


def test_an_address_of_a_pool_of_ones_own_is_known_to_its_owner_alone(aws: Aws) -> None:
    network = aws.network(EVERYTHING - {"nat", "private route"})
    address = aws.make("ec2", "Eip", "own", domain="vpc", publicIpv4Pool="ipv4pool-ec2-1")
    gateway = aws.make("ec2", "NatGateway", "own", allocationId=address.id, subnetId=network["public"].id)
    aws.route("private", network, natGatewayId=gateway.id)
    config = {"subnetIds": [network["private"].id], "publicAccessCidrs": ["203.0.113.0/24"]}
    cluster, role = aws.cluster(network, vpcConfig=config), aws.role("node", "ec2.amazonaws.com", *NODE_POLICIES)
    for addon in ("vpc-cni", "kube-proxy"):
        aws.addon(cluster, addon)
    aws.nodes(cluster, role, network["private"])


# ── Zones ────────────────────────────────────────────────────────────────────────────────────────────────────────────

DATABASE, BALANCER = ("rds", "SubnetGroup", "subnetIds"), ("lb", "LoadBalancer", "subnets")
SPREAD: list[tuple[tuple[str, str, str], list[str], dict[str, Any], str]] = [
    (("eks", "Cluster", "vpcConfig"), ["a", "a"], {}, "in at least two different AZs .they are all in us-east-1a"),
    (("eks", "Cluster", "vpcConfig"), ["a", "a"], {"outpostConfig": {"outpostArns": ["o"]}}, ""),
    (("eks", "Cluster", "vpcConfig"), ["a", "b"], {}, ""),
    (("eks", "Cluster", "vpcConfig"), ["a", ""], {}, ""),
    (DATABASE, ["a"], {}, "DBSubnetGroupDoesNotCoverEnoughAZs: .* Current AZ coverage: us-east-1a"),
    (DATABASE, ["a", "a", "b"], {}, ""),
    (DATABASE, ["-bos-1a"], {}, ""),
    (BALANCER, ["a"], {}, "At least two subnets in two different Availability Zones"),
    (BALANCER, ["a"], {"loadBalancerType": "network"}, ""),
    (BALANCER, ["a", "b"], {}, ""),
    (BALANCER, ["a", "a", "b"], {"loadBalancerType": "network"}, "multiple subnets in the same Availability Zone"),
]


@pytest.mark.parametrize(("what", "zones", "more", "why"), SPREAD)
def test_subnets_lie_in_different_zones(
    what: tuple[str, str, str], zones: list[str], more: dict[str, Any], why: str, aws: Aws
) -> None:
    vpc = aws.make("ec2", "Vpc", "vpc", cidrBlock="10.0.0.0/16").id
    subnets = [
        aws.make("ec2", "Subnet", str(n), vpcId=vpc, **({"availabilityZone": f"us-east-1{zone}"} if zone else {})).id
        for n, zone in enumerate(zones)
    ]
    service, kind, property_ = what
    role = aws.role("cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy").outputs["arn"]
    inputs = {"roleArn": role, "vpcConfig": {"subnetIds": subnets}} if kind == "Cluster" else {property_: subnets}
    if why:
        with pytest.raises(RefusedError, match=why):
            aws.make(service, kind, "it", **inputs, **more)
    else:
        aws.make(service, kind, "it", **inputs, **more)


def test_routes_written_in_their_table_and_the_main_table_count(aws: Aws) -> None:
    vpc = aws.make("ec2", "Vpc", "vpc", cidrBlock="10.0.0.0/16")
    gateway = aws.make("ec2", "InternetGateway", "igw", vpcId=vpc.id)
    subnet = aws.make("ec2", "Subnet", "one", vpcId=vpc.id, mapPublicIpOnLaunch=True, cidrBlock="10.0.0.0/20")
    cluster, role = aws.cluster({"private": subnet}), aws.role("node", "ec2.amazonaws.com", *NODE_POLICIES)
    for addon in ("vpc-cni", "kube-proxy"):
        aws.addon(cluster, addon)
    with pytest.raises(RefusedError, match="no route that leads out"):
        aws.nodes(cluster, role, subnet)
    aws.make(
        "ec2",
        "DefaultRouteTable",
        "main",
        defaultRouteTableId=vpc.outputs["defaultRouteTableId"],
        routes=[{"cidrBlock": "0.0.0.0/0", "gatewayId": gateway.id}],
    )
    aws.nodes(cluster, role, subnet)


def test_what_was_not_made_here_is_counted_and_not_judged(aws: Aws) -> None:
    aws.cloud.accounts.learn(["subnet-0123456789abcdef0"])
    aws.make(
        "eks",
        "NodeGroup",
        "nodes",
        clusterName="theirs",
        nodeRoleArn="arn:aws:iam::123456789012:role/theirs",
        subnetIds=["subnet-0123456789abcdef0"],
        scalingConfig={"desiredSize": 1},
    )
    assert set(aws.judge.tally.unjudged) == {
        "a cluster that was not made here",
        "policies of a role that was not made here",
        "routes of a subnet that was not made here",
    }


def test_a_plugin_with_a_role_of_its_own_needs_none_of_the_nodes(aws: Aws) -> None:
    network = aws.network(EVERYTHING)
    cluster, role = aws.cluster(network), aws.role("node", "ec2.amazonaws.com", *NODE_POLICIES[:2])
    aws.addon(cluster, "kube-proxy")
    own = aws.role("cni", "pods.eks.amazonaws.com", "AmazonEKS_CNI_Policy")
    aws.addon(cluster, "vpc-cni", serviceAccountRoleArn=own.outputs["arn"])
    aws.nodes(cluster, role, network["private"])


def test_eks_brings_its_network_unless_told_not_to(aws: Aws) -> None:
    network = aws.network(EVERYTHING)
    cluster = aws.cluster(network, bootstrapSelfManagedAddons=True)
    aws.nodes(cluster, aws.role("node", "ec2.amazonaws.com", *NODE_POLICIES), network["private"])


def test_another_network_plugin_takes_its_place(aws: Aws) -> None:
    urn = aws.cloud.urn("kubernetes:helm.sh/v3:Release", "net")
    aws.cloud.simulation.judge_check({}, urn, {"chart": "oci://quay.io/cilium/cilium"})
    aws.whole(EVERYTHING - {"addons"})


# ── Roles ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cluster_comes_after_its_policies(aws: Aws) -> None:
    network, role = aws.network(EVERYTHING), aws.role("cluster", "eks.amazonaws.com")
    with pytest.raises(RefusedError, match=r"ensure the following policies \[.*/AmazonEKSClusterPolicy\] are attached"):
        aws.cluster(network, role)
    aws.attach(role, AWS_POLICY + "AmazonEKSClusterPolicy")
    aws.cluster(network, role)


def test_a_role_must_trust_who_takes_it(aws: Aws) -> None:
    role = aws.role("cluster", "ec2.amazonaws.com", "AmazonEKSClusterPolicy")
    with pytest.raises(RefusedError, match=r"service principals \[eks.amazonaws.com\] were not found"):
        aws.cluster(aws.network(EVERYTHING), role)


@pytest.mark.parametrize(("action", "trusted"), [("sts:TagSession", False), (["sts:Assume*"], True), (None, True)])
def test_a_role_must_let_itself_be_taken(action: Any, trusted: bool, aws: Aws) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}} | (
        {"Action": action} if action else {}
    )
    policies = [AWS_POLICY + "AmazonEKSClusterPolicy"]
    document = json.dumps({"Statement": statement})
    role = aws.make("iam", "Role", "own", assumeRolePolicy=document, managedPolicyArns=policies)
    if trusted:
        aws.cluster(aws.network(EVERYTHING), role)
    else:
        with pytest.raises(RefusedError, match=r"service principals \[eks.amazonaws.com\] were not found"):
            aws.cluster(aws.network(EVERYTHING), role)


@pytest.mark.parametrize("how", ["managedPolicyArns", "inlinePolicies", "RolePolicy", "Policy", "AdministratorAccess"])
def test_policies_count_however_a_role_has_them(how: str, aws: Aws) -> None:
    document = json.dumps({"Statement": {"Effect": "Allow", "Action": ["ec2:Create*"], "Resource": "*"}})
    given: dict[str, Any] = {
        "managedPolicyArns": [AWS_POLICY + "AmazonEKSClusterPolicy"],
        "inlinePolicies": [{"name": "own", "policy": document}],
    }
    role = aws.role("cluster", "eks.amazonaws.com", **{key: value for key, value in given.items() if key == how})
    if how == "RolePolicy":
        aws.make("iam", "RolePolicy", "own", role=role.id, policy=document)
    elif how == "Policy":
        aws.attach(role, aws.make("iam", "Policy", "own", policy=document).outputs["arn"])
    elif how == "AdministratorAccess":
        aws.attach(role, AWS_POLICY + how)
    aws.cluster(aws.network(EVERYTHING), role)


def test_a_policy_that_allows_something_else_is_not_enough(aws: Aws) -> None:
    role = aws.role("cluster", "eks.amazonaws.com")
    document = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    aws.attach(role, aws.make("iam", "Policy", "own", policy=document).outputs["arn"])
    with pytest.raises(RefusedError, match="lacks AmazonEKSClusterPolicy"):
        aws.cluster(aws.network(EVERYTHING), role)


def test_auto_mode_needs_more_policies(aws: Aws) -> None:
    role, network = aws.role("cluster", "eks.amazonaws.com", "AmazonEKSClusterPolicy"), aws.network(EVERYTHING)
    with pytest.raises(RefusedError, match="lacks AmazonEKSComputePolicy"):
        aws.cluster(network, role, computeConfig={"enabled": True})
    for policy in ("Compute", "BlockStorage", "LoadBalancing", "Networking"):
        aws.attach(role, f"{AWS_POLICY}AmazonEKS{policy}Policy")
    aws.cluster(network, role, computeConfig={"enabled": True})


def test_policies_are_detached_after_nodes_and_cluster(aws: Aws) -> None:
    nodes = aws.whole()
    cluster = made(aws, "aws:eks/cluster:Cluster", "prod")
    worker, of_cluster = (attachment(aws, name) for name in ("AmazonEKSWorkerNodePolicy", "AmazonEKSClusterPolicy"))
    for record, policy, kind in ((nodes, worker, "instances"), (cluster, of_cluster, "security groups")):
        aws.cloud.delete(policy)
        with pytest.raises(RefusedError, match=f"lacks AmazonEKS.* cannot delete the {kind}"):
            aws.cloud.delete(record)
        aws.make("iam", "RolePolicyAttachment", policy.name, **policy.inputs)
        aws.cloud.delete(record)


def made(aws: Aws, type_: str, name: str) -> Record:
    return next(r for r in aws.cloud.accounts.records() if r.type == type_ and r.name == name)


def attachment(aws: Aws, policy: str) -> Record:
    return next(r for r in aws.cloud.accounts.records() if r.inputs.get("policyArn") == AWS_POLICY + policy)


# ── Add-ons ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_coredns_finds_no_node_in_a_group_that_failed(aws: Aws) -> None:
    network = aws.network(EVERYTHING)
    cluster = aws.cluster(network)
    for addon in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
        aws.addon(cluster, addon)
    nodes = aws.nodes(cluster, aws.role("node", "ec2.amazonaws.com", *NODE_POLICIES), network["private"])
    accounts = aws.cloud.simulation.accounts
    accounts.change(replace(nodes, outputs={**nodes.outputs, "status": "CREATE_FAILED"}))
    machine = replace(nodes, type="aws:ec2/instance:Instance", id="i-1", outputs={}, maker="Amazon EKS")
    accounts.add(machine)  # of another group, with taints
    with pytest.raises(RefusedError, match="has no node"):
        aws.addon(cluster, "coredns")


def test_coredns_comes_after_nodes(aws: Aws) -> None:
    network = aws.network(EVERYTHING)
    cluster = aws.cluster(network)
    for addon in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent"):
        aws.addon(cluster, addon)
    with pytest.raises(RefusedError, match=r"\(last state: 'DEGRADED', timeout: 20m0s\).* has no node"):
        aws.addon(cluster, "coredns")
    aws.cloud.delete(made(aws, "aws:eks/addon:Addon", "coredns"))  # it is left, degraded
    aws.nodes(cluster, aws.role("node", "ec2.amazonaws.com", *NODE_POLICIES), network["private"])
    aws.addon(cluster, "coredns")


def taint(key: str, effect: str = "NO_SCHEDULE") -> dict[str, str]:
    return {"key": key, "effect": effect}


TAINTS: list[tuple[dict[str, str], dict[str, Any], bool]] = [
    (taint("nvidia.com/gpu"), {}, False),
    (taint("nvidia.com/gpu", "PREFER_NO_SCHEDULE"), {}, True),
    (taint("CriticalAddonsOnly"), {}, True),
    (taint("team"), {"tolerations": [{"key": "team", "operator": "Exists"}]}, True),
    (taint("team"), {"controller": {"tolerations": [{"operator": "Exists"}]}}, True),
    (taint("team"), {"tolerations": [{"key": "other", "operator": "Exists"}]}, False),
]


@pytest.mark.parametrize(("given", "configuration", "runs"), TAINTS)
def test_nodes_whose_taints_keep_its_pods_off_are_none(
    given: dict[str, str], configuration: dict[str, Any], runs: bool, aws: Aws
) -> None:
    aws.whole(taints=[given])
    cluster = made(aws, "aws:eks/cluster:Cluster", "prod")
    if runs:
        aws.addon(cluster, "coredns", configurationValues=json.dumps(configuration))
        return
    with pytest.raises(RefusedError, match=f"do not tolerate \\({given['key']}\\)"):
        aws.addon(cluster, "coredns", configurationValues=json.dumps(configuration))


def test_pod_identities_come_after_their_agent(aws: Aws) -> None:
    aws.whole()
    cluster = made(aws, "aws:eks/cluster:Cluster", "prod")
    identities = [{"roleArn": "arn:aws:iam::123456789012:role/ebs", "serviceAccount": "ebs-csi-controller-sa"}]
    with pytest.raises(RefusedError, match="eks-pod-identity-agent is not there"):
        aws.addon(cluster, "aws-ebs-csi-driver", podIdentityAssociations=identities)
    aws.cloud.delete(made(aws, "aws:eks/addon:Addon", "aws-ebs-csi-driver"))  # it is left, degraded
    aws.addon(cluster, "eks-pod-identity-agent")
    aws.addon(cluster, "aws-ebs-csi-driver", podIdentityAssociations=identities)
