from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from polysilicon.lookups.preflight import Finding
from polysilicon.lookups.preflight.reservations import reservations
from polysilicon.planning.requirements import ReservationWanted
from tests.lookups.preflight.fleets import fleet, requirements
from tests.lookups.preflight.stubs import Stubbed

ID = "cr-0123456789abcdef0"
HELD = ReservationWanted(ID, "use1-az6", "inf2.xlarge", count=4, nodes=2, block=False)
START, END = datetime(2026, 12, 5, 11, 30, tzinfo=UTC), datetime(2026, 12, 12, 11, 30, tzinfo=UTC)
BLOCK = replace(HELD, machine="p5.48xlarge", block=True, start=START, end=END)
ROW = {
    "CapacityReservationId": ID,
    "AvailabilityZoneId": "use1-az6",
    "InstanceType": "inf2.xlarge",
    "InstancePlatform": "Linux/UNIX",
    "State": "active",
    "TotalInstanceCount": 4,
    "AvailableInstanceCount": 4,
    "ReservationType": "default",
}
BLOCK_ROW = {
    **ROW,
    "InstanceType": "p5.48xlarge",
    "ReservationType": "capacity-block",
    "State": "scheduled",
    "StartDate": START,
    "EndDate": END,
    "EndDateType": "limited",
}


def judged(wanted: ReservationWanted, *rows: dict[str, Any]) -> Finding:
    """What preflight says of one reservation, in an account that has these."""
    stub = Stubbed("ec2")
    stub.expect("describe_capacity_reservations", {"CapacityReservations": list(rows[:1]), "NextToken": "more"})
    stub.expect("describe_capacity_reservations", {"CapacityReservations": list(rows[1:])}, {"NextToken": "more"})
    region = replace(requirements(fleet(1)).regions[0], reservations=(wanted,))
    (found,) = reservations(region, stub.clients)
    stub.done()
    return found


def test_a_reservation_as_it_is_stated_is_fine() -> None:
    other = {**ROW, "CapacityReservationId": "cr-0aaaaaaaaaaaaaaaa"}
    found = judged(HELD, other, ROW)
    assert (found.status, found.text) == ("ok", "active: 4 inf2.xlarge in use1-az6")


def test_one_that_is_not_there_fails() -> None:
    found = judged(HELD)
    assert (found.check, found.status, found.text) == ("reservation", "fail", "does not exist here")


@pytest.mark.parametrize(
    ("changed", "status", "text"),
    [
        ({"State": "cancelled"}, "fail", "is cancelled"),
        ({"State": "expired"}, "fail", "is expired"),
        ({"State": "pending"}, "warn", "is pending"),
        ({"AvailabilityZoneId": "use1-az4"}, "fail", "zone use1-az4, where the stack says use1-az6"),
        ({"InstanceType": "inf2.8xlarge"}, "fail", "machine inf2.8xlarge, where the stack says inf2.xlarge"),
        ({"InstancePlatform": "Windows"}, "fail", "platform Windows, where the stack says Linux/UNIX"),
        ({"Tenancy": "dedicated"}, "fail", "tenancy dedicated, where the stack says default"),
        ({"ReservationType": "capacity-block"}, "fail", "is capacity-block, where the stack says default"),
        ({"TotalInstanceCount": 3, "AvailableInstanceCount": 3}, "fail", "holds 3 machines, where the stack says 4"),
        ({"TotalInstanceCount": 9}, "warn", "holds 9 machines, where the stack says 4"),
        ({"AvailableInstanceCount": 1}, "warn", "1 of 4 are free, and the stack always runs 2"),
        (
            {"PlacementGroupArn": "arn:aws:ec2:us-east-1:123456789012:placement-group/close"},
            "fail",
            "placement group close, where the stack says none",
        ),
        ({"EndDateType": "limited", "EndDate": END}, "warn", "ends 2026-12-12T11:30Z"),
    ],
)
def test_what_is_otherwise_than_stated_is_told(changed: dict[str, Any], status: str, text: str) -> None:
    found = judged(HELD, {**ROW, **changed})
    assert found.status == status
    assert text in found.text
    assert f"aws ec2 describe-capacity-reservations --region us-east-1 --capacity-reservation-ids {ID}" in found.fix


def test_a_block_that_has_not_begun_says_when_it_does() -> None:
    found = judged(BLOCK, {**BLOCK_ROW, "TotalInstanceCount": 4, "AvailableInstanceCount": 0})
    assert (found.check, found.status) == ("capacity block", "warn")
    assert found.text == "is scheduled, starts 2026-12-05T11:30Z"


@pytest.mark.parametrize(("name", "verb"), [("StartDate", "starts"), ("EndDate", "ends")])
def test_a_block_with_another_window_fails(name: str, verb: str) -> None:
    other = datetime(2026, 12, 9, 11, 30, tzinfo=UTC)
    found = judged(BLOCK, {**BLOCK_ROW, name: other})
    assert found.status == "fail"
    assert f"{verb} 2026-12-09T11:30Z, where the stack says" in found.text


def test_several_differences_are_told_together_and_the_gravest_counts() -> None:
    found = judged(HELD, {**ROW, "TotalInstanceCount": 9, "AvailabilityZoneId": "use1-az4"})
    assert found.status == "fail"
    assert found.text.count(";") == 1
