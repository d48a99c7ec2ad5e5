"""The errors that a person reads: what is wrong, the value got, what is allowed, the fix."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any


class UserError(Exception):
    """A mistake that its reader can mend. It is shown as its message alone, never with a traceback.

    Inside a running Pulumi program the error is a `pulumi.RunError` too, which is how the engine knows to print
    the message and not the stack. Nothing is imported for that: if `pulumi` is not loaded, no program is running.
    """

    def __new__(cls, *args: object, **kwargs: object) -> UserError:
        error: UserError = super().__new__(_as_run_error(cls), *args)
        return error


@dataclass(frozen=True)
class Problem:
    """One mistake in what a user wrote.

    Attributes:
        path: Where the value stands, as in the YAML: `pools.chat.machine`.
        text: What is wrong, naming the value got and what is allowed.
        fix: What to do about it.
    """

    path: str
    text: str
    fix: str = ""

    def under(self, prefix: str) -> Problem:
        """The same problem seen from the enclosing document."""
        return replace(self, path=".".join(part for part in (prefix, self.path) if part))

    def __str__(self) -> str:
        head = f"{self.path}: {self.text}" if self.path else self.text
        return f"{head}\n  fix: {self.fix}" if self.fix else head


class SpecError(UserError, ValueError):
    """Values in a spec or a stack's YAML that cannot be built; raised before anything is created."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))

    def under(self, prefix: str) -> SpecError:
        """The same error seen from the enclosing document: each path gets `prefix` in front."""
        return SpecError(*(problem.under(prefix) for problem in self.problems))


def one_of(allowed: Iterable[object], got: object = None, most: int = 12) -> str:
    """`allowed` as a phrase for a message, the spellings nearest to `got` first."""
    names = [str(name) for name in allowed]
    near = difflib.get_close_matches(str(got), names, n=3, cutoff=0.6)
    shown = near + [name for name in names if name not in near]
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    hint = f"did you mean {' or '.join(repr(n) for n in near)}? " if near else ""
    return f"{hint}allowed: {', '.join(shown[:most])}{rest}"


_run_errors: dict[type[Any], type[Any]] = {}


def _as_run_error(cls: type[Any]) -> type[Any]:
    run_error = getattr(sys.modules.get("pulumi"), "RunError", None)
    if run_error is None or issubclass(cls, run_error):
        return cls
    if cls not in _run_errors:
        namespace = {"__module__": cls.__module__, "__doc__": cls.__doc__}
        _run_errors[cls] = type(cls.__name__, (cls, run_error), namespace)
    return _run_errors[cls]
