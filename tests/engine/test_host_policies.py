"""The proxy in front of a policy pack: the pack starts only when its stack is known, and then gets every call."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from polysilicon.engine.host.options import HostError
from polysilicon.engine.host.policies import PolicyProxy


class Pack(analyzer_pb2_grpc.AnalyzerServicer):
    """A policy pack that remembers its configuration; an old one does not know the call."""

    def __init__(self, old=False, refuses=False):
        self.old, self.refuses, self.configured = old, refuses, None

    def ConfigureStack(self, request, context):  # noqa: N802
        if self.old:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "what?")
        if self.refuses:
            context.abort(grpc.StatusCode.INTERNAL, "no")
        self.configured = request
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def GetPluginInfo(self, request, context):  # noqa: N802
        return plugin_pb2.PluginInfo(version="1.2.3")

    def Analyze(self, request, context):  # noqa: N802
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no {request.type}")


@pytest.fixture
def serve():
    servers = []

    def start(pack: Pack) -> bytes:
        server = grpc.server(ThreadPoolExecutor(2))
        analyzer_pb2_grpc.add_AnalyzerServicer_to_server(pack, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return f"{port}\n".encode()

    yield start
    for server in servers:
        server.stop(None).wait()


@pytest.fixture
def proxy():
    with PolicyProxy() as made:
        yield made


@pytest.fixture
def engine(proxy):
    with grpc.insecure_channel(f"127.0.0.1:{proxy.port}") as channel:
        yield analyzer_pb2_grpc.AnalyzerStub(channel)


def request() -> analyzer_pb2.AnalyzerStackConfigureRequest:
    return analyzer_pb2.AnalyzerStackConfigureRequest(stack="dev", project="p", config={"p:x": "1"})


def test_the_configuration_is_known_before_the_pack_runs_and_reaches_it(proxy, engine, serve):
    engine.Handshake(analyzer_pb2.AnalyzerHandshakeRequest(engine_address="127.0.0.1:1"))
    engine.ConfigureStack(request())
    assert proxy.await_configuration() == request()
    pack = Pack()
    proxy.attach(serve(pack))
    assert pack.configured == request()
    assert engine.GetPluginInfo(Empty()).version == "1.2.3"


def test_a_call_that_comes_first_starts_the_pack_without_configuration(proxy, engine, serve):
    pack = Pack()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(engine.GetPluginInfo, Empty())
        assert proxy.await_configuration() is None
        proxy.attach(serve(pack))
        assert asked.result(10).version == "1.2.3"
    assert pack.configured is None


def test_an_old_pack_need_not_know_how_to_be_configured(proxy, engine, serve):
    engine.ConfigureStack(request())
    proxy.attach(serve(Pack(old=True)))
    assert engine.GetPluginInfo(Empty()).version == "1.2.3"


def test_a_pack_that_refuses_its_configuration_is_told(proxy, engine, serve):
    engine.ConfigureStack(request())
    with pytest.raises(HostError, match="the policy pack refused its configuration: no"):
        proxy.attach(serve(Pack(refuses=True)))


def test_what_the_pack_answers_with_is_handed_on_errors_too(proxy, engine, serve):
    proxy.attach(serve(Pack()))
    with pytest.raises(grpc.RpcError, match="no aws:s3:Bucket") as told:
        engine.Analyze(analyzer_pb2.AnalyzeRequest(type="aws:s3:Bucket"))
    assert told.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_pack_that_ends_without_a_port_fails_the_calls(proxy, engine):
    proxy.attach(b"")
    with pytest.raises(grpc.RpcError, match="the policy pack did not start"):
        engine.GetPluginInfo(Empty())


def test_nobody_waits_for_a_pack_that_was_given_up(proxy):
    waiting = threading.Thread(target=proxy.await_configuration)
    waiting.start()
    proxy.give_up()
    waiting.join(5)
    assert not waiting.is_alive()
