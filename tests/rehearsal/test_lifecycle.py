"""A foreign program from nothing to everything and back, with the real engine."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from polysilicon.rehearsal import Hooks, Outcome
from tests.rehearsal.conftest import Foreign, MakeForeign, succeeded

pytestmark = pytest.mark.engine


def test_a_foreign_program_lives_its_whole_life(foreign: MakeForeign) -> None:
    shop = foreign("cluster")
    shop.configure(aws__region="us-west-2", shop__token={"secure": "v1:abc:def"})
    before = _files(shop)

    made = succeeded(shop.rehearsal().up())
    _assert_real_forms(made)
    _assert_secret(shop, made)
    assert any("shop:token" in note for note in made.notes)
    assert made.judged["references"] > 8

    assert succeeded(shop.rehearsal().up(expect_no_changes=True)).changed == 0
    assert succeeded(shop.rehearsal().refresh(expect_no_changes=True)).changed == 0

    shop.configure(aws__region="us-west-2", shop__token={"secure": "v1:abc:def"}, shop__team="two", shop__most=5)
    changed = succeeded(shop.rehearsal().up())
    assert changed.changes["update"] == 2
    assert changed.outputs == made.outputs

    assert _files(shop).keys() == before.keys()
    gone = succeeded(shop.rehearsal().destroy())
    assert gone.ok
    assert not gone.accounts
    assert not gone.resources


def test_two_runs_make_the_same(foreign: MakeForeign) -> None:
    shop = foreign("cluster")
    shop.configure(aws__region="us-west-2", shop__token="open")
    first = succeeded(shop.rehearsal(state=shop.state / "one").up())
    second = succeeded(shop.rehearsal(state=shop.state / "two").up())
    assert first.outputs == second.outputs
    assert {r.urn: r.id for r in first.accounts} == {r.urn: r.id for r in second.accounts}


def test_preview_makes_nothing_and_knows_no_ids(foreign: MakeForeign) -> None:
    shop = foreign("cluster")
    shop.configure(aws__region="us-west-2", shop__token="open")
    outcome = succeeded(shop.rehearsal().preview())
    assert outcome.changes["create"] == 18
    assert not outcome.accounts
    assert not outcome.resources


def test_a_name_decides_how_a_resource_is_replaced(foreign: MakeForeign) -> None:
    shop = foreign("replaced")
    first = succeeded(shop.rehearsal().up())
    assert re.fullmatch(r"group-[0-9a-f]{7}", first.outputs["name"])

    shop.configure(shop__x="2")
    updated = succeeded(shop.rehearsal().up())
    assert updated.changes["update"] == 1
    assert updated.outputs == first.outputs

    shop.configure(shop__network="b")
    steps: list[str] = []
    moved = succeeded(shop.rehearsal(hooks=_noting(steps)).up())
    assert moved.changes["replace"] == 2
    assert moved.outputs["name"] != first.outputs["name"]
    assert [step for step in steps if step.endswith("SecurityGroup")] == [
        "create SecurityGroup",
        "delete SecurityGroup",
    ]

    shop.configure(shop__network="b", shop__name="fixed")
    succeeded(shop.rehearsal().up())
    shop.configure(shop__network="a", shop__name="fixed")
    steps.clear()
    succeeded(shop.rehearsal(hooks=_noting(steps)).up())
    kept = [step for step in steps if step.endswith("SecurityGroup")]
    assert kept == ["delete SecurityGroup", "create SecurityGroup"], "two groups of one name cannot be side by side"


def test_a_launch_template_counts_its_versions(foreign: MakeForeign) -> None:
    program = """
import pulumi, pulumi_aws as aws
template = aws.ec2.LaunchTemplate("t", instance_type=pulumi.Config().get("machine") or "m5.large")
pulumi.export("version", template.latest_version)
"""
    shop = foreign(program)
    assert succeeded(shop.rehearsal().up()).outputs["version"] == 1
    shop.configure(shop__machine="m5.xlarge")
    assert succeeded(shop.rehearsal().up()).outputs["version"] == 2


def test_existing_resources_are_imported_and_read(foreign: MakeForeign) -> None:
    program = """
import pulumi, pulumi_aws as aws
known = pulumi.Config().get("known")
if known:
    aws.ec2.Vpc("mine", cidr_block="10.1.0.0/16", opts=pulumi.ResourceOptions(import_=known))
    pulumi.export("cidr", aws.ec2.Vpc.get("theirs", known).cidr_block)
    pulumi.export("found", aws.ec2.get_vpc(id=known).arn)
else:
    made = aws.ec2.Vpc("made", cidr_block="10.1.0.0/16", opts=pulumi.ResourceOptions(retain_on_delete=True))
    pulumi.export("id", made.id)
"""
    shop = foreign(program)
    known = succeeded(shop.rehearsal().up()).outputs["id"]
    shop.configure(shop__known=known)
    outcome = succeeded(shop.rehearsal().up())
    assert outcome.outputs["cidr"] == "10.1.0.0/16"
    assert outcome.outputs["found"].endswith(known)
    assert outcome.changes["import"] == 1


def _assert_real_forms(outcome: Outcome) -> None:
    outputs = outcome.outputs
    assert re.fullmatch(r"vpc-0[0-9a-f]{16}", outputs["vpc"])
    assert outputs["clusterVpc"] == outputs["vpc"]
    assert re.fullmatch(r"sg-0[0-9a-f]{16}", outputs["clusterGroup"])
    assert re.fullmatch(r"https://[0-9A-F]{32}\.gr7\.us-west-2\.eks\.amazonaws\.com", outputs["endpoint"])
    assert re.fullmatch(r"https://oidc\.eks\.us-west-2\.amazonaws\.com/id/[0-9A-F]{32}", outputs["issuer"])
    assert outputs["caller"] == "arn:aws:sts::123456789012:assumed-role/Rehearsal/session"
    assert outputs["ready"] == 2
    (nodes,) = outcome.by_type("aws:eks/nodeGroup:NodeGroup")
    assert re.fullmatch(r"c-[0-9a-f]{7}:nodes-[0-9a-f]{7}", nodes.id)
    (web,) = outcome.by_type("kubernetes:apps/v1:Deployment")
    assert re.fullmatch(r"apps/web-[0-9a-f]{8}", web.id)
    places = {str(record.scope) for record in outcome.accounts}
    assert "AWS 123456789012 / us-west-2" in places
    assert any(re.fullmatch(r"kubernetes cluster c-[0-9a-f]{7}", place) for place in places)


def _assert_secret(shop: Foreign, outcome: Outcome) -> None:
    assert outcome.outputs["token"] == "[secret]"
    (key,) = outcome.by_type("kubernetes:core/v1:Secret")
    assert key.inputs["stringData"] == key.outputs["stringData"] == "[secret]"
    state = shop.state / "backend" / ".pulumi" / "stacks" / "shop" / "dev.json"
    assert "rehearsal-placeholder" not in state.read_text()
    assert json.loads(state.read_text())


def _files(shop: Foreign) -> dict[str, bytes]:
    subprocess.run(["git", "init", "-q"], cwd=shop.folder, check=True)
    found = [path for path in shop.folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {str(path.relative_to(shop.folder)): path.read_bytes() for path in found}


def _noting(steps: list[str]) -> Hooks:
    return Hooks(after=[lambda call, accounts: steps.append(f"{call.operation} {call.kind}")])
