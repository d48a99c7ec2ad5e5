"""The provider servers that the engine attaches to: one port for each package, one set of settings per connection.

The engine opens a connection of its own for each provider it loads, so two providers of the same package (two clusters,
two regions) are told apart by the peer that calls, and configured before anything else is asked of them.
"""
# ruff: noqa: N802 - the names of the methods are the protocol's

from __future__ import annotations

import functools
import json
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from polysilicon.rehearsal import providers
from polysilicon.rehearsal.cluster import NotReadyError
from polysilicon.rehearsal.cluster.undone import is_watched, unless_done
from polysilicon.rehearsal.connections import Connections
from polysilicon.rehearsal.differences import Difference
from polysilicon.rehearsal.lookups import Lookups
from polysilicon.rehearsal.model import Fault, Problem, RefusedError
from polysilicon.rehearsal.naming import Proposal
from polysilicon.rehearsal.remains import HalfMadeError
from polysilicon.rehearsal.schedule import STEPS_AT_ONCE
from polysilicon.rehearsal.simulation import Simulation, parts
from polysilicon.rehearsal.values import INTERNAL, Properties, decode, encode

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

# Codes that the engine takes for "nothing has happened": for any others it would call the state uncertain.
_CODES = {
    Fault.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Fault.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Fault.EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Fault.IN_USE: grpc.StatusCode.FAILED_PRECONDITION,
    Fault.UNREACHABLE: grpc.StatusCode.FAILED_PRECONDITION,
    Fault.UNSUPPORTED: grpc.StatusCode.FAILED_PRECONDITION,
    Fault.DIED: grpc.StatusCode.UNAVAILABLE,
}
_LARGEST_MESSAGE = 400 * 1024 * 1024
_OPTIONS = [("grpc.max_receive_message_length", _LARGEST_MESSAGE), ("grpc.max_send_message_length", _LARGEST_MESSAGE)]
_KINDS = {
    ("add", False): provider_pb2.PropertyDiff.ADD,
    ("add", True): provider_pb2.PropertyDiff.ADD_REPLACE,
    ("delete", False): provider_pb2.PropertyDiff.DELETE,
    ("delete", True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    ("update", False): provider_pb2.PropertyDiff.UPDATE,
    ("update", True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}
_CHANGED = {True: provider_pb2.DiffResponse.DIFF_SOME, False: provider_pb2.DiffResponse.DIFF_NONE}


class Server:
    """Serves the simulation on 127.0.0.1 until it is stopped.

    Args:
        simulation: What answers.
        versions: The plugins to stand in for, each with the version that the program's SDK expects.

    Attributes:
        ports: Where each plugin is served. A port of its own is how a plugin knows which version it is.
    """

    def __init__(self, simulation: Simulation, versions: Mapping[str, str]) -> None:
        threads = futures.ThreadPoolExecutor(STEPS_AT_ONCE + 64, "rehearsal")
        self._servers = {name: grpc.server(threads, options=_OPTIONS) for name in versions}
        self.ports: dict[str, int] = {}
        for name, server in self._servers.items():
            servicer = _Provider(simulation, versions[name])
            provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
            self.ports[name] = server.add_insecure_port("127.0.0.1:0")

    @property
    def attached(self) -> str:
        """The value of PULUMI_DEBUG_PROVIDERS that makes the engine attach here."""
        return ",".join(f"{name}:{port}" for name, port in self.ports.items())

    def __enter__(self) -> Server:
        for server in self._servers.values():
            server.start()
        return self

    def __exit__(self, *_: object) -> None:
        for stopped in [server.stop(grace=1) for server in self._servers.values()]:
            stopped.wait()


def _answers(method: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """Tells a refusal to the engine as a provider does; a mistake of our own is told with its traceback."""

    @functools.wraps(method)
    def call(self: Any, request: Any, context: Any) -> Any:
        try:
            with self._simulation.schedule.request():
                return method(self, request, context)
        except (NotReadyError, HalfMadeError) as unready:
            return _abort_half_done(context, unready, self._secret(request))
        except RefusedError as refusal:
            fault, text = refusal.fault, str(refusal)
        except Exception:
            fault, text = None, f"the rehearsal itself failed:\n{traceback.format_exc()}"
        return context.abort(_CODES[fault] if fault else grpc.StatusCode.INTERNAL, text)

    return call


def _abort_half_done(context: Any, unready: NotReadyError | HalfMadeError, secret: frozenset[str]) -> Any:
    """Tells the engine that the resource exists and is not ready: it keeps both the resource and the reasons."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=unready.record.id, properties=encode(unready.record.outputs, secret), reasons=unready.reasons
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(unready))
    status.details.add().Pack(detail)
    context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
    return context.abort(grpc.StatusCode.UNKNOWN, str(unready))


class _Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The protocol: unpacks what the engine asks, and packs what the simulation answers."""

    def __init__(self, simulation: Simulation, version: str) -> None:
        self._simulation, self._version = simulation, version
        self._lookups = Lookups(simulation)
        self._connections = Connections()

    # ── What a provider is ───────────────────────────────────────────────────────────────────────────────────────────

    def Handshake(self, request: Any, context: Any) -> Any:
        # Secrets are refused so that the engine keeps the marks itself, property by property.
        return provider_pb2.ProviderHandshakeResponse(supports_autonaming_configuration=True)

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=self._version)

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "rehearsal", "version": "0.0.0"}))

    def Parameterize(self, request: Any, context: Any) -> Any:
        return provider_pb2.ParameterizeResponse(name=request.value.name, version=request.value.version)

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    # ── Its configuration ────────────────────────────────────────────────────────────────────────────────────────────

    @_answers
    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    @_answers
    def DiffConfig(self, request: Any, context: Any) -> Any:
        package = parts(request.urn)[0].rsplit(":", 1)[-1]
        old, new = decode(request.old_inputs), decode(request.news)
        return provider_pb2.DiffResponse(changes=_CHANGED[old != new], replaces=providers.replaces(package, old, new))

    @_answers
    def Configure(self, request: Any, context: Any) -> Any:
        self._connections.configure(context.peer(), providers.settings(decode(request.args)))
        return provider_pb2.ConfigureResponse(supportsPreview=True, supports_autonaming_configuration=True)

    def _settings_of(self, request: Any, context: Any) -> Properties:
        """The settings of the provider that calls."""
        return self._connections.settings(context.peer(), getattr(request, "urn", ""))

    # ── Resources ────────────────────────────────────────────────────────────────────────────────────────────────────

    @_answers
    def Check(self, request: Any, context: Any) -> Any:
        settings, news, old = self._settings_of(request, context), decode(request.news), decode(request.olds)
        disabled = request.autonaming.mode == provider_pb2.CheckRequest.AutonamingOptions.DISABLE
        proposal = Proposal("" if disabled else request.autonaming.proposed_name, disabled)
        inputs = self._simulation.check(settings, request.urn, news, old, proposal)
        problems = self._simulation.judge_check(settings, request.urn, inputs, old)
        return provider_pb2.CheckResponse(
            inputs=encode(inputs, self._secret(request)),
            failures=[provider_pb2.CheckFailure(property=p.property, reason=p.message) for p in problems],
        )

    @_answers
    def Diff(self, request: Any, context: Any) -> Any:
        type_, settings, news = parts(request.urn)[0], self._settings_of(request, context), decode(request.news)
        undone = self._undone(request, settings) if is_watched(type_, news) else []
        found = self._simulation.compare(type_, decode(request.old_inputs), news, settings, undone)
        return provider_pb2.DiffResponse(
            changes=_CHANGED[bool(found.changes)],
            diffs=sorted({str(change.path[0]) for change in found.changes}),
            replaces=sorted({change.text for change in found.changes if change.replaces}),
            deleteBeforeReplace=found.delete_first,
            hasDetailedDiff=True,
            detailedDiff={
                change.text: provider_pb2.PropertyDiff(kind=_KINDS[change.kind, change.replaces], inputDiff=True)
                for change in found.changes
            },
        )

    def _undone(self, request: Any, settings: Properties) -> Sequence[Difference]:
        """What makes a job anew that is not done; nothing in a cluster that cannot be asked."""
        inputs, before = decode(request.old_inputs), decode(request.olds)
        try:
            call = self._simulation.call("read", settings, request.urn, inputs, request.id, before)
        except RefusedError:
            return []
        return unless_done(call.record)

    @_answers
    def Create(self, request: Any, context: Any) -> Any:
        settings, inputs = self._settings_of(request, context), decode(request.properties)
        call = self._simulation.call(
            "create", settings, request.urn, inputs, preview=request.preview, timeout=request.timeout
        )
        if request.preview:
            outputs, id_ = self._simulation.preview(call), ""
        else:
            record = self._simulation.create(call)
            outputs, id_ = record.outputs, record.id
        return provider_pb2.CreateResponse(id=id_, properties=encode(outputs, self._secret(request)))

    @_answers
    def Update(self, request: Any, context: Any) -> Any:
        settings, inputs, before = self._settings_of(request, context), decode(request.news), decode(request.olds)
        call = self._simulation.call(
            "update", settings, request.urn, inputs, request.id, before, request.preview, request.timeout
        )
        update = self._simulation.preview_update if request.preview else self._simulation.update
        return provider_pb2.UpdateResponse(properties=encode(update(call), self._secret(request)))

    @_answers
    def Delete(self, request: Any, context: Any) -> Any:
        settings, inputs, before = (
            self._settings_of(request, context),
            decode(request.old_inputs),
            decode(request.properties),
        )
        asked = functools.partial(self._simulation.call, "delete", settings, request.urn, inputs, request.id, before)
        try:
            self._simulation.schedule.hold(asked())
            call = asked()  # what exists may be another by now
        except RefusedError as refusal:
            if refusal.fault is Fault.UNREACHABLE and settings.get("deleteUnreachable"):
                return empty_pb2.Empty()
            raise
        self._simulation.delete(call)
        return empty_pb2.Empty()

    @_answers
    def Read(self, request: Any, context: Any) -> Any:
        settings, inputs, before = (
            self._settings_of(request, context),
            decode(request.inputs),
            decode(request.properties),
        )
        call = self._simulation.call("read", settings, request.urn, inputs, request.id, before)
        record = self._simulation.find(call)
        if record is None:
            told = self._simulation.outside(call, before)
            return provider_pb2.ReadResponse(**({} if told is None else {"id": request.id, "properties": encode(told)}))
        bookkeeping = {name: value for name, value in inputs.items() if name.startswith(INTERNAL)}
        secret = self._secret(request)
        return provider_pb2.ReadResponse(
            id=record.id,
            properties=encode(record.outputs, secret),
            inputs=encode({**record.inputs, **bookkeeping}, secret),
        )

    def _secret(self, request: Any) -> frozenset[str]:
        return self._simulation.known(parts(request.urn)[0])[0].secret

    # ── Functions, and what only the real plugin can do ──────────────────────────────────────────────────────────────

    @_answers
    def Invoke(self, request: Any, context: Any) -> Any:
        answer = self._lookups.answer(self._settings_of(request, context), request.tok, decode(request.args))
        return provider_pb2.InvokeResponse(**{"return": encode(answer)})

    @_answers
    def Call(self, request: Any, context: Any) -> Any:
        raise RefusedError(_inside(request.tok))


def _inside(token: str) -> Problem:
    package = token.split(":")[0]
    text = (
        f"{token} is made inside the plugin of the package {package!r}, which a rehearsal does not run. "
        f"Attach the real plugin with --provider {package}=PATH"
    )
    return Problem(text, fault=Fault.UNSUPPORTED)
