"""The forms that names and numbers must have in Kubernetes, by the words of the API server.

Source: k8s.io/apimachinery v0.35.0, pkg/util/validation/validation.go and pkg/api/validate/content.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_DNS_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_KEY})?"
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_DNS_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    f"'{_DNS_1035}')"
)
_KEY_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_KEY}')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{_VALUE}')"
)
_CONFIG_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_ENVIRONMENT_TEXT = "a valid environment variable name must consist only of printable ASCII characters other than '='"

Format = Callable[[Any], Iterator[str]]
"""Says what is wrong with a known value; nothing if it fits."""


def _matching(pattern: str, text: str, longest: int) -> Format:
    compiled = re.compile(pattern)

    def check(value: Any) -> Iterator[str]:
        if not isinstance(value, str):
            return
        if len(value) > longest:
            yield f"must be no more than {longest} characters"
        if not compiled.fullmatch(value):
            yield text

    return check


dns_label = _matching(_LABEL, _LABEL_TEXT, 63)
dns_subdomain = _matching(_SUBDOMAIN, _SUBDOMAIN_TEXT, 253)
dns_1035 = _matching(_DNS_1035, _DNS_1035_TEXT, 63)
label_value = _matching(_VALUE, _VALUE_TEXT, 63)
config_key = _matching(r"[-._a-zA-Z0-9]+", _CONFIG_TEXT, 253)
# Relaxed names are allowed since 1.30 (alpha), on by default since 1.32: the wider form never refuses a valid one.
environment_name = _matching(r"[ -<>-~]+", _ENVIRONMENT_TEXT, 1 << 20)
_key_name = _matching(_KEY, _KEY_TEXT, 63)


def qualified_name(value: Any) -> Iterator[str]:
    """A name with an optional prefix: `example.com/key`, as labels, annotations and resources have."""
    if not isinstance(value, str):
        return
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        yield f"a valid label key {_KEY_TEXT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return
    if slash and not prefix:
        yield "prefix part must be non-empty"
    elif slash:
        yield from (f"prefix part {text}" for text in dns_subdomain(prefix))
    if not name:
        yield "name part must be non-empty"
    else:
        yield from (f"name part {text}" for text in _key_name(name))


def port_name(value: Any) -> Iterator[str]:
    """A name of a port of a container: an IANA service name."""
    if not isinstance(value, str):
        return
    if len(value) > 15:
        yield "must be no more than 15 characters"
    if not re.fullmatch("[-a-z0-9]+", value):
        yield "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    if not re.search("[a-z]", value):
        yield "must contain at least one letter (a-z)"
    if "--" in value:
        yield "must not contain consecutive hyphens"
    if value.startswith("-") or value.endswith("-"):
        yield "must not begin or end with a hyphen"


def port(value: Any) -> Iterator[str]:
    """A port by number, or by the name that a container gives it."""
    if isinstance(value, str):
        yield from port_name(value)
    elif isinstance(value, (int, float)) and not 1 <= value <= 65535:
        yield "must be between 1 and 65535, inclusive"


def at_least(lowest: int) -> Format:
    """Numbers from `lowest` on."""

    def check(value: Any) -> Iterator[str]:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value < lowest:
            yield f"must be greater than or equal to {lowest}" if lowest == 0 else f"must be greater than {lowest - 1}"

    return check


def token_lifetime(value: Any) -> Iterator[str]:
    """How long a token of a service account holds, in seconds."""
    if isinstance(value, (int, float)) and value < 600:
        yield "may not specify a duration less than 10 minutes"
    elif isinstance(value, (int, float)) and value > 1 << 32:
        yield "may not specify a duration larger than 2^32 seconds"


def weight(value: Any) -> Iterator[str]:
    """How much a preference counts."""
    if isinstance(value, (int, float)) and not 1 <= value <= 100:
        yield "must be in the range 1-100"


def count_or_percent(value: Any) -> Iterator[str]:
    """A number of pods, or a share of them: `1`, `25%`."""
    if isinstance(value, str) and not re.fullmatch("[0-9]+%", value):
        yield (
            "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex "
            "used for validation is '[0-9]+%')"
        )
    elif isinstance(value, str) and int(value[:-1]) > 100:
        yield "must not be greater than 100%"
    else:
        yield from at_least(0)(value)


def cidr(value: Any) -> Iterator[str]:
    """A block of addresses. The servers take one with host bits set, as it always was."""
    if isinstance(value, str):
        try:
            if "/" not in value:
                raise ValueError
            ipaddress.ip_network(value, strict=False)
        except ValueError:
            yield "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


FORMATS: Mapping[str, Format] = {
    "dns-label": dns_label,
    "dns-subdomain": dns_subdomain,
    "dns-1035": dns_1035,
    "label-value": label_value,
    "qualified-name": qualified_name,
    "config-key": config_key,
    "environment-name": environment_name,
    "port": port,
    "port-name": port_name,
    "not-negative": at_least(0),
    "positive": at_least(1),
    "count-or-percent": count_or_percent,
    "token-lifetime": token_lifetime,
    "weight": weight,
    "cidr": cidr,
}
"""The forms by the names that the tables use."""
