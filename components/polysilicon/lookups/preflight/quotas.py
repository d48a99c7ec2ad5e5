"""How many vCPUs the account may run, by the names that AWS gives its quotas.

Names are compared rather than codes, because they tell which machines a quota is for: spot quotas of P machines have
been one («All P»), and two («All P5», «All P4, P3 and P2»), and an account shows those that hold for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from polysilicon.lookups.preflight.clients import Clients
from polysilicon.lookups.preflight.findings import Finding
from polysilicon.planning.requirements import QuotaTerms, RegionRequirements, VcpusWanted

_NAMES: Mapping[QuotaTerms, re.Pattern[str]] = {
    "on_demand": re.compile(r"^Running On-Demand (.+) instances$", re.IGNORECASE),
    "spot": re.compile(r"^All (.+) Spot Instance Requests$", re.IGNORECASE),
}
_FALLBACK: Mapping[tuple[str, QuotaTerms], str] = {
    ("p", "on_demand"): "L-417A185B",
    ("p", "spot"): "L-7212CCBC",
    ("g", "on_demand"): "L-DB2E81BA",
    ("g", "spot"): "L-3819A6DF",
    ("inf", "on_demand"): "L-1945791B",
    ("inf", "spot"): "L-B5D1601B",
    ("trn", "on_demand"): "L-2C3B7624",
    ("trn", "spot"): "L-6B0D517C",
    ("m", "on_demand"): "L-1216C47A",
}
"""Codes for the day on which no name fits. L-1216C47A: AWS CLI user guide, examples of Service Quotas; P and G:
dstackai/dstack, src/dstack/_internal/core/backends/aws/compute.py; the others are print-outs of ListServiceQuotas."""
_FAMILY = re.compile(r"^([a-z]+)(\d*)")


@dataclass(frozen=True)
class Quota:
    """A limit of the account in one region."""

    code: str
    name: str
    vcpus: float


def quotas(wanted: RegionRequirements, clients: Clients) -> Iterator[Finding]:
    """Whether the vCPUs that the stack wants are within the account's quotas; those of one quota are added up."""
    listed = list(_listed("list_service_quotas", wanted.region, clients))
    if any(quota_of(need.machine, need.terms, listed) is None for need in wanted.vcpus):
        # AWS leaves out what it has no value of this account's own for: its default holds.
        listed += _listed("list_aws_default_service_quotas", wanted.region, clients)
    by_quota: dict[Quota, list[VcpusWanted]] = {}
    for need in wanted.vcpus:
        if (quota := quota_of(need.machine, need.terms, listed)) is None:
            text = "AWS lists no quota for it here"
            yield Finding("quota", f"{need.machine} ({_spelled(need.terms)})", "unknown", text)
        else:
            by_quota.setdefault(quota, []).append(need)
    for quota, needs in by_quota.items():
        yield _judged(quota, needs, wanted.region)


def quota_of(machine: str, terms: QuotaTerms, listed: Iterable[Quota]) -> Quota | None:
    """The quota of a machine type: that of its generation (P5), else of its family (P), else the one known by code."""
    family, generation = _FAMILY.match(machine).groups()  # type: ignore[union-attr]
    by_name: dict[str, Quota] = {}
    by_code: dict[str, Quota] = {}
    for quota in listed:  # the first counts: the account's own goes before the default
        by_code.setdefault(quota.code, quota)
        for covered in _covered(quota.name, terms):
            by_name.setdefault(covered, quota)
    fallback = by_code.get(_FALLBACK.get((family, terms), ""))
    return by_name.get(f"{family}{generation}") or by_name.get(family) or fallback


def _covered(name: str, terms: QuotaTerms) -> list[str]:
    """Families that a quota's name speaks of: «G and VT», «P4, P3 and P2», «Standard (A, C, D, …)»."""
    found = _NAMES[terms].match(name)
    if found is None:
        return []
    inside = re.search(r"\((.*)\)", found[1])
    return [word.lower() for word in re.split(r",\s*|\s+and\s+", inside[1] if inside else found[1])]


def _listed(call: str, region: str, clients: Clients) -> Iterator[Quota]:
    pages = clients("service-quotas", region).get_paginator(call)
    for page in pages.paginate(ServiceCode="ec2"):
        rows: list[dict[str, Any]] = page["Quotas"]
        yield from (Quota(row["QuotaCode"], row["QuotaName"], row["Value"]) for row in rows if "Value" in row)


def _judged(quota: Quota, needs: list[VcpusWanted], region: str) -> Finding:
    least, most = sum(need.least for need in needs), sum(need.most for need in needs)
    machines = ", ".join(sorted({need.machine for need in needs}))
    fix = (
        f"aws service-quotas request-service-quota-increase --region {region} --service-code ec2"
        f" --quota-code {quota.code} --desired-value {most}"
    )
    text = f"{quota.vcpus:,.0f} vCPUs; the stack wants {_span(least, most)} ({machines})"
    if least > quota.vcpus:
        return Finding("quota", quota.name, "fail", text, fix)
    if most > quota.vcpus:
        return Finding("quota", quota.name, "warn", f"{text}: not all that may come", fix)
    return Finding("quota", quota.name, "ok", f"{text}; what runs there already counts too")


def _span(least: int, most: int) -> str:
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def _spelled(terms: QuotaTerms) -> str:
    return terms.replace("_", "-")
