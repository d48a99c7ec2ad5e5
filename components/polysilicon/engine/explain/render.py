"""An explanation as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from polysilicon.engine.explain.exceptions import TRACEBACK
from polysilicon.engine.explain.story import Explanation, Group

MOST_TEXTS = 3
MOST_SENTENCES = 8
LONGEST_TEXT = 1500


def render_explanation(explanation: Explanation) -> RenderableType | None:
    """What failed, why, what to do and what exists; None if nothing failed."""
    if not explanation.groups:
        return None
    parts: list[RenderableType] = [Text("What failed", style="bold")]
    for group in explanation.groups:
        parts += [Text(""), *_sentences(group), Padding(_details(group), (0, 0, 0, 2))]
    now = _grid([("now", Text(sentence)) for sentence in explanation.now])
    return Lines(*parts, Text(""), Padding(now, (0, 0, 0, 2)))


def _sentences(group: Group) -> Iterator[Text]:
    for sentence in group.what[:MOST_SENTENCES]:
        yield Text(sentence, style="bold red")
    if len(group.what) > MOST_SENTENCES:
        yield Text(f"… and {len(group.what) - MOST_SENTENCES} more for the same reason.", style="bold red")


def _details(group: Group) -> Table:
    rows: list[tuple[str, RenderableType]] = []
    if group.cause:
        rows += [("likely cause", Text(group.cause.text))]
    rows += [("next", _bullet(step)) for step in group.steps]
    if group.cause:
        rows += [("see", Text(group.cause.source, style="blue"))]
    rows += [("engine", Text(_shortened(text), style="dim")) for text in group.texts[:MOST_TEXTS]]
    if len(group.texts) > MOST_TEXTS:
        rows += [("engine", Text(f"… and {len(group.texts) - MOST_TEXTS} more like these", style="dim"))]
    return _grid(rows)


def _bullet(text: str) -> Table:
    bullet = Table.grid(padding=(0, 1))
    bullet.add_column()
    bullet.add_column(overflow="fold")
    bullet.add_row("-", Text(text))
    return bullet


def _grid(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, min_width=12, style="cyan")
    table.add_column(overflow="fold")
    last = ""
    for label, text in rows:
        table.add_row(label if label != last else "", text)
        last = label
    return table


def _shortened(text: str) -> str:
    """Of a traceback the end says most."""
    if len(text) <= LONGEST_TEXT:
        return text
    return f"…{text[-LONGEST_TEXT:]}" if TRACEBACK in text else f"{text[:LONGEST_TEXT]}…"
