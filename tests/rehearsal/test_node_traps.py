"""What keeps pods from starting on nodes that look right: plugins of charts, disks, Arm, images, volumes."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal.cluster import NotReadyError
from polysilicon.rehearsal.cluster.images import registry
from tests.rehearsal.clusters import INF2, M7I, NEURON_TAINT, NEURON_TOLERATION, InCluster, asks, kubeconfig

GPU_TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}
G6 = {
    "instanceTypes": ["g6.xlarge"],
    "amiType": "AL2023_x86_64_NVIDIA",
    "scalingConfig": {"minSize": 1, "maxSize": 3, "desiredSize": 1},
}
TRN2 = {**INF2, "instanceTypes": ["trn2.48xlarge"]}
MACHINE = "node.kubernetes.io/instance-type"


def told(cluster: InCluster, name: str = "chat", /, **pod: Any) -> str:
    """What is told of a Deployment whose pods never start; nothing if they do."""
    try:
        cluster.deploy(name, **pod)
    except NotReadyError as error:
        return "\n".join(error.reasons)
    return ""


def release(cluster: InCluster, chart: str, **inputs: Any) -> None:
    """A release of a chart."""
    cluster.cloud.make("kubernetes:helm.sh/v3:Release", chart, chart=chart, namespace="kube-system", **inputs)


# ── Plugins that a chart brings ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("taints", "values", "words"),
    [
        ([NEURON_TAINT], {}, "does not tolerate their taint aws.amazon.com/neuron=present:NoSchedule"),
        ([NEURON_TAINT], {"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]}, "does not tolerate"),
        ([NEURON_TAINT], {"tolerations": [NEURON_TOLERATION]}, ""),
        ([], {}, ""),
    ],
)
def test_the_efa_plugin_on_tainted_nodes(taints: list[Any], values: dict[str, Any], words: str) -> None:  # aws trap 9
    cluster = InCluster()
    cluster.group("trn", {"networkInterfaces": [{"interfaceType": "efa"}]}, **{**TRN2, "taints": taints})
    release(cluster, "aws-efa-k8s-device-plugin", values=values)
    found = told(cluster, tolerations=[NEURON_TOLERATION], resources=asks(**{"vpc.amazonaws.com/efa": "1"}))
    assert words in found
    assert bool(found) is bool(words)


@pytest.mark.parametrize(
    ("group", "values", "more", "works"),
    [
        ({}, {}, (), False),
        ({"labels": {"nvidia.com/gpu.present": "true"}}, {}, (), True),
        ({}, {"gfd": {"enabled": True}}, (), True),
        ({}, {"affinity": {}}, (), True),
        ({}, {}, ("node-feature-discovery",), True),
        ({}, {}, ("gpu-operator",), True),
        ({"amiType": "BOTTLEROCKET_x86_64_NVIDIA"}, {}, (), True),  # it has a plugin of its own
        ({"taints": [GPU_TAINT], "labels": {"nvidia.com/gpu.present": "true"}}, {}, (), True),
    ],
)
def test_the_nvidia_plugin_wants_a_label(  # aws trap 40
    group: dict[str, Any], values: dict[str, Any], more: tuple[str, ...], works: bool
) -> None:
    cluster = InCluster(groups={"gpu": {**G6, **group}})
    release(cluster, "nvidia-device-plugin", values=values)
    for chart in more:
        release(cluster, chart)
    pod = {
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "resources": asks(**{"nvidia.com/gpu": "1"}),
    }
    found = told(cluster, **pod)
    assert ("does not select these nodes: they have none of the labels" in found) is not works
    assert bool(found) is not works


def test_a_plugin_of_which_the_list_of_machines_is_too_old() -> None:  # aws trap 39
    listed = {"key": MACHINE, "operator": "In", "values": ["inf2.xlarge", "trn1.32xlarge"]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [listed]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    pod = {"tolerations": [NEURON_TOLERATION], "resources": asks(neuron="1")}
    for group, works in ((TRN2, False), (INF2, True)):
        cluster = InCluster(groups={"neuron": group})
        cluster.plugin(affinity=affinity)
        assert ("does not select these nodes" in told(cluster, **pod)) is not works


@pytest.mark.parametrize(("family", "works"), [("g6f.xlarge", False), ("gr6f.4xlarge", False), ("g6.xlarge", True)])
def test_karpenter_makes_no_machine_with_a_part_of_a_gpu(family: str, works: bool) -> None:  # aws trap 44
    cluster = InCluster()
    release(cluster, "gpu-operator")
    node_pool(cluster, {"key": MACHINE, "operator": "In", "values": [family]})
    found = told(cluster, resources=asks(**{"nvidia.com/gpu": "1"}))
    assert ("Insufficient nvidia.com/gpu" in found) is not works


# ── Disks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def node_pool(cluster: InCluster, *requirements: dict[str, Any]) -> None:
    spec = {"requirements": list(requirements), "nodeClassRef": {"name": "usual", "kind": "EC2NodeClass"}}
    cluster.put("karpenter.sh/v1:NodePool", "p", namespace="", spec={"template": {"spec": spec}})


def volume(size: Any) -> dict[str, Any]:
    return {"blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": size}}]}


@pytest.mark.parametrize(
    ("group", "template", "fits"),
    [
        ({}, None, False),  # 20 GiB unless something is said
        ({"diskSize": 100}, None, True),
        ({}, volume(30), False),
        ({}, volume(100), True),
        ({}, {"instanceType": "m7i.xlarge", "userData": "bW91bnQ="}, True),
        ({}, {"imageId": "ami-1"}, True),
        ({"amiType": "BOTTLEROCKET_x86_64"}, None, True),
    ],
)
def test_pods_that_want_more_disk_than_a_node_has(group: Any, template: Any, fits: bool) -> None:  # aws trap 19
    cluster = InCluster()
    cluster.group("g", template, **{**M7I, **group})
    found = told(cluster, resources=asks(**{"ephemeral-storage": "40Gi"}))
    assert ("2 Insufficient ephemeral-storage" in found) is not fits


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        ({"amiSelectorTerms": [{"alias": "al2023@latest"}]}, False),
        ({"amiSelectorTerms": [{"alias": "al2023@latest"}], "instanceStorePolicy": "RAID0"}, True),
        ({"amiSelectorTerms": [{"alias": "al2023@latest"}], **volume("100Gi")}, True),
        ({"amiSelectorTerms": [{"alias": "al2023@latest"}], **volume("30Gi")}, False),
        ({"amiSelectorTerms": [{"alias": "bottlerocket@latest"}]}, True),
        ({"amiSelectorTerms": [{"id": "ami-1"}]}, True),
    ],
)
def test_karpenter_leaves_the_disks_of_a_machine_alone(spec: dict[str, Any], fits: bool) -> None:  # aws trap 47
    cluster = InCluster()
    cluster.put("karpenter.k8s.aws/v1:EC2NodeClass", "usual", namespace="", spec=spec)
    node_pool(cluster)
    found = told(cluster, resources=asks(**{"ephemeral-storage": "40Gi"}))
    assert ("Insufficient ephemeral-storage" in found) is not fits


@pytest.mark.parametrize(
    ("driver", "mode", "volumes", "bound"),
    [
        ("s3.csi.aws.com", "Immediate", False, False),
        ("s3.csi.aws.com", "Immediate", True, True),
        ("s3.csi.aws.com", "WaitForFirstConsumer", False, True),
        ("ebs.csi.aws.com", "Immediate", False, True),
    ],
)
def test_a_claim_of_a_driver_that_makes_no_volumes(  # aws trap 51
    driver: str, mode: str, volumes: bool, bound: bool
) -> None:
    cluster = InCluster(groups={"system": M7I})
    cluster.put("storage.k8s.io/v1:StorageClass", "weights", namespace="", provisioner=driver, volumeBindingMode=mode)
    if volumes:
        cluster.put("core/v1:PersistentVolume", "weights", namespace="", spec={"storageClassName": "weights"})
    claim = {"storageClassName": "weights", "accessModes": ["ReadOnlyMany"], "resources": asks(storage="1Gi")}
    if bound:
        cluster.put("core/v1:PersistentVolumeClaim", "weights", spec=claim)
    else:
        with pytest.raises(NotReadyError) as error:
            cluster.put("core/v1:PersistentVolumeClaim", "weights", spec=claim)
        assert 'external provisioner "s3.csi.aws.com"' in "\n".join(error.value.reasons)


# ── Arm on Google Cloud ──────────────────────────────────────────────────────────────────────────────────────────────

ARCH = "kubernetes.io/arch"


@pytest.mark.parametrize(
    ("config", "pod", "works"),
    [
        ({}, {}, False),
        ({}, {"nodeSelector": {ARCH: "arm64"}}, True),
        ({}, {"nodeSelector": {ARCH: "amd64"}}, False),
        ({}, {"tolerations": [{"key": ARCH, "operator": "Exists"}]}, True),
        ({"taintConfig": {"architectureTaintBehavior": "NONE"}}, {}, True),
        ({"machineType": "n2-standard-4"}, {}, True),
    ],
)
def test_arm_nodes_have_a_taint(config: dict[str, Any], pod: dict[str, Any], works: bool) -> None:  # gcp trap 28
    pool = {"nodeConfig": {"machineType": "c4a-standard-4", **config}, "initialNodeCount": 1}
    assert bool(told(InCluster("gke", {"arm": pool}), **pod)) is not works


# ── Images ───────────────────────────────────────────────────────────────────────────────────────────────────────────

SYSTEM = {"nodeConfig": {"machineType": "n2-standard-4"}, "initialNodeCount": 1}
PRIVATE: dict[str, Any] = {"privateClusterConfig": {"enablePrivateNodes": True}, "network": "vpc"}


def google(**cluster: Any) -> InCluster:
    """A GKE cluster with a pool, beside a network that was made here."""
    found = InCluster("gke")
    found.cloud.make("gcp:compute/network:Network", "vpc", name="vpc", autoCreateSubnetworks=False)
    place = {"location": "us-central1-a"}
    told_ = {"name": "own", "removeDefaultNodePool": True, **place, **cluster}
    made = found.cloud.make("gcp:container/cluster:Cluster", "own", **told_)
    found.cloud.make("gcp:container/nodePool:NodePool", "system", name="system", cluster=made.id, **place, **SYSTEM)
    found.cloud.settings["kubeconfig"] = kubeconfig(str(made.outputs["endpoint"]))
    return found


@pytest.mark.parametrize(
    ("image", "works"),
    [
        ("quay.io/team/server:1", False),
        ("nvcr.io/nvidia/tritonserver:24.12", False),
        ("vllm/vllm-openai:1", True),  # Google mirrors what is often used on Docker Hub
        ("us-docker.pkg.dev/acme/images/server:1", True),
        ("registry.acme.internal/server:1", True),
    ],
)
def test_private_nodes_without_nat_pull_nothing_from_outside(image: str, works: bool) -> None:  # gcp trap 36
    found = told(google(**PRIVATE), image=image)
    assert ("[ImagePullBackOff]" in found and "has no Cloud NAT" in found) is not works
    assert bool(found) is not works


@pytest.mark.parametrize("way", ["nat", "public", "pool", "elsewhere"])
def test_nodes_that_may_lead_out(way: str) -> None:  # gcp trap 36
    cluster = google(**{"public": {}, "elsewhere": {**PRIVATE, "network": "default"}}.get(way, PRIVATE))
    if way == "nat":
        cluster.cloud.make("gcp:compute/router:Router", "r", name="r", network="vpc", region="us-central1")
        nat = {"router": "r", "region": "us-central1", "natIpAllocateOption": "AUTO_ONLY"}
        more = {"sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES"}
        cluster.cloud.make("gcp:compute/routerNat:RouterNat", "nat", **nat, **more)
    if way == "pool":
        open_ = {**SYSTEM, "networkConfig": {"enablePrivateNodes": False}}
        told_ = {"name": "open", "cluster": "own", "location": "us-central1-a"}
        cluster.cloud.make("gcp:container/nodePool:NodePool", "open", **told_, **open_)
    assert told(cluster, image="quay.io/team/server:1") == ""


@pytest.mark.parametrize(
    ("role", "works"),
    [
        (None, False),
        ("roles/logging.logWriter", False),
        ("roles/artifactregistry.reader", True),
        ("projects/acme/roles/nodes", True),
        ("group", True),
    ],
)
def test_an_account_of_nodes_that_may_not_read_images(role: str | None, works: bool) -> None:  # gcp trap 37
    cluster = InCluster("gke")
    account = cluster.cloud.make("gcp:serviceaccount/account:Account", "nodes", accountId="nodes")
    email = str(account.outputs["email"])
    pool = {**SYSTEM, "nodeConfig": {"machineType": "n2-standard-4", "serviceAccount": email}}
    cluster.cloud.make(
        "gcp:container/nodePool:NodePool", "p", name="p", cluster="gke", location="us-central1-a", **pool
    )
    if role == "group":  # what the group may do, somebody else says
        inputs = {"group": "groups/nodes", "preferredMemberKey": {"id": email}, "roles": [{"name": "MEMBER"}]}
        cluster.cloud.make("gcp:cloudidentity/groupMembership:GroupMembership", "m", **inputs)
    elif role:
        inputs = {"project": "acme", "role": role, "member": f"serviceAccount:{email}"}
        cluster.cloud.make("gcp:projects/iAMMember:IAMMember", "m", **inputs)
    found = told(cluster, image="us-docker.pkg.dev/acme/images/server:1")
    assert ("artifactregistry.repositories.downloadArtifacts' denied" in found) is not works
    assert bool(found) is not works
    assert told(cluster, "other", image="us-docker.pkg.dev/other/images/server:1") == "", "of another project"


@pytest.mark.parametrize(
    ("gateway", "image", "works"),
    [
        (False, "public.ecr.aws/team/server:1", False),
        (False, "server:1", False),
        (False, "111122223333.dkr.ecr.us-east-1.amazonaws.com/server:1", True),
        (True, "public.ecr.aws/team/server:1", True),
    ],
)
def test_subnets_that_lead_nowhere_pull_nothing_from_outside(gateway: bool, image: str, works: bool) -> None:
    cluster = InCluster()
    cloud = cluster.cloud
    vpc = cloud.make("aws:ec2/vpc:Vpc", "vpc", cidrBlock="10.0.0.0/16")
    subnet = cloud.make("aws:ec2/subnet:Subnet", "s", vpcId=vpc.id, cidrBlock="10.0.0.0/20")
    inputs = {**M7I, "subnetIds": [subnet.id]}
    cloud.make("aws:eks/nodeGroup:NodeGroup", "g", clusterName="eks", nodeGroupName="g", **inputs)
    if gateway:
        made = cloud.make("aws:ec2/internetGateway:InternetGateway", "igw", vpcId=vpc.id)
        route = {"routeTableId": vpc.outputs["mainRouteTableId"], "destinationCidrBlock": "0.0.0.0/0"}
        cloud.make("aws:ec2/route:Route", "out", **route, gatewayId=made.id)
    found = told(cluster, image=image)
    assert ("[ImagePullBackOff]" in found and "no route leads out of its subnets" in found) is not works


@pytest.mark.parametrize(
    ("image", "host"),
    [
        ("server", "docker.io"),
        ("team/server:1", "docker.io"),
        ("quay.io/a/b@sha256:1", "quay.io"),
        ("r:5000/a", "r:5000"),
    ],
)
def test_where_an_image_comes_from(image: str, host: str) -> None:
    assert registry(image) == host
