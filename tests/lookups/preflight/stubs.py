"""One client with botocore's own Stubber: it holds questions and answers against AWS's model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import boto3  # type: ignore[import-untyped]
from botocore.stub import Stubber  # type: ignore[import-untyped]

from polysilicon.lookups.preflight import Clients


class Stubbed:
    """Stands for `Clients` where all questions go to one service. `expect` in the order of the questions."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._client = boto3.client(service, "us-east-1", aws_access_key_id="t", aws_secret_access_key="t")
        self._stubber = Stubber(self._client)
        self._stubber.activate()

    def expect(self, call: str, answer: Mapping[str, Any], asked: Mapping[str, Any] | None = None) -> None:
        """The next question, and its answer; `asked` are its parameters, where they matter."""
        self._stubber.add_response(call, answer, asked)

    def refuse(self, call: str, code: str, status: int) -> None:
        """The next question, and AWS's error."""
        self._stubber.add_client_error(call, service_error_code=code, http_status_code=status)

    @property
    def clients(self) -> Clients:
        def give(service: str, region: str = "") -> Any:
            assert service == self._service
            return self._client

        return cast(Clients, give)

    def done(self) -> None:
        """Everything that was expected was asked."""
        self._stubber.assert_no_pending_responses()
        self._client.close()
