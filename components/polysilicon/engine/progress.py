"""How a long wait is shown: a moving bar on a terminal, a few plain lines anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO


class Report(Protocol):
    """What `ensure_engine` tells about its progress."""

    def __call__(self, text: str, fraction: float | None = None) -> None:
        """`text` says what is going on; `fraction`, from 0 to 1, how much of it is done, None if nobody knows."""


def silent(text: str, fraction: float | None = None) -> None:
    """Shows nothing."""


@contextmanager
def console_report(stream: TextIO | None = None) -> Iterator[Report]:
    """A report on `stream` (standard error by default).

    A terminal gets a bar that is wiped when the work is done; a log gets one line per step and per tenth of it.
    """
    stream = stream or sys.stderr
    if stream.isatty():
        with _bar(stream) as report:
            yield report
    else:
        yield _Lines(stream)


class _Lines:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text = ""
        self._tenths = 0

    def __call__(self, text: str, fraction: float | None = None) -> None:
        tenths = int((fraction or 0) * 10)
        if text == self._text and tenths <= self._tenths:
            return
        self._text, self._tenths = text, tenths
        print(f"{text} ({tenths * 10} %)" if tenths else text, file=self._stream, flush=True)


@contextmanager
def _bar(stream: TextIO) -> Iterator[Report]:
    # rich is imported here because most callers never wait for anything.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as progress:
        task = progress.add_task("", total=None)

        def report(text: str, fraction: float | None = None) -> None:
            progress.update(task, description=text, total=None if fraction is None else 1.0, completed=fraction or 0)

        yield report
