from __future__ import annotations

from collections.abc import Iterator

import pytest

from polysilicon.lookups.preflight import Clients
from tests.lookups.preflight.answers import ready
from tests.lookups.preflight.stand_in import StandIn


@pytest.fixture(scope="session")
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture
def aws(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """AWS on loopback, with an account that is ready for anything, and credentials for it."""
    server.answers, server.delay = ready(), 0
    server.asked.clear()
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return server


@pytest.fixture
def clients(aws: StandIn) -> Iterator[Clients]:
    """Clients that do not ask twice."""
    with Clients(tries=1, patience=5) as clients:
        yield clients
