"""What the rows of the order see: the accounts, with short ways to ask them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.luck import Need
from polysilicon.rehearsal.model import Call, Problem, Record, Tally
from polysilicon.rehearsal.values import at


@dataclass(frozen=True)
class Moment:
    """The accounts at the moment of a call.

    Attributes:
        tally: Where a row counts what it could not judge.
        seen: What the checks of this rehearsal have told the rows so far.
        needs: Where a row notes what it found in time.
        before: The last key of what existed when the operation began.
    """

    accounts: Accounts
    tally: Tally
    seen: set[str] = field(default_factory=set)
    needs: list[Need] = field(default_factory=list)
    before: int = 0

    def made(self, name: object, *types: str) -> Record | None:
        """The last made resource of one of these types that goes by `name`."""
        if not isinstance(name, str):
            return None
        found = [record for record in self.accounts.called(name) if record.type in types]
        return found[-1] if found else None

    def mentioning(self, name: str, type_: str, path: str) -> Iterator[Record]:
        """Resources of a type that have `name` at a path."""
        for record in self.accounts.mentioning(name):
            if record.type == type_ and at(record.inputs, path) == name:
                yield record

    def relies(self, call: Call, why: str, *ways: Iterable[Record]) -> None:
        """Notes what a call could not do without, though it is there: any of `ways`, and the whole of it.

        Args:
            why: What would go wrong: `without it ...`.
        """
        new = [frozenset(record.urn for record in way if record.key > self.before) - {call.urn} for way in ways]
        if new and all(new):
            self.needs.append(Need(call.urn, new, why))

    def unjudged(self, why: str) -> None:
        """Counts that something could not be judged."""
        self.tally.unjudged[why] += 1


Row: TypeAlias = Callable[[Call, Moment], Iterator[Problem]]


def words(package: str) -> Mapping[str, Any]:
    """The table of the order of a package."""
    rows: Mapping[str, Any] = table(package)["order"]
    return rows
