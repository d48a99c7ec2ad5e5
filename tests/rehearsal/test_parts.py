"""The small parts: values on the wire, templates, differences, kubeconfigs, policies, the event log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import struct_pb2

from polysilicon.rehearsal.differences import differences, under
from polysilicon.rehearsal.environment import clean
from polysilicon.rehearsal.kubeconfig import KubeconfigError, target
from polysilicon.rehearsal.lookups import PURE
from polysilicon.rehearsal.model import RefusedError
from polysilicon.rehearsal.outcome import leftovers_of, masked, outputs_of, read_events, resources_of
from polysilicon.rehearsal.policies import policy_document
from polysilicon.rehearsal.providers import replaces, settings
from polysilicon.rehearsal.simulation import parts
from polysilicon.rehearsal.templates import Maker
from polysilicon.rehearsal.values import SIGNATURE, UNKNOWN, at, decode, encode, leaves, shown
from polysilicon.rehearsal.wording import plural

ASSET = "c44067f5952c0a294b673a41bacd8c17"


def test_values_survive_the_wire() -> None:
    value = {"s": "x", "i": 3, "f": 0.5, "b": True, "l": [1, {"a": []}], "m": {"k": "v"}, "empty": {}}
    assert decode(encode(value)) == value
    assert decode(encode({"none": None})) == {}


def test_marks_on_the_wire_are_opened() -> None:
    def marked(signature: str, **more: Any) -> dict[str, Any]:
        return {SIGNATURE: signature, **more}

    wire = {
        "secret": marked("1b47061264138c4ac30d75fd1eb44270", value="hush"),
        "known": marked("d0e6a833031e9bbcd3f4e8bde6ca49a4", value=3, secret=True),
        "later": marked("d0e6a833031e9bbcd3f4e8bde6ca49a4"),
        "thing": marked("5cf8f73096256a8f31e491e813e4eb8e", urn="urn:x", id="i-1"),
        "number": "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    }
    assert decode(encode(wire)) == {"secret": "hush", "known": 3, "later": UNKNOWN, "thing": "i-1", "number": UNKNOWN}
    sealed = encode({"a": "x", "b": "y"}, frozenset({"b"}))
    assert isinstance(sealed, struct_pb2.Struct)
    assert sealed.fields["b"].struct_value.fields["value"].string_value == "y"


def test_paths() -> None:
    value = {"a": [{"b.c": 1}], "d": 2}
    assert [shown(path) for path, _ in leaves(value)] == ['a[0]["b.c"]', "d"]
    assert at(value, "a.0") == {"b.c": 1}
    assert at(value, "a.7.x") is at(value, "d.x") is None


def test_templates() -> None:
    maker = Maker("seed", {"region": "ap-southeast-2", "account": "1"}, lambda value, path: f"<{value}.{path}>")
    values = {"name": "N", "n": 3, "deep": {"list": ["a/b/c"]}, "url": "https://x/y/", "later": UNKNOWN}
    assert maker.fill("{account}:{name}", values) == "1:N"
    assert maker.fill("{n}", values) == len(maker.fill("{letters:n}", values)) == 3
    assert maker.fill("{deep.list.0|last}", values) == "c"
    assert maker.fill("{url|host}", values) == "x/y"
    assert maker.fill("{region|short}-az1", values) == "apse2-az1"
    assert maker.fill("{none|slash}{name|slash}", values) == "N/"
    assert maker.fill("{follow:name:arn}", values) == "<N.arn>"
    assert maker.fill("a-{later}", values) == maker.fill("{later}", values) == UNKNOWN
    assert maker.fill({"a": ["{name}", 1]}, values) == {"a": ["N", 1]}
    assert len(maker.fill("{hex:17}", values, "id")) == 17
    assert maker.fill("{uuid:4}", values, "a") == maker.fill("{uuid:4}", values, "a")
    assert maker.fill("{uuid:4}", values, "a") != maker.fill("{uuid:4}", values, "b")


def test_differences() -> None:
    old = {"name": "a", "list": [1, 2], "gone": {"x": 1}, "same": True, "__defaults": ["name"]}
    new = {"name": UNKNOWN, "list": [1, 3, 4], "new": "n", "same": True, "__defaults": []}
    found = {(d.text, d.kind, d.replaces) for d in differences(old, new, under("name", "gone.x"))}
    assert found == {
        ("name", "update", True),
        ("list[1]", "update", False),
        ("list[2]", "add", False),
        ("gone", "delete", True),
        ("new", "add", False),
    }
    assert not differences(old, old, under("name"))


def test_files_are_compared_by_their_hash() -> None:
    def file(digest: str, text: str = "") -> dict[str, Any]:
        return {"code": {SIGNATURE: ASSET, "hash": digest, "text": text}}

    assert not differences(file("1", "long"), file("1"), under())
    assert [d.text for d in differences(file("1"), file("2"), under())] == ["code"]


KUBECONFIG = {
    "current-context": "one",
    "clusters": [
        {"name": "a", "cluster": {"server": "https://a.example.com"}},
        {"name": "b", "cluster": {"server": "https://b.example.com"}},
    ],
    "contexts": [
        {"name": "one", "context": {"cluster": "a", "namespace": "apps"}},
        {"name": "two", "context": {"cluster": "b"}},
    ],
}


def test_which_server_a_kubeconfig_names(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(json.dumps(KUBECONFIG))
    for way in (KUBECONFIG, json.dumps(KUBECONFIG), json.dumps(KUBECONFIG, indent=2), str(file), "config"):
        found = target(way, folder=tmp_path)
        assert (found.server, found.namespace) == ("https://a.example.com", "apps")
    assert target(KUBECONFIG, context="two").server == "https://b.example.com"
    assert target(KUBECONFIG, cluster="b").server == "https://b.example.com"


@pytest.mark.parametrize(
    ("kubeconfig", "context", "message"),
    [
        (KUBECONFIG, "three", 'context "three" does not exist'),
        ({}, "", "no context has been chosen"),
        ({**KUBECONFIG, "clusters": []}, "", 'cluster "a" does not exist'),
        ({**KUBECONFIG, "clusters": [{"name": "a"}]}, "", 'cluster "a" has no server'),
        ("nowhere/config", "", "no such file"),
        ("a: [\n", "", "neither YAML nor JSON"),
        ("- a\n- b\n", "", "not a mapping"),
    ],
)
def test_a_kubeconfig_that_names_no_server(kubeconfig: Any, context: str, message: str) -> None:
    with pytest.raises(KubeconfigError, match=message):
        target(kubeconfig, context)


def test_when_a_change_of_provider_moves_everything() -> None:
    other = {**KUBECONFIG, "current-context": "two"}
    same_server = {**KUBECONFIG, "contexts": [{"name": "one", "context": {"cluster": "a"}}]}
    old = {"kubeconfig": json.dumps(KUBECONFIG)}
    assert replaces("kubernetes", old, {"kubeconfig": json.dumps(other)}) == ["kubeconfig"]
    assert replaces("kubernetes", old, {"kubeconfig": json.dumps(same_server)}) == []
    assert replaces("kubernetes", old, {"kubeconfig": UNKNOWN}) == ["kubeconfig"]
    named = {**old, "clusterIdentifier": "c"}
    assert replaces("kubernetes", named, {"kubeconfig": UNKNOWN, "clusterIdentifier": "c"}) == []
    assert replaces("kubernetes", named, {**named, "clusterIdentifier": "d"}) == ["clusterIdentifier"]
    assert replaces("aws", {"region": "a"}, {"region": "b"}) == []


def test_settings_come_as_text() -> None:
    told = {"region": "us-east-1", "deleteUnreachable": "true", "defaultTags": '{"tags": {"a": "b"}}', "odd": "{x"}
    assert settings(told) == {**told, "deleteUnreachable": True, "defaultTags": {"tags": {"a": "b"}}}


def test_what_passes_from_the_machine() -> None:
    base = {"PATH": "/bin", "LC_ALL": "C", "PYTHONPATH": "x", "AWS_PROFILE": "p", "KUBECONFIG": "k", "MINE": "m"}
    assert clean(base) == {"PATH": "/bin", "LC_ALL": "C", "PYTHONPATH": "x"}
    assert clean(base, ["MINE", "NEW=1=2"])["MINE"] == "m"
    assert clean(base, ["MINE", "NEW=1=2"])["NEW"] == "1=2"


def test_policy_documents() -> None:
    result = policy_document(
        {
            "policyId": "p",
            "statements": [
                {
                    "sid": "A",
                    "actions": ["s3:Get*"],
                    "resources": ["*"],
                    "principals": [{"type": "Service", "identifiers": ["eks.amazonaws.com"]}],
                    "conditions": [{"test": "StringEquals", "variable": "aws:x", "values": ["1"]}],
                },
                {"effect": "Deny", "notActions": ["a", "b"], "principals": [{"type": "*", "identifiers": ["*"]}]},
            ],
            "overridePolicyDocuments": [json.dumps({"Statement": [{"Sid": "A", "Effect": "Deny"}]})],
        }
    )
    document = json.loads(result["json"])
    assert document["Id"] == "p"
    assert document["Statement"] == [
        {"Sid": "A", "Effect": "Deny"},
        {"Effect": "Deny", "NotAction": ["b", "a"], "Principal": "*"},
    ]
    plain = json.loads(policy_document({"statements": [{"actions": ["x"], "resources": ["*"]}]})["json"])
    assert plain["Statement"] == [{"Effect": "Allow", "Action": "x", "Resource": "*"}]


def test_functions_of_the_kubernetes_plugin() -> None:
    decoded = PURE["kubernetes:yaml:decode"]({"text": "kind: A\n---\n---\nkind: B\n"})
    assert decoded == {"result": [{"kind": "A"}, {"kind": "B"}]}
    with pytest.raises(RefusedError, match="--provider kubernetes=PATH"):
        PURE["kubernetes:helm:template"]({})


def test_urns_and_kinds() -> None:
    urn = "urn:pulumi:dev::shop::polysilicon:index:Pool$aws:eks/nodeGroup:NodeGroup::a::b"
    assert parts(urn) == ("aws:eks/nodeGroup:NodeGroup", "a::b")
    assert [plural(kind) for kind in ("Pod", "Ingress", "NetworkPolicy")] == ["pods", "ingresses", "networkpolicies"]


def test_reading_the_state() -> None:
    secret = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:…"}
    stack = {
        "urn": "urn:s",
        "type": "pulumi:pulumi:Stack",
        "outputs": {"a": secret, "b": [secret, 1]},
        "stackTrace": [],
    }
    resources = resources_of({"deployment": {"resources": [stack]}})
    assert outputs_of(resources) == {"a": "[secret]", "b": ["[secret]", 1]}
    assert masked({"x": {"y": secret}}) == {"x": {"y": "[secret]"}}
    assert resources_of({}) == []
    assert leftovers_of([], resources, "shop", "dev") == []


def test_reading_the_event_log(tmp_path: Path) -> None:
    log = tmp_path / "events.json"
    assert read_events(log) == ({}, [])
    events = [
        {"diagnosticEvent": {"severity": "error", "message": "<{%reset%}>creating: <{%bold%}>no<{%reset%}>\n"}},
        {"diagnosticEvent": {"severity": "info", "message": "x"}},
        {"summaryEvent": {"resourceChanges": {"create": 2, "same": 1}}},
    ]
    log.write_text("\n".join(json.dumps(event) for event in events))
    assert read_events(log) == ({"create": 2, "same": 1}, ["creating: no"])
