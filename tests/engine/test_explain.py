"""Failures told in the words of the program: causes, owners, groups, what exists, and how it looks."""

from __future__ import annotations

import io
import json
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from polysilicon.cli.main import main
from polysilicon.engine.explain import Explanation, explain, find_cause, load_causes, read_run
from polysilicon.engine.explain.events import plain
from polysilicon.engine.explain.render import render_explanation
from polysilicon.errors import UserError

COMPONENTS = Path(__file__).parents[2] / "components" / "polysilicon"
STACK = "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev"
POOL, MODEL, NET = "polysilicon:index:NeuronPool", "polysilicon:index:ModelServer", "acme:index:Net"
GROUP, CLUSTER, NAT = "aws:eks/nodeGroup:NodeGroup", "aws:eks/cluster:Cluster", "aws:ec2/natGateway:NatGateway"
DEPLOYMENT, SUBNET = "kubernetes:apps/v1:Deployment", "aws:ec2/subnet:Subnet"
NO_MACHINES = "creating: InsufficientInstanceCapacity: We currently do not have sufficient inf2.xlarge capacity"
NOT_READY = "'chat' timed out waiting to be Ready"


def rows() -> list[dict[str, Any]]:
    """The table of causes as it is written, samples included."""
    with (COMPONENTS / "engine" / "explain" / "causes.toml").open("rb") as stream:
        return list(tomllib.load(stream)["cause"])


TRACE = """Traceback (most recent call last):
  File "/srv/acme/__main__.py", line 3, in <module>
    deploy()
ValueError: first

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/acme/pools.py", line 7, in deploy
    machine(**pool)
    ^^^^^^^^^^^^^^^
  File "/venv/lib/python3.11/site-packages/pulumi_aws/eks/cluster.py", line 90, in __init__
    raise KeyError(name)
KeyError: 'inf3'
"""


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["name"])
def test_each_cause_is_found_by_its_sample_and_no_earlier_one_is(row: dict[str, Any]) -> None:
    found = find_cause(row["sample"])
    assert found is not None
    assert found.name == row["name"]
    assert found.source.startswith("https://")
    assert found.next


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # One text, several matches: the telling one counts.
        (
            f"{NOT_READY}\n* [Unschedulable] 0/3 nodes are available: 3 Insufficient google.com/tpu.",
            "no node with such a device",
        ),
        (f"{NOT_READY}\n* [Unschedulable] 0/1 nodes are available: 1 Insufficient cpu.", "no room on the nodes"),
        (f"{NOT_READY}\n* 1 Pods failed to run because: [ErrImageNeverPull] image is not present", "image not pulled"),
        (
            "googleapi: Error 403: Quota 'CPUS' exceeded. Limit: 24.0 in region us-west4., quotaExceeded",
            "quota of Google Cloud",
        ),
        (
            "googleapi: Error 409: The network is already being used by 'x', resourceInUseByAnotherResource",
            "still in use",
        ),
        ("googleapi: Error 409: Already exists: projects/acme/clusters/x., alreadyExists", "exists already"),
        ("ResourceInUseException: Cluster already exists with name: x", "exists already"),
        ('namespaces "chat" already exists', "exists already"),
        ("api error UnauthorizedOperation: You are not authorized to perform this operation.", "denied by AWS"),
        ("RequestLimitExceeded: Request limit exceeded.", "throttled"),
        ("Your Capacity Block reservation cr-0a1 is not active yet. Launching EC2 instance failed.", "reservation"),
        ("configured Kubernetes cluster is unreachable: Unauthorized", "Kubernetes does not know the caller"),
        ("incorrect passphrase", "passphrase"),
        ("Detected that plugins/resource-aws-v7/pulumi-resource-aws exited prematurely.", "provider died"),
        ("[409] Conflict: Another update is currently in progress.", "stack locked"),
        ("Program failed with an unhandled exception:\nValueError: boom", None),
        ("polysilicon:fleet.pools.inf2.machine: got 'inf9.xlarge', which is no machine for a neuron pool", None),
        ("creating EC2 Subnet (a): InvalidSubnet.Range: The CIDR '10.0.0.0/24' is invalid.", None),
    ],
)
def test_which_cause_it_is(text: str, name: str | None) -> None:
    found = find_cause(text)
    assert (found.name if found else None) == name


def test_what_the_rehearsal_can_make_fail_is_explained() -> None:
    with (COMPONENTS / "rehearsal" / "data" / "faults.toml").open("rb") as stream:
        faults = tomllib.load(stream)
    texts = {(code, kind): text for code, row in faults.items() for kind, text in row["texts"].items()}
    unknown = {key for key, text in texts.items() if find_cause(text) is None}
    assert unknown <= {("error", "*")}, "the last one is unknown on purpose"


def urn(type_: str, name: str, *around: str) -> str:
    return f"urn:pulumi:dev::p::{'$'.join([*around, type_])}::{name}"


def event(kind: str, operation: str, type_: str, name: str, parent: str = STACK, **told: Any) -> str:
    """A line of the log about a resource."""
    around = [parent.split("::")[2]] if parent != STACK else []
    where = urn(type_, name, *around)
    state = {"urn": where, "type": type_, "custom": "index" not in type_, "parent": parent}
    return json.dumps({kind: {"metadata": {"op": operation, "urn": where, "type": type_, "new": state}, **told}})


def done(operation: str, type_: str, name: str, parent: str = STACK) -> str:
    return event("resOutputsEvent", operation, type_, name, parent)


def failed(operation: str, type_: str, name: str, text: str, parent: str = STACK) -> list[str]:
    line = event("resOpFailedEvent", operation, type_, name, parent)
    where = json.loads(line)["resOpFailedEvent"]["metadata"]["urn"]
    return [said(text, where), line]


def said(text: str, where: str = "", severity: str = "error") -> str:
    return json.dumps({"diagnosticEvent": {"urn": where, "severity": severity, "message": f"<{{%reset%}}>{text}\n"}})


def explained(*lines: str | Sequence[str], existing: Sequence[str] | None = None) -> Explanation:
    flat = [line for item in lines for line in ([item] if isinstance(item, str) else item)]
    return explain(read_run(flat), existing)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        pytest.param(
            [done("create", POOL, "chat"), *failed("create", GROUP, "chat-spot", NO_MACHINES, urn(POOL, "chat"))],
            "The pool chat: its NodeGroup chat-spot could not be created.",
            id="a component with a word of its own",
        ),
        pytest.param(
            [
                done("create", POOL, "chat"),
                done("create", "polysilicon:index:NeuronDevicePlugin", "plugin", urn(POOL, "chat")),
                *failed("update", DEPLOYMENT, "d", "no", urn("polysilicon:index:NeuronDevicePlugin", "plugin", POOL)),
            ],
            "The pool chat: its Deployment d could not be updated.",
            id="a component inside it has none",
        ),
        pytest.param(
            failed("delete", DEPLOYMENT, "chat", "no", urn(MODEL, "chat")),
            "The model chat: its Deployment chat could not be deleted.",
            id="the log does not tell of the parent",
        ),
        pytest.param(
            failed("create", SUBNET, "a", "no", urn(NET, "east")),
            "The component east (acme:index:Net): its Subnet a could not be created.",
            id="a stranger's component",
        ),
        pytest.param(
            failed("create", SUBNET, "a", "no"),
            "The Subnet a (aws:ec2/subnet:Subnet) could not be created.",
            id="a resource that stands alone",
        ),
        pytest.param(
            [said("aws:ec2/subnet:Subnet resource 'a' has a problem: no", urn(SUBNET, "a"))],
            "The Subnet a (aws:ec2/subnet:Subnet) is refused.",
            id="it did not come to an operation",
        ),
        pytest.param(
            [said("Program failed with an unhandled exception:\nboom")], "The program itself failed.", id="bug"
        ),
        pytest.param(
            [said(f"Program failed with an unhandled exception:\n{TRACE}")],
            "The program itself failed at /srv/acme/pools.py:7: KeyError: 'inf3'",
            id="a bug with its place",
        ),
        pytest.param(
            [said("machine: got 'x'"), said("an unhandled error occurred: program exited with non-zero exit code: 1")],
            "The program stopped by itself.",
            id="a mistake that the program tells",
        ),
        pytest.param([said("the stack is currently locked by 1 lock(s)")], "The engine stopped.", id="the engine"),
    ],
)
def test_what_failed(lines: Sequence[str], sentence: str) -> None:
    explanation = explained(lines, said("update failed"))
    assert [group.what for group in explanation.groups] == [[sentence]]


def test_one_cause_is_told_once_and_roots_come_first() -> None:
    waits = failed("create", DEPLOYMENT, "chat", NOT_READY, urn(MODEL, "chat"))
    first = failed("create", GROUP, "a", NO_MACHINES, urn(POOL, "a"))
    second = failed("create", GROUP, "b", NO_MACHINES.replace("inf2", "trn1"), urn(POOL, "b"))
    explanation = explained(waits, first, second, said("update failed"))
    assert [group.cause.name if group.cause else "" for group in explanation.groups] == [
        "no machines in AWS",
        "not ready in time",
    ]
    root = explanation.groups[0]
    assert root.what == [
        "The pool a: its NodeGroup a could not be created.",
        "The pool b: its NodeGroup b could not be created.",
    ]
    assert len(root.texts) == 2


def test_unknown_errors_that_differ_in_names_and_numbers_only_are_told_together() -> None:
    lines = [failed("create", SUBNET, name, f"Subnet {name} 10.0.{at}.0/24 is odd") for at, name in enumerate("xy")]
    other = failed("create", SUBNET, "z", "something else")
    groups = explained(*lines, other).groups
    assert [(len(group.what), group.cause) for group in groups] == [(2, None), (1, None)]


def test_a_message_that_comes_twice_is_one() -> None:
    (group,) = explained(failed("create", SUBNET, "a", "no"), failed("create", SUBNET, "a", "no")).groups
    assert (group.what, group.texts) == (["The Subnet a (aws:ec2/subnet:Subnet) could not be created."], ["no"])


def test_of_the_warnings_only_pending_operations_are_told() -> None:
    pending = next(row["sample"] for row in rows() if row["name"] == "pending operations")
    warnings = [said(pending, severity="warning"), said("a deprecated input", severity="warning")]
    assert [group.what for group in explained(warnings).groups] == [["The state is not sure of everything."]]
    assert explained(warnings[1:]) == Explanation([], ())


def test_when_all_is_well_nothing_is_told() -> None:
    explanation = explained(done("create", SUBNET, "a"))
    assert explanation == Explanation([], ())
    assert render_explanation(explanation) is None


def test_what_a_failed_create_leaves_is_to_be_replaced() -> None:
    text = next(row["sample"] for row in rows() if "CREATE_FAILED" in row["sample"])
    explanation = explained(failed("create", GROUP, "g", text))
    (group,) = explanation.groups
    assert group.cause is not None
    assert "pulumi up --replace 'urn:" in group.steps[0]
    assert "::g'" in group.steps[0]
    assert list(group.steps[1:]) == list(group.cause.next)
    lost = explained(failed("create", GROUP, "g", "no"), done("create", NAT, "n"))
    assert not lost.groups[0].left
    both = explained(failed("create", GROUP, "g", text), done("create", NAT, "n"))
    assert any("repairs nothing that is CREATE_FAILED" in sentence for sentence in both.now)


def test_a_refused_input_is_told_without_the_value_that_the_engine_does_not_find() -> None:
    text = f"{SUBNET} resource 'a': property tags.x value {{<nil>}} has a problem: too long, got 300 characters"
    (group,) = explained(said(text, urn(SUBNET, "a"))).groups
    assert group.what == [f"The Subnet a ({SUBNET}) is refused: tags.x: too long, got 300 characters"]


def test_what_exists_now_and_what_it_costs() -> None:
    made = [done("create", CLUSTER, "c"), done("create", NAT, "n"), done("create", NAT, "m"), done("same", GROUP, "g")]
    explanation = explained(done("create", "pulumi:providers:aws", "p"), made, failed("create", SUBNET, "a", "no"))
    assert explanation.now == [
        "4 resources exist, 3 made by this run. That is what the log tells; pulumi stack shows all.",
        "Paid for by the hour meanwhile: 1 control plane, 1 group of machines, 2 NAT gateways.",
        "The same command again goes on from here; pulumi destroy takes it all away.",
    ]


@pytest.mark.parametrize(
    ("lines", "existing", "first"),
    [
        ([], [], "Nothing exists, and nothing is to be paid for."),
        ([], None, "The log tells of nothing that exists; pulumi stack shows what the state has."),
        ([], [urn("pulumi:providers:aws", "p")], "Nothing exists, and nothing is to be paid for."),
        ([done("create", SUBNET, "b")], [urn(SUBNET, "b"), urn(SUBNET, "c")], "2 resources exist, 1 made by this run."),
        (
            [done("delete", SUBNET, "b"), *failed("delete", SUBNET, "c", "no")],
            None,
            "1 resource exists, 1 deleted by this run. That is what the log tells; pulumi stack shows all.",
        ),
        (
            # A replacement that is done: the new one is there, and nothing is missing.
            [done("create-replacement", SUBNET, "b"), done("delete-replaced", SUBNET, "b")],
            [urn(SUBNET, "b")],
            "1 resource exists, 1 made by this run.",
        ),
        (
            [event("resOutputsEvent", "create", SUBNET, "b", planning=True)],
            [],
            "Nothing was changed: this was a preview.",
        ),
    ],
)
def test_what_is_left_of_a_run(lines: Sequence[str], existing: Sequence[str] | None, first: str) -> None:
    assert explained(lines, said("no"), existing=existing).now[0] == first


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key AKIAIOSFODNN7EXAMPLE is bad", "key [secret] is bad"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [secret]"),
        ("GET https://me:pass@host/x", "GET https://[secret]@host/x"),
        ("token=abc&x=1", "token=[secret]&x=1"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "[secret]"),
        ("ya29.a0AfH6SMB and hf_abcdefghijklmnopqrstu", "[secret] and [secret]"),
        ("eyJhbGciOiJI.eyJzdWIi.abc was refused", "[secret] was refused"),
        ("<{%fg 1%}>red<{%reset%}> \x1b[31mred\x1b[0m", "red red"),
        ("vpc-0123456789abcdef0 stays", "vpc-0123456789abcdef0 stays"),
    ],
)
def test_no_secrets_and_no_colours(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_it_fits_and_says_all() -> None:
    lines = [
        failed("create", GROUP, f"g{number}", f"{NO_MACHINES} {number}", urn(POOL, "chat")) for number in range(10)
    ]
    console = Console(file=io.StringIO(), width=100, highlight=False)
    console.print(render_explanation(explained(*lines)) or "")
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "… and 2 more for the same reason." in text
    assert "… and 7 more like these" in text
    cause = find_cause(NO_MACHINES)
    assert cause is not None
    assert " ".join(cause.text.split()) in " ".join(text.split())
    assert all(step.split(":")[0] in text for step in cause.next)


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["polysilicon", "explain", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "events.json"
    log.write_text("\n".join(failed("create", GROUP, "g", NO_MACHINES, urn(POOL, "chat"))) + "\n")
    assert called(monkeypatch, str(log)) == 1
    assert "The pool chat: its NodeGroup g could not be created." in capsys.readouterr().out

    monkeypatch.setattr(sys, "stdin", io.StringIO(done("create", SUBNET, "a")))
    assert called(monkeypatch, "-") == 0
    assert capsys.readouterr().out == "The log tells of no failure.\n"

    with log.open("a") as half:
        half.write('{"resOutputsEvent": {"meta')
    assert called(monkeypatch, str(log)) == 1, "a killed engine may leave half of a line"
    assert "The pool chat: its NodeGroup g could not be created." in capsys.readouterr().out
    with log.open("a") as half:
        half.write("\n{}\n")
    assert called(monkeypatch, str(log)) == 1
    assert "is no event of the engine" in capsys.readouterr().err

    log.write_text("[project]\n")
    assert called(monkeypatch, str(log)) == 1
    assert "line 1 is no event of the engine" in capsys.readouterr().err


@pytest.mark.parametrize("line", ["no JSON", "[1]", '"text"'])
def test_what_is_no_log(line: str) -> None:
    with pytest.raises(UserError, match="line 2 is no event"):
        read_run(["{}", line])


def test_names_of_causes_are_told_apart() -> None:
    names = [cause.name for cause in load_causes()]
    assert len(names) == len(set(names))
