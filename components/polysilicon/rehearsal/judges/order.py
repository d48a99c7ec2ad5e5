"""What must be there first though no property says so, held at the moment of each call.

A judge of the accounts alone: it knows no program. Rows are functions by the type of the call, in modules by their
cloud; what they look for stands in the tables under `order`. Where something was not made in these accounts, a row has
nothing to say, and the tally counts why.
"""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Iterable

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.judges import (
    order_cluster,
    order_eks,
    order_google,
    order_kubernetes,
    order_network,
    order_templates,
    order_zones,
)
from polysilicon.rehearsal.judges.order_moment import Moment, Row
from polysilicon.rehearsal.luck import Need
from polysilicon.rehearsal.model import Call, Problem, Tally

_ROWS: tuple[tuple[str, str, Row], ...] = (
    *order_network.ROWS,
    *order_zones.ROWS,
    *order_eks.ROWS,
    *order_templates.ROWS,
    *order_cluster.ROWS,
    *order_google.ROWS,
    *order_kubernetes.ROWS,
)
"""Operation, pattern of types, and who looks."""


class Order:
    """Judges what must be there first though no property names it; see the module.

    Attributes:
        needs: What was there in time; whether by more than luck, the state tells afterwards.
    """

    name = "order"

    def __init__(self) -> None:
        self.tally = Tally()
        self.needs: list[Need] = []
        self._seen: set[str] = set()
        self._before: int | None = None

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """What `call` comes too early for, or on a delete too late. A preview is told nothing: nothing exists yet."""
        if call.preview and call.operation != "check":
            return []
        rows = _rows(call.operation, call.type)
        if call.operation != "check":
            self.tally.inputs += len(rows)
        if self._before is None:
            self._before = max((record.key for record in accounts.records()), default=0)
        moment = Moment(accounts, self.tally, self._seen, self.needs, self._before)
        return [problem for row in rows for problem in row(call, moment)]


@functools.lru_cache(maxsize=4096)
def _rows(operation: str, type_: str) -> tuple[Row, ...]:
    return tuple(row for when, types, row in _ROWS if when == operation and fnmatch.fnmatchcase(type_, types))
