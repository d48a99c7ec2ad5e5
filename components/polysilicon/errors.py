"""The errors that a person reads: what is wrong, the value, what is allowed, the fix."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from typing import Any


class UserError(Exception):
    """A mistake that its reader can mend. It is shown as its message alone, never with a traceback.

    Inside a running Pulumi program the error is a `pulumi.RunError` too, which is how the engine knows to print
    the message and not the stack. Nothing is imported for that: if `pulumi` is not loaded, no program is running.
    """

    def __new__(cls, *args: object, **kwargs: object) -> UserError:
        return super().__new__(_as_run_error(cls), *args, **kwargs)


class SpecError(UserError, ValueError):
    """A value in a spec or a stack's YAML that cannot be built.

    Attributes:
        path: Where the value stands, as in the YAML: `pools.chat.machine`.
        problem: What is wrong, naming the value.
        fix: What to do about it.
    """

    def __init__(self, path: str, problem: str, fix: str = "") -> None:
        self.path, self.problem, self.fix = path, problem, fix
        super().__init__("\n".join(part for part in (f"{path}: {problem}" if path else problem, fix) if part))

    def under(self, prefix: str) -> SpecError:
        """The same error seen from the enclosing document: the path gets `prefix` in front."""
        return SpecError(".".join(p for p in (prefix, self.path) if p), self.problem, self.fix)


def one_of(allowed: Iterable[object], got: object = None, most: int = 12) -> str:
    """`allowed` as a phrase for a message, the spellings nearest to `got` first: "did you mean 'a'? Allowed: …"."""
    names = [str(name) for name in allowed]
    near = difflib.get_close_matches(str(got), names, n=3, cutoff=0.6)
    shown = near + [name for name in names if name not in near]
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    hint = f"Did you mean {' or '.join(repr(n) for n in near)}? " if near else ""
    return f"{hint}Allowed: {', '.join(shown[:most])}{rest}."


_run_errors: dict[type[Any], type[Any]] = {}


def _as_run_error(cls: type[Any]) -> type[Any]:
    pulumi = sys.modules.get("pulumi")
    run_error = getattr(pulumi, "RunError", None)
    if run_error is None or issubclass(cls, run_error):
        return cls
    if cls not in _run_errors:
        _run_errors[cls] = type(cls.__name__, (cls, run_error), {"__module__": cls.__module__})
    return _run_errors[cls]
