"""On which terms accelerators are had: a typed choice, and several in order are a fallback."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from polysilicon.specs.base import Spec, refusal
from polysilicon.specs.values import Bounds

ReservationId = Annotated[str, StringConstraints(pattern=r"^cr-[0-9a-f]{8,17}$")]
"""Id of an EC2 capacity reservation or capacity block, such as cr-0123456789abcdef0."""

_A_YEAR = timedelta(days=366)
_BLOCK_DAYS = (*range(1, 15), *range(21, 183, 7))
"""Days that a capacity block can last: docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-purchase.html."""
_BLOCK_ENDS = (11, 30)
"""Hour and minute of UTC at which each block ends: the same page."""


class OnDemand(Bounds):
    """Paid by the second at the list price; yours until you give it back, if the cloud has any left."""

    kind: Literal["on_demand"]


class Spot(Bounds):
    """Spare capacity at a changing price, taken back at short notice: the landing says how short."""

    kind: Literal["spot"]


class Reservation(Spec):
    """Machines that were set aside for this account, as AWS shows them. Whatever is stated here is compared with the
    pool before anything is created, and with the account by `polysilicon preflight`."""

    id: ReservationId
    zone: str = Field(pattern=r"^[a-z]+\d+-az\d+$")
    """Id of the zone that it lies in, such as use1-az6."""
    count: int = Field(ge=1, le=256)
    """Machines that it holds."""
    machine: str | None = None
    """Machine type that it holds. By default the pool's."""
    placement_group: str | None = None
    """Name of the cluster placement group that it was made in. By default none, and then its nodes join none: a group
    that is forced on a reservation loses machines."""


class _Reserving(Bounds):
    reservation: Reservation

    @model_validator(mode="after")
    def _not_more_than_reserved(self) -> _Reserving:
        if self.max > self.reservation.count:
            text = f"got max {self.max}, but {self.reservation.id} holds {self.reservation.count}"
            fix = "lower max, or add another choice for what is above the reservation"
            raise refusal(text, fix, at=("max",))
        return self


class Reserved(_Reserving):
    """An on-demand capacity reservation: paid whether used or not, until it is cancelled."""

    kind: Literal["reserved"]
    committed_from: date | None = None
    """First day of a commitment to pay for it. By default there is none: it can be cancelled any day."""
    committed_until: date | None = None
    """Last day of that commitment."""
    acknowledged: str | None = Field(default=None, min_length=10)
    """Why a commitment of more than a year is right. Accelerators lose their value fast: without a reason, such a
    commitment is refused."""

    @model_validator(mode="after")
    def _commitment(self) -> Reserved:
        begin, end = self.committed_from, self.committed_until
        if (begin is None) != (end is None):
            missing = "committed_from" if begin is None else "committed_until"
            raise refusal("is missing: a commitment has a first and a last day", "add it", at=(missing,))
        if begin is None or end is None:
            return self
        if end <= begin:
            raise refusal(f"got {end}, not after {begin}", "take a later day", at=("committed_until",))
        if end - begin > _A_YEAR and self.acknowledged is None:
            text = f"commits to {(end - begin).days} days; accelerators lose their value fast"
            fix = "commit to a year at most, or say under `acknowledged` why this one is right"
            raise refusal(text, fix, at=("committed_until",))
        return self


class CapacityBlock(_Reserving):
    """A capacity block for ML: bought beforehand for a window, and gone at its end. Nothing here ever buys one."""

    kind: Literal["capacity_block"]
    start: datetime
    """When it begins, with its offset from UTC, such as 2026-12-01T11:30:00Z."""
    end: datetime
    """When it ends: at 11:30 UTC, as all blocks do. EC2 takes the machines back 30 minutes before."""

    @field_validator("start", "end")
    @classmethod
    def _with_offset(cls, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            raise refusal(f"got {moment.isoformat()}, of which nobody knows the zone", "add Z or an offset from UTC")
        return moment.astimezone(UTC)

    @model_validator(mode="after")
    def _window(self) -> CapacityBlock:
        if (self.end.hour, self.end.minute) != _BLOCK_ENDS:
            text = f"got {_utc(self.end)}: every capacity block ends at 11:30 UTC"
            raise refusal(text, "copy EndDate of `aws ec2 describe-capacity-reservations`", at=("end",))
        days = -(-(self.end - self.start) // timedelta(days=1))
        if days not in _BLOCK_DAYS:
            text = f"a window of {days} days: blocks last 1 to 14 days, or whole weeks up to 182 days"
            fix = "copy StartDate and EndDate of `aws ec2 describe-capacity-reservations`"
            raise refusal(text, fix, at=("end",))
        return self


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"


Capacity = Annotated[OnDemand | Spot | Reserved | CapacityBlock, Field(discriminator="kind")]
