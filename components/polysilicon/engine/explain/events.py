"""The engine's event log: what failed and with what words, and what was made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from polysilicon.errors import UserError

_MADE = ("create", "create-replacement", "import", "import-replacement")
_GONE = ("delete", "delete-replaced", "read-discard", "discard-replaced", "remove-pending-replace")
# What the engine says when all is over: it follows from the errors before.
_PROGRAM_ENDED = "program exited with non-zero exit code"
_EPILOGUE = re.compile(
    rf"(update|preview|destroy|refresh|import) failed|resource registration failed|.*{_PROGRAM_ENDED}: \d+"
)
_COLOUR = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")
# What may be in a provider's words although it is nobody's business: keys, tokens, passwords in addresses.
_SECRET = re.compile(
    "|".join(
        (
            r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
            r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*",
            r"\bya29\.[\w-]+",
            r"\bhf_\w{20,}",
            r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
            r"(?i:(?<=bearer )\S+|(?<=password=)[^\s&]+|(?<=token=)[^\s&]+)",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|$)",
        )
    ),
    re.DOTALL,
)


@dataclass(frozen=True)
class Known:
    """A resource that the log tells of."""

    urn: str
    type: str
    parent: str
    custom: bool

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True)
class Failure:
    """One error that the engine told.

    Attributes:
        urn: The resource; empty if it was the program or the engine itself.
        operation: What was being done with it; empty if it did not come to that.
        text: The provider's words, without colours and secrets.
        warning: It was a warning.
    """

    urn: str
    operation: str
    text: str
    warning: bool = False


@dataclass
class Run:
    """What a log tells.

    Attributes:
        resources: All that it tells of, by URN.
        existing: The URNs of what exists at the end, as far as the log tells.
        made: The URNs of what this run made.
        gone: How many resources this run deleted.
        failures: In the order of the log, each once.
        planned: Nothing was done: it was a preview.
        program_ended: The program ended with an error of its own.
    """

    resources: dict[str, Known] = field(default_factory=dict)
    existing: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    gone: int = 0
    failures: list[Failure] = field(default_factory=list)
    planned: bool = True
    program_ended: bool = False


def read_run(lines: Iterable[str]) -> Run:
    """Reads a log, one event in JSON a line; raises `UserError` if it is none."""
    run = Run()
    failed: dict[str, str] = {}
    told: dict[tuple[str, str], bool] = {}
    for event in _events(lines):
        _learn(run, event, failed)
        diagnostic = event.get("diagnosticEvent") or {}
        if diagnostic.get("severity") in ("error", "warning"):
            text = plain(str(diagnostic.get("message") or ""))
            told.setdefault((str(diagnostic.get("urn") or ""), text), diagnostic["severity"] == "warning")
    run.program_ended = any(_PROGRAM_ENDED in text for _, text in told)
    run.failures = _failures(told, failed)
    return run


def plain(text: str) -> str:
    """A message as a person may see it: no colours, no secrets."""
    return _SECRET.sub("[secret]", _COLOUR.sub("", text)).strip()


def _events(lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """The events. A killed engine may leave half of the last one; any other line that is none is a mistake."""
    wrong = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        event = _event(line)
        if wrong or (event is None and not line.startswith("{")):
            raise _no_event(wrong or number)
        if event is None:
            wrong = number
        else:
            yield event


def _event(line: str) -> Mapping[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _no_event(number: int) -> UserError:
    return UserError(
        f"line {number} is no event of the engine\n"
        "  fix: give the file that `pulumi up --event-log FILE` wrote, with PULUMI_DEBUG_COMMANDS=true"
    )


def _learn(run: Run, event: Mapping[str, Any], failed: dict[str, str]) -> None:
    done, failure = event.get("resOutputsEvent"), event.get("resOpFailedEvent")
    told = done or failure or event.get("resourcePreEvent") or {}
    metadata = told.get("metadata") or {}
    if not metadata:
        return
    urn, operation = str(metadata["urn"]), str(metadata["op"])
    state = metadata.get("new") or metadata.get("old") or {}
    custom, parent = bool(state.get("custom")), str(state.get("parent") or "")
    run.resources[urn] = Known(urn, str(metadata.get("type") or ""), parent, custom)
    run.planned = run.planned and bool(told.get("planning"))
    if failure:
        failed[urn] = operation
        if operation not in _MADE and custom:
            run.existing.add(urn)  # what could not be changed or deleted is still there
    elif done and custom and not told.get("planning"):
        _done(run, urn, operation)


def _done(run: Run, urn: str, operation: str) -> None:
    if operation == "delete-replaced" and urn in run.made:
        return  # the old one of a pair
    if operation in _GONE:
        run.existing.discard(urn)
        run.gone += 1
        return
    run.existing.add(urn)
    if operation in _MADE:
        run.made.add(urn)


def _failures(told: Mapping[tuple[str, str], bool], failed: Mapping[str, str]) -> list[Failure]:
    failures = [Failure(urn, failed.get(urn, ""), text, warning) for (urn, text), warning in told.items() if text]
    real = [failure for failure in failures if not _EPILOGUE.fullmatch(failure.text)]
    return real if any(not failure.warning for failure in real) else failures
