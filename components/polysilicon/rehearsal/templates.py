"""The little language of the forms: text with places such as `{name}`, `{hex:17}` or `{cluster|last}`.

A place is a property of the resource (a dotted path), a fact of its scope (`account`, `region`, `project` …), a made-up
value (`hex:17`), or a property of another resource that one of the inputs refers to (`follow:subnetId:vpcId`).
Made-up values depend on nothing but the seed and the place's own text, so a rehearsal can be repeated exactly.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from polysilicon.rehearsal.values import UNKNOWN, at

_PLACE = re.compile(r"\{([^{}]+)\}")
_SESSION = re.compile(r"(arn:[^:]+):sts::(\d+):assumed-role/([^/]+)/(.+)")
_LOWER = "abcdefghijklmnopqrstuvwxyz0123456789"
_UPPER = _LOWER.upper()

_SHORT = {"central": "c", "east": "e", "north": "n", "south": "s", "west": "w"}


def short_region(region: str) -> str:
    """A region as zone ids begin with it: `use1` of us-east-1, `apse2` of ap-southeast-2."""
    area, *middle, number = region.split("-")
    words = re.findall("|".join(_SHORT), "".join(middle))
    return area + "".join(_SHORT[word] for word in words) + number


FILTERS: Mapping[str, Callable[[str], str]] = {
    "last": lambda text: text.rstrip("/").rsplit("/", 1)[-1],
    "host": lambda text: text.split("://", 1)[-1].rstrip("/"),
    "bare": lambda text: text.strip("/"),
    "lower": str.lower,
    "short": short_region,
    "slash": lambda text: f"{text}/" if text else "",
    "role": lambda text: _SESSION.sub(r"\1:iam::\2:role/\3", text),
    "role_name": lambda text: _SESSION.sub(r"\3", text) if _SESSION.fullmatch(text) else "",
    "session_name": lambda text: _SESSION.sub(r"\4", text) if _SESSION.fullmatch(text) else "",
}


@dataclass(frozen=True)
class Maker:
    """Fills templates for one resource.

    Attributes:
        seed: What made-up values depend on.
        facts: What the scope knows: account, region, project, the logical name.
        follow: Finds a property of the resource that a value refers to.
    """

    seed: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    follow: Callable[[str, str], Any] = lambda value, path: None

    def fill(self, template: Any, values: Mapping[str, Any], purpose: str = "") -> Any:
        """The template's value. A template that is one place keeps that value's type; what is no text stays as it is.

        Args:
            purpose: What it is for; two made-up values differ if their purposes do.
        """
        if isinstance(template, list):
            return [self.fill(item, values, f"{purpose}.{index}") for index, item in enumerate(template)]
        if isinstance(template, Mapping):
            return {name: self.fill(item, values, f"{purpose}.{name}") for name, item in template.items()}
        if not isinstance(template, str):
            return template
        whole = _PLACE.fullmatch(template)
        if whole:
            return self._place(whole[1], values, purpose)
        parts = [self._place(place, values, purpose) for place in _PLACE.findall(template)]
        if UNKNOWN in parts:
            return UNKNOWN
        texts = iter("" if part is None else str(part) for part in parts)
        return _PLACE.sub(lambda _: next(texts), template)

    def _place(self, place: str, values: Mapping[str, Any], purpose: str) -> Any:
        place, *filters = place.split("|")
        name, _, argument = place.partition(":")
        if name == "follow":
            return self._follow(argument, values)
        if argument:
            length = at(values, argument)
            return self._make(name, str(length) if isinstance(length, int) else argument, purpose)
        value = at(values, name)
        value = self.facts.get(name) if value in (None, "") else value
        for step in filters:
            value = FILTERS[step](value) if isinstance(value, str) and value != UNKNOWN else value
        return value

    def _follow(self, argument: str, values: Mapping[str, Any]) -> Any:
        source, _, target = argument.partition(":")
        value = at(values, source)
        return value if value in (None, UNKNOWN) else self.follow(str(value), target)

    def _make(self, kind: str, argument: str, purpose: str) -> str:
        source = _stream(f"{self.seed}|{purpose}|{kind}:{argument}")
        return MADE[kind](source, argument)


def _stream(seed: str) -> bytes:
    return hashlib.shake_256(seed.encode()).digest(256)


def _letters(alphabet: str) -> Callable[[bytes, str], str]:
    return lambda source, count: "".join(alphabet[byte % len(alphabet)] for byte in source[: int(count)])


def _address(source: bytes, kind: str) -> str:
    first = {"private": "10", "public": "203"}[kind]
    return ".".join([first, *(str(1 + byte % 250) for byte in source[:3])])


def _certificate(source: bytes, _: str) -> str:
    body = base64.b64encode(source[:96]).decode()
    text = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    return base64.b64encode(text.encode()).decode()


MADE: Mapping[str, Callable[[bytes, str], str]] = {
    "hex": lambda source, count: ("0" + source.hex())[: int(count)] if count == "17" else source.hex()[: int(count)],
    "HEX": lambda source, count: source.hex()[: int(count)].upper(),
    "digits": lambda source, count: "1" + _letters("0123456789")(source, count)[1:],
    "letters": _letters(_LOWER),
    "LETTERS": _letters(_UPPER),
    "uuid": lambda source, _: str(uuid.UUID(bytes=source[:16], version=4)),
    "ip": _address,
    "certificate": _certificate,
}
