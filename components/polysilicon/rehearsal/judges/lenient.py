"""JSON Schema validation of inputs that may not be known yet: an unknown value is as good as a valid one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft7Validator, ValidationError, validators

from polysilicon.rehearsal.values import UNKNOWN

_CONDITIONS = ("if", "not")
"""Keywords that an unknown value, taken for a valid one, would make refuse: they are judged where all is known."""

Keyword = Callable[[Any, Any, Any, Mapping[str, Any]], Iterator[ValidationError] | None]


def lenient(**more: Keyword) -> Any:
    """A validator class that passes over unknown values.

    Args:
        more: Keywords on top of those of draft 7, or in the place of some.
    """
    keywords = {**Draft7Validator.VALIDATORS, **more}
    return validators.extend(Draft7Validator, {name: _unless_unknown(name, check) for name, check in keywords.items()})


def _rests_on_unknown(condition: Any, instance: Any) -> bool:
    if not isinstance(condition, Mapping) or not isinstance(instance, Mapping):
        return _is_unknown(condition, instance)
    asked: Mapping[str, Any] = condition.get("properties") or {}
    return any(_rests_on_unknown(part, instance.get(name)) for name, part in asked.items())


def _unless_unknown(name: str, check: Keyword) -> Keyword:
    rests_on_unknown = _rests_on_unknown if name in _CONDITIONS else _is_unknown

    def checked(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
        if not rests_on_unknown(value, instance):
            yield from check(validator, value, instance, schema) or ()

    return checked


def _is_unknown(_: Any, instance: Any) -> bool:
    return isinstance(instance, str) and instance == UNKNOWN
