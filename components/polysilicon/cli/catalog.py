"""`polysilicon catalog`: the catalog against what a cloud says today."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml
from rich.console import Console
from rich.table import Table

from polysilicon import clock
from polysilicon.catalog import Catalog
from polysilicon.cli.options import in_project
from polysilicon.cli.stack_needs import require_boto3, stack_needs
from polysilicon.engine import console_report
from polysilicon.errors import UserError

if TYPE_CHECKING:
    from polysilicon.lookups.prices import CurrentPrice

_HELP = {"help_option_names": ["-h", "--help"]}
_SOURCES = {"on_demand": "AWS Price List API, GetProducts", "spot": "EC2, DescribeSpotPriceHistory: the dearest zone"}


@click.group(context_settings=_HELP)
def command() -> None:
    """Chips, machines, images and prices: the rows that plans and costs are made from."""


@command.command(context_settings=_HELP)
@click.argument("stack", required=False)
@in_project
@click.option("--cloud", type=click.Choice(["aws"]), required=True, help="The cloud that is asked.")
def refresh(stack: str | None, directory: Path, cloud: str) -> None:
    """Ask for the current prices of a stack's machines.

    They come on stdout as YAML, which goes under `config` in the stack's file and takes the place of the catalog's
    prices; what has changed is a table on stderr. The stack is `dev` unless you name one; credentials are those of the
    environment. Fees other than those of machines (control planes, NAT, disks) are not asked for. The exit code is 1 if
    a machine has no price, else 0.
    """
    require_boto3()
    wanted, catalog = stack_needs(stack, directory)
    if not wanted.regions:
        raise UserError("no cluster of this stack is on AWS: there are no prices to ask for")
    from polysilicon.lookups.preflight import Clients
    from polysilicon.lookups.prices import current_prices

    now = clock.now()
    with console_report() as report, Clients() as clients:
        prices, unpriced = current_prices(wanted, clients, now, report)
    console = Console(stderr=True, highlight=False)
    if prices:
        console.print(_compared(prices, catalog))
        click.echo(yaml.safe_dump(_overlay(prices, now), sort_keys=False, width=120), nl=False)
    for each in unpriced:
        console.print(
            f"no price: {each.subject}: {each.text}" + (f"\n  fix: {each.fix}" if each.fix else ""), markup=False
        )
    sys.exit(1 if unpriced else 0)


def _compared(prices: Sequence[CurrentPrice], catalog: Catalog) -> Table:
    table = Table("machine", "region", "terms", title="USD an hour", title_justify="left")
    for column in ("catalog", "now", "change"):
        table.add_column(column, justify="right")
    for price in prices:
        known = catalog.price(price.item, price.region, price.terms)
        before = f"{known.usd:.4f} ({known.as_of})" if known else "none"
        change = f"{price.usd / known.usd - 1:+.1%}" if known and known.usd else ""
        table.add_row(price.item, price.region, price.terms.replace("_", " "), before, f"{price.usd:.4f}", change)
    return table


def _overlay(prices: Sequence[CurrentPrice], now: datetime) -> dict[str, Any]:
    rows = [
        {
            "item": price.item,
            "region": price.region,
            "terms": price.terms,
            "unit": "hour",
            "usd": price.usd,
            "source": _SOURCES[price.terms],
            "as_of": f"{now:%Y-%m-%d}",
        }
        for price in prices
    ]
    return {"polysilicon:overlay": {"prices": rows}}
