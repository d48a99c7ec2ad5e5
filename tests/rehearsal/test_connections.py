"""Providers of one package are told apart, also when a connection comes back from another port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from polysilicon.rehearsal.connections import Connections
from polysilicon.rehearsal.model import Fault, RefusedError
from polysilicon.rehearsal.server import Server
from tests.rehearsal.simulated import Cloud

EAST, WEST = {"region": "us-east-1"}, {"region": "us-west-2"}
VPC = "aws:ec2/vpc:Vpc"


def two() -> Connections:
    """Two providers in two regions; each has asked about a resource."""
    connections = Connections()
    connections.configure("a", EAST)
    connections.configure("b", WEST)
    assert connections.settings("a", "urn:1") == EAST
    assert connections.settings("b", "urn:2") == WEST
    return connections


def test_who_comes_back_is_known_by_what_it_asks_about() -> None:
    connections = two()
    assert connections.settings("c", "urn:2") == WEST
    assert connections.settings("c", "urn:3") == WEST, "from then on it is known"
    assert connections.settings("d", "urn:3") == WEST, "and so is what it asked about"
    assert connections.settings("c") == WEST, "also if it asks about no resource"


@pytest.mark.parametrize("urn", ["", "urn:9"])
def test_who_comes_back_and_may_be_either_is_refused(urn: str) -> None:
    with pytest.raises(RefusedError, match="got: one of 2 providers") as refused:
        two().settings("c", urn)
    assert refused.value.fault is Fault.UNREACHABLE, "the engine takes it for nothing done"


@pytest.mark.parametrize("second", [EAST, None])
def test_who_comes_back_to_equal_settings_gets_them(second: dict[str, str] | None) -> None:
    connections = Connections()
    connections.configure("a", EAST)
    if second:
        connections.configure("b", second)
    assert connections.settings("c", "urn:9") == EAST


@contextmanager
def connected(port: int) -> Iterator[Any]:
    """A connection of its own, as the engine opens one for each provider."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


def struct(**values: Any) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


def test_a_server_makes_what_comes_back_where_it_belongs() -> None:
    cloud = Cloud()
    urn = cloud.urn(VPC, "v")
    inputs = struct(cidrBlock="10.0.0.0/16")
    with Server(cloud.simulation, {"aws": "7.0.0"}) as server, connected(server.ports["aws"]) as east:
        east.Configure(provider_pb2.ConfigureRequest(args=struct(region="us-east-1")))
        with connected(server.ports["aws"]) as west:
            west.Configure(provider_pb2.ConfigureRequest(args=struct(region="us-west-2")))
            west.Check(provider_pb2.CheckRequest(urn=urn, news=inputs))
        with connected(server.ports["aws"]) as again:
            made = again.Create(provider_pb2.CreateRequest(urn=urn, properties=inputs))
            (record,) = cloud.accounts.records()
            assert (record.id, record.scope.place) == (made.id, "us-west-2")
        with connected(server.ports["aws"]) as stranger, pytest.raises(grpc.RpcError) as refused:
            stranger.Check(provider_pb2.CheckRequest(urn=cloud.urn(VPC, "other"), news=inputs))
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert "stood idle too long" in refused.value.details()
