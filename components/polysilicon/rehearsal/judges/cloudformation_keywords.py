"""The keywords of the CloudFormation schemas, and what each refusal is called: in the words of the AWS provider.

The provider checks many of the same things itself before it calls AWS, and says so in the words of Terraform's plugin
SDK (`expected X to be one of …, got …`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jsonschema import ValidationError

from polysilicon.rehearsal.judges.cloudformation_schemas import Node
from polysilicon.rehearsal.judges.lenient import Keyword, lenient

Words = Callable[[str, Sequence[str]], str]
"""Tells a refusal, given the path of the property and the names of others that it is about."""

MOST_SHOWN = 12


class RefusalError(ValidationError):  # type: ignore[misc]  # jsonschema has no types
    """An error that knows how it is told."""

    def __init__(self, words: Words, names: Sequence[str] = ()) -> None:
        super().__init__("", cause=None)
        self.words, self.cause_names = words, tuple(names)


def validator_for(node: Node) -> Any:
    """Holds documents against a schema."""
    return _VALIDATOR(node)


def listed(values: Sequence[Any], got: Any) -> str:
    """The values that are allowed: all if they are few, else those that look like what was given."""
    texts = [str(value) for value in values]
    close = difflib.get_close_matches(str(got), texts, 3, 0.6)
    shown = texts if len(texts) <= MOST_SHOWN else close or texts[:MOST_SHOWN]
    more = f" and {len(texts) - len(shown)} more" if len(shown) < len(texts) else ""
    hint = f'; did you mean "{close[0]}"?' if close else ""
    return "[" + " ".join(f'"{text}"' for text in shown) + f"]{more}{hint}"


def _enum(
    validator: Any, allowed: Sequence[Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    texts = {str(value).lower() if isinstance(value, bool) else str(value) for value in allowed}
    got = str(instance).lower() if isinstance(instance, bool) else str(instance)
    if isinstance(instance, (str, int, float)) and got not in texts:
        yield RefusalError(lambda path, _: f'expected {path} to be one of {listed(allowed, got)}, got "{got}"')


def _enum_any_case(
    validator: Any, allowed: Sequence[Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and instance.lower() not in {str(value).lower() for value in allowed}:
        yield from _enum(validator, allowed, instance, schema)


def _const(validator: Any, wanted: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    yield from _enum(validator, [wanted], instance, schema)


def _pattern(validator: Any, pattern: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re.search(pattern, instance):
        yield RefusalError(lambda path, _: f'invalid value for {path}: "{instance}" does not match {pattern}')


def _length(validator: Any, limit: int, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    low, high = schema.get("minLength"), schema.get("maxLength")
    if isinstance(instance, str) and not _within(len(instance), low, high):
        text = f'{len(instance)} ("{instance}")'
        yield RefusalError(lambda path, _: f"expected length of {path} to be {_range(low, high)}, got {text}")


def _amount(validator: Any, limit: float, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(instance, (int, float)) and not isinstance(instance, bool) and not _within(instance, low, high):
        yield RefusalError(lambda path, _: f"expected {path} to be {_range(low, high)}, got {instance}")


def _count(validator: Any, limit: int, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    low, high = schema.get("minItems"), schema.get("maxItems")
    if isinstance(instance, list) and not _within(len(instance), low, high):
        yield RefusalError(
            lambda path, _: f"expected number of items in {path} to be {_range(low, high)}, got {len(instance)}"
        )


def _within(size: float, low: float | None, high: float | None) -> bool:
    return (low is None or size >= low) and (high is None or size <= high)


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"in the range ({low} - {high})"
    return f"at least {low}" if high is None else f"at most {high}"


def of_objects(check: Keyword) -> Keyword:
    """The keyword, for objects alone."""

    def checked(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
        if isinstance(instance, dict):
            yield from check(validator, value, instance, schema) or ()

    return checked


@of_objects
def _required(validator: Any, names: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    for name in names:
        if name not in instance:
            yield RefusalError(
                lambda _, own: f'Missing required argument: "{own[0]}" is required, but no definition was found',
                [name],
            )


@of_objects
def _required_xor(validator: Any, names: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    given = [name for name in names if name in instance]
    if len(given) > 1:
        yield RefusalError(lambda _, own: f"only one of {_quoted(own)} can be specified, but all of these were", given)
    yield from _required_or(validator, names, instance, schema) or ()


@of_objects
def _required_or(validator: Any, names: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    if not any(name in instance for name in names):
        yield RefusalError(lambda _, own: f"one of {_quoted(own)} must be specified", names)


def _one_of(validator: Any, branches: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    fitting = [branch for branch in branches if validator.evolve(schema=branch).is_valid(instance)]
    if len(fitting) == 1:
        return
    names = list(dict.fromkeys(name for branch in branches for name in branch.get("required", ())))
    given = [name for name in names if name in instance]
    words = "only one of {} can be specified, but all of these were" if fitting else "one of {} must be specified"
    yield RefusalError(lambda _, own: words.format(_quoted(own)), given if fitting else names)


def _any_of(validator: Any, branches: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    refusals = [list(validator.evolve(schema=branch).iter_errors(instance)) for branch in branches]
    if refusals and all(refusals):
        # The branch that asks least is the one that was most likely meant.
        yield from min(refusals, key=len)


@of_objects
def _with(validator: Any, needs: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    for name, others in needs.items():
        missing = [other for other in others if other not in instance]
        if name in instance and missing:
            yield RefusalError(lambda _, own: f'"{own[-1]}": all of {_quoted(own)} must be specified', [*missing, name])


@of_objects
def _without(validator: Any, rivals: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    for name, others in rivals.items():
        both = [other for other in others if other in instance]
        if name in instance and both:
            yield RefusalError(lambda _, own: f'"{own[0]}": conflicts with {", ".join(own[1:])}', [name, *both])


def _not(validator: Any, refused: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    if validator.evolve(schema=refused).is_valid(instance):
        yield RefusalError(lambda path, _: f'"{instance}" is not allowed for {path}')


def _properties(validator: Any, parts: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    for name, part in parts.items() if isinstance(instance, dict) else ():
        if name not in instance:
            continue
        if part is False:
            refusal = RefusalError(lambda path, _: f"{path} cannot be specified here")
            refusal.path.appendleft(name)
            yield refusal
        else:
            yield from validator.descend(instance[name], part, path=name, schema_path=name)


def _quoted(names: Sequence[str]) -> str:
    return "`" + ",".join(names) + "`"


KEYWORDS: Mapping[str, Keyword] = {
    "enum": _enum,
    "enumCaseInsensitive": _enum_any_case,
    "const": _const,
    "pattern": _pattern,
    "minLength": _length,
    "maxLength": _length,
    "minimum": _amount,
    "maximum": _amount,
    "minItems": _count,
    "maxItems": _count,
    "required": _required,
    "requiredXor": _required_xor,
    "requiredOr": _required_or,
    "oneOf": _one_of,
    "anyOf": _any_of,
    "dependentRequired": _with,
    "dependentExcluded": _without,
    "not": _not,
    "properties": _properties,
}
_VALIDATOR = lenient(**KEYWORDS)
