from __future__ import annotations

import functools
from collections.abc import Iterator

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.loaders import create_loader  # type: ignore[import-untyped]

from polysilicon.lookups.preflight import Clients
from tests.lookups.preflight.answers import ready
from tests.lookups.preflight.stand_in import StandIn

_one_loader = functools.cache(create_loader)


@pytest.fixture(scope="session")
def server() -> Iterator[StandIn]:
    with StandIn() as server:
        _wake(server)
        yield server


def _wake(server: StandIn) -> None:
    """moto loads its parts when they are first asked for, which takes seconds."""
    patient = Config(read_timeout=60, retries={"total_max_attempts": 1})
    for service, call in (
        ("ec2", "describe_vpcs"),
        ("sts", "get_caller_identity"),
        ("iam", "list_users"),
        ("s3", "list_buckets"),
    ):
        client = boto3.client(
            service,
            "us-east-1",
            endpoint_url=server.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=patient,
        )
        getattr(client, call)()
        client.close()


@pytest.fixture
def aws(server: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """AWS on loopback, with an account that is ready for anything, and credentials for it."""
    monkeypatch.setattr("botocore.session.create_loader", _one_loader)  # models are read once, not in each test
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
    with Clients(tries=1, patience=60) as clients:
        yield clients
