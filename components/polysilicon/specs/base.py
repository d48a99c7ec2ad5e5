"""What all specs share: frozen, no unknown keys, and errors in the words of the YAML's author."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from polysilicon.errors import Problem, SpecError, one_of


class Spec(BaseModel):
    """A plain value of what a user asks for. Frozen; unknown keys and Pulumi outputs are refused by name."""

    # Validators are built when a spec is first used: a program seldom uses all, and building takes most of the import.
    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SpecError(*problems_of(error, values)) from None

    @classmethod
    def parse(cls, document: Any, path: str = "") -> Self:
        """Reads a YAML document. Raises `SpecError` with every mistake in it, each under `path`."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise SpecError(*problems_of(error, document)).under(path) from None

    @model_validator(mode="before")
    @classmethod
    def _plain_values_under_known_keys(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        for key, value in data.items():
            if key not in cls.model_fields:
                raise refusal("is not a key that is known here", one_of(cls.model_fields, key), at=(key,))
            if _is_output(value):
                raise refusal(
                    "got a pulumi.Output where a plain value belongs: this value decides what is created, so it must"
                    " be known before anything is deployed",
                    "write the value itself; what exists only after deployment goes into the component's args",
                    at=(key,),
                )
        return data


def refusal(text: str, fix: str = "", at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """What a validator of a spec raises: the problem, the fix, and where it stands relative to the model."""
    return PydanticCustomError("refused", "{text}", {"text": text, "fix": fix, "at": at})


def problems_of(error: ValidationError, document: Any) -> list[Problem]:
    """Pydantic's findings as problems with YAML paths."""
    details = error.errors(include_url=False)
    told = [detail for detail in details if not _follows(detail, details)]
    return [problem for detail in told for problem in _problems(detail, document)]


def _follows(detail: ErrorDetails, others: Sequence[ErrorDetails]) -> bool:
    """Whether a list is too short only because what stands in it is wrong, which is told already."""
    inside = (other["loc"][: len(detail["loc"])] for other in others if len(other["loc"]) > len(detail["loc"]))
    return detail["type"] == "too_short" and detail["loc"] in inside


def _problems(detail: ErrorDetails, document: Any) -> list[Problem]:
    nested = detail.get("ctx", {}).get("error")
    if isinstance(nested, SpecError):  # a spec within a spec has already said it in our words
        return list(nested.under(_yaml_path(detail["loc"], document)).problems)
    return [_problem(detail, document)]


def _problem(detail: ErrorDetails, document: Any) -> Problem:
    context = detail.get("ctx", {})
    path = _yaml_path((*detail["loc"], *context.get("at", ())), document)
    kind, got = detail["type"], detail["input"]
    if kind == "refused":
        return Problem(path, context["text"], context["fix"])
    if kind == "missing":
        return Problem(path, "is required and missing", "add it")
    if kind == "literal_error":
        return Problem(path, f"got {got!r}", one_of(_quoted(context["expected"]), got))
    if kind == "union_tag_invalid":
        tag, allowed = context["tag"], _quoted(context["expected_tags"])
        key = _bare(context["discriminator"]).removesuffix("()")  # a function, where one kind is the default
        return Problem(_join(path, key), f"got {tag!r}", one_of(allowed, tag))
    if kind == "union_tag_not_found":
        return Problem(_join(path, _bare(context["discriminator"])), "is required and missing", "add it")
    if kind.startswith("model"):
        return Problem(path, f"got {_shown(got)}, where keys and values belong", _FIXES["model"])
    return Problem(path, f"{_lower_first(detail['msg'])}, got {_shown(got)}", _fix(kind, context))


_FIXES = {
    "int": "write a whole number",
    "float": "write a number",
    "bool": "write true or false",
    "string_type": "write text, in quotes where it looks like a number",
    "string_pattern_mismatch": "write it so that it matches {pattern}",
    "dict": "write keys and values, one under the other",
    "model": "write keys and values, one under the other",
    "tuple": "write a list",
    "list": "write a list",
    "too_short": "write at least {min_length}",
    "too_long": "write at most {max_length}",
    "greater_than_equal": "take {ge} or more",
    "less_than_equal": "take {le} or less",
}
"""By the beginning of pydantic's names of errors."""


def _fix(kind: str, context: Mapping[str, Any]) -> str:
    fix = next((text for start, text in _FIXES.items() if kind.startswith(start)), "see the schema of the stack's YAML")
    return fix.format(**context)


def _yaml_path(location: Sequence[str | int], document: Any) -> str:
    """Pydantic's location without the union tags that it inserts: those are not in the document."""
    path, here = "", document
    for position, part in enumerate(location):
        if isinstance(here, Mapping) and part in here:
            path, here = _join(path, part), here[part]
        elif isinstance(here, Sequence) and not isinstance(here, str) and isinstance(part, int):
            path, here = f"{path}[{part}]", here[part] if part < len(here) else None
        elif position == len(location) - 1 and not _is_tag(part, here) and part != "[key]":
            path = _join(path, part)
    return path


_UNSTATED = "new"
"""The kind that a document need not state, where something is made anew or is there already."""


def _is_tag(part: str | int, here: Any) -> bool:
    stated = (here.get("kind", _UNSTATED), here.get("cloud")) if isinstance(here, Mapping) else (_UNSTATED,)
    return part in stated


def _join(path: str, part: str | int) -> str:
    return f"{path}.{part}" if path else str(part)


def _quoted(expected: str) -> list[str]:
    return [_bare(word) for word in expected.replace(" or ", ", ").split(", ")]


def _bare(word: str) -> str:
    return word.strip().strip("'")


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _is_output(value: Any) -> bool:
    output = getattr(sys.modules.get("pulumi"), "Output", None)
    return output is not None and isinstance(value, output)
