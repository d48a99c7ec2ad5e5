"""The processes that the host has started: none of them may outlive it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal

from polysilicon.engine.host.options import HostError

Stream = Literal["stdout", "stderr"]

GRACE_SECONDS = 3.0
"""How long a process may take to end. The engine gives the host five seconds in all."""


class Child:
    """One running process, in a process group of its own.

    Attributes:
        stopped: Whether it was we who ended it.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.stopped = False

    def wait(self) -> int:
        """Its exit code once it has ended; negative for a signal. What it has started itself and left behind in its
        process group is ended then."""
        code = self._process.wait()
        self._signal(signal.SIGKILL)
        return code

    def stop(self) -> None:
        """Ends it: asks it to, and kills it if that takes too long. Nothing happens if it has ended.

        It is asked with SIGTERM, because Python answers an interrupt with a traceback, and the person who reads that
        has done nothing wrong: the engine stops a program, for instance, when a policy forbids a resource.
        """
        if self._process.poll() is not None:
            return
        self.stopped = True
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Ends it at once. Nothing happens if it has ended."""
        if self._process.poll() is None:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def first_line(self) -> bytes:
        """The first line of its output, or nothing if it ends without one."""
        return self._process.stdout.readline() if self._process.stdout else b""

    def output(self) -> Iterator[tuple[Stream, bytes]]:
        """What it writes, as it is written, until both streams have ended."""
        parts: queue.Queue[tuple[Stream, bytes] | None] = queue.Queue()
        streams: dict[Stream, IO[bytes] | None] = {"stdout": self._process.stdout, "stderr": self._process.stderr}
        for name, stream in streams.items():
            threading.Thread(target=_pump, args=(name, stream, parts), daemon=True).start()
        for _ in streams:
            yield from iter(parts.get, None)


def _pump(name: Stream, stream: Any, parts: queue.Queue[tuple[Stream, bytes] | None]) -> None:
    # read1 gives what is there; read would wait for a full block, and a plugin's port would come too late.
    with suppress(ValueError, OSError), stream:
        while part := stream.read1(1 << 16):
            parts.put((name, part))
    parts.put(None)


def when_over(context: Any, action: Callable[[], None]) -> None:
    """Calls `action` when the call of `context` is over, however it ends; at once if it is over already."""
    if not context.add_callback(action):
        action()


class Children:
    """All processes of this host."""

    def __init__(self) -> None:
        self._running: set[Child] = set()
        self._closed = False
        self._lock = threading.Lock()

    def start(
        self, command: list[str], *, env: Mapping[str, str], cwd: Path | None = None, piped: bool = False
    ) -> Child:
        """Starts `command`. Unless `piped`, it writes to the host's own output, which the engine shows.

        Raises `HostError` if it cannot be started.
        """
        pipe = subprocess.PIPE if piped else None
        with self._lock:
            if self._closed:
                raise HostError("the language host is stopping")
            # A process group of its own: the engine interrupts the host's group when it is done with the host, and a
            # program that has not quite ended by then would show its user a traceback.
            try:
                process = subprocess.Popen(
                    command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, process_group=0
                )
            except OSError as error:
                raise HostError(f"{command[0]} cannot be started in {cwd or Path.cwd()}: {error.strerror}") from error
            child = Child(process)
            self._running.add(child)
        return child

    def ended(self, child: Child) -> int:
        """Waits for `child` and forgets it; gives its exit code."""
        code = child.wait()
        with self._lock:
            self._running.discard(child)
        return code

    def stop(self, *, for_good: bool = False) -> None:
        """Stops all of them at once, as `Child.stop` does; `for_good` also refuses new ones."""
        with self._lock:
            self._closed = self._closed or for_good
            running = list(self._running)
        threads = [threading.Thread(target=child.stop, daemon=True) for child in running]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(GRACE_SECONDS + 0.5)
