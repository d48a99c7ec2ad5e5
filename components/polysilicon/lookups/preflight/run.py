"""All checks at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import datetime
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

from polysilicon.engine.progress import Report, silent
from polysilicon.lookups.preflight.clients import Clients
from polysilicon.lookups.preflight.clusters import cluster
from polysilicon.lookups.preflight.failures import Failure, failure
from polysilicon.lookups.preflight.findings import Check, Finding, Status
from polysilicon.lookups.preflight.identity import identity, rights, service_role
from polysilicon.lookups.preflight.images import machine_images
from polysilicon.lookups.preflight.machines import offered, spot_score
from polysilicon.lookups.preflight.networks import networks
from polysilicon.lookups.preflight.quotas import quotas
from polysilicon.lookups.preflight.reservations import reservations
from polysilicon.lookups.preflight.stores import store
from polysilicon.lookups.preflight.tools import tools
from polysilicon.lookups.preflight.versions import images, support
from polysilicon.planning.requirements import AwsRequirements, RegionRequirements

_THREADS = 16


def preflight(wanted: AwsRequirements, clients: Clients, now: datetime, report: Report = silent) -> list[Finding]:
    """Asks everything, concurrently, and gives what was found in a fixed order: the account, then each region.

    A question without an answer is a finding too, and the others are asked all the same. The number of questions
    grows with regions and machine types, not with pools.
    """
    checks = [*_account(wanted, clients), *(c for r in wanted.regions for c in _region(r, clients, now))]
    answers: dict[int, Sequence[Finding] | Failure] = {}
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="preflight") as pool:
        asked = {pool.submit(_answer, check): index for index, check in enumerate(checks)}
        for done, future in enumerate(as_completed(asked), start=1):
            answers[asked[future]] = future.result()
            report("asking AWS", done / len(checks))
    return [*_told(checks, [answers[index] for index in range(len(checks))])]


def _account(wanted: AwsRequirements, clients: Clients) -> Iterator[Check]:
    if not wanted.regions:
        return
    yield Check("identity", partial(identity, wanted, clients))
    if wanted.parts:
        yield Check("rights", partial(rights, wanted, clients))
    yield from (Check("service role", partial(service_role, name, clients)) for name in _service_roles(wanted))
    if wanted.has_clusters:
        yield Check("command", tools)


def _service_roles(wanted: AwsRequirements) -> Iterator[str]:
    if wanted.has_clusters:
        yield "AWSServiceRoleForAutoScaling"
    if wanted.uses_spot:
        yield "AWSServiceRoleForEC2Spot"
    if wanted.has_servers:
        yield "AWSServiceRoleForCloudWatchEvents"


def _region(wanted: RegionRequirements, clients: Clients, now: datetime) -> Iterator[Check]:
    def check(name: str, ask: Callable[[], Iterable[Finding]]) -> Check:
        return Check(name, ask, wanted.region)

    yield check("quota", partial(quotas, wanted, clients))
    yield check("offered", partial(offered, wanted, clients))
    if wanted.networks:
        yield check("network", partial(networks, wanted, clients))
    for there in wanted.clusters:
        yield check("cluster", partial(cluster, there, wanted.region, clients))
    for found in wanted.stores:
        yield check("weights", partial(store, found, wanted.region, clients))
    if wanted.reservations:
        yield check("reservation", partial(reservations, wanted, clients))
    if wanted.kubernetes:
        yield check("EKS version", partial(support, wanted, clients, now))
        yield check("node image", partial(images, wanted, clients))
    if wanted.machine_images:
        yield check("machine image", partial(machine_images, wanted, clients))
    for machine, nodes in wanted.spot.items():
        yield check("spot score", partial(spot_score, machine, nodes, wanted.region, clients))


def _answer(check: Check) -> Sequence[Finding] | Failure:
    try:
        return list(check.ask())
    except (BotoCoreError, ClientError, ResponseParserError, KeyError) as error:
        return failure(error)


def _told(checks: Sequence[Check], answers: Sequence[Sequence[Finding] | Failure]) -> Iterator[Finding]:
    """Findings with their regions. What all failed for the same credentials is said once."""
    nobody = any(c.name == "identity" and _lacks_credentials(a) for c, a in zip(checks, answers, strict=True))
    unasked = []
    for check, answer in zip(checks, answers, strict=True):
        if not isinstance(answer, Failure):
            yield from (replace(finding, region=check.region) for finding in answer)
        elif check.name == "identity":
            status: Status = "fail" if answer.credentials else "unknown"
            yield Finding(check.name, "account", status, answer.text, answer.fix, answered=False)
        elif nobody and answer.credentials:
            unasked.append(f"{check.name} in {check.region}" if check.region else check.name)
        else:
            yield Finding(check.name, "", "unknown", answer.text, _fix(check, answer), check.region, answered=False)
    if unasked:
        text = f"not answered for lack of credentials: {', '.join(dict.fromkeys(unasked))}"
        yield Finding("credentials", "", "unknown", text, answered=False)


def _lacks_credentials(answer: Sequence[Finding] | Failure) -> bool:
    return isinstance(answer, Failure) and answer.credentials


def _fix(check: Check, failed: Failure) -> str:
    """Credentials that are good elsewhere are not accepted in a region that the account has not enabled."""
    if failed.credentials and check.region:
        return f"see whether the region is enabled: aws account get-region-opt-status --region-name {check.region}"
    return failed.fix
