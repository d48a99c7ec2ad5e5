"""What controllers make, take away, keep and move; who may not delete or take back what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
import yaml
from rich.console import Console

from polysilicon.rehearsal import Hooks, Record
from polysilicon.rehearsal.controllers import follow, settle
from polysilicon.rehearsal.controllers.ownership import Ownership
from polysilicon.rehearsal.controllers.protection import Protected
from polysilicon.rehearsal.controllers.table import told
from polysilicon.rehearsal.model import RefusedError
from polysilicon.rehearsal.outcome import Resource, leftovers_of
from polysilicon.rehearsal.summary import render_summary
from tests.rehearsal.conftest import MakeForeign, succeeded
from tests.rehearsal.simulated import Cloud

GP3 = {"provisioner": "ebs.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer"}
EBS_CSI = "aws-ebs-csi-driver"


class World(Cloud):
    """An account with a network and a cluster, and the controllers of every rehearsal."""

    def __init__(self, google: bool = False, **cluster: Any) -> None:
        super().__init__(hooks=Hooks(after=(follow,)))
        self.simulation.judges = [*self.simulation.judges, Ownership(), Protected()]
        self.cluster = self._gke(cluster) if google else self._eks(cluster)
        self.settings["kubeconfig"] = kubeconfig(str(self.cluster.outputs["endpoint"]))

    def _eks(self, more: dict[str, Any]) -> Record:
        self.vpc = self.make("aws:ec2/vpc:Vpc", "v", cidrBlock="10.0.0.0/16")
        self.subnets = [self._subnet(number, zone) for number, zone in enumerate("ab")]
        self.role = self.make("aws:iam/role:Role", "r", assumeRolePolicy="{}").outputs["arn"]
        network = {"subnetIds": [subnet.id for subnet in self.subnets]}
        return self.make("aws:eks/cluster:Cluster", "c", name="c", roleArn=self.role, vpcConfig=network, **more)

    def _subnet(self, number: int, zone: str) -> Record:
        tags = {"kubernetes.io/role/elb": "1", "karpenter.sh/discovery": "c"}
        place = {"cidrBlock": f"10.0.{number}.0/24", "availabilityZone": f"us-east-1{zone}"}
        return self.make("aws:ec2/subnet:Subnet", f"s{zone}", vpcId=self.vpc.id, tags=tags, **place)

    def _gke(self, more: dict[str, Any]) -> Record:
        self.vpc = self.make("gcp:compute/network:Network", "n", name="n")
        given = {"name": "c", "location": "us-west4-a", "network": self.vpc.id, "deletionProtection": False, **more}
        return self.make("gcp:container/cluster:Cluster", "c", **given)

    def node_group(self, **more: Any) -> Record:
        """A managed node group of two machines."""
        scaling = {"minSize": 1, "maxSize": 3, "desiredSize": 2}
        given = {"nodeRoleArn": self.role, "subnetIds": [subnet.id for subnet in self.subnets], **more}
        return self.make("aws:eks/nodeGroup:NodeGroup", "g", clusterName="c", scalingConfig=scaling, **given)

    def object(self, type_: str, name: str, namespace: str = "default", /, **inputs: Any) -> Record:
        """A Kubernetes object."""
        # Nobody waits for pods here.
        annotations = {"pulumi.com/skipAwait": "true", **inputs.pop("annotations", {})}
        metadata = {"name": name, "namespace": namespace, "annotations": annotations}
        return self.make(f"kubernetes:{type_}", f"{namespace}-{name}", metadata=metadata, **inputs)

    def service(self, namespace: str = "default", annotations: Any = (), **spec: Any) -> Record:
        """A service with a load balancer."""
        given = {"type": "LoadBalancer", **spec}
        return self.object("core/v1:Service", "web", namespace, annotations=dict(annotations), spec=given)

    def workload(self, kind: str = "Deployment", claim: str = "", **spec: Any) -> Record:
        """A workload; its pods mount a claim if one is named."""
        volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
        pod = {"spec": {"containers": [{"name": "m"}], "volumes": volumes}}
        return self.object(f"apps/v1:{kind}", "model", spec={"template": pod, **spec})

    def release(self, chart: str) -> Record:
        """A chart, installed."""
        return self.make("kubernetes:helm.sh/v3:Release", chart, name=chart, chart=chart, namespace="kube-system")

    def addon(self, name: str) -> Record:
        """An add-on of the cluster."""
        return self.make("aws:eks/addon:Addon", name, clusterName="c", addonName=name)

    def claim(self, class_: str | None = "gp3") -> Record:
        """A claim."""
        return self.object("core/v1:PersistentVolumeClaim", "data", spec={"storageClassName": class_})

    def storage_class(self, **more: Any) -> Record:
        """The class `gp3`."""
        return self.make("kubernetes:storage.k8s.io/v1:StorageClass", "gp3", metadata={"name": "gp3"}, **GP3, **more)

    def made(self, maker: str = "") -> list[str]:
        """The kinds of what controllers have made."""
        return kinds(record for record in self.accounts.records() if maker in record.maker and record.maker)

    def live(self, record: Record) -> Record:
        """A record as it is now."""
        (found,) = [one for one in self.accounts.records() if one.key == record.key]
        return found


def kinds(records: Iterable[Record]) -> list[str]:
    return [record.type.rsplit(":", 1)[-1] for record in records]


def kubeconfig(server: str) -> str:
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    named = {"clusters": [{"name": "c", "cluster": {"server": server}}], "users": [{"name": "u", "user": {}}]}
    return yaml.safe_dump({**named, "contexts": [context], "current-context": "c"})


CLASSIC = ["SecurityGroup", "LoadBalancer", "NetworkInterface", "NetworkInterface"]
NETWORK = ["LoadBalancer", "NetworkInterface", "NetworkInterface"]
TYPE = "service.beta.kubernetes.io/aws-load-balancer-type"


# ── Load balancers ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("spec", "annotations", "made"),
    [
        ({}, {}, CLASSIC),
        ({}, {TYPE: "nlb"}, NETWORK),
        ({}, {TYPE: "external"}, []),  # nobody is there who would do it
        ({"loadBalancerClass": "service.k8s.aws/nlb"}, {}, []),
        ({"type": "ClusterIP"}, {}, []),
    ],
)
def test_a_service_gets_its_load_balancer(spec: Any, annotations: Any, made: list[str]) -> None:
    world = World()
    service = world.service(annotations=annotations, **spec)
    assert world.made("cloud controller") == made
    world.delete(service)
    assert world.made("cloud controller") == []


def test_a_service_that_needs_no_balancer_any_more_loses_it() -> None:
    world = World()
    service = world.service()
    world.change(service, metadata=service.inputs["metadata"], spec={"type": "ClusterIP"})
    assert world.made("cloud controller") == []


def test_a_service_under_another_name_in_the_program_keeps_its_load_balancer() -> None:
    world = World()
    service = world.service()
    renamed = replace(service, urn=world.urn(service.type, "other"))
    world.change(renamed, **service.inputs)
    made = [record for record in world.accounts.records() if "cloud controller" in record.maker]
    assert (kinds(made), {record.urn for record in made}) == (CLASSIC, {renamed.urn})


def test_a_load_balancer_blocks_its_network_and_says_who_made_it() -> None:
    world = World()
    world.service()
    world.delete(world.cluster)  # nobody is left who would take the balancer away
    assert world.made() == CLASSIC
    with pytest.raises(RefusedError, match="DependencyViolation") as refused:
        world.delete(world.subnets[0])
    assert "made by the AWS cloud controller, for Service default/web. Delete the Service while" in str(refused.value)
    with pytest.raises(RefusedError, match="DependencyViolation"):
        world.delete(world.vpc)


def test_a_namespace_takes_along_what_was_made_for_its_services() -> None:
    world = World()
    namespace = world.make("kubernetes:core/v1:Namespace", "shop", metadata={"name": "shop"})
    world.service("shop")
    world.service()
    world.delete(namespace)
    assert world.made("cloud controller") == CLASSIC


@pytest.mark.parametrize(("first", "left"), [("service", []), ("release", CLASSIC)])
def test_a_controller_of_the_programs_own_must_outlive_its_services(first: str, left: list[str]) -> None:
    world = World()
    release = world.release("aws-load-balancer-controller")
    service = world.service()
    assert world.made("AWS Load Balancer Controller") == CLASSIC
    for record in (service, release) if first == "service" else (release, service):
        world.delete(record)
    assert world.made("AWS Load Balancer Controller") == left


@pytest.mark.parametrize(("class_", "made"), [("alb", CLASSIC), ("nginx", [])])
def test_an_ingress_gets_its_load_balancer(class_: str, made: list[str]) -> None:
    world = World()
    world.release("aws-load-balancer-controller")
    world.object("networking.k8s.io/v1:Ingress", "web", spec={"ingressClassName": class_})
    assert world.made("AWS Load Balancer Controller") == made


@pytest.mark.parametrize(("scheme", "count"), [("EXTERNAL", 3), ("INTERNAL", 2)])
def test_a_service_on_gke(scheme: str, count: int) -> None:
    world = World(google=True)
    internal = {"networking.gke.io/load-balancer-type": "Internal"} if scheme == "INTERNAL" else {}
    service = world.service(annotations=internal)
    made = [record for record in world.accounts.records() if "service controller" in record.maker]
    assert len(made) == count
    (rule,) = [record for record in made if record.type.endswith(":ForwardingRule")]
    assert rule.id == f"projects/acme/regions/us-west4/forwardingRules/{rule.inputs['name']}"
    assert rule.inputs["loadBalancingScheme"] == scheme
    world.delete(world.cluster)
    with pytest.raises(RefusedError, match="already being used by 'projects/acme/global/firewalls/k8s-fw-a"):
        world.delete(world.vpc)
    assert world.accounts.get(service.scope, service.type, service.id) is None


def test_an_ingress_on_gke() -> None:
    world = World(google=True)
    world.object("networking.k8s.io/v1:Ingress", "web", spec={})
    world.object("networking.k8s.io/v1:Ingress", "other", spec={"ingressClassName": "nginx"})
    assert world.made("ingress") == ["GlobalForwardingRule", "URLMap", "Firewall"]


GATEWAYS = [
    ("gke-l7-global-external-managed", ["Firewall", "GlobalForwardingRule"]),
    ("gke-l7-rilb", ["Firewall", "ForwardingRule"]),
    ("istio", []),
]


@pytest.mark.parametrize(("class_", "made"), GATEWAYS)
def test_a_gateway_on_gke(class_: str, made: list[str]) -> None:
    world = World(google=True)
    world.object("gateway.networking.k8s.io/v1:Gateway", "web", spec={"gatewayClassName": class_})
    assert world.made("Gateway") == made


# ── Clusters and their nodes ─────────────────────────────────────────────────────────────────────────────────────────


def test_machines_come_and_go_with_their_node_group() -> None:
    world = World()
    group = world.node_group()
    assert world.made("node group") == ["Group", "Instance", "Instance", "NetworkInterface", "NetworkInterface"]
    scaling = {**group.inputs["scalingConfig"], "desiredSize": 1}
    world.change(group, **{**group.inputs, "scalingConfig": scaling})
    assert world.made("node group") == ["Group", "Instance", "NetworkInterface"]
    world.delete(world.live(group))
    assert world.made("node group") == []


def test_a_group_that_is_replaced_takes_its_own_machines_along() -> None:
    world = World()
    old = world.node_group(nodeGroupName="old")
    world.node_group(nodeGroupName="new")
    world.delete(old)
    names = {r.inputs["tags"]["eks:nodegroup-name"] for r in world.accounts.records() if r.type.endswith(":Instance")}
    assert names == {"new"}


@pytest.mark.parametrize(("logged", "left"), [([], []), (["api"], ["LogGroup"])])
def test_the_log_group_of_a_cluster_stays(logged: list[str], left: list[str]) -> None:
    world = World(enabledClusterLogTypes=logged)
    world.delete(world.cluster)
    assert world.made() == left


def test_a_log_group_that_the_program_made_before_is_its_own() -> None:
    world = World()
    group = world.make("aws:cloudwatch/logGroup:LogGroup", "l", name="/aws/eks/d/cluster")
    network = world.cluster.inputs["vpcConfig"]
    more = {"roleArn": world.role, "vpcConfig": network, "enabledClusterLogTypes": ["api"]}
    world.make("aws:eks/cluster:Cluster", "d", name="d", **more)
    assert [r.maker for r in world.accounts.records() if r.type == group.type] == [""]


def test_a_pool_and_its_machines_on_gke() -> None:
    world = World(google=True)
    pool = world.make("gcp:container/nodePool:NodePool", "p", name="p", cluster=world.cluster.id, initialNodeCount=2)
    assert world.made("node pool") == ["InstanceGroupManager", "Instance", "Instance"]
    with pytest.raises(RefusedError, match="already being used"):
        world.delete(world.vpc)
    world.delete(pool)
    world.delete(world.cluster)
    world.delete(world.vpc)
    assert list(world.accounts.records()) == []


# ── Volumes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("reclaim", "left"), [("Delete", []), ("Retain", ["Volume", "PersistentVolume"])])
def test_a_volume_comes_with_its_first_pod_and_goes_with_its_claim(reclaim: str, left: list[str]) -> None:
    world = World()
    world.addon(EBS_CSI)
    world.storage_class(reclaimPolicy=reclaim)
    claim = world.claim()
    assert world.made("CSI") == []
    workload = world.workload(claim="data")
    assert world.made("CSI") == ["Volume", "PersistentVolume"]
    world.delete(workload)
    assert world.made("CSI") == ["Volume", "PersistentVolume"]
    world.delete(claim)
    assert world.made("CSI") == left


def test_without_its_driver_no_volume_comes() -> None:
    world = World()
    world.storage_class()
    world.claim()
    world.workload(claim="data")
    assert world.made("CSI") == []


def test_a_claim_without_a_class_has_one_on_gke() -> None:
    world = World(google=True)
    world.claim(None)
    world.workload(claim="data")
    assert world.made("CSI") == ["Disk", "PersistentVolume"]


@pytest.mark.parametrize(("policy", "left"), [({}, 3), ({"whenDeleted": "Delete"}, 0)])
def test_claims_outlive_their_stateful_set(policy: dict[str, str], left: int) -> None:
    world = World()
    world.addon(EBS_CSI)
    world.storage_class()
    templates = [{"metadata": {"name": "data"}, "spec": {"storageClassName": "gp3"}}]
    more: dict[str, Any] = {"persistentVolumeClaimRetentionPolicy": policy} if policy else {}
    stateful = world.workload("StatefulSet", volumeClaimTemplates=templates, replicas=2, **more)
    volume = ["PersistentVolumeClaim", "Volume", "PersistentVolume"]
    assert world.made("StatefulSet") + world.made("CSI") == [volume[0]] * 2 + volume[1:] * 2
    world.delete(stateful)
    assert len(world.made("StatefulSet") + world.made("CSI")) == 2 * left


# ── What moves ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("running", "size"), [(True, 3), (False, 2)])
def test_an_autoscaler_moves_the_size_of_a_group(running: bool, size: int) -> None:  # aws trap 21
    world = World()
    group = world.node_group()
    if running:
        world.release("cluster-autoscaler")
    settle(world.accounts)
    assert world.live(group).inputs["scalingConfig"]["desiredSize"] == size
    assert world.made("node group").count("Instance") == size


@pytest.mark.parametrize(("given", "moved"), [({"nodeCount": 1}, 2), ({"initialNodeCount": 1}, None)])
def test_the_autoscaler_of_gke_moves_what_the_program_gave(given: dict[str, int], moved: int | None) -> None:
    world = World(google=True)
    scaling = {"minNodeCount": 0, "maxNodeCount": 4}
    more = {"cluster": world.cluster.id, "autoscaling": scaling, **given}
    pool = world.make("gcp:container/nodePool:NodePool", "p", name="p", **more)  # gcp trap 19
    settle(world.accounts)
    assert world.live(pool).inputs.get("nodeCount") == moved


TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "model"}
HPA = ("autoscaling/v2:HorizontalPodAutoscaler", {"minReplicas": 2, "maxReplicas": 4})
KEDA = ("keda.sh/v1alpha1:ScaledObject", {"minReplicaCount": 0, "maxReplicaCount": 3})


@pytest.mark.parametrize(
    ("scaler", "before", "after"),
    [(HPA, 3, 4), (HPA, 4, 3), (HPA, 1, 2), (HPA, None, 2), (KEDA, 3, 2), (KEDA, 1, 2)],
)
def test_replicas_move_inside_their_bounds(scaler: Any, before: int | None, after: int) -> None:
    world = World()
    world.release("keda")
    given: dict[str, Any] = {} if before is None else {"replicas": before}
    workload = world.workload(**given)
    world.object(scaler[0], "s", spec={"scaleTargetRef": TARGET, **scaler[1]})
    settle(world.accounts)
    assert world.live(workload).outputs["spec"]["replicas"] == after
    assert world.live(workload).inputs["spec"].get("replicas") == (None if before is None else after)


def test_nothing_moves_without_keda() -> None:
    world = World()
    workload = world.workload(replicas=1)
    world.object(KEDA[0], "s", spec={"scaleTargetRef": TARGET, **KEDA[1]})
    settle(world.accounts)
    assert world.live(workload) == workload


@pytest.mark.parametrize(
    ("spec", "annotations", "conflict"),
    [
        ({"replicas": 3}, {}, True),  # what the program says, while another value lives
        ({"replicas": 4}, {}, False),  # the same as what lives: the field has two owners now
        ({}, {}, False),
        ({"replicas": 3}, {"pulumi.com/patchForce": "true"}, False),
    ],
)
def test_replicas_are_not_taken_back_from_an_autoscaler(spec: Any, annotations: Any, conflict: bool) -> None:
    world = World()
    workload = world.workload(replicas=3)
    world.object(HPA[0], "s", spec={"scaleTargetRef": TARGET, **HPA[1]})
    settle(world.accounts)
    metadata = {
        **workload.inputs["metadata"],
        "annotations": {**workload.inputs["metadata"]["annotations"], **annotations},
    }
    inputs = {"metadata": metadata, "spec": {"template": {"metadata": {"labels": {"v": "2"}}}, **spec}}
    if not conflict:
        world.change(world.live(workload), **inputs)
        return
    words = 'conflict with "kube-controller-manager" with subresource "scale" using apps/v1: .spec.replicas'
    with pytest.raises(RefusedError, match=words) as refused:
        world.change(world.live(workload), **inputs)
    assert "set spec.replicas to 4, the program applies 3" in str(refused.value)


def karpenter(world: World) -> tuple[Record, Record]:
    """Karpenter with one NodePool."""
    release = world.release("karpenter")
    selector = {"subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": "c"}}]}
    world.make("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", "k", metadata={"name": "k"}, spec=selector)
    template = {"spec": {"nodeClassRef": {"name": "k"}}}
    return release, world.make(
        "kubernetes:karpenter.sh/v1:NodePool", "k", metadata={"name": "gpu"}, spec={"template": template}
    )


@pytest.mark.parametrize(("first", "left"), [("pool", []), ("release", ["Instance", "NetworkInterface"])])
def test_karpenter_makes_machines_and_takes_them_away_while_it_runs(first: str, left: list[str]) -> None:
    world = World()
    release, pool = karpenter(world)
    settle(world.accounts)
    assert world.made("Karpenter") == [], "nothing runs that would need a machine"
    world.workload()
    settle(world.accounts)
    (machine, _) = [record for record in world.accounts.records() if record.maker == "Karpenter"]
    assert machine.inputs["tags"]["karpenter.sh/nodepool"] == "gpu"
    for record in (pool, release) if first == "pool" else (release, pool):
        world.delete(record)
    assert world.made("Karpenter") == left


# ── What is protected ────────────────────────────────────────────────────────────────────────────────────────────────


def rows() -> list[tuple[str, str, bool]]:
    return [
        (type_, row["property"], row.get("default", False)) for row in told()["protected"] for type_ in row["types"]
    ]


@pytest.mark.parametrize(("type_", "property_", "default"), rows())
def test_what_is_protected_is_not_deleted(type_: str, property_: str, default: bool) -> None:  # gcp trap 16
    cloud = Cloud()
    cloud.simulation.judges = [Protected()]
    for number, (given, refused) in enumerate([({property_: True}, True), ({property_: False}, False), ({}, default)]):
        record = cloud.make(type_, f"it{number}", **given)
        if refused:
            with pytest.raises(RefusedError, match=f"Set {property_} to false, run `up`"):
                cloud.delete(record)
        else:
            cloud.delete(record)


def test_what_was_made_for_an_earlier_one_of_the_same_name_is_left() -> None:
    world = World()
    service = world.service()
    state = [Resource(urn=service.urn, type=service.type, id=service.id)]
    there = [record for record in world.accounts.records() if record.urn == service.urn]
    assert leftovers_of(there, state, "shop", "dev") == []
    later = [replace(service, key=99, seed="another"), *there[1:]]
    assert kinds(leftovers_of(later, state, "shop", "dev")) == CLASSIC


# ── With the engine ──────────────────────────────────────────────────────────────────────────────────────────────────

PROGRAM = """\
import json
import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

def role(name, service, *policies):
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    made = aws.iam.Role(name, assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    arns = [f"arn:aws:iam::aws:policy/{policy}" for policy in policies]
    return made, [aws.iam.RolePolicyAttachment(f"{name}{i}", role=made.name, policy_arn=a) for i, a in enumerate(arns)]

vpc = aws.ec2.Vpc("v", cidr_block="10.0.0.0/16", enable_dns_hostnames=True)
gateway = aws.ec2.InternetGateway("g", vpc_id=vpc.id)
table = aws.ec2.RouteTable("t", vpc_id=vpc.id)
route = aws.ec2.Route("r", route_table_id=table.id, destination_cidr_block="0.0.0.0/0", gateway_id=gateway.id)
subnets = [
    aws.ec2.Subnet(f"s{z}", vpc_id=vpc.id, cidr_block=f"10.0.{i}.0/24", availability_zone=f"us-east-1{z}",
                   map_public_ip_on_launch=True, tags={"kubernetes.io/role/elb": "1"})
    for i, z in enumerate("ab")
]
joined = [aws.ec2.RouteTableAssociation(f"j{i}", subnet_id=s.id, route_table_id=table.id)
          for i, s in enumerate(subnets)]
ids = [s.id for s in subnets]
master, allowed = role("c", "eks.amazonaws.com", "AmazonEKSClusterPolicy")
worker, able = role("w", "ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy",
                    "AmazonEC2ContainerRegistryReadOnly")
cluster = aws.eks.Cluster("c", name="c", role_arn=master.arn, vpc_config={"subnet_ids": ids},
                          access_config={"authentication_mode": "API",
                                         "bootstrap_cluster_creator_admin_permissions": True},
                          opts=pulumi.ResourceOptions(depends_on=[*allowed, *joined, route]))
nodes = aws.eks.NodeGroup("n", cluster_name=cluster.name, node_role_arn=worker.arn, subnet_ids=ids,
                          scaling_config={"min_size": 1, "max_size": 2, "desired_size": 1},
                          opts=pulumi.ResourceOptions(depends_on=[*able, *joined, route]))
config = pulumi.Output.all(cluster.endpoint, cluster.name).apply(lambda told: json.dumps({
    "apiVersion": "v1", "kind": "Config", "current-context": "c",
    "clusters": [{"name": "c", "cluster": {"server": told[0]}}],
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    "users": [{"name": "c", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws",
               "args": ["eks", "get-token", "--cluster-name", told[1]]}}}],
}))
provider = k8s.Provider("c", kubeconfig=config, opts=pulumi.ResourceOptions(depends_on=[nodes]))
service = k8s.core.v1.Service(
    "web", metadata={"name": "web", "namespace": "default", "annotations": {"pulumi.com/skipAwait": "true"}},
    spec={"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]},
    opts=pulumi.ResourceOptions(provider=provider, deleted_with=OWNER),
)
"""


@pytest.mark.engine
def test_destroyed_in_order_nothing_is_left(foreign: MakeForeign) -> None:
    project = foreign(PROGRAM.replace("OWNER", "None"))
    project.configure(aws__region="us-east-1")
    up = succeeded(project.rehearsal().up())
    assert any(record.maker == "the AWS cloud controller" for record in up.accounts)
    assert not up.leftovers
    assert succeeded(project.rehearsal().refresh(expect_no_changes=True)).ok
    destroyed = succeeded(project.rehearsal().destroy())
    assert destroyed.ok
    assert list(destroyed.accounts) == []


@pytest.mark.engine
def test_when_the_cluster_goes_first_its_load_balancer_is_left_and_told(foreign: MakeForeign) -> None:
    project = foreign(PROGRAM.replace("OWNER", "cluster"))
    project.configure(aws__region="us-east-1")
    succeeded(project.rehearsal().up())
    destroyed = project.rehearsal().destroy()
    assert not destroyed.ok
    assert "DependencyViolation" in destroyed.log
    assert "It was made by the AWS cloud controller, for Service default/web" in destroyed.log
    assert sorted(kinds(destroyed.leftovers)) == sorted(CLASSIC)
    console = Console(record=True, width=200)
    render_summary(destroyed, console)
    assert "the AWS cloud controller, for Service default/web" in console.export_text()


SCALED = """\
import pulumi
import pulumi_kubernetes as k8s

labels = {"app": "m"}
pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "m", "image": "registry.k8s.io/pause:3.10"}]}}
k8s.apps.v1.Deployment(
    "m", metadata={"name": "m", "namespace": "default"},
    spec={"replicas": 2, "selector": {"match_labels": labels}, "template": pod},
    opts=pulumi.ResourceOptions(ignore_changes=IGNORED),
)
target = {"api_version": "apps/v1", "kind": "Deployment", "name": "m"}
k8s.autoscaling.v2.HorizontalPodAutoscaler(
    "s", metadata={"name": "s", "namespace": "default"}, spec={"scale_target_ref": target, "max_replicas": 4}
)
"""


@pytest.mark.engine
def test_moved_replicas_show_in_refresh_and_are_not_taken_back(foreign: MakeForeign) -> None:
    project = foreign(SCALED.replace("IGNORED", "[]"))
    succeeded(project.rehearsal().up())
    refreshed = succeeded(project.rehearsal().refresh())
    assert refreshed.by_type("kubernetes:apps/v1:Deployment")[0].inputs["spec"]["replicas"] == 3
    again = project.rehearsal().up()
    assert again.exit_code != 0
    assert 'conflict with "kube-controller-manager" with subresource "scale"' in again.log
    (project.folder / "__main__.py").write_text(SCALED.replace("IGNORED", '["spec.replicas"]'))
    assert succeeded(project.rehearsal().up()).changed == 0
