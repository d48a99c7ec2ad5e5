"""The simulated accounts: what exists, in which account, project or cluster, and under which names.

Every change is a line in a journal beside the state, so that a rehearsal that is killed leaves what it had made, as a
cloud would. The journal is made short again when it is opened.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, TypeVar

from polysilicon.errors import UserError
from polysilicon.rehearsal.model import Record, Scope
from polysilicon.rehearsal.values import Properties, strings

Found = TypeVar("Found")

LONGEST_NAME = 512
"""Strings longer than this are documents, not names; they are not looked up."""


class Accounts:
    """What exists. Safe to use from several threads; hold `changing()` where a decision and a change belong together.

    Args:
        journal: The file that keeps it; without one nothing lasts.
    """

    def __init__(self, journal: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._records: dict[int, Record] = {}
        self._by_id: defaultdict[tuple[Scope, str, str], list[int]] = defaultdict(list)
        self._by_name: defaultdict[str, set[int]] = defaultdict(set)
        self._mentions: defaultdict[str, set[int]] = defaultdict(set)
        self._endpoints: defaultdict[str, set[int]] = defaultdict(set)
        self._by_type: defaultdict[str, set[int]] = defaultdict(set)
        self._changes: Counter[str] = Counter()
        self._recalled: dict[Hashable, tuple[int, Any]] = {}
        self._made: Counter[str] = Counter()
        self._elsewhere: set[str] = set()
        self._planned: dict[str, Properties] = {}
        self._last_key = 0
        self._journal: TextIO | None = None
        if journal is not None:
            self._open(journal)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else changes anything inside this block."""
        with self._lock:
            yield

    def records(self) -> tuple[Record, ...]:
        """All that exists, in the order of creation."""
        with self._lock:
            return tuple(self._records.values())

    def of_types(self, wanted: Callable[[str], bool]) -> list[Record]:
        """All that exists of the types that `wanted` says, in the order of creation."""
        with self._lock:
            found = [here for type_, here in self._by_type.items() if here and wanted(type_)]
            return [self._records[key] for key in sorted(key for here in found for key in here)]

    def get(self, scope: Scope, type_: str, id_: str, urn: str = "") -> Record | None:
        """The resource of that type with that id in that place.

        Args:
            urn: Whose it should be. Some ids say nothing (`none`) or can be given twice (an attachment's).
        """
        with self._lock:
            found = [self._records[key] for key in self._by_id.get((scope, type_, id_), ())]
            own = [record for record in found if record.urn == urn]
            return next(reversed(own or found), None)

    def called(self, name: str) -> list[Record]:
        """Whatever goes by `name`: an id, an ARN, a self link, or one that was made along with something."""
        return self._among(self._by_name, name)

    def mentioning(self, name: str) -> list[Record]:
        """Whatever has `name` as a whole value somewhere in its inputs."""
        return self._among(self._mentions, name)

    def at_endpoint(self, endpoint: str) -> Record | None:
        """The last made cluster (or other server) that answers at `endpoint`, with or without `https://`."""
        found = self._among(self._endpoints, address(endpoint))
        return found[-1] if found else None

    def is_elsewhere(self, name: str) -> bool:
        """Whether `name` was told by a lookup: it exists, though nothing here made it."""
        return name in self._elsewhere

    def times_made(self, urn: str) -> int:
        """How often a resource of this URN has been created so far, those that are gone counted."""
        return self._made[urn]

    def add(self, record: Record) -> Record:
        """Puts a new resource in place; it gets the next key."""
        with self._lock:
            record = replace(record, key=self._last_key + 1)
            self._put(record)
            self._made[record.urn] += 1
            self._write({"add": _as_json(record)})
            return record

    def plan(self, urn: str, inputs: Properties) -> None:
        """Notes which inputs a resource is going to have: a preview has said so."""
        with self._lock:
            self._planned[urn] = inputs

    def planned(self, record: Record) -> Properties:
        """The inputs of a resource, those that it is going to have if a preview has said so."""
        return self._planned.get(record.urn, record.inputs)

    def change(self, record: Record) -> None:
        """Puts `record` in the place of the one with its key."""
        with self._lock:
            self._take(record.key)
            self._put(record)
            self._write({"change": _as_json(record)})

    def remove(self, record: Record) -> None:
        """Takes a resource away, if it is still there."""
        with self._lock:
            if record.key in self._records:
                self._take(record.key)
                self._write({"remove": record.key})

    def remove_where(self, gone: Callable[[Record], bool]) -> None:
        """Takes away all that `gone` says: what vanishes along with something else."""
        with self._lock:
            for record in [record for record in self._records.values() if gone(record)]:
                self.remove(record)

    def recall(self, what: Hashable, cloud: str, work_out: Callable[[], Found]) -> Found:
        """What `work_out` gives, asked again only when something of a cloud has changed.

        Args:
            what: What it is that is worked out.
            cloud: All that it depends on is of this cloud.
        """
        with self._lock:
            changes = self._changes[cloud]
            if what not in self._recalled or self._recalled[what][0] != changes:
                self._recalled[what] = changes, work_out()
            found: Found = self._recalled[what][1]
            return found

    def learn(self, names: Iterable[str], lasting: bool = True) -> None:
        """Notes that these names exist though nothing here made them: a person or a lookup has said so.

        Args:
            lasting: Also for the next rehearsal.
        """
        with self._lock:
            new = sorted(set(names) - self._elsewhere)
            self._elsewhere.update(new)
            if new and lasting:
                self._write({"learn": new})

    def close(self) -> None:
        """Closes the journal."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def _among(self, index: defaultdict[str, set[int]], name: str) -> list[Record]:
        with self._lock:
            return [self._records[key] for key in sorted(index[name])] if name in index else []

    def _put(self, record: Record) -> None:
        self._planned.pop(record.urn, None)
        self._records[record.key] = record
        self._by_id[record.scope, record.type, record.id].append(record.key)
        self._by_type[record.type].add(record.key)
        self._changes[record.scope.cloud] += 1
        self._last_key = max(self._last_key, record.key)
        for index, name in _entries(self, record):
            index[name].add(record.key)

    def _take(self, key: int) -> None:
        record = self._records.pop(key)
        self._by_id[record.scope, record.type, record.id].remove(key)
        self._by_type[record.type].discard(key)
        self._changes[record.scope.cloud] += 1
        for index, name in _entries(self, record):
            index[name].discard(key)
            if not index[name]:
                del index[name]

    def _open(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            try:
                for line in file.read_text(encoding="utf-8").splitlines():
                    self._replay(line)
            except (KeyError, TypeError) as error:
                raise UserError(
                    f"{file} was written by another version of Polysilicon ({error})\n"
                    f"Delete {file.parent} to begin again; nothing real is in it."
                ) from error
        short = file.with_suffix(".new")
        short.unlink(missing_ok=True)
        short.touch(mode=0o600)  # it holds what the program keeps secret, and the folder may be anybody's
        with short.open("w", encoding="utf-8") as self._journal:
            self._write({"made": self._made})
            self._write({"learn": sorted(self._elsewhere)})
            for record in self._records.values():
                self._write({"change": _as_json(record)})
        short.replace(file)
        self._journal = file.open("a", encoding="utf-8")

    def _replay(self, line: str) -> None:
        try:
            change = json.loads(line)
        except ValueError:
            return  # the last line of a rehearsal that was killed while it wrote
        if "made" in change:
            self._made.update(change["made"])
        elif "learn" in change:
            self._elsewhere.update(change["learn"])
        elif "remove" in change:
            self._take(change["remove"])
        else:
            self._replay_record(change)

    def _replay_record(self, change: dict[str, Any]) -> None:
        told = change.get("add") or change["change"]
        record = Record(**{**told, "scope": Scope(**told["scope"]), "names": tuple(told["names"])})
        if "add" in change:
            self._made[record.urn] += 1
        if record.key in self._records:
            self._take(record.key)
        self._put(record)

    def _write(self, change: dict[str, Any]) -> None:
        if self._journal is not None:
            self._journal.write(json.dumps(change, separators=(",", ":")) + "\n")
            self._journal.flush()


def address(endpoint: str) -> str:
    """An endpoint without its scheme and trailing slash: what two ways of writing it have in common."""
    return endpoint.removeprefix("https://").removeprefix("http://").rstrip("/").removesuffix(":443").lower()


def _entries(accounts: Accounts, record: Record) -> Iterator[tuple[defaultdict[str, set[int]], str]]:
    for name in {record.id, *record.names}:
        yield accounts._by_name, name
    for mention in {text for _, text in strings(record.inputs) if len(text) <= LONGEST_NAME}:
        yield accounts._mentions, mention
    for path, text in strings(record.outputs):
        if path[-1] == "endpoint":
            yield accounts._endpoints, address(text)


def _as_json(record: Record) -> dict[str, Any]:
    return {**vars(record), "scope": vars(record.scope)}
