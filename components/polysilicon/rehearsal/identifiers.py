"""The strings by which one resource refers to another, and which of them a simulated account has given out."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.values import strings

if TYPE_CHECKING:
    from polysilicon.rehearsal.accounts import Accounts
    from polysilicon.rehearsal.model import Record


def normal(package: str, name: str) -> str:
    """A name without the parts that two ways of writing it differ in: a self link's host and version."""
    pattern = _same(package)
    return pattern.sub("", name) if pattern else name


def named(accounts: Accounts, package: str, name: object) -> list[Record]:
    """Whatever goes by `name`, however a resource of `package` writes it; nothing for what is no text."""
    return [*accounts.called(name), *accounts.called(normal(package, name))] if isinstance(name, str) else []


def names_of(package: str, id_: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> tuple[str, ...]:
    """Every name that a new resource brings into the world: its id, its name and the identifiers among its outputs."""
    given = {text for _, text in strings(inputs)}
    found = {id_: None}
    if isinstance(outputs.get("name"), str):
        found[outputs["name"]] = None
    for _, text in strings(outputs):
        if text not in given and is_identifier(package, text):
            found[text] = None
            found[normal(package, text)] = None
    return tuple(found)


def is_identifier(package: str, text: str) -> bool:
    """Whether a string has a form that this cloud gives to ids, ARNs or paths."""
    return any(pattern.search(text) for pattern in _patterns(package))


@functools.cache
def _patterns(package: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in table(package).get("identifiers", ()))


@functools.cache
def _same(package: str) -> re.Pattern[str] | None:
    pattern = table(package).get("same_without")
    return re.compile(pattern) if pattern else None
