"""What a Python traceback comes to: the exception, and where in the person's own program."""

from __future__ import annotations

import re

TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)
_NOT_OWN = re.compile(r"/(site|dist)-packages/|/lib(64)?/python3[^/]*/|/components/polysilicon/|^<")


def told_briefly(text: str) -> str:
    """The place and the exception of the last traceback in a text: `app.py:3: KeyError: 'a'`; empty without one.

    The place is the last one that is neither in an installed package nor in Polysilicon; if all are, the last one.
    """
    _, found, trace = text.rpartition(TRACEBACK)
    if not found:
        return ""
    frames = [(frame["file"], frame["line"]) for frame in _FRAME.finditer(trace)]
    own = [frame for frame in frames if not _NOT_OWN.search(frame[0])]
    words = next((line for line in trace.splitlines() if line and not line[0].isspace()), "")
    place = ":".join((own or frames)[-1]) if frames else ""
    return ": ".join(part for part in (place, words) if part)
