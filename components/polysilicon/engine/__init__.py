"""The Pulumi engine: where it is found, how it is had where there is none, and how its programs are run.

`find_engine` only looks; `ensure_engine` also downloads or builds. Both give an `Engine`, whose `environment` is what
a child process needs to run `pulumi`. Nothing here imports `pulumi` or `grpc`, so that asking is quick.
"""

from polysilicon.engine.ensure import ensure_engine
from polysilicon.engine.find import find_engine
from polysilicon.engine.model import MINIMUM_VERSION, TOOLCHAIN_VERSION, Engine, Origin
from polysilicon.engine.progress import Report, console_report, silent

__all__ = [
    "MINIMUM_VERSION",
    "TOOLCHAIN_VERSION",
    "Engine",
    "Origin",
    "Report",
    "console_report",
    "ensure_engine",
    "find_engine",
    "silent",
]
