"""Why a question had no answer, in one line, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from botocore import exceptions as boto  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

_LOG_IN = "log in (aws sso login, or aws configure) and see with `aws sts get-caller-identity` who you are"

_PROXY = "see whether a proxy is in between"


@dataclass(frozen=True)
class Failure:
    """An unanswered question.

    Attributes:
        credentials: Whether the credentials themselves seem to be the reason, so that every other question fails alike.
    """

    text: str
    fix: str
    credentials: bool = False


_NO_CREDENTIALS = (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError)
_NO_LOGIN = (boto.TokenRetrievalError, boto.SSOTokenLoadError, boto.UnauthorizedSSOTokenError)
_BROKEN_SETTINGS = (boto.ConfigParseError, boto.InvalidConfigError)
_TIMEOUTS = (boto.ConnectTimeoutError, boto.ReadTimeoutError)
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_REJECTED = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_THROTTLED = {
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}


def failure(error: Exception) -> Failure:
    """What an error means: one of AWS's library, or a `KeyError` of an answer that lacks what AWS always says."""
    if isinstance(error, boto.ClientError):
        return _answered(error)
    if isinstance(error, _NO_CREDENTIALS):
        return Failure("there are no credentials, or they are incomplete", _LOG_IN, credentials=True)
    if isinstance(error, _NO_LOGIN):
        return Failure("the login has run out", _LOG_IN, credentials=True)
    if isinstance(error, boto.ProfileNotFound):
        fix = "name one of `aws configure list-profiles` in AWS_PROFILE, or unset it"
        return Failure(str(error), fix, credentials=True)
    if isinstance(error, _TIMEOUTS):
        fix = "see whether this network lets you reach AWS, and run it again"
        return Failure(f"no answer in time from {_host(error)}", fix)
    if isinstance(error, boto.EndpointConnectionError | boto.ConnectionError | boto.HTTPClientError):
        return Failure(f"{_host(error)} cannot be reached", "see that region, proxy and network are right")
    if isinstance(error, _BROKEN_SETTINGS):
        fix = "mend AWS_ENDPOINT_URL, or the file that AWS_CONFIG_FILE names (by default ~/.aws/config)"
        return Failure(_one_line(str(error)), fix)
    if isinstance(error, ResponseParserError):
        return Failure("something other than AWS answered, or AWS in a broken way", _PROXY)
    if isinstance(error, KeyError):
        return Failure(f"something other than AWS answered: it says no {error}", _PROXY)
    return Failure(_one_line(str(error) or type(error).__name__), "")


def _answered(error: boto.ClientError) -> Failure:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.response.get("Error", {}).get("Code", "")
    message = _one_line(error.response.get("Error", {}).get("Message", ""))
    call = error.operation_name
    if code in _EXPIRED:
        return Failure("the credentials have expired", _LOG_IN, credentials=True)
    if code in _REJECTED:
        return Failure(f"AWS does not accept the credentials ({code})", _LOG_IN, credentials=True)
    if code in _DENIED or (code == "403" and call.startswith("Head")):  # an answer to HEAD has no text to say why
        fix = "grant it: `polysilicon preflight --policy preflight` prints all that is needed"
        return Failure(f"this identity may not call {call}", fix)
    if code in _THROTTLED:
        return Failure(f"AWS throttles {call}, however often it is asked", "run it again in some minutes")
    if code == "OptInRequired":
        return Failure(f"the account is not set up for {call}", "enable the region or the service for the account")
    if status >= 500:
        fix = "run it again in some minutes; https://health.aws.amazon.com says what is out of order"
        return Failure(f"AWS itself fails at {call} ({status})", fix)
    if code.isdigit():  # of the status, because there was no error of AWS's in the answer
        return Failure(f"something other than AWS answered {call} ({code})", _PROXY)
    return Failure(f"{call}: {code}: {message}", "")


def _host(error: Exception) -> str:
    return str(getattr(error, "kwargs", {}).get("endpoint_url", "AWS"))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
