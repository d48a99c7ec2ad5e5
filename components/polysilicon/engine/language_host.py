"""The process behind `pulumi-language-python`: serves the engine that started it, and ends with it."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_PARENT_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until the engine ends it or is gone. `arguments`: the folder of the SDK's scripts, then the engine's own,
    the last of which is its address."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    parent = os.getppid()
    folder, *given = sys.argv[1:] if arguments is None else arguments
    engine = given[-1] if given and not given[-1].startswith("-") else ""
    _load_stubs_alone()
    server, children, port = _serve(Path(folder), engine)
    # The engine reads the port from the first line; all later output of this process is shown to the user.
    print(port, flush=True)
    while not stopping.wait(_PARENT_SECONDS) and os.getppid() == parent:
        pass
    children.stop(for_good=True)
    server.stop(None)
    _end(orphaned=os.getppid() != parent)


def _serve(folder: Path, engine: str) -> tuple[Any, Any, int]:
    from concurrent.futures import ThreadPoolExecutor

    import grpc
    from pulumi.runtime.proto import language_pb2_grpc

    from polysilicon.engine.host.children import Children
    from polysilicon.engine.host.policies import UNLIMITED
    from polysilicon.engine.host.programs import EXEC
    from polysilicon.engine.host.servicer import LanguageHost

    # Each running program, plugin or policy pack keeps one thread for as long as it lives.
    server = grpc.server(ThreadPoolExecutor(max_workers=256), options=UNLIMITED)
    children = Children()
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(engine, folder / EXEC, children), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, children, port


def _load_stubs_alone() -> None:
    """Lets `pulumi.runtime.proto` be imported without the SDK around it, which this process never uses and which
    takes longer to load than all the rest: empty packages of the same names stand in for it."""
    spec = importlib.util.find_spec("pulumi")
    if "pulumi" in sys.modules or spec is None:
        return
    for name, inner in (("pulumi", ""), ("pulumi.runtime", "runtime")):
        package = types.ModuleType(name)
        package.__path__ = [str(Path(place, inner)) for place in spec.submodule_search_locations or ()]
        sys.modules[name] = package


def _end(orphaned: bool) -> None:
    # The engine gives each plugin a process group of its own. When the engine was killed nobody else will end what
    # the program has started, so the group goes as a whole.
    if orphaned and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    # Not sys.exit: that waits for threads, and a thread may still wait for the engine.
    os._exit(0)


if __name__ == "__main__":
    main()
