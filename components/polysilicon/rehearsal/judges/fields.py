"""A place in an object: what is there, if it is known, and what the API server says when it is wrong.

The texts are those of `k8s.io/apimachinery/pkg/util/validation/field` (v0.35.0).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from polysilicon.rehearsal.values import UNKNOWN

Stage: TypeAlias = Literal["patch", "decode", "validation"]
"""Where an API server stops: a patch that fits no schema, a value that fits no type, or a rule on values."""


@dataclass(frozen=True)
class Finding:
    """One mistake in an object.

    Attributes:
        path: Where, as the API server writes it: `spec.containers[0].image`.
        text: What is wrong, without the path.
    """

    path: str
    text: str
    stage: Stage = "validation"


@dataclass(frozen=True)
class Field:
    """A place in an object. It is given, or absent, or neither: not known yet, and with it whatever may be inside."""

    value: Any
    path: str = ""

    def __getitem__(self, name: str) -> Field:
        value = self.value.get(name) if isinstance(self.value, Mapping) else UNKNOWN if self.unknown else None
        return Field(value, f"{self.path}.{name}" if self.path else name)

    def at(self, *names: str) -> Field:
        """The place some steps further down."""
        place = self
        for name in names:
            place = place[name]
        return place

    @property
    def given(self) -> bool:
        """Whether something is there and known."""
        return self.value is not None and not self.unknown

    @property
    def absent(self) -> bool:
        """Whether nothing is there."""
        return self.value is None

    @property
    def unknown(self) -> bool:
        """Whether the value will only be known later."""
        return isinstance(self.value, str) and self.value == UNKNOWN

    @property
    def whole(self) -> bool:
        """Whether it is known, and if it is a list, each of its items is."""
        inside = self.value if isinstance(self.value, list) else ()
        return not self.unknown and not any(item == UNKNOWN for item in inside)

    @property
    def text(self) -> str | None:
        """The text, if it is known."""
        return self.value if isinstance(self.value, str) and not self.unknown else None

    @property
    def number(self) -> int | float | None:
        """The number, if it is known."""
        return self.value if isinstance(self.value, (int, float)) and not isinstance(self.value, bool) else None

    @property
    def true(self) -> bool:
        """Whether it is known to be true."""
        return self.value is True

    def items(self) -> Iterator[Field]:
        """The known items of a list."""
        for index, item in enumerate(self.value if isinstance(self.value, list) else ()):
            if item is not None and item != UNKNOWN:
                yield Field(item, f"{self.path}[{index}]")

    def entries(self) -> Iterator[tuple[str, Field]]:
        """The members of a map, whose keys are data and not names of fields."""
        for name, item in self.value.items() if isinstance(self.value, Mapping) else ():
            yield name, Field(item, f"{self.path}[{name}]")

    def invalid(self, detail: str, value: Any = None) -> Finding:
        """The value cannot be.

        Args:
            value: What to show instead of the value at this place.
        """
        shown = json.dumps(self.value if value is None else value, separators=(",", ":"), ensure_ascii=False)
        return Finding(self.path, f"Invalid value: {shown}: {detail}".removesuffix(": "))

    def required(self, detail: str = "") -> Finding:
        """Something must be here."""
        return Finding(self.path, f"Required value: {detail}".removesuffix(": "))

    def forbidden(self, detail: str) -> Finding:
        """Nothing may be here."""
        return Finding(self.path, f"Forbidden: {detail}")

    def duplicate(self) -> Finding:
        """The same is elsewhere already."""
        return Finding(self.path, f"Duplicate value: {json.dumps(self.value)}")

    def missing(self) -> Finding:
        """What is named here is nowhere."""
        return Finding(self.path, f"Not found: {json.dumps(self.value)}")

    def unsupported(self, allowed: Iterable[Any]) -> Finding:
        """The value is none of the allowed ones."""
        listed = ", ".join(json.dumps(value) for value in allowed)
        return Finding(self.path, f"Unsupported value: {json.dumps(self.value)}: supported values: {listed}")


def unique(places: Iterable[Field]) -> Iterator[Finding]:
    """A finding for each place whose known value an earlier one has."""
    seen: set[Any] = set()
    for place in places:
        if isinstance(place.value, (str, int)) and not place.unknown:
            if place.value in seen:
                yield place.duplicate()
            seen.add(place.value)
