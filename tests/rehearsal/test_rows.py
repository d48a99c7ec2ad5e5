"""Each row of the tables that judges go by refuses something, and lets the same pass made right."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import pytest

from polysilicon.catalog import Catalog, load_catalog
from polysilicon.catalog.catalog import Overlay
from polysilicon.catalog.rows import Machine
from polysilicon.rehearsal import RefusedError
from polysilicon.rehearsal.cluster import NotReadyError
from polysilicon.rehearsal.cluster.nodes import facts
from polysilicon.rehearsal.defaults import with_defaults
from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.judges.addresses import Addresses
from polysilicon.rehearsal.judges.immutable import change_findings
from polysilicon.rehearsal.judges.machines import Machines
from polysilicon.rehearsal.judges.objects import Objects
from polysilicon.rehearsal.judges.order import Order
from polysilicon.rehearsal.judges.order_moment import Moment, words
from polysilicon.rehearsal.judges.order_roles import lacking
from polysilicon.rehearsal.judges.rules import Rule, all_rules, rules_of
from polysilicon.rehearsal.model import Tally
from polysilicon.rehearsal.values import at
from tests.rehearsal import test_gcp_mistakes as google_mistakes
from tests.rehearsal import test_gcp_traps as google
from tests.rehearsal import test_rules as amazon
from tests.rehearsal.clusters import InCluster, asks, deployment
from tests.rehearsal.order_account import AWS_POLICY, Aws, kubeconfig, put
from tests.rehearsal.simulated import Cloud


def rows(file: str, kind: str) -> list[dict[str, Any]]:
    """The rows of a kind in a table."""
    text = (resources.files("polysilicon.rehearsal") / "data" / file).read_text(encoding="utf-8")
    found: list[dict[str, Any]] = tomllib.loads(text)[kind]
    return found


def at_path(path: str, value: Any) -> dict[str, Any]:
    """Inputs with a value at a dotted path, in which `*` is the only item of a list."""
    for step in reversed(path.split(".")):
        value = [value] if step == "*" else {step: value}
    found: dict[str, Any] = value
    return found


# ── Rules ────────────────────────────────────────────────────────────────────────────────────────────────────────────

GROUPED = {"group": [{"strategy": "cluster"}], "reserved": [{"instanceCount": 1}]}
BESIDE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (amazon.TEMPLATE, amazon.PLACED, GROUPED),
    (amazon.TEMPLATE, {**amazon.PLACED, "instanceMarketOptions": {"marketType": "capacity-block"}}, GROUPED),
    (amazon.CLUSTER, {}, {"subnet": [{"availabilityZoneId": "use1-az3"}]}),
    (amazon.NODES, {"amiType": "AL2_x86_64"}, {"cluster": [{"version": "1.33"}]}),
    (
        amazon.NODES,
        {"amiType": "AL2023_x86_64_STANDARD", "releaseVersion": "1.34.1-1"},
        {"cluster": [{"version": "1.35"}]},
    ),
    (amazon.ENTRY, {}, {"cluster": [{"accessConfig": {"authenticationMode": "CONFIG_MAP"}}]}),
    (amazon.ENTRY, {}, {"cluster": [{"name": "c"}]}),
    (google.POOL, {"networkConfig": {"additionalNodeNetworkConfigs": [{}]}}, {"home": [{"name": "c"}]}),
    (google.POOL, {"networkConfig": {"acceleratorNetworkProfile": "auto"}}, {"home": [{"name": "c"}]}),
    (google.FIREWALL, {}, {"network_": [{"networkProfile": google.RDMA}]}),
    (
        google.POOL,
        {"nodeConfig": {"machineType": "a"}},
        {"reserved": [{"specificReservation": {"instanceProperties": {"machineType": "b"}}}]},
    ),
]


def wrong() -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Types, inputs that are refused in the other tests, and what these name."""
    yield from ((type_, inputs, {}) for type_, inputs, *_ in amazon.ALONE)
    yield from (
        (amazon.NODES, {**group, "launchTemplate": {"id": "lt"}}, {"template": [t]}) for t, group, *_ in amazon.TOGETHER
    )
    yield from ((type_, inputs, {}) for _, type_, inputs, *_ in google.TRAPS)
    yield from ((type_, inputs, {}) for type_, inputs, *_ in google_mistakes.MISTAKES)
    for other, made, _, _, type_, inputs, _ in google_mistakes.BESIDE:
        for rule in rules_of(type_):
            names = [name for name, (_, joined) in rule.joins.items() if f"gcp:{joined}" == other]
            yield type_, inputs, {name: [{"name": "other", **made}] for name in names}
    yield from BESIDE


def test_each_rule_refuses_what_some_test_has() -> None:
    idle = {id(rule): rule for cloud in ("aws", "gcp") for rule in all_rules(cloud)}
    for type_, inputs, joined in wrong():
        for rule in rules_of(type_):
            if id(rule) in idle and [*rule.problems(inputs, joined)]:
                del idle[id(rule)]
    assert [(rule.message, rule.refuse) for rule in idle.values()] == []


@pytest.mark.parametrize("rule", [*all_rules("aws"), *all_rules("gcp")], ids=lambda rule: rule.message[:50])
def test_no_rule_refuses_what_says_nothing_of_it(rule: Rule) -> None:
    tests = (*rule.when.values(), *rule.refuse.values())
    spoken = [test for test in tests if test != {"given": False} and "none_of" not in str(test)]
    assert not spoken or [*rule.problems({}, {})] == []
    assert rule.source
    assert rule.types


# ── Addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────

RANGES = [(row["type"], row["property"]) for row in rows("addresses.toml", "ranges")]
GOOD = {
    "kubernetesNetworkConfig.serviceIpv4Cidr": "172.20.0.0/16",
    "privateClusterConfig.masterIpv4CidrBlock": "172.16.0.0/28",
}


@pytest.mark.parametrize(("type_", "path"), RANGES)
def test_ranges(type_: str, path: str) -> None:
    cloud = Cloud(judges=[Addresses()])
    (problem,) = cloud.problems(type_, "x", **at_path(path, "10.0.0/33"))
    assert "is not a valid CIDR block" in problem.message
    assert cloud.problems(type_, "x", **at_path(path, GOOD.get(path, "10.0.0.0/16"))) == []


@pytest.mark.parametrize("row", rows("addresses.toml", "named"), ids=lambda row: row["property"])
def test_names_inside_something_else(row: dict[str, Any]) -> None:
    cloud = Cloud(judges=[Addresses()])
    ranges = [{"rangeName": "known", "ipCidrRange": "10.4.0.0/14"}]
    make = {"network": "n", "region": "us-central1", "ipCidrRange": "10.0.0.0/20", "secondaryIpRanges": ranges}
    holder = cloud.make("gcp:compute/subnetwork:Subnetwork", "s", name="s", **make)
    for name in ("known", "other"):
        inputs = {"location": "us-central1", row["holder"]: holder.id, **at_path(row["property"], name)}
        if name == "known":
            cloud.make(row["type"], name, **inputs)
        else:
            with pytest.raises(RefusedError, match=r'"other" not found .*\(it has: known\)'):
                cloud.make(row["type"], name, **inputs)


# ── Machines ─────────────────────────────────────────────────────────────────────────────────────────────────────────

SAMPLES = {
    "L-417A185B": "p9.huge",
    "L-DB2E81BA": "g9.huge",
    "L-1945791B": "inf9.huge",
    "L-2C3B7624": "trn9.huge",
    "L-1216C47A": "m9.huge",
    "TPU_LITE_PODSLICE_V5": "ct5lp-hightpu-9t",
}


@pytest.mark.parametrize("terms", ["on_demand", "spot"])
@pytest.mark.parametrize("row", rows("machines.toml", "quotas"), ids=lambda row: row["on_demand"])
def test_quotas(row: dict[str, str], terms: str) -> None:
    machine, cloud = SAMPLES[row["on_demand"]], row["cloud"]
    own = Machine(cloud="aws", vcpus=8, accelerators=8, memory_gib=1, source="test", as_of="2026-01")
    catalog = load_catalog().overlaid(Overlay(machines={machine: own}))
    refused(catalog, cloud, machine, spot=terms == "spot", quotas={row[terms]: 8})
    with pytest.raises(RefusedError, match=r"vCPU limit of 7|quota of '7\.0'"):
        refused(catalog, cloud, machine, spot=terms == "spot", quotas={row[terms]: 7})
    refused(catalog, cloud, machine, spot=terms != "spot", quotas={row[terms]: 7})


def refused(catalog: Catalog, cloud: str, machine: str, *, spot: bool, quotas: dict[str, float]) -> None:
    """Makes one node, under a quota."""
    where = Cloud(judges=[Machines(catalog, quotas)])
    if cloud == "gcp":
        config = {"machineType": machine, "spot": spot}
        where.make(
            "gcp:container/nodePool:NodePool",
            "p",
            cluster="k",
            location="us-central1-a",
            nodeCount=1,
            nodeConfig=config,
        )
        return
    size = {"minSize": 0, "desiredSize": 1, "maxSize": 1}
    sold = {"instanceTypes": [machine], "capacityType": "SPOT" if spot else "ON_DEMAND"}
    where.make(
        "aws:eks/nodeGroup:NodeGroup",
        "g",
        clusterName="k",
        nodeRoleArn="r",
        subnetIds=["s"],
        scalingConfig=size,
        **sold,
    )


# ── Order ────────────────────────────────────────────────────────────────────────────────────────────────────────────

NEEDS = [
    (duty, need, policy)
    for duty, row in words("aws")["roles"].items()
    for need in row["needs"]
    for policy in need["any"]
]


@pytest.mark.parametrize(("duty", "need", "policy"), NEEDS, ids=[f"{duty}-{policy}" for duty, _, policy in NEEDS])
def test_what_roles_need(duty: str, need: dict[str, Any], policy: str) -> None:
    aws, row = Aws(), words("aws")["roles"][duty]
    others = [other["any"][0] for other in row["needs"] if other != need]
    role = aws.role("r", row["trusts"], *others)
    moment = Moment(aws.cloud.accounts, Tally())
    assert [*lacking(moment, role, duty)] == [f"lacks {need['any'][0]}"]
    aws.attach(role, AWS_POLICY + policy)
    assert [*lacking(moment, role, duty)] == []


APIS = [
    ("compute", "compute/network:Network"),
    ("container", "container/cluster:Cluster"),
    ("iam", "serviceaccount/account:Account"),
    ("cloudresourcemanager", "projects/iAMMember:IAMMember"),
    ("artifactregistry", "artifactregistry/repository:Repository"),
    ("tpu", "tpu/v2Vm:V2Vm"),
    ("secretmanager", "secretmanager/secret:Secret"),
    ("cloudkms", "kms/keyRing:KeyRing"),
    ("file", "filestore/instance:Instance"),
    ("servicenetworking", "servicenetworking/connection:Connection"),
]


@pytest.mark.parametrize(("api", "type_"), APIS)
def test_apis(api: str, type_: str) -> None:
    cloud = Cloud(judges=[Order()])
    (judge,) = cloud.simulation.judges
    service, type_ = {"service": f"{api}.googleapis.com"}, f"gcp:{type_}"
    call = cloud.simulation.call("create", cloud.settings, cloud.urn(type_, "x"), {})
    cloud.simulation.judge_check(cloud.settings, cloud.urn("gcp:projects/service:Service", api), service)
    (problem,) = judge.judge(call, cloud.accounts)
    assert f"apis/api/{api}.googleapis.com" in problem.message
    cloud.make("gcp:projects/service:Service", api, **service)
    assert [*judge.judge(call, cloud.accounts)] == []


def test_every_api_is_among_them() -> None:
    assert {row["api"] for row in words("gcp")["apis"]} == {f"{api}.googleapis.com" for api, _ in APIS}


CHARTS = [(chart, group) for chart, groups in words("kubernetes")["charts"].items() for group in groups or ["keda.sh"]]


@pytest.mark.parametrize(("chart", "group"), CHARTS)
def test_charts_bring_their_definitions(chart: str, group: str) -> None:
    aws = Aws()
    config = kubeconfig(aws.cluster(aws.network(frozenset()), accessConfig={}))
    type_ = f"{group}/v1:Thing"
    with pytest.raises(RefusedError, match=f"no CustomResourceDefinition of {group} at this moment"):
        put(aws.cloud, config, type_)
    put(aws.cloud, config, "helm.sh/v3:Release", chart, chart=f"oci://example.com/{chart}", namespace="a")
    if words("kubernetes")["charts"][chart]:
        put(aws.cloud, config, type_)
    else:
        with pytest.raises(RefusedError, match="no CustomResourceDefinition"):
            put(aws.cloud, config, type_)


# ── Devices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("row", table("kubernetes")["devices"], ids=lambda row: f"{row['resource']} {row['nodes']}")
def test_counts_of_devices(row: dict[str, Any]) -> None:
    cloud = Cloud(judges=[Objects()])
    selector = {label: values[0] for label, values in row["nodes"].items()}
    annotations = {row["annotated"]: "[]"} if "annotated" in row else None
    for count, words_ in ((3, "pods would stay Pending on nodes with"), (row["counts"][0], "")):
        pod = {"nodeSelector": selector, "resources": asks(**{row["resource"]: str(count)})}
        spec = deployment(annotations=annotations, **pod)
        told = [
            p.message for p in cloud.problems("kubernetes:apps/v1:Deployment", "x", metadata={"name": "x"}, spec=spec)
        ]
        assert any(words_ in message for message in told) if words_ else told == []


def device(row: dict[str, Any], **group: Any) -> InCluster:
    """A cluster with one node that has a device."""
    image = {"amiType": row["amis"][0]} if row["amis"] else {}
    size = {"minSize": 1, "maxSize": 1, "desiredSize": 1}
    machine = f"{row['families'][0] or 'x9'}.huge"
    cluster = InCluster()
    attached = {"networkInterfaces": [{"interfaceType": "efa"}]} if row["counted"] == "interfaces" else None
    cluster.group("g", attached, **{"instanceTypes": [machine], "scalingConfig": size, **image, **group})
    return cluster


def gets(row: dict[str, Any], cluster: InCluster) -> str:
    """Why a pod does not get the device; nothing if it does."""
    try:
        cluster.deploy(resources=asks(**{row["resource"]: "1"}))
    except NotReadyError as error:
        return "\n".join(error.reasons)
    return ""


@pytest.mark.parametrize("row", facts()["devices"], ids=lambda row: row["resource"])
def test_devices_of_nodes(row: dict[str, Any]) -> None:
    built_in = (
        {"amiType": next(ami for ami in row["amis"] if ami not in row.get("built_in", ()))} if row["amis"] else {}
    )
    assert "no device plugin runs in the cluster" in gets(row, device(row, **built_in))
    for image in row["images"]:
        cluster = device(row, **built_in)
        cluster.plugin(image=f"example.com/{image}:1")
        assert gets(row, cluster) == ""
        if row["amis"] and image not in row.get("bring_drivers", ()):
            cluster = device(row, amiType="AL2023_x86_64_STANDARD")
            cluster.plugin(image=f"example.com/{image}:1")
            assert f"have no {row['driver']} driver" in gets(row, cluster)
    for chart in row["charts"]:
        cluster = device(row, **built_in, labels={"nvidia.com/gpu.present": "true"})
        cluster.cloud.make("kubernetes:helm.sh/v3:Release", "r", chart=chart, namespace="kube-system")
        assert gets(row, cluster) == ""
    for ami in row.get("built_in", ()):
        assert gets(row, device(row, amiType=ami)) == ""


# ── Objects ──────────────────────────────────────────────────────────────────────────────────────────────────────────

FIXED = [
    (row, type_, path) for row in table("kubernetes")["immutable"] for type_ in row["types"] for path in row["paths"]
]


@pytest.mark.parametrize(("row", "type_", "path"), FIXED, ids=[f"{type_} {path}" for _, type_, path in FIXED])
def test_what_stays_as_it_is(row: dict[str, Any], type_: str, path: str) -> None:
    apart = row.get("except", ())
    conditions = [at_path(where, value) for where, value in row.get("when", {}).items()]
    before, after = (merged(*conditions, at_path(f"{path}.thing" if apart else path, value)) for value in ("a", "b"))
    if row.get("when") == {path: True}:
        before, after = at_path(path, True), at_path(path, False)
    found = [*change_findings(f"kubernetes:{type_}", before, after)]
    assert [finding.path for finding in found] == [path]
    assert [*change_findings(f"kubernetes:{type_}", before, before)] == []
    for name in apart:
        free = [merged(*conditions, at_path(f"{path}.{name}", value)) for value in ("a", "b")]
        assert [*change_findings(f"kubernetes:{type_}", *free)] == []


def merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs that have all of these parts."""
    found: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            both = isinstance(value, Mapping) and isinstance(found.get(name), Mapping)
            found[name] = merged(found[name], value) if both else value
    return found


FILLED = [
    (type_, path, value)
    for type_, row in table("kubernetes")["defaults"].items()
    if ":" in type_
    for path, value in row.items()
    if path not in ("if", "given") and "{" not in str(value)
]


@pytest.mark.parametrize(("type_", "path", "value"), FILLED, ids=[f"{type_} {path}" for type_, path, _ in FILLED])
def test_what_servers_fill_in(type_: str, path: str, value: Any) -> None:
    assert at(with_defaults(f"kubernetes:{type_}", {}), path) == value
    assert at(with_defaults(f"kubernetes:{type_}", at_path(path, "own")), path) == "own"
