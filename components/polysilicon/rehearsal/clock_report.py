"""The clock's part of the summary: how long it would have taken, and what it would have waited for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from polysilicon.rehearsal.clock import Step, Timeline
from polysilicon.rehearsal.times import Spread

_SHORT = 0.01
"""A step that takes less than this part of the whole is told together with its neighbours."""


def render_clock(timeline: Timeline, ok: bool) -> RenderableType | None:
    """The report; None if a cloud would not have been asked for anything, or the operation failed half-way."""
    if not ok or not timeline.steps:
        return None
    return Group(_path(timeline), Text(_last_words(timeline), style="dim"))


def _path(timeline: Timeline) -> Table:
    table = Table(title=_title(timeline), title_justify="left")
    table.add_column("what it waits for", overflow="fold", ratio=1)
    table.add_column("from", justify="right", no_wrap=True)
    table.add_column("takes", justify="right", no_wrap=True)
    table.add_column("seen between", no_wrap=True)
    table.add_column("who says so", overflow="fold", ratio=1)
    for steps in _gathered(timeline):
        table.add_row(*_row(steps))
    return table


def _row(steps: Sequence[Step]) -> tuple[Text, ...]:
    seconds = sum(step.time.spread.typical for step in steps)
    started = Text(duration(steps[0].start))
    if len(steps) > 1:
        assumed = sum(step.time.assumed for step in steps)
        source = Text(f"{assumed} of them assumed" if assumed else "", style="yellow")
        return Text(f"{len(steps)} short steps", style="dim"), started, Text(duration(seconds)), Text(), source
    step = steps[0]
    what = Text.assemble(_verb(step), f"{step.type.rsplit(':', 1)[-1]} ", (step.name, "bold"))
    # The table names all its sources; the first of them is what there is room for.
    source = Text(step.time.source.split(";")[0].split(", ")[0], style="yellow" if step.time.assumed else "")
    spread = step.time.spread
    seen = Text("" if spread.least == spread.most else _between(spread))
    return what, started, Text(duration(spread.typical)), seen, source


def _gathered(timeline: Timeline) -> Iterator[Sequence[Step]]:
    """The path, short steps that follow each other together."""
    shortest = timeline.total.typical * _SHORT
    short: list[Step] = []
    for step in timeline.path:
        if step.time.spread.typical < shortest:
            short.append(step)
            continue
        if short:
            yield short
            short = []
        yield [step]
    if short:
        yield short


def _title(timeline: Timeline) -> str:
    deletes = all(step.operation == "delete" for step in timeline.steps)
    what = "serving" if timeline.serving else "all gone" if deletes else "all done"
    return f"Simulated clock: {what} after {_range(timeline.serving or timeline.total)}"


def _last_words(timeline: Timeline) -> str:
    work = sum(step.time.spread.typical for step in timeline.steps)
    later = timeline.serving and timeline.total != timeline.serving
    all_ = f"everything done after {_range(timeline.total)}" if later else ""
    together = f"one after the other {duration(work)}, so {timeline.parallelism:.1f} at once"
    assumed = f"{timeline.assumed} of {len(timeline.steps)} times are assumed: nobody has published them"
    return "; ".join(part for part in (all_, together, assumed) if part)


def _range(spread: Spread) -> str:
    if duration(spread.least) == duration(spread.most):
        return duration(spread.typical)
    return f"{duration(spread.typical)} ({_between(spread)})"


def _between(spread: Spread) -> str:
    return f"{duration(spread.least)} to {duration(spread.most)}"


def _verb(step: Step) -> str:
    return "" if step.operation == "create" else f"{step.operation} "


def duration(seconds: float) -> str:
    """Seconds as a person says them: `45s`, `9m06s`, `1h20m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"
