"""Calls that fail though they are right, a provider that dies, and an engine that is killed: what every cloud does now
and then, on demand."""

from __future__ import annotations

import fnmatch
import functools
import re
import threading
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from subprocess import Popen, TimeoutExpired
from typing import Any, Literal, TypeAlias, cast, get_args

from polysilicon.errors import UserError, one_of
from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.forms import service_of, table
from polysilicon.rehearsal.model import Call, Fault, Hooks, Problem, RefusedError
from polysilicon.rehearsal.values import at
from polysilicon.rehearsal.wording import plural

Change: TypeAlias = Literal["create", "update", "delete"]
CHANGES: Sequence[Change] = get_args(Change)
SYNTAX = "TYPE[=CODE][@[create:|update:|delete:]N]"
_SYNTAX = re.compile(
    r"(?P<type>[^=@]+)(=(?P<code>[^@]+))?(@((?P<operation>[a-z]+)(:(?P<its>\d+))?|(?P<number>\d+)))?", re.ASCII
)
DIED = "died"
_DOING = {"create": "creating", "update": "updating", "delete": "deleting"}
_DONE = {"create": "created", "update": "updated", "delete": "deleted"}
_MACHINES = ("instanceTypes.0", "instanceType", "nodeConfig.machineType", "machineType")


@dataclass(frozen=True)
class Code:
    """One way in which a cloud fails a call.

    Attributes:
        name: The cloud's own code.
        cause: What several clouds have in common: `quota`, `throttling`.
        texts: The words by class of resource, `*` for letters.
        clouds: The packages it belongs to; all if empty.
        operations: What can fail with it.
    """

    name: str
    cause: str
    texts: Mapping[str, str]
    clouds: Sequence[str] = ()
    operations: Sequence[str] = CHANGES

    def words(self, package: str, kind: str, operation: str) -> str | None:
        """The text for a call, or nothing if it cannot fail so."""
        if (self.clouds and package not in self.clouds) or operation not in self.operations:
            return None
        return next((text for classes, text in self.texts.items() if fnmatch.fnmatchcase(kind, classes)), None)


@functools.cache
def codes() -> Mapping[str, Code]:
    """All codes by name, the most telling of each cloud first."""
    file = resources.files("polysilicon.rehearsal") / "data" / "faults.toml"
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    return {name: Code(name=name, **row) for name, row in told.items()}


@dataclass(frozen=True)
class Fail:
    """An order to fail one call.

    Attributes:
        type: The token of a type (`aws:eks/nodeGroup:NodeGroup`) or its class (`NodeGroup`); `*` stands for letters.
        code: A cloud's code, or a cause such as `quota`; empty for the most telling code of the type.
        operation: Which kind of call.
        number: The how many-th of those calls, whether the ones before have failed or not.

    Raises `UserError` for a code that there is not, or that cannot happen to the type.
    """

    type: str
    code: str = ""
    operation: Change = "create"
    number: int = 1

    def __post_init__(self) -> None:
        if self.number < 1:
            raise UserError(f"--fail {self}: {self.number} calls are never made: calls are counted from 1")
        if not self.code:
            return
        if not _called(self.code):
            names = [*codes(), *sorted({code.cause for code in codes().values()} - codes().keys())]
            raise UserError(f"--fail {self}: got {self.code!r}: {one_of(names, self.code, most=40)}")
        package = self.type.split(":")[0] if ":" in self.type else ""
        if package and "*" not in self.type and self.problem(package, self.kind) is None:
            fitting = [code.name for code in codes().values() if code.words(package, self.kind, self.operation)]
            raise UserError(f"--fail {self}: {self.operation} of {self.type} cannot fail so: {one_of(fitting)}")

    @classmethod
    def parse(cls, text: str) -> Fail:
        """Reads `TYPE[=CODE][@[OPERATION:]N]`, as in `NodeGroup=quota@2`, `Cluster@delete`, `Vpc@update:3`."""
        found = _SYNTAX.fullmatch(text)
        operation = (found["operation"] if found else None) or "create"
        if found is None or operation not in CHANGES:
            raise UserError(f"--fail {text}: it is written {SYNTAX}, as in NodeGroup=quota@2 or Cluster@delete:1")
        number = int(found["number"] or found["its"] or 1)
        return cls(found["type"], found["code"] or "", cast("Change", operation), number)

    @property
    def kind(self) -> str:
        """The class."""
        return self.type.rsplit(":", 1)[-1]

    def matches(self, call: Call) -> bool:
        """Whether the call is of the kind that is to fail."""
        of_type = fnmatch.fnmatchcase(call.type if ":" in self.type else call.kind, self.type)
        return of_type and call.operation == self.operation and self.problem(call.package, call.kind) is not None

    def problem(self, package: str, kind: str) -> tuple[Code, str] | None:
        """The code and the words with which a type fails, or nothing if it cannot fail with what was asked."""
        wanted = _called(self.code) if self.code else list(codes().values())
        found = ((code, code.words(package, kind, self.operation)) for code in wanted)
        return next(((code, text) for code, text in found if text is not None), None)

    def __str__(self) -> str:
        code = f"={self.code}" if self.code else ""
        which = "" if self.operation == "create" else f"{self.operation}:"
        return f"{self.type}{code}@{which}{self.number}"


def _called(name: str) -> list[Code]:
    return [code for code in codes().values() if name in (code.name, code.cause)]


@dataclass
class Faults:
    """What goes wrong in a rehearsal; each thing once, however many operations it has.

    Args:
        fails: The calls to fail. Of two that are due at the same call the first is taken, the other at the next such
            call. One that is given twice comes once.
        kill_after: Kill the engine when so many changes are done in the accounts, before it hears of the last one;
            0 for never.
    """

    fails: Sequence[Fail] = ()
    kill_after: int = 0
    killed: bool = field(default=False, init=False)
    _calls: Counter[Fail] = field(default_factory=Counter, init=False)
    _fired: set[Fail] = field(default_factory=set, init=False)
    _dying: set[str] = field(default_factory=set, init=False)
    _dead: set[str] = field(default_factory=set, init=False)
    _done: int = field(default=0, init=False)
    _engine: Popen[str] | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def around(self, hooks: Hooks) -> Hooks:
        """The hooks of a rehearsal with these faults: a call waits and is judged as usual, and what a cloud makes of
        its own is made before anybody dies."""
        return Hooks(before=[*hooks.before, self._before], after=[*hooks.after, self._after])

    def watch(self, engine: Popen[str]) -> None:
        """Says which process is the engine now. The provider's processes start with it."""
        with self._lock:
            self._engine = engine
            self._dead.clear()
            self._dying.clear()
            self.killed = False

    def notes(self) -> list[str]:
        """What is told at the end: faults that never came, and what to do after a kill."""
        late = [f"--fail {fail} never came: {self._calls[fail]} such calls were made." for fail in self._waiting()]
        if self.killed:
            return [*late, _KILLED.format(count=self.kill_after)]
        if self.kill_after > self._done:
            late.append(f"--kill-after {self.kill_after} never came: {self._done} changes were done.")
        return late

    def _waiting(self) -> list[Fail]:
        return [fail for fail in dict.fromkeys(self.fails) if fail not in self._fired]

    def _before(self, call: Call, accounts: Accounts) -> None:
        with self._lock:
            if self.killed or call.package in self._dead:
                raise RefusedError(Problem(_GONE, fault=Fault.DIED))
            due = [fail for fail in self._waiting() if fail.matches(call)]
            self._calls.update(due)
            now = next((fail for fail in due if self._calls[fail] >= fail.number), None)
            if now is not None:
                self._fire(now, call)

    def _fire(self, fail: Fail, call: Call) -> None:
        self._fired.add(fail)
        code, text = fail.problem(call.package, call.kind) or (codes()["error"], "")
        if code.name == DIED:
            self._dying.add(call.urn)
        else:
            raise RefusedError(Problem(text.format(**_facts(call))))

    def _after(self, call: Call, accounts: Accounts) -> None:
        with self._lock:
            self._done += 1
            if call.urn in self._dying:
                self._dead.add(call.package)
                raise RefusedError(Problem(codes()[DIED].texts["*"].split("desc = ")[1], fault=Fault.DIED))
            if self._done == self.kill_after and self._engine is not None:
                self._kill(self._engine)

    def _kill(self, engine: Popen[str]) -> None:
        """Returns when the engine is gone, so that no answer can reach it."""
        self.killed = True
        engine.kill()
        try:
            engine.wait(_KILL_SECONDS)
        except TimeoutExpired as error:
            raise UserError(f"the engine (process {engine.pid}) does not end") from error


_KILL_SECONDS = 30
_GONE = 'connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1: connect: connection refused"'
_KILLED = (
    "The engine was killed (SIGKILL) when {count} changes were done, before it heard of the last one. As in life its "
    "lock and what it had begun are left in the state. `polysilicon recover --rehearsal` looks what became of it."
)


def _facts(call: Call) -> dict[str, Any]:
    words: Mapping[str, Any] = table(call.package).get("wording", {})
    name = str(at(call.inputs, "metadata.name") or at(call.inputs, "name") or call.name)
    if group := call.inputs.get("nodeGroupName"):
        name = f"{call.inputs.get('clusterName')}:{group}"
    namespace = at(call.inputs, "metadata.namespace")
    machines = [machine for path in _MACHINES if isinstance(machine := at(call.inputs, path), str)]
    return {
        "operation": call.operation,
        "doing": _DOING[call.operation],
        "done": _DONE[call.operation],
        "service": words.get("services", {}).get(service_of(call.type)) or service_of(call.type).upper(),
        "kind": call.kind,
        "plural": plural(call.kind),
        "name": name,
        "object": f"{namespace}/{name}" if namespace else name,
        "machine": (machines or ["instance"])[0],
        "owner": call.scope.owner,
        "place": at(call.inputs, "location") or call.scope.place,
    }
