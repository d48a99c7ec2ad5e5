"""The clients of AWS's own library: one session, and one client for each service and region, made when first used."""

from __future__ import annotations

import threading
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import InvalidConfigError, NoCredentialsError  # type: ignore[import-untyped]

_GLOBAL = "us-east-1"
"""Where IAM, STS and the price list are asked when no region is told."""


class Clients:
    """Gives clients to threads. Close it, or use it in a `with`: connections stay open until then.

    Args:
        endpoint: Where every service is asked, for a stand-in. By default AWS.
        profile: Profile of the shared configuration. By default that of the environment.
        tries: How often a question is asked that is throttled, or has no answer.
        patience: Seconds that one try waits for its answer. A question takes a minute or two at most.
    """

    def __init__(
        self, endpoint: str | None = None, profile: str | None = None, tries: int = 4, patience: float = 20
    ) -> None:
        self._endpoint = endpoint
        self._profile = profile
        self._config = Config(
            connect_timeout=min(5, patience),
            read_timeout=patience,
            retries={"mode": "standard", "total_max_attempts": tries},
            max_pool_connections=16,
        )
        self._session: Any = None
        self._anonymous = False
        self._made: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Clients:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, service: str, region: str = _GLOBAL) -> Any:
        """The client of a service in a region. Raises botocore's errors, as of a profile or credentials that are not
        there."""
        with self._lock:  # sessions are not safe to share between threads; clients are
            if self._session is None:
                session = boto3.Session(profile_name=self._profile)
                # Looked for once: where there are none, each look may wait for an instance's metadata service.
                self._anonymous = session.get_credentials() is None
                self._session = session
            if self._anonymous:
                raise NoCredentialsError()
            if (service, region) not in self._made:
                self._made[service, region] = self._client(service, region)
            return self._made[service, region]

    def _client(self, service: str, region: str) -> Any:
        try:
            return self._session.client(service, region_name=region, endpoint_url=self._endpoint, config=self._config)
        except ValueError as error:  # of the environment's endpoint, or of the shared configuration's
            raise InvalidConfigError(error_msg=str(error)) from error

    def close(self) -> None:
        """Closes all connections."""
        for client in self._made.values():
            client.close()
        self._made.clear()
