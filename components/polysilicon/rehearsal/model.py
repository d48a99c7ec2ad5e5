"""The words of a rehearsal: where a resource is, what was asked of it, why it was refused, and who may have a say."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from polysilicon.rehearsal.values import Properties

if TYPE_CHECKING:
    from polysilicon.rehearsal.accounts import Accounts

Operation: TypeAlias = Literal["check", "create", "update", "delete", "read"]


@dataclass(frozen=True, order=True)
class Scope:
    """A place that holds resources and gives names their meaning.

    Attributes:
        cloud: `aws`, `gcp`, `kubernetes`, or the name of any other package.
        owner: The account's id, the project, or the endpoint of a cluster.
        place: A region or location; `global` for what has none.
        title: How a person calls it, in the summary.
    """

    cloud: str
    owner: str = ""
    place: str = ""
    title: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.title or " / ".join(part for part in (self.cloud, self.owner, self.place) if part)


@dataclass(frozen=True, kw_only=True)
class Record:
    """A resource that exists in a simulated account.

    Attributes:
        key: Its number in the order of creation, never used twice.
        urn: Whose it is: the engine's name for the resource that made it.
        name: The logical name in the program.
        names: Every string by which something else may refer to it: its id, its ARN, what was made with it.
        seed: What its made-up values depend on, so that an update gives the same ones again.
        maker: Which controller made it, on behalf of the resource whose `urn` it has; empty for the program's own.
    """

    key: int
    package: str
    type: str
    urn: str
    name: str
    id: str
    scope: Scope
    inputs: Properties
    outputs: Properties
    names: tuple[str, ...] = ()
    seed: str = ""
    maker: str = ""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One thing that the engine asks of a provider, as judges and hooks see it.

    Attributes:
        inputs: The new inputs, secrets opened; for a delete the last ones. Unknown values are `UNKNOWN`.
        record: What exists already: for update, delete and read.
        settings: The configuration of the provider that was asked.
        preview: Nothing will be done; inputs may be unknown.
        timeout: How many seconds the options allow for it; 0 if they say nothing.
        unchanged: A check of the inputs that the resource has already: nothing is going to be asked of the cloud.
    """

    operation: Operation
    package: str
    type: str
    urn: str
    name: str
    scope: Scope
    inputs: Properties
    settings: Mapping[str, Any] = field(default_factory=dict)
    record: Record | None = None
    id: str = ""
    preview: bool = False
    timeout: float = 0.0
    unchanged: bool = False

    @property
    def kind(self) -> str:
        """The class of the resource: `Cluster` of `aws:eks/cluster:Cluster`."""
        return self.type.rsplit(":", 1)[-1]


class Fault(enum.Enum):
    """What kind of refusal it is; the engine is told as a provider would tell it."""

    INVALID = "invalid"
    NOT_FOUND = "not found"
    EXISTS = "exists"
    IN_USE = "in use"
    UNREACHABLE = "unreachable"
    UNSUPPORTED = "unsupported"
    DIED = "died"


@dataclass(frozen=True)
class Problem:
    """One reason why a call is refused, in the words of the cloud.

    Attributes:
        message: What the person reads.
        property: The path of the input that is to blame, if one is.
    """

    message: str
    property: str = ""
    fault: Fault = Fault.INVALID


class RefusedError(Exception):
    """The simulated cloud says no: raised by hooks and dialects, told to the engine as the provider's error."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))

    @property
    def fault(self) -> Fault:
        """The kind of the first problem."""
        return self.problems[0].fault


@dataclass
class Tally:
    """How much a judge could judge: "nothing found" and "nothing looked at" are not the same.

    Attributes:
        inputs: How many inputs it held against what it knows.
        unjudged: Why it had nothing to say of some, in a few words, with how often that was so.
    """

    inputs: int = 0
    unjudged: Counter[str] = field(default_factory=Counter)


class Judge(Protocol):
    """Says what is wrong with a call, given what exists at that moment.

    Every judge is asked on every check, create, update and delete, one call at a time, and keeps its own tally.
    """

    name: str
    tally: Tally

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """The problems of `call`; none if it may go on."""


Hook: TypeAlias = Callable[[Call, "Accounts"], None]


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """What else happens around every create, update and delete; empty unless a rehearsal is given some.

    Attributes:
        before: Called before the judges; may wait (a clock) or raise `RefusedError` (a fault).
        after: Called when the change is done, with the record in the call; may add what a controller would make.
    """

    before: Sequence[Hook] = ()
    after: Sequence[Hook] = ()
