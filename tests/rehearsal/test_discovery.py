"""Google Cloud inputs against the provider's checks and Google's API schemas, and the list of what is not judged."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from polysilicon.rehearsal import Accounts, Call, Scope
from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.judges import discovery, discovery_documents
from polysilicon.rehearsal.judges.discovery import Discovery
from polysilicon.rehearsal.judges.discovery_documents import document
from polysilicon.rehearsal.judges.discovery_mapping import targets
from polysilicon.rehearsal.values import UNKNOWN

SDK = Path((find_spec("pulumi_gcp") or pytest.fail("no SDK")).submodule_search_locations[0])  # type: ignore[index]
POOL, CLUSTER, NETWORK = "container/nodePool:NodePool", "container/cluster:Cluster", "compute/network:Network"
BUCKET, ROUTER, SNAPSHOT = "storage/bucket:Bucket", "compute/router:Router", "compute/snapshot:Snapshot"
TAINT = {"key": "a", "value": "b"}


def problems(type_: str, inputs: dict[str, Any], judge: Discovery | None = None) -> dict[str, str]:
    """What is wrong with inputs when they are checked, by the path."""
    call = Call(
        operation="check",
        package="gcp",
        type=f"gcp:{type_}",
        urn=f"urn:pulumi:dev::shop::gcp:{type_}::x",
        name="x",
        scope=Scope("gcp", "acme", "us-central1"),
        inputs=inputs,
        preview=True,
    )
    return {p.property: p.message for p in (judge or Discovery()).judge(call, Accounts())}


def config(**inputs: Any) -> dict[str, Any]:
    """A pool with this `nodeConfig`."""
    return {"nodeConfig": inputs}


# type, inputs that are refused, the path that is to blame, a part of what is said, inputs that are taken
VALUES: list[tuple[str, dict[str, Any], str, str, dict[str, Any]]] = [
    # What the provider checks, in its words.
    (NETWORK, {"routingMode": "LOCAL"}, "routingMode", '["REGIONAL" "GLOBAL"], got LOCAL', {"routingMode": "GLOBAL"}),
    (NETWORK, {"name": "Bad_Name"}, "name", "to match regular expression", {"name": "good-name"}),
    (
        POOL,
        config(taints=[{**TAINT, "effect": "NoSchedule"}]),
        "nodeConfig.taints[0].effect",
        "got NoSchedule",
        config(taints=[{**TAINT, "effect": "NO_SCHEDULE"}]),
    ),
    (POOL, config(diskSizeGb=5), "nodeConfig.diskSizeGb", "to be at least (10), got 5", config(diskSizeGb=50)),
    (
        POOL,
        config(gvnic={}),
        "nodeConfig.gvnic.enabled",
        'Missing required argument: The argument "enabled"',
        config(gvnic={"enabled": True}),
    ),
    (
        "compute/routerNat:RouterNat",
        {"natIps": ["a"], "initialNatIps": ["b"]},
        "initialNatIps",
        "conflicts with natIps",
        {"natIps": ["a"]},
    ),
    (
        "serviceaccount/account:Account",
        {"accountId": "sa"},
        "accountId",
        "to match regular expression",
        {"accountId": "long-enough"},
    ),
    # What the API's schemas say beyond it.
    (
        POOL,
        {"placementPolicy": {"type": "SPREAD"}},
        "placementPolicy.type",
        '"SPREAD": must be one of COMPACT',
        {"placementPolicy": {"type": "COMPACT"}},
    ),
    (CLUSTER, {"initialNodeCount": 3_000_000_000}, "initialNodeCount", "2147483647", {"initialNodeCount": 3}),
    (CLUSTER, {"enableShieldedNodes": "yes"}, "enableShieldedNodes", "TYPE_BOOL", {"enableShieldedNodes": "true"}),
    (ROUTER, {"bgp": {"asn": "many"}}, "bgp.asn", "a whole number", {"bgp": {"asn": "64512"}}),
    (SNAPSHOT, {"name": "Bad"}, "name", "Must be a match of regex", {"name": "good"}),
    (
        BUCKET,
        {"versioning": {"enabled": "maybe"}},
        "versioning.enabled",
        "TYPE_BOOL",
        {"versioning": {"enabled": True}},
    ),
    # A mapping may have any key in Python; the SDK knows which there are.
    (
        POOL,
        config(machine_typ="e2-standard-4"),
        "nodeConfig.machine_typ",
        "Did you mean `machineType`?",
        config(machineType="e2-standard-4"),
    ),
    (
        POOL,
        config(secondary_boot_disk=[]),
        "nodeConfig.secondary_boot_disk",
        "Did you mean `secondaryBootDisks`?",
        config(secondaryBootDisks=[]),
    ),
    (
        CLUSTER,
        {"privateClusterConfig": {"enablePrivateNods": True}},
        "privateClusterConfig.enablePrivateNods",
        "Did you mean `enablePrivateNodes`?",
        {"privateClusterConfig": {"enablePrivateNodes": True}},
    ),
]


@pytest.mark.parametrize(("type_", "wrong", "path", "words", "right"), VALUES, ids=[f"{v[0]}-{v[2]}" for v in VALUES])
def test_value_is_refused(type_: str, wrong: dict[str, Any], path: str, words: str, right: dict[str, Any]) -> None:
    found = problems(type_, wrong)
    assert list(found) == [path]
    assert words in found[path]
    assert problems(type_, right) == {}


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (POOL, UNKNOWN),
        (POOL, {"placementPolicy": UNKNOWN, "nodeConfig": {"taints": [UNKNOWN], "diskSizeGb": UNKNOWN}}),
        (NETWORK, {"name": UNKNOWN, "routingMode": UNKNOWN}),
        # What the tables have not seen may be of a newer SDK.
        (POOL, config(quantumConfig={"entangled": True})),
        # A map has the keys of the program.
        (POOL, config(labels={"my_label": "x"}, metadata={"disable-legacy-endpoints": "true"})),
        # Empty text is nothing to the provider.
        (NETWORK, {"routingMode": ""}),
    ],
)
def test_what_is_not_known_is_not_refused(type_: str, inputs: Any) -> None:
    given = inputs if isinstance(inputs, dict) else {"nodeConfig": inputs, "autoscaling": inputs, "cluster": inputs}
    assert problems(type_, given) == {}


def test_tally_says_what_was_held_against_a_schema_and_what_was_not() -> None:
    judge = Discovery()
    problems(NETWORK, {"mtu": 1460, "routingMode": "REGIONAL", "deleteDefaultRoutesOnCreate": True}, judge)
    problems("projects/iAMMember:IAMMember", {"role": "roles/x", "member": "user:a", "project": "p"}, judge)
    assert judge.tally.inputs == 2
    assert judge.tally.unjudged["inputs of gcp that the API has no property for"] == 1
    assert sum(count for reason, count in judge.tally.unjudged.items() if "grants" in reason) == 1


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "folder", lambda: None)
    monkeypatch.setattr(discovery, "document", lambda name: None)
    judge = Discovery()
    assert problems(NETWORK, {"mtu": "many"}, judge) == {}
    assert "polysilicon[rehearse]" in next(iter(judge.tally.unjudged))


def test_without_the_package_there_is_no_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery_documents, "find_spec", lambda name: None)
    assert discovery_documents.folder() is None


def test_every_type_of_the_sdk_is_in_the_list() -> None:
    """A new SDK brings new types: they are mapped, or listed with the reason why not."""
    tokens = re.findall(r'"gcp:([a-zA-Z0-9/]+:[A-Za-z0-9]+)"', (SDK / "__init__.py").read_text(encoding="utf-8"))
    assert set(tokens) == set(targets())


def test_list_of_what_is_not_judged_does_not_grow_unnoticed() -> None:
    reasons = Counter(row.reason.split(",")[0] for row in targets().values() if row.reason)
    assert sum(reasons.values()) <= 855
    assert len(reasons) == len(table("gcp")["discovery"]["reasons"])
    listed = table("gcp")["discovery"]
    assert sum(map(len, listed["provider_only"].values())) <= 118
    assert sum(map(len, listed["other_words"].values())) <= 71


def test_every_mapped_type_has_its_schema() -> None:
    used = {row.document for row in targets().values() if row.document}
    missing = [name for name in sorted(used) if document(name) is None]
    assert missing == []
    absent = [row for row in targets().values() if row.document and row.schema not in document(row.document).schemas]  # type: ignore[union-attr]
    assert absent == []


# Types of our stacks that have no schema, and why not.
STACKS_WITHOUT = {
    "projects/iAMMember:IAMMember": "grants have no schema of their own",
    "projects/service:Service": "part of the address",
}


def test_types_of_the_stacks_are_judged_or_listed_here() -> None:
    golden = Path(__file__).parents[1] / "stacks" / "golden"
    used = {t for file in golden.glob("*.txt") for t in re.findall(r"\bgcp:(\S+:\S+)", file.read_text())}
    assert {"container/cluster:Cluster", "compute/routerNat:RouterNat"} <= used
    unjudged = {type_ for type_ in used if not targets()[type_].document}
    assert unjudged == set(STACKS_WITHOUT)
    assert all(reason in targets()[type_].reason for type_, reason in STACKS_WITHOUT.items())


EXAMPLES = [
    ("container", "cluster", "Cluster", 5),
    ("container", "node_pool", "NodePool", 2),
    ("compute", "network", "Network", 3),
    ("compute", "subnetwork", "Subnetwork", 5),
    ("compute", "router", "Router", 2),
    ("compute", "router_nat", "RouterNat", 3),
    ("compute", "firewall", "Firewall", 2),
    ("compute", "resource_policy", "ResourcePolicy", 5),
    ("compute", "reservation", "Reservation", 2),
    ("compute", "future_reservation", "FutureReservation", 2),
    ("compute", "disk", "Disk", 3),
    ("compute", "address", "Address", 3),
    ("compute", "global_forwarding_rule", "GlobalForwardingRule", 3),
    ("compute", "instance", "Instance", 2),
    ("storage", "bucket", "Bucket", 5),
    ("artifactregistry", "repository", "Repository", 5),
    ("kms", "crypto_key", "CryptoKey", 2),
    ("billing", "budget", "Budget", 4),
    ("serviceaccount", "account", "Account", 1),
]


@pytest.mark.parametrize(("module", "file", "kind", "least"), EXAMPLES, ids=[e[2] for e in EXAMPLES])
def test_examples_of_the_sdk_are_not_refused(module: str, file: str, kind: str, least: int) -> None:
    """The SDK's documentation as a corpus: whatever it shows is taken."""
    type_ = next(type_ for type_ in targets() if type_.startswith(f"{module}/") and type_.endswith(f":{kind}"))
    shown = list(examples(SDK / module / f"{file}.py", module, kind))
    assert len(shown) >= least
    refused = [problems(type_, inputs) for inputs in shown]
    # The random ends of names in the provider's acceptance tests: `_1234`, or cut off.
    real = {path: text for found in refused for path, text in found.items() if not re.search(r"_\d+|%s|-$", text)}
    assert real == {}


def examples(file: Path, module: str, kind: str) -> Iterator[dict[str, Any]]:
    """The inputs in the examples of a class, as they go to the engine; what is not literal is unknown."""
    text = file.read_text(encoding="utf-8").replace('\\"', '"')
    for block in dict.fromkeys(re.findall(r"```python\n(.*?)```", text, re.S)):
        lines = block.splitlines()
        indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        for node in ast.walk(ast.parse("\n".join(line[indent:] for line in lines))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"gcp.{module}.{kind}":
                yield {camel(w.arg): literal(w.value) for w in node.keywords if w.arg and w.arg != "opts"}


def literal(node: ast.expr) -> Any:
    """The value of an expression; keys as the SDK sends them."""
    if isinstance(node, ast.Dict):
        keys = [str(key.value) if isinstance(key, ast.Constant) else "" for key in node.keys]
        return {camel(key): literal(value) for key, value in zip(keys, node.values, strict=True)}
    if isinstance(node, ast.List):
        return [literal(item) for item in node.elts]
    return node.value if isinstance(node, ast.Constant) else UNKNOWN


def camel(name: str) -> str:
    """`node_config` as `nodeConfig`."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
