"""What exists though no program that is rehearsed made it: what a person named, and what every cluster has."""

from __future__ import annotations

import fnmatch
import re

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.identifiers import normal
from polysilicon.rehearsal.model import Call
from polysilicon.rehearsal.values import Properties

_RELEASE = "kubernetes:helm.sh/v3:Release"
_PLACE = re.compile(r"(\{[^{}]+\})")


def is_outside(call: Call, accounts: Accounts) -> bool:
    """Whether what is read under an id was never made here, and is there.

    What was made here is not among them, even if its name is known from a lookup: when it is gone, it is gone.
    """
    if accounts.times_made(call.urn):
        return False
    always: list[str] = table(call.package).get("given", {}).get(call.type.partition(":")[2], [])
    if any(fnmatch.fnmatchcase(call.id, pattern) for pattern in always):
        return True
    named = accounts.is_elsewhere(call.id) or accounts.is_elsewhere(normal(call.package, call.id))
    return named or _may_be_of_a_chart(call, accounts)


def _may_be_of_a_chart(call: Call, accounts: Accounts) -> bool:
    """What a chart brings is not known: an object beside a release is taken for one that it brought."""
    if call.package != "kubernetes":
        return False
    namespace = call.id.rpartition("/")[0] or "default"
    releases = [each for each in accounts.of_types(_RELEASE.__eq__) if each.scope == call.scope]
    return any((each.inputs.get("namespace") or "default") == namespace for each in releases)


def told_by_id(template: str, id_: str) -> Properties:
    """The properties that an id is made of, read out of it again.

    Args:
        template: Of the id, as the tables have it: `{clusterName}:{nodeGroupName}`.
    """
    paths: list[str] = []
    pattern = "".join(_pattern(piece, paths) for piece in _PLACE.split(template))
    match = re.fullmatch(pattern, id_)
    told: Properties = {}
    for path, text in zip(paths, match.groups() if match else (), strict=False):
        *above, last = path.split(".")
        place = told
        for step in above:
            place = place.setdefault(step, {})
        place |= {last: text} if text else {}
    return told


def _pattern(piece: str, paths: list[str]) -> str:
    if not _PLACE.fullmatch(piece):
        return re.escape(piece)
    name, _, step = piece.strip("{}").partition("|")
    if ":" in name or step not in ("", "slash"):
        return ".+"
    paths.append(name)
    return "(?:(.+)/)?" if step else "(.+?)"
