"""JSON Schema validation of inputs that may not be known yet: an unknown value is as good as a valid one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft7Validator, ValidationError, validators

from polysilicon.rehearsal.values import UNKNOWN

Keyword = Callable[[Any, Any, Any, Mapping[str, Any]], Iterator[ValidationError] | None]


def lenient(**more: Keyword) -> Any:
    """A validator class that passes over unknown values.

    Args:
        more: Keywords on top of those of draft 7, or in the place of some.
    """
    keywords = {**Draft7Validator.VALIDATORS, **more}
    return validators.extend(Draft7Validator, {name: _unless_unknown(check) for name, check in keywords.items()})


def _unless_unknown(check: Keyword) -> Keyword:
    def checked(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
        if isinstance(instance, str) and instance == UNKNOWN:
            return
        yield from check(validator, value, instance, schema) or ()

    return checked
