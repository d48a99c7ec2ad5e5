from __future__ import annotations

import pytest
from botocore import exceptions as boto  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

from polysilicon.lookups.preflight.failures import failure


def answered(code: str, status: int = 400, message: str = "because") -> boto.ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(response, "DescribeThings")


@pytest.mark.parametrize(
    ("error", "text", "credentials"),
    [
        (boto.NoCredentialsError(), "there are no credentials, or they are incomplete", True),
        (boto.PartialCredentialsError(provider="env", cred_var="x"), "there are no credentials", True),
        (boto.CredentialRetrievalError(provider="sso", error_msg="x"), "there are no credentials", True),
        (boto.UnauthorizedSSOTokenError(), "the login has run out", True),
        (boto.TokenRetrievalError(provider="sso", error_msg="x"), "the login has run out", True),
        (boto.ProfileNotFound(profile="prod"), "prod", True),
        (answered("ExpiredToken"), "the credentials have expired", True),
        (answered("SignatureDoesNotMatch"), "does not accept the credentials (SignatureDoesNotMatch)", True),
        (answered("UnauthorizedOperation", 403), "this identity may not call DescribeThings", False),
        (answered("RequestLimitExceeded", 503), "AWS throttles DescribeThings", False),
        (answered("OptInRequired", 403), "the account is not set up for DescribeThings", False),
        (answered("InternalError", 500), "AWS itself fails at DescribeThings (500)", False),
        (answered("404", 404), "something other than AWS answered DescribeThings (404)", False),
        (answered("Odd", message="a\n b" + "c" * 999), "DescribeThings: Odd: a bccc", False),
        (boto.ConnectTimeoutError(endpoint_url="https://x"), "no answer in time from https://x", False),
        (boto.EndpointConnectionError(endpoint_url="https://x"), "https://x cannot be reached", False),
        (boto.ProxyConnectionError(proxy_url="http://p"), "cannot be reached", False),
        (boto.SSLError(endpoint_url="https://x", error="bad"), "https://x cannot be reached", False),
        (ResponseParserError("x"), "something other than AWS answered", False),
        (KeyError("Quotas"), "something other than AWS answered: it says no 'Quotas'", False),
        (boto.DataNotFoundError(data_path="x"), "Unable to load data", False),
    ],
)
def test_every_failure_is_one_short_line(error: Exception, text: str, credentials: bool) -> None:
    found = failure(error)
    assert text in found.text
    assert found.credentials == credentials
    assert "\n" not in found.text + found.fix
    assert len(found.text) < 300
