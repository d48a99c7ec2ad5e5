from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from polysilicon.catalog import Overlay, load_catalog
from polysilicon.cli.main import cli
from polysilicon.lookups.preflight import Clients
from polysilicon.lookups.prices import CurrentPrice, current_prices
from tests.cli.test_preflight import project
from tests.lookups.preflight.conftest import aws, clients, server
from tests.lookups.preflight.fleets import fleet, pool, requirements
from tests.lookups.preflight.stand_in import Asked, Refused, StandIn

__all__ = ["aws", "clients", "server"]
pytestmark = pytest.mark.filterwarnings(r"ignore:Exception\(_Error\) with code")
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LISTED = {"inf2.8xlarge": "1.9700000000", "inf2.xlarge": "0.7600000000", "m7i.large": "0.1008000000"}


def product(*prices: str, unit: str = "Hrs") -> str:
    """A product of the price list, which comes as a string of JSON, cut down to what is read of it."""
    dimensions = {f"d{i}": {"unit": unit, "pricePerUnit": {"USD": usd}} for i, usd in enumerate(prices)}
    return json.dumps({"product": {}, "terms": {"OnDemand": {"t": {"priceDimensions": dimensions}}, "Reserved": {}}})


def wanted_machine(asked: Asked) -> str:
    fields = {each["Field"]: each["Value"] for each in asked.given["Filters"]}
    assert fields["marketoption"] == "OnDemand"
    assert asked.region == "us-east-1"
    return str(fields["instanceType"])


def spot(machine: str, *usd: str) -> list[dict[str, Any]]:
    zones = ("us-east-1a", "us-east-1b")
    return [{"InstanceType": machine, "AvailabilityZone": z, "SpotPrice": p} for z, p in zip(zones, usd, strict=False)]


@pytest.fixture(autouse=True)
def _priced(aws: StandIn) -> None:
    aws.answers["GetProducts"] = lambda asked: {"PriceList": [product(LISTED[wanted_machine(asked)])]}
    market = [*spot("inf2.8xlarge", "0.41", "0.57"), *spot("inf2.xlarge", "0.11")]
    aws.answers["DescribeSpotPriceHistory"] = {"SpotPriceHistory": market}


def test_each_machine_is_priced_on_the_terms_that_the_stack_takes(aws: StandIn, clients: Clients) -> None:
    prices, unpriced = current_prices(requirements(fleet(20)), clients, NOW)
    assert unpriced == []
    assert prices == [
        CurrentPrice("inf2.8xlarge", "us-east-1", "on_demand", 1.97),
        CurrentPrice("inf2.xlarge", "us-east-1", "on_demand", 0.76),
        CurrentPrice("m7i.large", "us-east-1", "on_demand", 0.1008),
        CurrentPrice("inf2.8xlarge", "us-east-1", "spot", 0.57),
        CurrentPrice("inf2.xlarge", "us-east-1", "spot", 0.11),
    ]
    assert aws.operations == ["DescribeSpotPriceHistory", *["GetProducts"] * 3]


def test_a_block_has_no_list_price_to_ask_for(aws: StandIn, clients: Clients) -> None:
    document = fleet(0)
    reservation = {"id": "cr-0123456789abcdef0", "zone": "use1-az6", "count": 1}
    window = {"start": "2026-12-05T11:30:00Z", "end": "2026-12-12T11:30:00Z"}
    block = {"kind": "capacity_block", "reservation": reservation, "min": 1, "max": 1, **window}
    document["pools"] = {"p5": pool("p5.48xlarge", zones=["use1-az6"], capacity=[block])}
    prices, unpriced = current_prices(requirements(document), clients, NOW)
    assert ([price.item for price in prices], unpriced) == (["m7i.large"], [])


@pytest.mark.parametrize(
    ("listed", "text"),
    [
        ([], "the price list has no price for it on demand"),
        ([product("0.0")], "the price list has no price"),
        ([product("1.0", unit="Quantity")], "the price list has no price"),
        ([product("1.0"), product("2.0")], "several prices: 1, 2"),
    ],
)
def test_what_has_not_one_price_has_none(listed: list[str], text: str, aws: StandIn, clients: Clients) -> None:
    aws.answers["GetProducts"] = {"PriceList": listed}
    prices, unpriced = current_prices(requirements(fleet(2)), clients, NOW)
    assert {price.terms for price in prices} == {"spot"}
    assert [each.subject for each in unpriced] == [f"{machine} in us-east-1" for machine in sorted(LISTED)]
    assert all(text in each.text for each in unpriced)


def test_a_question_without_an_answer_leaves_the_others(aws: StandIn, clients: Clients) -> None:
    aws.answers["GetProducts"] = Refused("AccessDeniedException")
    prices, unpriced = current_prices(requirements(fleet(2)), clients, NOW)
    assert len(prices) == 2
    assert {each.text for each in unpriced} == {"this identity may not call GetProducts"}
    aws.answers["DescribeSpotPriceHistory"] = {"SpotPriceHistory": spot("inf2.xlarge", "0.11")}
    _, unpriced = current_prices(requirements(fleet(2)), clients, NOW)
    assert unpriced[-1].text == "the spot market has no price for it"


def test_refresh_prints_an_overlay_that_a_stack_can_take(
    aws: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYSILICON_NOW", "2026-11-25T12:00:00Z")
    folder = project(tmp_path, fleet(2))
    asked = ["catalog", "refresh", "--cloud", "aws", "-C", str(folder)]
    result = CliRunner().invoke(cli, asked, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    overlay = Overlay.parse(yaml.safe_load(result.stdout)["polysilicon:overlay"], "polysilicon:overlay")
    price = load_catalog().overlaid(overlay).price("inf2.8xlarge", "us-east-1")
    assert price is not None
    assert (price.usd, price.as_of, price.source) == (1.97, "2026-11-25", "AWS Price List API, GetProducts")
    known = load_catalog().price("inf2.8xlarge", "us-east-1")
    assert known is not None
    assert f"{known.usd:.4f} ({known.as_of})" in result.stderr
    assert f"{1.97 / known.usd - 1:+.1%}" in result.stderr


def test_refresh_says_what_has_no_price_and_fails(aws: StandIn, tmp_path: Path) -> None:
    aws.answers["GetProducts"] = {"PriceList": []}
    result = CliRunner().invoke(cli, ["catalog", "refresh", "--cloud", "aws", "-C", str(project(tmp_path, fleet(2)))])
    assert result.exit_code == 1
    assert "no price: inf2.8xlarge in us-east-1: the price list has no price" in result.stderr
    assert len(yaml.safe_load(result.stdout)["polysilicon:overlay"]["prices"]) == 2


def test_refresh_of_a_stack_elsewhere_says_so(aws: StandIn, tmp_path: Path, mixed: dict[str, Any]) -> None:
    google = {key: each for key, each in mixed["clusters"].items() if each["cloud"] == "gcp"}
    folder = project(tmp_path, {"owner": mixed["owner"], "clusters": google})
    result = CliRunner().invoke(cli, ["catalog", "refresh", "--cloud", "aws", "-C", str(folder)])
    assert "no cluster of this stack is on AWS" in str(result.exception)


def test_an_endpoint_that_is_none_leaves_machines_without_prices(aws: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "foo")
    with Clients(tries=1) as clients:
        prices, unpriced = current_prices(requirements(fleet(2)), clients, NOW)
    assert prices == []
    assert {each.text for each in unpriced} == {"Invalid endpoint: foo"}
