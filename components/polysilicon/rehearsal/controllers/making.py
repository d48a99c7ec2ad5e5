"""What controllers make: worked out from the table, put into the accounts, taken away with its owner.

Whose a made record is stands in its seed: that of its owner, a slash, and the place in the table. A controller works
while its cluster stands: what has lost both owner and cluster stays, and nothing will ever take it away.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.controllers.clusters import runs
from polysilicon.rehearsal.controllers.scene import Scene
from polysilicon.rehearsal.controllers.table import Item, Making, makings_for
from polysilicon.rehearsal.identifiers import names_of
from polysilicon.rehearsal.judges.rules import holds
from polysilicon.rehearsal.model import Record, Scope
from polysilicon.rehearsal.places import ByTable
from polysilicon.rehearsal.provenance import NOTES, note_of, owner_seed
from polysilicon.rehearsal.remains import is_broken
from polysilicon.rehearsal.templates import Maker
from polysilicon.rehearsal.values import at

Key = tuple[Scope, str, str]


def reconcile(owner: Record, accounts: Accounts, settling: bool = False) -> None:
    """Makes what controllers make for an owner as it is now, and takes away what they no longer want.

    Args:
        settling: Controllers have had time: what takes them longer is made too.
    """
    there = {key_of(record): record for record in made_for(owner, accounts)}
    wanted: dict[Key, Record] = {}
    for making in () if is_broken(owner) else makings_for(owner.type):
        if making.settles and not settling:
            continue
        for record in _wanted(making, owner, accounts):
            wanted.setdefault(key_of(record), record)
    for key, record in wanted.items():
        if key not in there and accounts.get(*key) is None:
            reconcile(accounts.add(record), accounts)
    for key, record in there.items():
        if key in wanted and record.urn != owner.urn:  # the program has renamed the owner
            accounts.change(replace(record, urn=owner.urn))
    unwanted = [record for key, record in there.items() if key not in wanted]
    # What took controllers their time is not decided over by a change of its owner.
    _release([record for record in unwanted if settling or not _settled(record)], accounts)


def release(owner: Record, accounts: Accounts) -> None:
    """Takes away what was made for an owner that is gone, by whoever still works."""
    _release(made_for(owner, accounts), accounts)


def sweep(scope: Scope, accounts: Accounts) -> None:
    """Takes away what was made for objects of a cluster that are gone: their namespace was deleted."""
    records = accounts.records()
    seeds = {record.seed for record in records}
    made = [r for r in records if r.maker and note_of(r, "server") == scope.owner and owner_seed(r) not in seeds]
    _release(made, accounts)


def made_for(owner: Record, accounts: Accounts) -> list[Record]:
    """What controllers have made for one owner."""
    return [record for record in accounts.called(owner.seed) if record.maker and owner_seed(record) == owner.seed]


def key_of(record: Record) -> Key:
    """What tells a made record from others."""
    return record.scope, record.type, record.id


def _release(made: Iterable[Record], accounts: Accounts) -> None:
    for record in list(made):
        if note_of(record, "kept") or not _works(record, accounts):
            continue
        accounts.remove(record)
        release(record, accounts)


def _works(record: Record, accounts: Accounts) -> bool:
    """Whether the controller that made a record is still there to take it away."""
    server, needed = note_of(record, "works_in"), note_of(record, "running")
    cluster = accounts.at_endpoint(server) if server else None
    return not server or (cluster is not None and (not needed or runs(cluster, accounts, needed)))


def _settled(record: Record) -> bool:
    """Whether a record was made by settling."""
    return bool(note_of(record, "settles"))


def _wanted(making: Making, owner: Record, accounts: Accounts) -> Iterator[Record]:
    scene = Scene(making, owner, accounts)
    if making.cluster and (scene.cluster is None or scene.cluster.type != making.cluster):
        return
    if not all(holds(scene, path, test) for path, test in making.when.items()):
        return
    if making.running and not runs(scene.cluster, accounts, making.running):
        return
    if making.unless_running and runs(scene.cluster, accounts, making.unless_running):
        return
    for number, item in enumerate(making.items):
        if all(holds(scene, path, test) for path, test in item.when.items()):
            yield from _made(making, item, f"{making.number}.{number}", scene)


def _made(making: Making, item: Item, place: str, scene: Scene) -> Iterator[Record]:
    for index, each in enumerate(_turns(item, scene)):
        taken = {name: _in_turn(scene, path, index) for name, path in item.rotate.items()}
        record = _record(making, item, f"{place}.{index}", scene, {"each": each, "index": index, **taken})
        scene["made"].setdefault(item.label, []).append(record.id)
        yield record


def _turns(item: Item, scene: Scene) -> list[Any]:
    if item.over:
        return list(item.over)
    if not item.each:
        return [None]
    found: Any = next((value for path in item.each if (value := at(scene, path))), [])
    turns = list(range(found)) if isinstance(found, int) else list(found)
    return turns[: item.most or None]


def _in_turn(scene: Scene, path: str, index: int) -> Any:
    values = at(scene, path) or [None]
    return values[index % len(values)]


def _record(making: Making, item: Item, place: str, scene: Scene, turn: Mapping[str, Any]) -> Record:
    owner = scene.owner
    package = item.type.partition(":")[0]
    scope = owner.scope if package == owner.package else (scene.cluster or owner).scope
    maker = Maker(f"{owner.seed}/{place}", _facts(package, scope))
    id_ = str(maker.fill(item.id, _Over(turn, scene), "id"))
    inputs = _flat(maker.fill(item.inputs, _Over({**turn, "id": id_}, scene), "inputs"))
    outputs = {**inputs, NOTES: _notes(making, scene)}
    if package == "kubernetes":
        outputs["metadata"] = {**inputs["metadata"], "uid": maker.fill("{uuid:4}", {}, "uid")}
    return Record(
        key=0,
        package=package,
        type=item.type,
        urn=owner.urn,
        name=owner.name,
        id=id_,
        scope=scope,
        inputs=inputs,
        outputs=outputs,
        # By its owner's seed it is found without a look at everything that exists.
        names=(*names_of(package, id_, inputs, outputs), owner.seed),
        seed=f"{owner.seed}/{place}",
        maker=making.maker,
    )


class _Over(dict[str, Any]):
    """Values that go before those of a scene."""

    def __init__(self, values: Mapping[str, Any], scene: Scene) -> None:
        super().__init__(values)
        self._scene = scene

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else self._scene.get(key, default)


def _notes(making: Making, scene: Scene) -> dict[str, Any]:
    owner = scene.owner
    return {
        "for": f"{owner.type.rsplit(':', 1)[-1]} {owner.id}",
        "fix": making.fix,
        "kept": bool(making.kept) and all(holds(scene, path, test) for path, test in making.kept.items()),
        "server": owner.scope.owner if owner.package == "kubernetes" else "",
        "works_in": owner.scope.owner if owner.package == "kubernetes" and scene.cluster else "",
        "running": list(making.running),
        "settles": making.settles,
    }


def _flat(value: Any) -> Any:
    """The value without nothings, and with the items of lists inside lists in their places."""
    if isinstance(value, Mapping):
        return {name: _flat(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        parts = (item if isinstance(item, list) else [item] for item in map(_flat, value))
        return [item for part in parts for item in part if item is not None]
    return value


@functools.cache
def _place(package: str) -> ByTable:
    return ByTable(package, lambda text: None)


def _facts(package: str, scope: Scope) -> dict[str, Any]:
    return {} if package == "kubernetes" else _place(package).facts({}, scope)
