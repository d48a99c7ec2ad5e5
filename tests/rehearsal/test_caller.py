"""Who calls, in a rehearsal: the session of an assumed role, as in most pipelines."""

from __future__ import annotations

import pytest

from polysilicon.rehearsal.lookups import Lookups
from tests.rehearsal.simulated import Cloud

ROLE = "arn:aws:iam::123456789012:role"


def test_the_caller_is_a_session_and_its_context_the_role() -> None:
    cloud = Cloud({"region": "us-west-2"})
    lookups = Lookups(cloud.simulation)
    caller = lookups.answer(cloud.settings, "aws:index/getCallerIdentity:getCallerIdentity", {})
    assert caller["arn"] == "arn:aws:sts::123456789012:assumed-role/Rehearsal/session"
    assert caller["accountId"] == "123456789012"
    told = lookups.answer(cloud.settings, "aws:iam/getSessionContext:getSessionContext", {"arn": caller["arn"]})
    assert (told["issuerArn"], told["issuerName"], told["sessionName"]) == (f"{ROLE}/Rehearsal", "Rehearsal", "session")


@pytest.mark.parametrize(
    ("arn", "issuer"),
    [
        ("arn:aws:sts::123456789012:assumed-role/deployer/ci-7", f"{ROLE}/deployer"),
        (f"{ROLE}/deployer", f"{ROLE}/deployer"),
        ("arn:aws:iam::123456789012:user/ada", "arn:aws:iam::123456789012:user/ada"),
    ],
)
def test_the_issuer_of_any_arn(arn: str, issuer: str) -> None:
    cloud = Cloud()
    told = Lookups(cloud.simulation).answer(cloud.settings, "aws:iam/getSessionContext:getSessionContext", {"arn": arn})
    assert told["issuerArn"] == issuer
