"""What real clouds accept is accepted: mistakes of the rehearsal that programs from public examples have brought up."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from polysilicon.aws.kubeconfig import eks_kubeconfig
from polysilicon.rehearsal.accounts import address
from polysilicon.rehearsal.controllers.settling import move_all
from polysilicon.rehearsal.judges.objects import Objects
from polysilicon.rehearsal.judges.references import References
from polysilicon.rehearsal.judges.rules import Rules
from polysilicon.rehearsal.lookups import Lookups
from polysilicon.rehearsal.model import RefusedError
from polysilicon.rehearsal.places import ByKubeconfig
from polysilicon.rehearsal.times import load_times
from polysilicon.rehearsal.values import UNKNOWN, at
from tests.rehearsal.simulated import Cloud

SUBNETS = "aws:ec2/getSubnets:getSubnets"


def stateful(claims: Any, mounted: str = "data") -> list[str]:
    """What is wrong with a StatefulSet whose container mounts something."""
    container = {"name": "db", "image": "postgres:16", "volumeMounts": [{"name": mounted, "mountPath": "/data"}]}
    template = {
        "metadata": {"labels": {"app": "db"}},
        "spec": {"containers": [container], "volumes": [{"name": "tmp"}]},
    }
    spec = {"selector": {"matchLabels": {"app": "db"}}, "template": template, "volumeClaimTemplates": claims}
    cloud = Cloud(judges=[Objects()])
    found = cloud.problems("kubernetes:apps/v1:StatefulSet", "db", metadata={"name": "db"}, spec=spec)
    return [problem.message for problem in found]


CLAIM = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}


@pytest.mark.parametrize(
    ("claims", "mounted", "valid"),
    [
        ([CLAIM], "data", True),
        ([CLAIM], "tmp", True),
        (UNKNOWN, "data", True),
        ([CLAIM], "dat", False),
        ([], "data", False),
    ],
)
def test_pods_of_a_stateful_set_mount_its_claims(claims: Any, mounted: str, valid: bool) -> None:
    refusals = [text for text in stateful(claims, mounted) if f'Not found: "{mounted}"' in text]
    assert len(refusals) == (0 if valid else 1)


def subnets(cloud: Cloud, **wanted: list[str]) -> list[str]:
    """The ids that a lookup with these filters tells."""
    filters = [{"name": name.replace("_", "-"), "values": values} for name, values in wanted.items()]
    ids: list[str] = Lookups(cloud.simulation).answer(cloud.settings, SUBNETS, {"filters": filters})["ids"]
    return ids


def test_a_lookup_of_many_tells_what_was_made_and_else_what_an_account_has() -> None:
    cloud = Cloud()
    lookups = Lookups(cloud.simulation)
    default = lookups.answer(cloud.settings, "aws:ec2/getVpc:getVpc", {"default": True})["id"]
    there = subnets(cloud, vpc_id=[default])
    assert len(set(there)) == 3
    cloud.make("aws:lb/loadBalancer:LoadBalancer", "it", subnets=there)

    mine = cloud.make("aws:ec2/vpc:Vpc", "mine", cidrBlock="10.0.0.0/16")
    assert subnets(cloud, vpc_id=[mine.id]) == []
    ids = {zone: _subnet(cloud, mine.id, zone) for zone in ("us-east-1a", "us-east-1b")}
    assert subnets(cloud, vpc_id=[mine.id]) == list(ids.values())
    assert subnets(cloud, vpc_id=[mine.id], availability_zone=["us-east-1b"]) == [ids["us-east-1b"]]
    tagged = lookups.answer(cloud.settings, SUBNETS, {"tags": {"Zone": "us-east-1a"}})
    assert tagged["ids"] == [ids["us-east-1a"]]
    assert subnets(cloud, vpc_id=[default]) == there


def _subnet(cloud: Cloud, network: str, zone: str) -> str:
    block = {"us-east-1a": "10.0.0.0/24", "us-east-1b": "10.0.1.0/24"}[zone]
    made = cloud.make(
        "aws:ec2/subnet:Subnet", zone, vpcId=network, cidrBlock=block, availabilityZone=zone, tags={"Zone": zone}
    )
    return made.id


READ = [
    ("aws:ec2/vpc:Vpc", "vpc-0abc12345678def00", True, "id", None),
    ("aws:ec2/vpc:Vpc", "vpc-0abc12345678def01", False, "", None),
    ("aws:iam/role:Role", "ops", True, "name", "ops"),
    ("aws:eks/nodeGroup:NodeGroup", "prod:extra", True, "clusterName", "prod"),
    ("kubernetes:core/v1:Namespace", "kube-system", False, "metadata.name", "kube-system"),
    ("kubernetes:core/v1:Secret", "web/tls", True, "metadata.namespace", "web"),
]


@pytest.mark.parametrize(("type_", "id_", "named", "path", "value"), READ)
def test_what_is_outside_can_be_read(type_: str, id_: str, named: bool, path: str, value: str | None) -> None:
    """`Vpc.get(…)` of what a person named with `--exists`, and of what every cluster has."""
    cloud = Cloud()
    cloud.accounts.learn([id_] if named else [])
    call = cloud.simulation.call("read", cloud.settings, cloud.urn(type_, "it"), {}, id_)
    told = cloud.simulation.outside(call, {})
    assert (told is None) == (path == "")
    assert value is None or at(told, path) == value
    assert told is None or cloud.simulation.outside(call, told) == told, "a refresh tells the same"


def test_what_was_made_here_and_is_gone_is_not_outside() -> None:
    cloud = Cloud()
    vpc = cloud.make("aws:ec2/vpc:Vpc", "it", cidrBlock="10.0.0.0/16")
    cloud.accounts.learn([vpc.id])
    cloud.delete(vpc)
    call = cloud.simulation.call("read", cloud.settings, vpc.urn, {}, vpc.id)
    assert cloud.simulation.outside(call, {}) is None


def test_a_certificate_tells_the_record_that_proves_its_domain() -> None:
    certificate = Cloud().make("aws:acm/certificate:Certificate", "it", domainName="a.example.org")
    (option,) = certificate.outputs["domainValidationOptions"]
    assert option["resourceRecordName"].endswith(".a.example.org.")
    assert option["resourceRecordType"] == "CNAME"


def test_texts_in_what_is_only_answered_are_there() -> None:
    service = Cloud().make("gcp:cloudrun/service:Service", "it", location="us-central1", template={})
    assert service.outputs["statuses"][0]["url"].startswith("https://")


def test_an_ingress_has_an_address_when_it_is_made() -> None:
    ingress = Cloud().make("kubernetes:networking.k8s.io/v1:Ingress", "it", metadata={"name": "web"}, spec={})
    assert at(ingress.outputs, "status.loadBalancer.ingress.0.hostname")


@pytest.mark.parametrize(("scaling", "after"), [(None, 1), ({"minNodeCount": 0, "maxNodeCount": 3}, 2)])
def test_a_pool_moves_only_if_it_is_scaled(scaling: Any, after: int) -> None:
    cloud = Cloud()
    cloud.accounts.learn(["prod"])
    given = {"autoscaling": scaling} if scaling else {}
    pool = cloud.make("gcp:container/nodePool:NodePool", "it", cluster="prod", nodeCount=1, **given)
    move_all(cloud.accounts)
    assert at(cloud.accounts.called(pool.id)[0].outputs, "nodeCount") == after


@pytest.mark.parametrize(
    ("type_", "seconds"),
    [
        ("aws:rds/subnetGroup:SubnetGroup", 2),
        ("aws:rds/clusterInstance:ClusterInstance", 600),
        ("gcp:sql/user:User", 12),
    ],
)
def test_settings_of_a_service_take_no_longer_than_a_call(type_: str, seconds: int) -> None:
    assert load_times().of(type_, "create", {}).spread.typical == seconds


def test_what_a_lookup_has_made_up_is_there() -> None:
    cloud = Cloud(judges=[References()])
    lookups = Lookups(cloud.simulation)
    cluster = lookups.answer(cloud.settings, "aws:eks/getCluster:getCluster", {"name": "prod"})
    zone = lookups.answer(cloud.settings, "aws:route53/getZone:getZone", {"name": "example.org."})
    cloud.make("aws:eks/addon:Addon", "it", clusterName="prod", addonName="vpc-cni")
    cloud.make(
        "aws:route53/record:Record", "it", zoneId=zone["zoneId"], name="a", type="A", ttl=60, records=["10.0.0.1"]
    )
    assert cloud.accounts.is_elsewhere(address(cluster["endpoint"]))
    with pytest.raises(RefusedError, match="--exists test"):
        cloud.make("aws:eks/addon:Addon", "it", clusterName="test", addonName="vpc-cni")


def test_objects_go_into_a_cluster_that_a_lookup_has_told(tmp_path: Path) -> None:
    cloud = Cloud()
    told = Lookups(cloud.simulation).answer(cloud.settings, "aws:eks/getCluster:getCluster", {"name": "prod"})
    kubeconfig = eks_kubeconfig("prod", told["endpoint"], "Q0E=", "us-east-1")
    places = ByKubeconfig(cloud.accounts, lambda note: None, tmp_path)
    scope = places.scope({"kubeconfig": kubeconfig}, "kubernetes:core/v1:Namespace", {})
    assert scope.owner == address(told["endpoint"])


@pytest.mark.parametrize("type_", ["aws:wafv2/webAclAssociation:WebAclAssociation", "aws:cognito/userPool:UserPool"])
def test_everything_has_an_id(type_: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{12}|us-east-1_\w{9}", Cloud().make(type_, "it").id)


@pytest.mark.parametrize(("id_", "there"), [("blog/wordpress", True), ("other/wordpress", False)])
def test_what_a_chart_may_have_brought_can_be_read(id_: str, there: bool) -> None:
    cloud = Cloud()
    cloud.accounts.learn(["blog"])
    cloud.make("kubernetes:helm.sh/v3:Release", "it", chart="wordpress", namespace="blog")
    call = cloud.simulation.call("read", cloud.settings, cloud.urn("kubernetes:core/v1:Service", "web"), {}, id_)
    assert (cloud.simulation.outside(call, {}) is not None) == there


# ── Lookups: what a rehearsal has made up proves nothing ─────────────────────────────────────────────────────────────

OUTSIDE = "arn:aws:iam::123456789012"
ASKED: list[tuple[str, dict[str, Any], str, str]] = [
    ("ec2/getVpc", {"tags": {"Name": "main"}}, "id", r"vpc-[0-9a-f]{17}"),
    ("ec2/getSubnet", {"id": "subnet-0abc"}, "id", "subnet-0abc"),
    ("ec2/getSecurityGroup", {"name": "web"}, "id", r"sg-[0-9a-f]{17}"),
    ("ec2/getElasticIp", {"publicIp": "203.0.113.1"}, "id", r"eipalloc-[0-9a-f]{17}"),
    ("ec2/getLaunchTemplate", {"name": "nodes"}, "id", r"lt-[0-9a-f]{17}"),
    ("iam/getRole", {"name": "nodes"}, "arn", f"{OUTSIDE}:role/nodes"),
    ("iam/getUser", {"userName": "ops"}, "arn", f"{OUTSIDE}:user/ops"),
    ("iam/getPolicy", {"name": "read"}, "arn", f"{OUTSIDE}:policy/read"),
]


@pytest.mark.parametrize(("function", "args", "name", "form"), ASKED)
def test_what_a_lookup_makes_up_has_the_form_of_what_it_asks_about(
    function: str, args: dict[str, Any], name: str, form: str
) -> None:
    token = f"aws:{function}:{function.partition('/')[2]}"
    cloud = Cloud()
    assert re.fullmatch(form, Lookups(cloud.simulation).answer(cloud.settings, token, args)[name])


def nodes(**more: Any) -> dict[str, Any]:
    """A managed node group in `prod`."""
    scaling = {"desiredSize": 1, "maxSize": 1, "minSize": 1}
    told = {
        "clusterName": "prod",
        "nodeGroupName": "it",
        "nodeRoleArn": f"{OUTSIDE}:role/nodes",
        "subnetIds": ["subnet-1"],
    }
    return {**told, "scalingConfig": scaling, "amiType": "AL2023_x86_64_STANDARD", **more}


@pytest.mark.parametrize(("asks", "refused"), [(True, False), (False, True)])
def test_a_value_that_a_lookup_made_up_is_not_judged(asks: bool, refused: bool) -> None:
    """terraform-aws-eks takes the release of its nodes from a public parameter of Systems Manager."""
    cloud = Cloud(judges=[Rules(), References()])
    parameter = {
        "name": "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/release_version"
    }
    lookups = Lookups(cloud.simulation)
    told = lookups.answer(cloud.settings, "aws:ssm/getParameter:getParameter", parameter)
    release = told["value"] if asks else "latest"
    problems = cloud.problems(GROUP, "it", **nodes(version="1.33", releaseVersion=release))
    assert bool(problems) == refused


@pytest.mark.parametrize("by", ["lookup", "get", "nobody"])
def test_a_version_of_a_cluster_that_is_not_known_is_not_judged(by: str) -> None:
    cloud = Cloud(judges=[Rules()])
    cloud.accounts.learn(["prod"])
    told: dict[str, Any] = {"version": "1.35"}
    for _ in range(2):  # and the next time
        if by == "lookup":
            told = Lookups(cloud.simulation).answer(cloud.settings, "aws:eks/getCluster:getCluster", {"name": "prod"})
        elif by == "get":
            call = cloud.simulation.call("read", cloud.settings, cloud.urn(CLUSTER, "it"), {}, "prod")
            told = cloud.simulation.outside(call, told if "arn" in told else {}) or {}
    old = nodes(version=told["version"], releaseVersion="1.31.4-20250304")
    assert bool(cloud.problems(GROUP, "it", **old)) == (by == "nobody")


@pytest.mark.parametrize("dual", [True, False])
def test_an_ipv6_network_can_be_cut_into_subnets(dual: bool) -> None:
    vpc = Cloud().make("aws:ec2/vpc:Vpc", "it", cidrBlock="10.0.0.0/16", assignGeneratedIpv6CidrBlock=dual)
    block = vpc.outputs["ipv6CidrBlock"]
    assert (len(list(ip_network(block).subnets(new_prefix=64))) if block else 0) == (256 if dual else 0)


# ── A cluster that changes along with what is in it ──────────────────────────────────────────────────────────────────

GROUP, CLUSTER, ENTRY = "aws:eks/nodeGroup:NodeGroup", "aws:eks/cluster:Cluster", "aws:eks/accessEntry:AccessEntry"
POOL, GKE = "gcp:container/nodePool:NodePool", "gcp:container/cluster:Cluster"
METADATA = {"workloadMetadataConfig": {"mode": "GKE_METADATA"}}
TOGETHER: list[tuple[str, dict[str, Any], dict[str, Any], str, dict[str, Any]]] = [
    (CLUSTER, {"version": "1.32"}, {"version": "1.33"}, GROUP, nodes(releaseVersion="1.33.1-20250601")),
    (
        CLUSTER,
        {"accessConfig": {"authenticationMode": "CONFIG_MAP"}},
        {"accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}},
        ENTRY,
        {"clusterName": "prod", "principalArn": f"{OUTSIDE}:role/ops"},
    ),
    (
        GKE,
        {},
        {"workloadIdentityConfig": {"workloadPool": "acme.svc.id.goog"}},
        POOL,
        {"cluster": "prod", "location": "us-central1", "nodeCount": 1, "nodeConfig": METADATA},
    ),
]


@pytest.mark.parametrize(("type_", "before", "after", "inside", "wanted"), TOGETHER)
def test_a_preview_knows_what_a_cluster_is_going_to_be(
    type_: str, before: dict[str, Any], after: dict[str, Any], inside: str, wanted: dict[str, Any]
) -> None:
    cloud = Cloud(judges=[Rules()])
    place = {"location": "us-central1", "initialNodeCount": 1} if type_ == GKE else {}
    cluster = cloud.make(type_, "it", name="prod", **place, **before)
    assert cloud.problems(inside, "it", **wanted)
    changed = {**cluster.inputs, **after}
    call = cloud.simulation.call(
        "update", cloud.settings, cluster.urn, changed, cluster.id, cluster.outputs, preview=True
    )
    cloud.simulation.preview_update(call)
    assert cloud.problems(inside, "it", **wanted) == []
    cloud.change(cluster, **cluster.inputs, tags={"Team": "a"})
    assert cloud.problems(inside, "it", **wanted), "another update was done in the end"


@pytest.mark.parametrize(("more", "refused"), [({}, False), ({"instanceTypes": ["m5.large"]}, True)])
def test_nodes_that_stay_behind_are_not_asked_about(more: dict[str, Any], refused: bool) -> None:
    """The control plane goes first, and the pinned nodes follow days later (EKS user guide, update a cluster)."""
    cloud = Cloud(judges=[Rules()])
    cluster = cloud.make(CLUSTER, "it", name="prod", version="1.32")
    group = cloud.make(GROUP, "it", **nodes(releaseVersion="1.32.1-20250101"))
    cloud.change(cluster, **{**cluster.inputs, "version": "1.33"})
    checked = cloud.check(GROUP, "it", group.inputs, **nodes(releaseVersion="1.32.1-20250101", **more))
    assert bool(cloud.simulation.judge_check(cloud.settings, group.urn, checked, group.inputs)) == refused


# ── Google Cloud ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("where", [("projects", {"project": "acme"}), ("organizations", {"orgId": "123"})])
@pytest.mark.parametrize("by", ["id", "name", "roleId"])
def test_a_custom_role_is_granted_by_its_id_or_its_name(where: tuple[str, dict[str, str]], by: str) -> None:
    cloud = Cloud(judges=[Rules()])
    kind, parent = where
    role = cloud.make(
        f"gcp:{kind}/iAMCustomRole:IAMCustomRole", "it", roleId="ci", title="CI", permissions=[], **parent
    )
    given = role.id if by == "id" else role.outputs[by]
    grant = {"project": "acme", "role": given, "member": "user:a@example.org"}
    assert bool(cloud.problems("gcp:projects/iAMMember:IAMMember", "it", **grant)) == (by == "roleId")


EMPTY: list[tuple[str, dict[str, Any], bool]] = [
    (POOL, {"nodeConfig": {"diskType": ""}}, False),
    (POOL, {"nodeConfig": {"diskType": "ssd"}}, True),
    ("gcp:compute/disk:Disk", {"type": ""}, False),
    (GKE, {"workloadIdentityConfig": {"workloadPool": ""}, "initialNodeCount": 1}, False),
    (GKE, {"workloadIdentityConfig": {"workloadPool": "acme"}, "initialNodeCount": 1}, True),
]


@pytest.mark.parametrize(("type_", "inputs", "refused"), EMPTY)
def test_an_empty_text_is_as_good_as_none(type_: str, inputs: dict[str, Any], refused: bool) -> None:
    """Variables of Terraform modules have `""` for «nothing», and the provider leaves it out (`omitempty`)."""
    assert bool(Cloud(judges=[Rules()]).problems(type_, "it", **inputs)) == refused


@pytest.mark.parametrize(("region", "refused"), [("us-central1", False), ("europe-west4", True)])
def test_a_region_may_be_given_as_a_link(region: str, refused: bool) -> None:
    cloud = Cloud(judges=[Rules()])
    cloud.make("gcp:compute/router:Router", "it", name="way", region="us-central1", network="default")
    link = f"https://www.googleapis.com/compute/v1/projects/acme/regions/{region}"
    told = {"router": "way", "region": link, "natIpAllocateOption": "AUTO_ONLY"}
    assert bool(cloud.problems("gcp:compute/routerNat:RouterNat", "it", **told)) == refused


# ── Kubernetes ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "metadata", [UNKNOWN, {"annotations": UNKNOWN}, {"labels": UNKNOWN}, {"name": "a", "annotations": UNKNOWN}]
)
def test_metadata_may_be_unknown_in_a_preview(metadata: Any) -> None:
    cloud = Cloud(judges=[Objects()])
    checked = cloud.check("kubernetes:core/v1:ConfigMap", "it", {"metadata": metadata}, metadata=metadata, data={})
    assert (checked["metadata"] == UNKNOWN) == (metadata == UNKNOWN)
