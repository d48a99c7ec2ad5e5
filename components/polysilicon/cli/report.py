"""What the command line adds to a rehearsal's summary: what it would cost, and how to do it for real."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from polysilicon.catalog import Catalog, Overlay, load_catalog
from polysilicon.cli.stack_file import stack_config
from polysilicon.planning.cost import CostReport, Deployed, price
from polysilicon.rehearsal import Outcome
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.summary import Section
from polysilicon.rehearsal.values import strings

_OVERLAY = "polysilicon:overlay"
NOBODY = "203.0.113."
"""What addresses of examples begin with (RFC 5737, TEST-NET-3)."""

_NEEDS = {
    "aws": "AWS credentials of the account (aws sts get-caller-identity shows whose), and the aws CLI",
    "gcp": "Google Cloud credentials (gcloud auth application-default login), gke-gcloud-auth-plugin, and your project"
    " in the YAML, with the Cloud Resource Manager API enabled",
}


def stack_catalog(stack_file: Path | None) -> Catalog:
    """The catalog with what a stack lays over it: its own machines, zones and prices."""
    return load_catalog().overlaid(_overlay(stack_file))


def sections(catalog: Catalog) -> tuple[Section, ...]:
    """What is added for a stack with this catalog."""
    return (lambda outcome: _costs(outcome, catalog), _for_real)


def _overlay(stack_file: Path | None) -> Overlay:
    return Overlay.parse(stack_config(stack_file).get(_OVERLAY) or {}, _OVERLAY)


def _costs(outcome: Outcome, catalog: Catalog) -> RenderableType | None:
    """A table of what the deployment costs in a month, with what has no price listed under it."""
    if outcome.operation != "up":
        return None
    report = price(deployed(outcome), catalog)
    if not report.lines and not report.unpriced:
        return None
    return Group(_cost_table(report), *_unpriced(report))


def deployed(outcome: Outcome) -> list[Deployed]:
    """What exists on behalf of the stack, as the price list wants to see it."""
    records = _own(outcome)
    templates = {record.id: record.inputs for record in records if record.type.endswith(":LaunchTemplate")}
    return [
        Deployed(record.type, record.name, _region(record), record.inputs, _template(record, templates))
        for record in records
    ]


def _own(outcome: Outcome) -> list[Record]:
    """The accounts may hold other stacks' resources too."""
    return [r for r in outcome.accounts if r.urn.startswith(f"urn:pulumi:{outcome.stack}::{outcome.project}::")]


def _template(record: Record, templates: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    return templates.get((record.inputs.get("launchTemplate") or {}).get("id", ""), {})


def _region(record: Record) -> str:
    place = str(record.inputs.get("location") or record.inputs.get("region") or record.scope.place)
    # A Google zone is its region with a letter behind.
    return place.rsplit("-", 1)[0] if record.scope.cloud == "gcp" and place.count("-") == 2 else place


def _cost_table(report: CostReport) -> Table:
    table = Table(title="What it would cost, in USD a month of 730 hours at list prices", title_justify="left")
    table.add_column("resource")
    table.add_column("item")
    table.add_column("least", justify="right")
    table.add_column("most", justify="right")
    for line in report.lines:
        item = line.item if line.terms == "on_demand" else f"{line.item} ({line.terms})"
        table.add_row(line.name, item, f"{line.min_usd:,.2f}", f"{line.max_usd:,.2f}")
    table.add_section()
    table.add_row("total of these", "", f"{report.min_usd:,.2f}", f"{report.max_usd:,.2f}", style="bold")
    return table


def _unpriced(report: CostReport) -> list[Text]:
    listed = [Text(f"no price known: {item}") for item in report.unpriced]
    return [*listed, Text("not counted: what is paid by use, such as traffic, logs and requests")]


def _for_real(outcome: Outcome) -> RenderableType | None:
    """The command that does the same against real clouds, and what it needs."""
    if outcome.operation != "up" or not outcome.ok:
        return None
    clouds = {record.scope.cloud for record in _own(outcome)}
    needs = [
        "a backend for the state (pulumi login, or PULUMI_BACKEND_URL) and a secrets provider or passphrase",
        *(text for cloud, text in _NEEDS.items() if cloud in clouds),
    ]
    if any(text.startswith(NOBODY) for record in _own(outcome) for _, text in strings(record.inputs)):
        needs.append(f"your own networks in the place of {NOBODY}0/24, which belongs to nobody: no other gets in")
    lines = [f"The same against real clouds: pulumi up --stack {outcome.stack}", *(f"  needs {need}" for need in needs)]
    return Text("\n".join([*lines, "  what of it this machine has: polysilicon doctor"]))
