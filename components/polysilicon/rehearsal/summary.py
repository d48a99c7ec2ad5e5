"""What a person reads when a rehearsal has ended: what is where, the outputs, what is left, what was assumed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from polysilicon.engine.explain import explain, read_run
from polysilicon.engine.explain.render import render_explanation
from polysilicon.rehearsal.clock_report import render_clock
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.outcome import Outcome
from polysilicon.rehearsal.provenance import made_by, note_of

Section: TypeAlias = Callable[[Outcome], RenderableType | None]
"""A part that a caller adds to the summary; it may have nothing to say."""

_DONE = {
    "create": "created",
    "delete": "deleted",
    "discard": "forgotten",
    "replace": "replaced",
    "same": "unchanged",
    "update": "updated",
    "refresh": "refreshed",
}
LONGEST_OUTPUT = 100
MOST_KINDS = 6


def first_line(stack: str) -> str:
    """The line before the engine's own."""
    return f"REHEARSAL of {stack}: the real engine against simulated clouds, nothing is bought"


def last_line(outcome: Outcome) -> str:
    """The line that ends it all."""
    result = "succeeded" if outcome.ok else "FAILED"
    done = ", ".join(_told(outcome, kind, count) for kind, count in sorted(outcome.changes.items()))
    seconds = f"{outcome.seconds:.1f} s"
    return f"REHEARSAL of {outcome.stack}: {outcome.operation} {result} ({done or 'nothing done'}; {seconds})"


def _told(outcome: Outcome, kind: str, count: int) -> str:
    planned = outcome.operation == "preview" and kind != "same"
    return f"{count} to {kind}" if planned else f"{count} {_DONE.get(kind, kind)}"


def render_summary(outcome: Outcome, console: Console, sections: Sequence[Section] = ()) -> None:
    """Prints the summary.

    Args:
        sections: Further parts, printed before the notes.
    """
    parts = [] if outcome.operation == "destroy" else [_places(outcome), _outputs(outcome)]
    if outcome.operation == "destroy" or outcome.leftovers:
        parts.append(_leftovers(outcome))
    parts += [_lucky(outcome), _clock(outcome)]
    parts += [*(section(outcome) for section in sections), _judged(outcome), *_notes(outcome), _explanation(outcome)]
    for part in parts:
        if part is not None:
            console.print(part)


def _places(outcome: Outcome) -> RenderableType | None:
    mine = [record for record in outcome.accounts if _is_of(record, outcome)]
    if not mine:
        return None
    table = Table("where", "how many", "what", title=f"What {outcome.stack} consists of", title_justify="left")
    for place in dict.fromkeys(str(record.scope) for record in mine):
        kinds = Counter(record.type.rsplit(":", 1)[-1] for record in mine if str(record.scope) == place)
        table.add_row(place, str(kinds.total()), _kinds(kinds))
    return table


def _kinds(kinds: Counter[str]) -> str:
    shown = [f"{count} {kind}" if count > 1 else kind for kind, count in kinds.most_common(MOST_KINDS)]
    rest = len(kinds) - len(shown)
    return ", ".join(shown) + (f" and {rest} kinds more" if rest > 0 else "")


def _outputs(outcome: Outcome) -> RenderableType | None:
    if not outcome.outputs:
        return None
    table = Table("output", "value", title="Outputs", title_justify="left")
    for name, value in outcome.outputs.items():
        table.add_row(name, _shortened(value))
    return table


def _shortened(value: Any) -> Text:
    text = value if isinstance(value, str) else json.dumps(value)
    return Text(text if len(text) <= LONGEST_OUTPUT else text[: LONGEST_OUTPUT - 1] + "…")


def _clock(outcome: Outcome) -> RenderableType | None:
    return render_clock(outcome.timeline, outcome.exit_code == 0) if outcome.timeline else None


def _explanation(outcome: Outcome) -> RenderableType | None:
    if outcome.exit_code == 0 or outcome.events is None or not outcome.events.exists():
        return None
    existing = [resource.urn for resource in outcome.resources if resource.custom]
    with outcome.events.open(encoding="utf-8") as events:
        return render_explanation(explain(read_run(events), existing))


def _lucky(outcome: Outcome) -> RenderableType | None:
    lines = [f"IN TIME BY LUCK ALONE: {sentence}" for sentence in outcome.lucky]
    return Text("\n".join(lines), style="red") if lines else None


def _leftovers(outcome: Outcome) -> RenderableType | None:
    if not outcome.leftovers:
        held = len(outcome.resources)
        return Text("Nothing is left in the simulated accounts." if not held else f"{held} resources are still there.")
    title = "LEFT OVER: still there and in no state"
    table = Table("where", "type", "id", "made by", title=title, title_justify="left")
    for record in outcome.leftovers:
        table.add_row(str(record.scope), record.type, record.id, made_by(record) or "the program")
    fixes = {fix: None for record in outcome.leftovers if (fix := note_of(record, "fix"))}
    return Group(table, *(Text(f"fix: {fix}") for fix in fixes))


def _judged(outcome: Outcome) -> RenderableType | None:
    judged = ", ".join(f"{count} by {name}" for name, count in outcome.judged.items() if count)
    left_out = [f"not judged: {count} {what}" for what, count in sorted(outcome.unjudged.items())]
    lines = [*([f"inputs judged: {judged}"] if judged else []), *left_out]
    return Text("\n".join(lines), style="dim") if lines else None


def _notes(outcome: Outcome) -> Iterable[RenderableType]:
    kept = [] if outcome.ok else [f"State and accounts are in {outcome.state}; delete it to begin again."]
    return [Text(f"note: {note}", style="yellow") for note in (*outcome.notes, *kept)]


def _is_of(record: Record, outcome: Outcome) -> bool:
    return record.urn.startswith(f"urn:pulumi:{outcome.stack}::{outcome.project}::")
