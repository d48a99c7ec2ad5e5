"""AWS on loopback: the real moto server, and before it answers for the calls that moto does not have.

An answer is a response in the terms of botocore's own model, which it is held against, and is put on the wire by moto's
serializers: clients cannot tell it from moto's.
"""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs

from botocore.validate import validate_parameters  # type: ignore[import-untyped]
from moto.core.exceptions import ServiceException
from moto.core.model import OperationModel, ServiceModel
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_SERVICES = {"servicequotas": "service-quotas"}
"""Names that botocore gives to services that are signed for by another one."""

_ACTIONS = {"HeadBucket": "ListBucket", "ListObjectsV2": "ListBucket"}
"""Actions that have another name than their operations: S3 API reference, HeadBucket and ListObjectsV2."""


@dataclass(frozen=True)
class Asked:
    """A call, as the server saw it."""

    service: str
    operation: str
    region: str
    given: Mapping[str, Any]
    """Members of a JSON body, or fields of a form."""

    @property
    def action(self) -> str:
        """Spelled as IAM does."""
        service = "servicequotas" if self.service == "service-quotas" else self.service
        return f"{service}:{_ACTIONS.get(self.operation, self.operation)}"


@dataclass(frozen=True)
class Refused:
    """An error that AWS answers with."""

    code: str
    message: str = "no"
    status: int = 400


@dataclass(frozen=True)
class Raw:
    """Anything, as it stands."""

    status: int
    body: str
    seconds: float = 0
    """How long it takes to come."""


Answer = Mapping[str, Any] | Refused | Raw
Answers = dict[str, Answer | Callable[[Asked], Answer]]


@dataclass
class StandIn:
    """A server to use in a `with`. `answers` go before moto's, by the name of the operation."""

    answers: Answers = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    delay: float = 0
    """Seconds that each answer takes, as over a network."""

    def __enter__(self) -> StandIn:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()
        self._server = make_server("127.0.0.1", 0, self._wsgi, threaded=True, request_handler=_Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def operations(self) -> list[str]:
        """Names of what was called, sorted; tries count."""
        return sorted(asked.operation for asked in self.asked)

    def _wsgi(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        request = Request(environ)
        body = request.get_data()
        environ["wsgi.input"] = io.BytesIO(body)  # for moto
        asked = self._read(request, body.decode())
        if asked is None:
            return self._moto(environ, start)  # type: ignore[no-any-return]
        with self._lock:
            self.asked.append(asked)
        time.sleep(self.delay)
        answer = self.answers.get(asked.operation)
        if answer is None:
            return self._moto(environ, start)  # type: ignore[no-any-return]
        response = self._response(asked, answer(asked) if callable(answer) else answer)
        return response(environ, start)

    def _read(self, request: Request, body: str) -> Asked | None:
        scope = _SCOPE.search(request.headers.get("Authorization", ""))
        if scope is None:
            return None
        service = _SERVICES.get(scope["service"], scope["service"])
        if target := request.headers.get("X-Amz-Target"):
            return Asked(service, target.rpartition(".")[2], scope["region"], json.loads(body or "{}"))
        form = {name: values[0] for name, values in parse_qs(body).items()}
        return Asked(service, form.get("Action") or self._by_path(service, request), scope["region"], form)

    def _by_path(self, service: str, request: Request) -> str:
        model: ServiceModel = get_service_model(service)
        found = {}
        for name in model.operation_names:
            http = model.operation_model(name).http
            path, _, query = http["requestUri"].partition("?")
            wanted = {pair for pair in query.split("&") if pair}
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
            given = {f"{key}={value}" if value else key for key, value in request.args.items()}
            if http["method"] == request.method and re.fullmatch(pattern, request.path) and wanted <= given:
                found[str(name)] = len(wanted)
        return max(found, key=found.__getitem__, default=request.path)  # the one that says most

    def _response(self, asked: Asked, answer: Answer) -> Response:
        if isinstance(answer, Raw):
            time.sleep(answer.seconds)
            return Response(answer.body, answer.status)
        service: ServiceModel = get_service_model(asked.service)
        operation: OperationModel = service.operation_model(asked.operation)
        serializer = get_serializer_class(asked.service, service.protocol)(operation)
        if isinstance(answer, Refused):
            error = serializer.serialize(_Error(answer.code, answer.message))
            return Response(error["body"], answer.status, dict(error["headers"]))
        validate_parameters(dict(answer), operation.output_shape)
        told = serializer.serialize(answer)
        return Response(told["body"], told["status_code"], dict(told["headers"]))


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Writes nothing."""


class _Error(ServiceException):
    """An error of AWS; moto's serializers know it by its base."""
