"""Calls that fail on demand, a provider that dies, an engine that is killed."""

from __future__ import annotations

import fnmatch
import sys
from contextlib import nullcontext
from typing import Any

import pytest

from polysilicon.cli.main import main
from polysilicon.errors import UserError
from polysilicon.rehearsal import Fault, Hooks, Record, RefusedError
from polysilicon.rehearsal.faults import CHANGES, Fail, Faults, codes
from polysilicon.rehearsal.remains import HalfMadeError
from tests.rehearsal.conftest import Foreign, MakeForeign, succeeded
from tests.rehearsal.simulated import Cloud

VPC = "aws:ec2/vpc:Vpc"
BUCKET = "aws:s3/bucket:Bucket"


def cloud(faults: Faults) -> Cloud:
    """A cloud in which these things go wrong."""
    return Cloud(hooks=faults.around(Hooks()))


@pytest.mark.parametrize(
    ("text", "fail"),
    [
        ("NodeGroup", Fail("NodeGroup")),
        ("aws:eks/nodeGroup:NodeGroup", Fail("aws:eks/nodeGroup:NodeGroup")),
        ("NodeGroup=quota@2", Fail("NodeGroup", "quota", "create", 2)),
        ("Cluster@delete", Fail("Cluster", "", "delete", 1)),
        (
            "kubernetes:apps/v1:Deployment=webhook@update:3",
            Fail("kubernetes:apps/v1:Deployment", "webhook", "update", 3),
        ),
        ("*=died@10", Fail("*", "died", "create", 10)),
    ],
)
def test_how_a_fault_is_written(text: str, fail: Fail) -> None:
    assert Fail.parse(text) == fail
    assert Fail.parse(str(fail)) == fail


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NodeGroup=InsufficientInstanceCapacty", "did you mean 'InsufficientInstanceCapacity'?"),
        ("NodeGroup=nonsense", "allowed: InsufficientInstanceCapacity, ReservationCapacityExceeded"),
        ("aws:ec2/vpc:Vpc=InsufficientInstanceCapacity", "cannot fail so: allowed: ThrottlingException"),
        ("aws:eks/nodeGroup:NodeGroup=capacity@delete", "cannot fail so"),
        ("gcp:container/nodePool:NodePool=VcpuLimitExceeded", "allowed: ZONE_RESOURCE_POOL_EXHAUSTED"),
        ("NodeGroup@0", "counted from 1"),
        ("NodeGroup@explode", "TYPE[=CODE]"),
        ("=quota", "TYPE[=CODE]"),
    ],
)
def test_what_cannot_fail_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        Fail.parse(text)
    assert message in str(refused.value)


DEFAULTS = (
    ("aws", "NodeGroup", "create", "InsufficientInstanceCapacity"),
    ("aws", "NodeGroup", "delete", "ThrottlingException"),
    ("aws", "Vpc", "create", "ThrottlingException"),
    ("gcp", "NodePool", "create", "ZONE_RESOURCE_POOL_EXHAUSTED"),
    ("gcp", "Cluster", "create", "GCE_STOCKOUT"),
    ("gcp", "Network", "update", "rateLimitExceeded"),
    ("kubernetes", "Deployment", "create", "WebhookNotReady"),
    ("random", "RandomPassword", "create", "error"),
)


@pytest.mark.parametrize(("package", "kind", "operation", "code"), DEFAULTS)
def test_the_code_of_a_type_that_names_none(package: str, kind: str, operation: str, code: str) -> None:
    found = Fail(kind, operation=operation).problem(package, kind)  # type: ignore[arg-type]
    assert found is not None
    assert found[0].name == code


TYPES = {
    "aws": ("eks/nodeGroup:NodeGroup", "eks/cluster:Cluster", "ec2/instance:Instance", "ec2/vpc:Vpc"),
    "gcp": ("container/nodePool:NodePool", "container/cluster:Cluster", "compute/instance:Instance"),
    "kubernetes": ("core/v1:ConfigMap",),
}
ROWS = [
    (code.name, f"{package}:{type_}", operation)
    for code in codes().values()
    for package in (code.clouds or ("aws",))
    for type_ in TYPES[package]
    for operation in CHANGES
    if code.words(package, type_.rsplit(":", 1)[1], operation)
]


@pytest.mark.parametrize(("code", "type_", "operation"), ROWS)
def test_every_code_fails_its_types_once_and_in_its_own_words(code: str, type_: str, operation: str) -> None:
    faults = Faults([Fail(type_, code, operation)])  # type: ignore[arg-type]
    there = cloud(faults)
    call = there.simulation.call("create", there.settings, there.urn(type_, "it"), {"name": "it"})
    call = call.__class__(**{**vars(call), "operation": operation})
    hooks = faults.around(Hooks())

    def run() -> None:
        for hook in (*hooks.before, *hooks.after):
            hook(call, there.accounts)

    with pytest.raises(RefusedError) as refused:
        run()
    assert "{" not in str(refused.value), "every place in the text is filled"
    if code != "died":
        assert refused.value.fault is Fault.INVALID
        run()
    assert not faults.notes()


def test_every_code_is_tried() -> None:
    assert {code for code, _, _ in ROWS} == set(codes())


def test_the_words_are_the_clouds() -> None:
    there = cloud(Faults([Fail("NodeGroup"), Fail("Vpc", "denied")]))
    with pytest.raises(RefusedError, match=r"User: arn:aws:sts::123456789012:assumed-role/\S+ is not authorized"):
        there.make(VPC, "v", cidrBlock="10.0.0.0/16")
    inputs = {"clusterName": "c", "instanceTypes": ["inf2.8xlarge"], "subnetIds": [], "nodeRoleArn": "a"}
    urn = there.urn("aws:eks/nodeGroup:NodeGroup", "n")
    with pytest.raises(RefusedError) as refused:
        there.simulation.create(there.simulation.call("create", there.settings, urn, inputs))
    assert "We currently do not have sufficient inf2.8xlarge capacity in the Availability Zone" in str(refused.value)
    assert "waiting for EKS Node Group (n) create: unexpected state 'CREATE_FAILED'" in str(refused.value)


def test_the_second_call_fails_and_the_others_do_not() -> None:
    faults = Faults([Fail.parse("Vpc=throttling@2")])
    there = cloud(faults)
    there.make(VPC, "one", cidrBlock="10.0.0.0/16")
    assert faults.notes() == ["--fail Vpc=throttling@2 never came: 1 such calls were made."]
    with pytest.raises(RefusedError, match="ThrottlingException: Rate exceeded"):
        there.make(VPC, "two", cidrBlock="10.1.0.0/16")
    there.make(VPC, "two", cidrBlock="10.1.0.0/16")
    assert [record.name for record in there.accounts.records()] == ["one", "two"]
    assert faults.notes() == []


def test_a_fault_that_is_asked_for_twice_comes_once() -> None:
    there = cloud(Faults([Fail.parse("Vpc=throttling"), Fail.parse("Vpc=throttling")]))
    with pytest.raises(RefusedError, match="ThrottlingException"):
        there.make(VPC, "one", cidrBlock="10.0.0.0/16")
    there.make(VPC, "one", cidrBlock="10.0.0.0/16")


@pytest.mark.parametrize(
    ("given", "failing"),
    [
        (["Vpc=throttling", "Vpc=denied"], ["Throttling", "AccessDenied", ""]),
        (["Vpc=denied", "Vpc=throttling"], ["AccessDenied", "Throttling", ""]),
        (["Vpc=throttling", "aws:ec2/vpc:Vpc=denied@2"], ["Throttling", "AccessDenied", ""]),
        (["Vpc=throttling@2", "*=denied@2"], ["", "Throttling", "AccessDenied"]),
        (["Vpc=throttling@3", "Vpc=denied"], ["AccessDenied", "", "Throttling"]),
    ],
)
def test_of_two_faults_for_one_call_the_other_comes_at_the_next(given: list[str], failing: list[str]) -> None:
    faults = Faults([Fail.parse(text) for text in given])
    there = cloud(faults)
    for words in failing:
        with pytest.raises(RefusedError, match=words) if words else nullcontext():
            there.make(VPC, "v", cidrBlock="10.0.0.0/16")
    assert faults.notes() == []


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_an_update_or_a_delete_that_fails_changes_nothing(operation: str) -> None:
    there = cloud(Faults([Fail.parse(f"Bucket@{operation}")]))
    bucket = there.make(BUCKET, "b", bucket="shop-b")
    with pytest.raises(RefusedError):
        there.change(bucket, bucket="shop-b", tags={"a": "b"}) if operation == "update" else there.delete(bucket)
    assert there.accounts.records() == (bucket,)
    there.delete(bucket)
    assert not there.accounts.records()


def test_a_provider_that_died_has_made_it_and_answers_no_more() -> None:
    there = cloud(Faults([Fail.parse("Vpc=died")]))
    with pytest.raises(RefusedError) as died:
        there.make(VPC, "v", cidrBlock="10.0.0.0/16")
    assert died.value.fault is Fault.DIED
    (made,) = there.accounts.records()
    with pytest.raises(RefusedError, match="connection refused"):
        there.make(BUCKET, "b", bucket="shop-b")
    with pytest.raises(RefusedError, match="connection refused"):
        there.delete(made)
    there.make("kubernetes:core/v1:ConfigMap", "c", metadata={"name": "c"})


def test_a_create_is_never_taken_for_one_that_was(foreign: MakeForeign) -> None:
    there = Cloud()
    first = there.make(VPC, "v", cidrBlock="10.0.0.0/16")
    second = there.make(VPC, "v", cidrBlock="10.0.0.0/16")
    assert first.urn == second.urn
    assert first.id != second.id
    assert len(there.accounts.records()) == 2


CHAIN = """
import pulumi_aws as aws
vpc = aws.ec2.Vpc("v", cidr_block="10.0.0.0/16")
aws.ec2.Subnet("s", vpc_id=vpc.id, cidr_block="10.0.1.0/24")
"""


@pytest.mark.engine
def test_the_engine_forgets_what_a_dead_provider_made(foreign: MakeForeign) -> None:
    shop = foreign(CHAIN)
    outcome = shop.rehearsal(faults=[Fail.parse("Vpc=died"), Fail.parse("Subnet")]).up()
    assert outcome.exit_code != 0
    assert any("error reading from server: EOF" in error for error in outcome.errors)
    assert [record.type for record in outcome.leftovers] == [VPC], "it is made, and in no state"
    assert "--fail Subnet@1 never came: 0 such calls were made." in outcome.notes
    again = succeeded(shop.rehearsal().up())
    assert [record.type for record in again.accounts] == [VPC, VPC, "aws:ec2/subnet:Subnet"], "a second one is made"
    assert len(again.leftovers) == 1


@pytest.mark.engine
def test_a_killed_engine_leaves_its_lock(foreign: MakeForeign) -> None:
    shop = foreign(CHAIN)
    killed = shop.rehearsal(kill_after=1).up()
    assert killed.exit_code == 137
    assert [record.type for record in killed.leftovers] == [VPC]
    assert any("SIGKILL" in note for note in killed.notes)
    refused = shop.rehearsal().up()
    assert refused.exit_code != 0
    assert "the stack is currently locked" in refused.log
    locks = shop.state / "backend" / ".pulumi" / "locks"
    for lock in locks.rglob("*.json"):
        lock.unlink()
    doubled = succeeded(shop.rehearsal().up())
    assert fnmatch.filter([record.type for record in doubled.accounts], VPC) == [VPC, VPC]


def test_a_kill_needs_checkpoints(foreign: MakeForeign) -> None:
    shop = foreign(CHAIN)
    with pytest.raises(UserError, match="kill_after needs checkpoints"):
        shop.rehearsal(kill_after=1, checkpoints=False)


def test_the_command_line_refuses_an_unknown_code(
    foreign: MakeForeign, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop: Foreign = foreign(CHAIN)
    arguments = ["polysilicon", "rehearse", "up", "-C", str(shop.folder), "--fail", "Vpc=nonsense"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "got 'nonsense': allowed: InsufficientInstanceCapacity" in capsys.readouterr().err


GROUP: dict[str, Any] = {
    "clusterName": "c",
    "nodeGroupName": "n",
    "subnetIds": ["subnet-1"],
    "nodeRoleArn": "arn:aws:iam::1:role/n",
}
NODES = "aws:eks/nodeGroup:NodeGroup"


def left_of(there: Cloud, type_: str, **inputs: object) -> Record:
    """What a failed create leaves."""
    there.accounts.learn(["c", "subnet-1", GROUP["nodeRoleArn"]])
    with pytest.raises(HalfMadeError) as failed:
        there.make(type_, "it", **inputs)
    assert there.accounts.records() == (failed.value.record,)
    return failed.value.record


@pytest.mark.parametrize("code", ["capacity", "reservation", "quota"])
def test_a_group_that_got_no_nodes_stays_and_is_broken(code: str) -> None:
    there = cloud(Faults([Fail(NODES, code)]))
    left = left_of(there, NODES, **GROUP)
    assert left.outputs["status"] == "CREATE_FAILED"
    assert there.change(left, **left.inputs)["status"] == "CREATE_FAILED", "an empty update repairs nothing"
    (note,) = there.simulation.notes
    assert "c:n) is CREATE_FAILED in the account for good" in note
    assert f"pulumi up --replace '{left.urn}'" in note
    there.delete(left)
    assert there.make(NODES, "it", **GROUP).outputs["status"] == "ACTIVE"


def test_what_was_not_ready_in_time_comes_right_by_itself() -> None:
    there = cloud(Faults([Fail(NODES, "timeout")]))
    left = left_of(there, NODES, **GROUP)
    assert there.change(left, **left.inputs)["status"] == "ACTIVE"
    assert list(there.simulation.notes) == []


def test_an_empty_update_is_no_call_and_a_real_one_is() -> None:
    there = cloud(Faults([Fail(NODES, "capacity"), Fail(NODES, "throttling", "update")]))
    left = left_of(there, NODES, **GROUP)
    there.change(left, **left.inputs)
    there.simulation.notes.clear()
    with pytest.raises(RefusedError, match="ThrottlingException"):
        there.change(left, **{**left.inputs, "labels": {"a": "b"}})
    assert any("CREATE_FAILED" in note for note in there.simulation.notes), "a real update repairs nothing either"


@pytest.mark.parametrize(
    ("fail", "inputs"),
    [
        ("aws:eks/nodeGroup:NodeGroup=throttling", GROUP),
        ("gcp:container/nodePool:NodePool", {"cluster": "c", "location": "us-west4-a"}),
        ("gcp:container/cluster:Cluster=GCE_STOCKOUT", {"location": "us-west4"}),
        ("aws:ec2/vpc:Vpc=timeout", {"cidrBlock": "10.0.0.0/16"}),
    ],
)
def test_what_the_cloud_did_not_begin_or_the_provider_took_away_leaves_nothing(
    fail: str, inputs: dict[str, object]
) -> None:
    there = cloud(Faults([Fail.parse(fail)]))
    with pytest.raises(RefusedError) as refused:
        there.make(Fail.parse(fail).type, "it", **inputs)
    assert not isinstance(refused.value, HalfMadeError)
    assert not there.accounts.records()


def test_what_the_cloud_refuses_at_once_is_never_begun() -> None:
    there = cloud(Faults([Fail(NODES, "capacity")]))
    with pytest.raises(RefusedError) as refused:  # its cluster is not there
        there.make(NODES, "it", **GROUP)
    assert not isinstance(refused.value, HalfMadeError)
    assert not there.accounts.records()


FLEET = """
import pulumi_aws as aws
aws.eks.NodeGroup("n", cluster_name="c", node_role_arn="arn:aws:iam::123456789012:role/n",
    subnet_ids=["subnet-0123456789abcdef0"], scaling_config={"min_size": 1, "max_size": 1, "desired_size": 1})
"""


@pytest.mark.engine
def test_the_engine_keeps_a_group_that_failed_and_forgets_that_it_did(foreign: MakeForeign) -> None:
    """As pulumi-eks issue 1819 has it of an add-on."""
    shop = foreign(FLEET)
    there = ("subnet-0123456789abcdef0", "arn:aws:iam::123456789012:role/n", "c")
    failed = shop.rehearsal(faults=[Fail.parse("NodeGroup=capacity")], existing=there).up()
    assert failed.exit_code != 0
    assert any("InsufficientInstanceCapacity" in error for error in failed.errors)
    assert list(failed.leftovers) == [], "it is in the state"
    (made,) = failed.accounts
    again = succeeded(shop.rehearsal(existing=there).up())
    assert again.changes["update"] == 1
    assert [record.id for record in again.accounts if not record.maker] == [made.id]
    assert any("is CREATE_FAILED in the account for good" in note for note in again.notes)
    gone = succeeded(shop.rehearsal(existing=there).destroy())
    assert list(gone.accounts) == list(gone.resources) == []
