"""What a killed update had begun, found again: what is decided, how the state is edited, and the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from polysilicon.engine.recover import (
    Decision,
    Found,
    Interrupted,
    UnfindableError,
    decide,
    edited,
    interrupted,
)
from polysilicon.engine.workbench import Workbench
from polysilicon.errors import UserError
from polysilicon.identity import identity
from polysilicon.rehearsal import Rehearsal
from polysilicon.rehearsal.environment import PASSPHRASE
from polysilicon.rehearsal.finder import AccountsFinder
from tests.rehearsal.conftest import Foreign, MakeForeign, called, succeeded
from tests.rehearsal.simulated import Cloud

VPC = "aws:ec2/vpc:Vpc"
URN = "urn:pulumi:dev::shop::aws:ec2/vpc:Vpc::"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"open"'}


def begun(name: str = "v", operation: str = "creating", again: bool = False, held: str = "") -> Interrupted:
    """An operation of which nobody knows the end."""
    return Interrupted(URN + name, VPC, operation, {"name": name}, held=frozenset([held]), again=again)


class Answers:
    """Finds what it was told, by the logical name; nothing else can be looked up."""

    def __init__(self, **found: Sequence[Found]) -> None:
        self.found = found

    def find(self, wanted: Interrupted) -> Sequence[Found]:
        """As told."""
        if wanted.name not in self.found:
            raise UnfindableError("nobody knows")
        return self.found[wanted.name]


@pytest.mark.parametrize(
    ("wanted", "found", "action", "told"),
    [
        (begun(), [Found("vpc-1")], "import", "vpc-1"),
        (begun(), [Found("vpc-1"), Found("vpc-1")], "import", "vpc-1"),
        (begun(), [], "clear", "not in the account"),
        (begun(held="vpc-1"), [Found("vpc-1")], "clear", "not in the account"),
        (begun(held="vpc-1"), [Found("vpc-1"), Found("vpc-2")], "import", "vpc-2"),
        (begun(again=True), [Found("vpc-1")], "discard", "beside the one in the state"),
        (begun(), [Found("vpc-1"), Found("vpc-2")], "keep", "may be vpc-1, vpc-2"),
        (begun(), [Found("vpc-1", sure=False)], "keep", "may be vpc-1"),
        (begun(), None, "keep", "cannot be looked up: nobody knows"),
        (begun(operation="updating"), None, "refresh", "was updating"),
        (begun(operation="deleting"), None, "refresh", "was deleting"),
        (begun(operation="reading"), None, "clear", "nothing was changed"),
    ],
)
def test_what_is_decided(wanted: Interrupted, found: Sequence[Found] | None, action: str, told: str) -> None:
    (decision,) = decide([wanted], Answers(**({} if found is None else {"v": found})))
    assert decision.action == action
    assert told in decision.told
    assert bool(decision.fix) == (action == "keep")


def test_two_that_claim_the_same_get_nothing() -> None:
    decisions = decide([begun("a"), begun("b"), begun("c")], Answers(a=[Found("1")], b=[Found("1")], c=[Found("2")]))
    assert [decision.action for decision in decisions] == ["keep", "keep", "import"]


def exported(*operations: str) -> dict[str, Any]:
    """A state with a provider, a network and operations that were begun."""
    provider = {"urn": "urn:p", "type": "pulumi:providers:aws", "id": "1", "inputs": {"region": "us-east-1"}}
    there = {"urn": URN + "there", "type": VPC, "id": "vpc-0", "provider": "urn:p::1"}
    notes = [
        {
            "type": operation,
            "resource": {"urn": URN + str(n), "type": VPC, "provider": "urn:p::1", "inputs": {"name": SECRET, "n": n}},
        }
        for n, operation in enumerate(operations)
    ]
    return {"version": 3, "deployment": {"resources": [provider, there], "pending_operations": notes}}


def test_a_state_says_what_was_begun() -> None:
    first, second = interrupted(exported("creating", "deleting"))
    assert (first.operation, first.name, first.type) == ("creating", "0", VPC)
    assert (second.operation, second.name) == ("deleting", "1")
    assert first.inputs == {"name": "open", "n": 0}
    assert first.settings == {"region": "us-east-1"}
    assert first.held == {"vpc-0"}
    assert not first.again
    assert interrupted({"version": 3, "deployment": {"resources": []}}) == []


def test_the_same_id_in_another_place_is_another_resource() -> None:
    state = exported("creating", "creating", "creating")
    elsewhere, same, other = (begun["resource"] for begun in state["deployment"]["pending_operations"])
    state["deployment"]["resources"].append({"urn": "urn:q", "type": "pulumi:providers:aws", "inputs": {"region": "r"}})
    elsewhere["inputs"]["region"], same["inputs"]["region"], other["provider"] = "eu-west-1", "us-east-1", "urn:q::2"
    assert [list(begun.held) for begun in interrupted(state)] == [[], ["vpc-0"], []]


@pytest.mark.parametrize("more", [{"custom": False}, {"type": "pulumi:providers:aws"}])
def test_what_is_in_no_account_is_not_looked_for(more: Mapping[str, Any]) -> None:
    state = exported("creating")
    state["deployment"]["pending_operations"][0]["resource"].update(more)
    assert [decision.action for decision in decide(interrupted(state), Answers())] == ["clear"]


@pytest.mark.parametrize(
    ("told", "fails"),
    [("[409] Conflict: The Update has already completed", False), ("[401] Unauthorized: No credentials", True)],
)
def test_an_update_that_has_ended_needs_no_cancelling(tmp_path: Path, told: str, fails: bool) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(f"#!/bin/sh\necho 'error: {told}' >&2\nexit 255\n")
    pulumi.chmod(0o755)
    with pytest.raises(UserError, match="No credentials") if fails else nullcontext():
        Workbench(pulumi, tmp_path, "dev", {}).cancel()


def test_how_the_state_is_edited() -> None:
    state = exported("creating", "creating", "creating", "creating", "deleting")
    imported, discarded, cleared, kept, deleted = interrupted(state)
    after = edited(
        state,
        [
            Decision(imported, "import", "", [Found("vpc-1")]),
            Decision(discarded, "discard", "", [Found("vpc-2")]),
            Decision(cleared, "clear", ""),
            Decision(kept, "keep", "", [Found("vpc-3")]),
            Decision(deleted, "refresh", ""),
        ],
    )["deployment"]
    assert [(r["urn"], r["id"], r.get("delete")) for r in after["resources"][2:]] == [
        (URN + "0", "vpc-1", None),
        (URN + "1", "vpc-2", True),
    ]
    assert after["resources"][2]["inputs"]["name"] == SECRET, "what is secret stays so"
    assert [note["resource"]["urn"] for note in after["pending_operations"]] == [URN + "3"]


def test_a_state_that_has_changed_meanwhile_is_told() -> None:
    (begun_,) = interrupted(exported("creating"))
    for later in (exported(), exported("deleting"), exported("creating", "creating")):
        with pytest.raises(UserError, match="the state has changed meanwhile") as told:
            edited(later, [Decision(begun_, "clear", "")])
        assert f"allowed: creating {URN}0" in str(told.value)
        assert "fix: " in str(told.value)
    with pytest.raises(UserError, match="got: nothing that was begun"):
        edited(exported(), [Decision(begun_, "clear", "")])


# ── Simulated accounts ─────────────────────────────────────────────────────────


def looked_for(cloud: Cloud, type_: str, inputs: Mapping[str, Any]) -> list[str]:
    """The ids of what is found."""
    wanted = Interrupted(cloud.urn(type_, "it"), type_, "creating", inputs, {"region": "us-east-1"})
    return [found.id for found in AccountsFinder(cloud.simulation).find(wanted)]


def test_a_resource_is_found_by_its_name_whoever_made_it() -> None:
    cloud = Cloud()
    role = cloud.make("aws:iam/role:Role", "other", name="web", assumeRolePolicy="{}")
    assert looked_for(cloud, role.type, {"name": "web", "assumeRolePolicy": "{ }"}) == ["web"]
    assert looked_for(cloud, role.type, {"name": "worker", "assumeRolePolicy": "{}"}) == []


def test_a_name_counts_where_it_is() -> None:
    cloud = Cloud()
    config = "kubernetes:core/v1:ConfigMap"
    cloud.make("kubernetes:core/v1:Namespace", "a", metadata={"name": "a"})
    cloud.make(config, "it", metadata={"name": "c", "namespace": "a"})
    wanted = Interrupted("urn", config, "creating", {"metadata": {"name": "c", "namespace": "b"}})
    there = Interrupted("urn", config, "creating", {"metadata": {"name": "c", "namespace": "a"}})
    assert AccountsFinder(cloud.simulation).find(wanted) == []
    assert [found.id for found in AccountsFinder(cloud.simulation).find(there)] == ["a/c"]


def test_a_resource_without_a_name_is_found_by_all_its_inputs() -> None:
    cloud = Cloud()
    one = cloud.make(VPC, "one", cidrBlock="10.0.0.0/16", tags={"Name": "one"})
    cloud.make(VPC, "two", cidrBlock="10.0.0.0/16", tags={"Name": "two"})
    assert looked_for(cloud, VPC, one.inputs) == [one.id]
    assert looked_for(cloud, VPC, {"cidrBlock": "10.0.0.0/16"}) == []


@pytest.mark.parametrize(("tags", "sure"), [({"Name": "one"}, False), (identity("shop", "dev", "one"), True)])
def test_equal_inputs_are_no_proof_of_what_could_have_tags(tags: Mapping[str, str], sure: bool) -> None:
    cloud = Cloud()
    one = cloud.make(VPC, "one", cidrBlock="10.0.0.0/16", tags=tags)
    wanted = Interrupted("urn", VPC, "creating", one.inputs, {"region": "us-east-1"})
    assert [found.sure for found in AccountsFinder(cloud.simulation).find(wanted)] == [sure]


def test_another_region_is_another_place() -> None:
    cloud = Cloud({"region": "us-west-2"})
    made = cloud.make(VPC, "one", cidrBlock="10.0.0.0/16")
    assert looked_for(cloud, VPC, made.inputs) == []


# ── The engine ─────────────────────────────────────────────────────────────────

SHOP = """
import pulumi, pulumi_aws as aws
step = pulumi.Config().get("step") or "1"
tags = {f"polysilicon:{key}": value for key, value in [("project", "shop"), ("stack", "dev"), ("resource", "v")]}
vpc = aws.ec2.Vpc("v", cidr_block=f"10.{step}.0.0/16", tags=tags)
role = aws.iam.Role("r", assume_role_policy="{}", tags={"step": step}, opts=pulumi.ResourceOptions(depends_on=vpc))
"""


def killed(shop: Foreign, after: int, operation: str = "up") -> Rehearsal:
    """A rehearsal whose engine was killed when so many changes were done."""
    rehearsal = shop.rehearsal(kill_after=after)
    assert getattr(rehearsal, operation)().exit_code == 137
    return rehearsal


def ids(shop: Foreign, outcome: Any) -> list[str]:
    """The ids in the accounts, after checking that the state has the same."""
    held = sorted(resource.id for resource in outcome.resources if resource.custom and "pulumi:" not in resource.type)
    assert held == sorted(record.id for record in outcome.accounts)
    return held


@pytest.mark.engine
def test_a_killed_create_is_imported_and_a_killed_update_read_back(foreign: MakeForeign) -> None:
    shop = foreign(SHOP)
    rehearsal = killed(shop, 1)
    recovery = rehearsal.recover(lambda decisions: False)
    assert [(d.wanted.name, d.action) for d in recovery.decisions] == [("v", "import")]
    assert not recovery.done
    assert len(recovery.leftovers) == 1, "nothing was done"
    done = rehearsal.recover()
    assert done.decisions == recovery.decisions
    assert done.leftovers == []
    assert rehearsal.recover().decisions == [], "a second time there is nothing to do"
    made = succeeded(shop.rehearsal().up())
    assert made.changes["create"] == 1, "the role, and not the network again"
    before = ids(shop, made)

    shop.configure(shop__step="2")  # the network is made anew, then the role changes, then the old network goes
    replaced = killed(shop, 1).recover()
    assert [(d.wanted.operation, d.action) for d in replaced.decisions] == [("creating", "discard")]
    killed(shop, 2).recover()
    after = succeeded(shop.rehearsal().up())
    assert len(ids(shop, after)) == len(before)
    assert not after.leftovers


@pytest.mark.engine
def test_a_killed_destroy_goes_on(foreign: MakeForeign) -> None:
    shop = foreign(SHOP)
    succeeded(shop.rehearsal().up())
    recovery = killed(shop, 1, "destroy").recover()
    assert [(d.wanted.operation, d.action) for d in recovery.decisions] == [("deleting", "refresh")]
    gone = succeeded(shop.rehearsal().destroy())
    assert list(gone.accounts) == list(gone.resources) == []


@pytest.mark.engine
def test_the_command_line_of_a_rehearsal(
    foreign: MakeForeign, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = foreign(SHOP)
    killed(shop, 1)
    place = ("-C", shop.folder, "--state", shop.state)
    assert called(monkeypatch, "recover", *place) == 1
    assert "Nothing was done. With --yes it is." in capsys.readouterr().out
    assert called(monkeypatch, "recover", *place, "--yes") == 0
    assert "dev can be updated again" in capsys.readouterr().out
    assert called(monkeypatch, "recover", *place, "--yes") == 0
    assert "Nothing that was begun is open" in capsys.readouterr().out


@pytest.mark.engine
@pytest.mark.usefixtures("account")
def test_the_command_line_of_a_real_account(
    foreign: MakeForeign, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The state is that of a killed rehearsal; the account is another one, in which its network is not."""
    shop = foreign(SHOP)
    shop.configure(aws__region="us-east-1")
    killed(shop, 1)
    scratch = shop.state / "stacks" / "shop" / "dev"
    monkeypatch.setenv("PULUMI_BACKEND_URL", (shop.state / "backend").as_uri())
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("PULUMI_HOME", str(shop.state / "home" / ".pulumi"))
    assert called(monkeypatch, "recover", "-C", scratch) == 1
    assert "not in the account" in " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert called(monkeypatch, "recover", "-C", scratch, "--yes") == 0
    assert "its note is cleared" in " ".join(capsys.readouterr().out.replace("│", " ").split())
    state = json.loads((shop.state / "backend" / ".pulumi" / "stacks" / "shop" / "dev.json").read_text())
    assert "pending_operations" not in state["checkpoint"]["latest"]
    assert not list((shop.state / "backend" / ".pulumi" / "locks").rglob("*.json"))


def test_a_stack_that_is_not_there_is_told(foreign: MakeForeign) -> None:
    shop = foreign(SHOP)
    with pytest.raises(UserError, match="no stack named 'dev' found"):
        shop.rehearsal().recover()
