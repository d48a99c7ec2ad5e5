"""Objects go where their provider's settings say, and refusals are told as the clouds tell them."""

from __future__ import annotations

import pytest

from polysilicon.rehearsal import Rehearsal
from tests.rehearsal.conftest import MakeForeign, succeeded

pytestmark = pytest.mark.engine

REFUSED = {
    "vpc": "creating EC2 Subnet (s): InvalidVpcID.NotFound: The vpc ID 'vpc-0123456789abcdef0' does not exist",
    "role": "NoSuchEntity: The role with name nobody cannot be found.",
    "cluster": "ResourceNotFoundException: No cluster found for name: nowhere.",
    "network": "googleapi: Error 404: The resource 'global/networks/nowhere' was not found, notFound",
    "server": "configured Kubernetes cluster is unreachable",
    "namespace": 'namespaces "nowhere" not found',
    "twice": 'namespaces "same" already exists',
}


def test_two_clusters_keep_their_objects_apart(foreign: MakeForeign) -> None:
    shop = foreign("two_clusters")
    outcome = succeeded(shop.rehearsal().up())
    found = {
        (record.inputs["data"]["region"], str(record.scope))
        for record in outcome.accounts
        if record.type.endswith("ConfigMap")
    }
    assert found == {
        ("us-east-1", "kubernetes cluster c-us-east-1"),
        ("eu-west-1", "kubernetes cluster c-eu-west-1"),
        ("none", "kubernetes cluster (ambient)"),
    }
    regions = {record.name: record.scope.place for record in outcome.accounts if record.type.endswith(":Vpc")}
    assert regions == {"net-us-east-1": "us-east-1", "net-eu-west-1": "eu-west-1"}
    assert any("ambient" in note for note in outcome.notes)
    assert not succeeded(shop.rehearsal().destroy()).accounts


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_exist_cannot_be_referred_to(foreign: MakeForeign, case: str) -> None:
    shop = foreign("misfit")
    shop.configure(shop__case=case)
    outcome = shop.rehearsal().up()
    assert outcome.exit_code != 0
    assert not outcome.ok
    assert any(REFUSED[case] in error for error in outcome.errors), outcome.errors
    assert not outcome.leftovers


def test_what_is_in_use_cannot_be_deleted_and_is_left_over(foreign: MakeForeign) -> None:
    shop = foreign("misfit")
    shop.configure(shop__case="order")
    succeeded(shop.rehearsal().up())
    outcome = shop.rehearsal().destroy()
    assert outcome.exit_code != 0
    assert any("DependencyViolation: The vpc" in error for error in outcome.errors)
    assert [record.type for record in outcome.leftovers] == ["aws:ec2/subnet:Subnet"]


def test_stacks_of_one_project_share_the_accounts(foreign: MakeForeign) -> None:
    program = """
import pulumi, pulumi_aws as aws
if pulumi.get_stack() == "low":
    pulumi.export("vpc", aws.ec2.Vpc("net", cidr_block="10.0.0.0/16").id)
else:
    low = pulumi.StackReference("organization/shop/low")
    aws.ec2.Subnet("sub", vpc_id=low.require_output("vpc"), cidr_block="10.0.0.0/24")
"""
    shop = foreign(program)
    shop.configure("low")
    shop.configure("high")
    succeeded(shop.rehearsal("low").up())
    assert len(succeeded(shop.rehearsal("high").up()).accounts) == 2
    refused = shop.rehearsal("low").destroy()
    assert any("DependencyViolation" in error for error in refused.errors)
    assert not refused.leftovers, "the other stack's subnet is no leftover of this one"
    assert succeeded(shop.rehearsal("high").destroy()).ok
    assert succeeded(shop.rehearsal("low").destroy()).ok


def test_one_rehearsal_at_a_time(foreign: MakeForeign) -> None:
    from polysilicon.rehearsal.run import _alone

    shop = foreign("replaced")
    shop.state.mkdir()
    with _alone(shop.state), pytest.raises(Exception, match="another rehearsal is running"):
        Rehearsal(shop.folder, state=shop.state, quiet=True).up()
