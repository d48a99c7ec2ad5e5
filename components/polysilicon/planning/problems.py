"""Collecting what is wrong, so that a person reads all of it at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from polysilicon.errors import Problem, SpecError


class Problems:
    """Gathers `SpecError`s of independent parts; `raise_any` raises them as one."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    @contextmanager
    def under(self, path: str) -> Iterator[None]:
        """Whatever is refused inside is kept, with `path` in front, and the next part goes on."""
        try:
            yield
        except SpecError as error:
            self._found.extend(error.under(path).problems)

    def raise_any(self, path: str = "") -> None:
        """Raises what was gathered, if anything was, with `path` in front."""
        if self._found:
            raise SpecError(*self._found).under(path)


def refuse(path: str, text: str, fix: str = "") -> SpecError:
    """A `SpecError` with one problem."""
    return SpecError(Problem(path, text, fix))
