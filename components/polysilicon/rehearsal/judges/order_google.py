"""Google Cloud: an API before its resources and after them, a proxy-only subnet before regional proxies."""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Iterator, Mapping
from typing import Any

from polysilicon.rehearsal.identifiers import normal
from polysilicon.rehearsal.judges.order_moment import Moment, Row, words
from polysilicon.rehearsal.model import Call, Fault, Problem, Record
from polysilicon.rehearsal.values import at
from polysilicon.rehearsal.wording import told

_SERVICE, _SUBNET = "gcp:projects/service:Service", "gcp:compute/subnetwork:Subnetwork"
_CLUSTER, _NETWORK = "gcp:container/cluster:Cluster", "gcp:compute/network:Network"
_MANAGED, _OFF = "manages APIs of ", "disabled "


def _announced(call: Call, moment: Moment) -> Iterator[Problem]:
    """A program that enables any API of a project takes care of all of them; one that enables none finds them so."""
    own = _key(call.scope.owner, str(call.inputs.get("service")))
    moment.seen.update((_MANAGED + call.scope.owner, _MANAGED + own))
    return iter(())


def _enabled_too_late(call: Call, moment: Moment) -> Iterator[Problem]:
    """Enabling an API when something of it was made already, in this rehearsal: that came too early."""
    api = str(call.inputs.get("service"))
    moment.seen.discard(_OFF + _key(call.scope.owner, api))
    early = _key(call.scope.owner, api) + " used by "
    user = next((name for name in sorted(moment.seen) if name.startswith(early)), None)
    if user is not None and not _is_enabled(moment, call.scope.owner, api):
        text = (
            "Error 403: {api} is enabled only now, after {user}, which needs it and would have been refused "
            "(accessNotConfigured). Let that depend on this, by depends_on"
        )
        yield Problem(told(call, text, api=api, user=user.removeprefix(early)), "service")


def _disabled(call: Call, moment: Moment) -> Iterator[Problem]:
    """On destroy an API stays enabled, unless the program says otherwise."""
    key = _key(call.scope.owner, str(call.inputs.get("service")))
    if call.inputs.get("disableOnDestroy") is True:
        moment.seen.add(_OFF + key)
    else:
        moment.accounts.learn([key])
    return iter(())


def _api_on(call: Call, moment: Moment) -> Iterator[Problem]:
    row = _api_of(call.type)
    if row is None:
        return
    owner, api = call.scope.owner, row["api"]
    if _is_enabled(moment, owner, api):
        enabling = moment.made(_key(owner, api), _SERVICE)
        if enabling is not None:
            moment.relies(call, f"it {api} refuses all", [enabling])
        return
    managed = _MANAGED + (_key(owner, api) if row.get("if_managed") else owner)
    if managed in moment.seen or any(r.scope.owner == owner for r in _services(moment, row)):
        yield _off(call, row, "enable it by gcp.projects.Service, and let this depend on that (depends_on)")
    else:
        moment.seen.add(f"{_key(owner, api)} used by {call.kind} {call.name}")
        moment.unjudged("APIs that no gcp.projects.Service enables: taken for enabled")


def _api_still_on(call: Call, moment: Moment) -> Iterator[Problem]:
    row = _api_of(call.type)
    if row is not None and _OFF + _key(call.scope.owner, row["api"]) in moment.seen:
        yield _off(call, row, "let this depend on the gcp.projects.Service, which then is disabled after it")


def _off(call: Call, row: Mapping[str, Any], advice: str) -> Problem:
    text = (
        "Error 403: {title} has not been used in project {project} before or it is disabled. Enable it by visiting "
        "https://console.developers.google.com/apis/api/{api}/overview?project={project} then retry. If you enabled "
        "this API recently, wait a few minutes for the action to propagate to our systems and retry., "
        "accessNotConfigured ({advice})"
    )
    message = told(call, text, title=row["title"], api=row["api"], project=call.scope.owner, advice=advice)
    return Problem(message, fault=Fault.UNREACHABLE)


def _is_enabled(moment: Moment, owner: str, api: str) -> bool:
    if _OFF + _key(owner, api) in moment.seen:
        return False
    elsewhere = moment.accounts.is_elsewhere(_key(owner, api)) or moment.accounts.is_elsewhere(api)
    return elsewhere or moment.made(_key(owner, api), _SERVICE) is not None


def _services(moment: Moment, row: Mapping[str, Any]) -> Iterator[Record]:
    """The enabled APIs that tell whether a program takes care of the one in this row."""
    return iter(()) if row.get("if_managed") else iter(moment.accounts.of_types(_SERVICE.__eq__))


def _key(owner: str, api: str) -> str:
    """The id of the resource that enables an API."""
    return f"{owner}/{api}"


@functools.lru_cache(maxsize=1024)
def _api_of(type_: str) -> Mapping[str, Any] | None:
    rest = type_.partition(":")[2]
    rows: list[Mapping[str, Any]] = words("gcp")["apis"]
    return next((row for row in rows if any(fnmatch.fnmatchcase(rest, types) for types in row["types"])), None)


def _forwarding_rule(call: Call, moment: Moment) -> Iterator[Problem]:
    # gcp trap 32
    if call.inputs.get("loadBalancingScheme") not in words("gcp")["proxies"]["schemes"]:
        return
    region = str(call.inputs.get("region") or "")
    network = _network(moment, str(call.inputs.get("network") or ""))
    if network is None:
        return
    subnets = _for_proxies(moment, network, region)
    moment.relies(call, "it no proxy can start", *([subnet] for subnet in subnets))
    if not subnets:
        text = (
            "Error 400: An active proxy-only subnetwork is required in "
            "the same region and VPC as the forwarding rule ({network}, {region}). Make a subnetwork with purpose "
            "REGIONAL_MANAGED_PROXY before it (depends_on)"
        )
        yield Problem(told(call, text, network=network.id, region=region or "its region"))


def _gateway(call: Call, moment: Moment) -> Iterator[Problem]:
    """A Gateway of a regional class is made in any case: its controller waits for the subnet, and nobody for it."""
    classes = str(at(call.inputs, "spec.gatewayClassName") or "")
    cluster = moment.accounts.at_endpoint(call.scope.owner)
    regional = classes.startswith(tuple(words("gcp")["proxies"]["gateways"]))
    if regional and cluster is not None and cluster.type == _CLUSTER:
        location = str(cluster.outputs.get("location") or "")
        region = location.rpartition("-")[0] if location.count("-") > 1 else location
        network = _network(moment, str(cluster.inputs.get("network") or ""))
        if network is not None and not _for_proxies(moment, network, region):
            moment.unjudged(f"Gateways that have no address until {network.name} has a proxy-only subnet in {region}")
    return iter(())


def _network(moment: Moment, name: str) -> Record | None:
    """A network that was made here; nothing for another, and for none."""
    made = moment.made(name, _NETWORK) or moment.made(normal("gcp", name), _NETWORK)
    if made is None and name:
        moment.unjudged("proxy-only subnets of a network that was not made here")
    return made


def _for_proxies(moment: Moment, network: Record, region: str) -> list[Record]:
    return [r for r in moment.accounts.of_types(_SUBNET.__eq__) if _is_for_proxies(r, network, region)]


def _is_for_proxies(subnet: Record, network: Record, region: str) -> bool:
    inputs = subnet.inputs
    ours = normal("gcp", str(inputs.get("network", ""))) in {*network.names, network.id}
    there = not region or region in (inputs.get("region"), subnet.outputs.get("region"))
    purpose = inputs.get("purpose") in words("gcp")["proxies"]["purposes"]
    return ours and there and purpose and inputs.get("role") != "BACKUP"


ROWS: tuple[tuple[str, str, Row], ...] = (
    ("check", _SERVICE, _announced),
    ("create", _SERVICE, _enabled_too_late),
    ("delete", _SERVICE, _disabled),
    ("create", "gcp:*", _api_on),
    ("delete", "gcp:*", _api_still_on),
    ("create", "gcp:compute/forwardingRule:ForwardingRule", _forwarding_rule),
    ("create", "kubernetes:gateway.networking.k8s.io/*:Gateway", _gateway),
)
