"""Stands between the engine and a policy pack until the pack can be told its stack's configuration."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import grpc
from pulumi.runtime.proto import analyzer_pb2

from polysilicon.engine.host.options import HostError

_SERVICE = "pulumirpc.Analyzer"
_CONFIGURE = f"/{_SERVICE}/ConfigureStack"
_HANDSHAKE = f"/{_SERVICE}/Handshake"
UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
_CONFIGURE_SECONDS = 60.0


class PolicyProxy(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A server that keeps what the engine says to configure a pack, and hands every other call on to the pack.

    A call that comes before any configuration (as when a pack is published) starts the pack without one.
    """

    def __init__(self) -> None:
        self._configured = threading.Event()
        self._attached = threading.Event()
        self._configuration: bytes | None = None
        self._pack: Any = None
        self._server = grpc.server(ThreadPoolExecutor(max_workers=64), handlers=[self], options=UNLIMITED)
        self.port: int = self._server.add_insecure_port("127.0.0.1:0")

    def __enter__(self) -> PolicyProxy:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_up()
        if self._pack is not None:
            self._pack.close()
        self._server.stop(None)

    def await_configuration(self) -> analyzer_pb2.AnalyzerStackConfigureRequest | None:
        """Waits until the engine has said what the stack is, or asked for something else."""
        self._configured.wait()
        if self._configuration is None:
            return None
        configured = analyzer_pb2.AnalyzerStackConfigureRequest()
        configured.ParseFromString(self._configuration)
        return configured

    def attach(self, first_line: bytes) -> None:
        """Connects to the pack at the port that it has printed, and configures it; no port means it did not start."""
        if first_line.strip().isdigit():
            channel = grpc.insecure_channel(f"127.0.0.1:{int(first_line)}", options=UNLIMITED)
            if self._configuration is not None:
                _configure(channel, self._configuration)
            self._pack = channel
        self._attached.set()

    def give_up(self) -> None:
        """Lets no call wait for a pack any longer."""
        self._configured.set()
        self._attached.set()

    def service(self, handler_call_details: Any) -> Any:
        """The handler of one call, in the bytes of the wire: a pack may know fields that this host does not."""
        method: str = handler_call_details.method
        if not method.startswith(f"/{_SERVICE}/"):
            return None
        answers: dict[str, Callable[[bytes, Any], bytes]] = {
            _HANDSHAKE: lambda request, context: b"",
            _CONFIGURE: self._keep,
        }
        answer = answers.get(method, lambda request, context: self._forward(method, request, context))
        return grpc.unary_unary_rpc_method_handler(answer)

    def _keep(self, request: bytes, context: Any) -> bytes:
        self._configuration = request
        self._configured.set()
        return b""

    def _forward(self, method: str, request: bytes, context: Any) -> bytes:
        self._configured.set()
        self._attached.wait()
        if self._pack is None:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "the policy pack did not start; see what it printed")
        try:
            answer: bytes = self._pack.unary_unary(method)(request)
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())
        return answer


def _configure(channel: Any, configuration: bytes) -> None:
    try:
        channel.unary_unary(_CONFIGURE)(configuration, timeout=_CONFIGURE_SECONDS, wait_for_ready=True)
    except grpc.RpcError as error:
        # Packs made with an older pulumi-policy do not know this call; they have read their environment.
        if error.code() != grpc.StatusCode.UNIMPLEMENTED:
            raise HostError(f"the policy pack refused its configuration: {error.details()}") from error
