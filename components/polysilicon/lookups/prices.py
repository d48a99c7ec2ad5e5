"""What AWS asks for machines today: the price list for on-demand, the market for spot. Read-only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

from polysilicon.engine.progress import Report, silent
from polysilicon.lookups.preflight.clients import Clients
from polysilicon.lookups.preflight.failures import failure
from polysilicon.planning.requirements import AwsRequirements, RegionRequirements

_LISTED_IN = "us-east-1"
"""One of the three regions that have the price list (botocore's endpoints of `pricing`)."""
_ORDINARY = {
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
    "tenancy": "Shared",
    "productFamily": "Compute Instance",
}
"""What makes a product the plain machine: aws/karpenter-provider-aws, pkg/providers/pricing/pricing.go. Without the
market option the list names capacity blocks too."""
_THREADS = 8


@dataclass(frozen=True)
class CurrentPrice:
    """USD an hour of one machine."""

    item: str
    region: str
    terms: Literal["on_demand", "spot"]
    usd: float


@dataclass(frozen=True)
class Unpriced:
    """Machines of which nobody could say what they cost, and why."""

    subject: str
    text: str
    fix: str = ""


def current_prices(
    wanted: AwsRequirements, clients: Clients, now: datetime, report: Report = silent
) -> tuple[list[CurrentPrice], list[Unpriced]]:
    """The prices of the machines that a stack wants, and what of them has none, both in a fixed order."""
    questions: list[tuple[str, Callable[[], Iterator[CurrentPrice | Unpriced]]]] = []
    for region in wanted.regions:
        for machine in sorted(_at_list_price(region)):
            subject = f"{machine} in {region.region}"
            questions.append((subject, partial(_listed, machine, region.region, clients)))
        if region.spot:
            subject = f"spot in {region.region}"
            questions.append((subject, partial(_market, sorted(region.spot), region.region, clients, now)))
    found: dict[int, Sequence[CurrentPrice | Unpriced]] = {}
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="prices") as pool:
        asked = {pool.submit(_answer, *question): index for index, question in enumerate(questions)}
        for done, future in enumerate(as_completed(asked), start=1):
            found[asked[future]] = future.result()
            report("asking AWS", done / len(questions))
    rows = [row for index in range(len(questions)) for row in found[index]]
    return [r for r in rows if isinstance(r, CurrentPrice)], [r for r in rows if isinstance(r, Unpriced)]


def _at_list_price(region: RegionRequirements) -> set[str]:
    """A reservation costs what its machines do on demand; a block was paid beforehand."""
    reserved = {wish.machine for wish in region.reservations if not wish.block}
    return reserved | {wish.machine for wish in region.vcpus if wish.terms == "on_demand"}


def _answer(subject: str, ask: Callable[[], Iterator[CurrentPrice | Unpriced]]) -> Sequence[CurrentPrice | Unpriced]:
    try:
        return list(ask())
    except (BotoCoreError, ClientError, ResponseParserError, KeyError) as error:
        why = failure(error)
        return [Unpriced(subject, why.text, why.fix)]


def _listed(machine: str, region: str, clients: Clients) -> Iterator[CurrentPrice | Unpriced]:
    fields = {**_ORDINARY, "instanceType": machine, "regionCode": region}
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in fields.items()]
    pages = clients("pricing", _LISTED_IN).get_paginator("get_products")
    listed = [
        usd
        for page in pages.paginate(ServiceCode="AmazonEC2", Filters=filters)
        for product in page["PriceList"]
        for usd in _hourly(json.loads(product))
    ]
    prices = {usd for usd in listed if usd > 0}
    if len(prices) == 1:
        yield CurrentPrice(machine, region, "on_demand", prices.pop())
    else:
        told = "no price" if not prices else f"several prices: {', '.join(f'{usd:g}' for usd in sorted(prices))}"
        yield Unpriced(f"{machine} in {region}", f"the price list has {told} for it on demand")


def _hourly(product: Mapping[str, Any]) -> Iterator[float]:
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            if dimension["unit"] == "Hrs":
                yield float(dimension["pricePerUnit"]["USD"])


def _market(machines: Sequence[str], region: str, clients: Clients, now: datetime) -> Iterator[CurrentPrice | Unpriced]:
    """The dearest zone of each: where the nodes will come is not known. Of a moment AWS tells the last price before."""
    pages = clients("ec2", region).get_paginator("describe_spot_price_history")
    asked = {"InstanceTypes": list(machines), "ProductDescriptions": ["Linux/UNIX"], "StartTime": now, "EndTime": now}
    highest: dict[str, float] = {}
    for page in pages.paginate(**asked):
        for row in page["SpotPriceHistory"]:
            name = row["InstanceType"]
            highest[name] = max(highest.get(name, 0.0), float(row["SpotPrice"]))
    for machine in machines:
        if machine in highest:
            yield CurrentPrice(machine, region, "spot", highest[machine])
        else:
            yield Unpriced(f"{machine} in {region}", "the spot market has no price for it")
