"""Why an engine failed, in the words of the program: what could not be done, why most likely, what to do, what exists.

It reads the engine's event log (`pulumi up --event-log events.json`), of a rehearsal or of a real run alike. What it
does not know the cause of it shows as it is; it never makes one up.
"""

from polysilicon.engine.explain.causes import Cause, find_cause, load_causes
from polysilicon.engine.explain.events import Failure, Run, read_run
from polysilicon.engine.explain.story import Explanation, Group, explain

__all__ = [
    "Cause",
    "Explanation",
    "Failure",
    "Group",
    "Run",
    "explain",
    "find_cause",
    "load_causes",
    "read_run",
]
