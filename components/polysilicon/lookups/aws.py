"""Finds resources in an AWS account by what the program or the engine named them, else by their tags."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Literal

import boto3  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from polysilicon.engine.recover import Found, Interrupted, UnfindableError
from polysilicon.identity import is_identity

_OWN_CREDENTIALS = (
    "assumeRole",
    "assumeRoles",
    "assumeRoleWithWebIdentity",
    "accessKey",
    "secretKey",
    "token",
    "sharedConfigFiles",
    "sharedCredentialsFiles",
    "endpoints",
)
"""Settings of a provider (pulumi_aws.ProviderArgs) that lead to another account than the environment's credentials:
what is not found there may be in that one."""
_PLACE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Lookup:
    """One way in which a type is looked for; see `aws.toml`."""

    service: str
    call: str
    request: Mapping[str, Any]
    items: str
    id: str
    match: Mapping[str, str] = field(default_factory=dict)
    absent: Sequence[str] = ()
    unique: Sequence[str] = ()
    missing: Sequence[str] = ()
    tags: str = ""


@functools.cache
def lookups() -> Mapping[str, Sequence[Lookup]]:
    """All types that can be looked for, with the ways in which they are."""
    file = resources.files("polysilicon.lookups") / "aws.toml"
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    return {
        type_: [Lookup(**row) for row in ([rows] if isinstance(rows, dict) else rows)] for type_, rows in told.items()
    }


class AwsFinder:
    """Asks the account of the environment's credentials, or of the profile that the provider names."""

    def find(self, wanted: Interrupted) -> Sequence[Found]:
        """What exists with that identity, or may have it; raises `UnfindableError` if there is no look-up, or it is
        refused."""
        ways = lookups().get(wanted.type)
        if ways is None:
            raise UnfindableError("no look-up for this type")
        own = next((name for name in _OWN_CREDENTIALS if wanted.settings.get(name)), None)
        if own:
            raise UnfindableError(f"its provider has credentials of its own ({own}), which are not used here")
        asked = [lookup for lookup in ways if _is_askable(lookup, wanted.inputs)] or ways
        return [found for lookup in asked for found in self._look(lookup, wanted)]

    def _look(self, lookup: Lookup, wanted: Interrupted) -> Iterator[Found]:
        region = str(wanted.inputs.get("region") or wanted.settings.get("region") or "") or None
        client = _client(lookup.service, region, wanted.settings.get("profile"))
        for item in self._items(client, lookup, wanted.inputs):
            if _fits(item, lookup, wanted.inputs) and (likeness := _likeness(item, lookup, wanted.inputs)):
                id_ = _filled(lookup.id, wanted.inputs, item)
                yield Found(id_, f"AWS {client.meta.region_name}", sure=likeness == "sure")

    def _items(self, client: Any, lookup: Lookup, inputs: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        request = _filled(lookup.request, inputs)
        try:
            if client.can_paginate(lookup.call):
                pages = list(client.get_paginator(lookup.call).paginate(**request))
            else:
                pages = [getattr(client, lookup.call)(**request)]
        except ClientError as error:
            if error.response["Error"]["Code"] in lookup.missing:
                return
            raise UnfindableError(str(error)) from error
        except BotoCoreError as error:
            raise UnfindableError(str(error)) from error
        for page in pages:
            listed = _at(page, lookup.items) if lookup.items else page
            yield from listed if isinstance(listed, list) else [listed]


def _client(service: str, region: str | None, profile: Any) -> Any:
    try:
        return boto3.Session(profile_name=profile or None, region_name=region).client(service)
    except BotoCoreError as error:  # no region, no such profile
        raise UnfindableError(str(error)) from error


def _fits(item: Mapping[str, Any], lookup: Lookup, inputs: Mapping[str, Any]) -> bool:
    alike = all(_at(item, path) == inputs[name] for path, name in lookup.match.items() if inputs.get(name))
    return alike and not any(_at(item, path) for path in lookup.absent)


def _likeness(item: Mapping[str, Any], lookup: Lookup, inputs: Mapping[str, Any]) -> Literal["sure", "alike", ""]:
    """Whether an item is surely what was begun, may be it, or is another one."""
    tags = _wanted_tags(inputs)
    tagged = tags.items() <= _tags(item, lookup).items()
    if lookup.unique and all(inputs.get(name) for name in lookup.unique):
        return "sure" if tagged or not lookup.tags else "alike"
    if not tagged:
        return ""
    return "sure" if is_identity(tags) else "alike"


def _tags(item: Mapping[str, Any], lookup: Lookup) -> Mapping[str, str]:
    found = _at(item, lookup.tags) if lookup.tags else None
    return {tag["Key"]: tag["Value"] for tag in found} if isinstance(found, list) else found or {}


def _wanted_tags(inputs: Mapping[str, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = inputs.get("tagsAll") or inputs.get("tags") or {}
    return found


def _is_askable(lookup: Lookup, inputs: Mapping[str, Any]) -> bool:
    """Whether the program gave all that a way asks by."""
    try:
        _filled(lookup.request, inputs)
    except UnfindableError:
        return False
    return True


def _filled(template: Any, inputs: Mapping[str, Any], item: Mapping[str, Any] | None = None) -> Any:
    if isinstance(template, Mapping):
        return {key: _filled(value, inputs) for key, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, inputs) for value in template]
    return _PLACE.sub(lambda place: _place(place[1], inputs, item or {}), template)


def _place(name: str, inputs: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    value = _at(item, name[1:]) if name.startswith(".") else inputs.get(name)
    if not value:
        raise UnfindableError(f"the program gave no {name}")
    return str(value)


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
