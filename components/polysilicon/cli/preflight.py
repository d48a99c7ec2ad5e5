"""`polysilicon preflight`: whether an AWS account has what a stack needs, before anything is created."""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from polysilicon import clock
from polysilicon.cli.options import in_project
from polysilicon.cli.stack_needs import require_boto3, stack_needs
from polysilicon.engine import console_report
from polysilicon.errors import UserError
from polysilicon.planning.requirements import AwsRequirements

if TYPE_CHECKING:
    from polysilicon.lookups.preflight import Finding

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "unknown": "magenta"}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("stack", required=False)
@in_project
@click.option(
    "--policy",
    type=click.Choice(["preflight", "deploy"]),
    help="Print an IAM policy instead: what preflight itself needs, or what deploying this stack needs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, and nothing else on stdout.")
def command(stack: str | None, directory: Path, policy: Literal["preflight", "deploy"] | None, as_json: bool) -> None:
    """Ask AWS, read-only, whether a stack can be deployed: quotas, offers, reservations, versions, images, rights.

    The stack is `dev` unless you name one; credentials are those of the environment. Nothing is created or changed.
    What cannot be asked is told as unknown, and the rest is asked all the same. The exit code is 1 if the deployment
    would fail, or if AWS answered nothing at all, else 0.
    """
    require_boto3()
    if policy == "preflight":
        from polysilicon.lookups.preflight.policy import preflight_policy

        click.echo(json.dumps(preflight_policy(), indent=2))
        return
    wanted, _ = stack_needs(stack, directory)
    if policy == "deploy":
        _show_deploying_policy(wanted)
        return
    findings = _asked(wanted)
    if as_json:
        click.echo(json.dumps(_as_json(wanted, findings), indent=2))
    else:
        Console(highlight=False).print(_shown(wanted, findings))
    failed = any(finding.status == "fail" for finding in findings)
    sys.exit(1 if failed or _nobody_answered(findings) else 0)


def _show_deploying_policy(wanted: AwsRequirements) -> None:
    from polysilicon.lookups.preflight.policy import MOST_CHARACTERS, deploying_policy, size

    if not wanted.parts:
        raise UserError("this stack makes nothing on AWS: deploying it needs no rights there")
    policy = deploying_policy(wanted.parts, [each.region for each in wanted.regions])
    click.echo(json.dumps(policy, indent=2))
    if (characters := size(policy)) > MOST_CHARACTERS:
        text = f"{characters:,} characters, but a managed policy holds {MOST_CHARACTERS:,}"
        click.echo(f"{text}: put the statement Stores into a policy of its own", err=True)


def _asked(wanted: AwsRequirements) -> list[Finding]:
    from polysilicon.lookups.preflight import Clients, preflight

    with console_report() as report, Clients() as clients:
        return preflight(wanted, clients, clock.now(), report)


def _as_json(wanted: AwsRequirements, findings: Sequence[Finding]) -> dict[str, object]:
    return {"findings": [finding.as_json() for finding in findings], "not_looked_at": list(wanted.not_looked_at)}


def _shown(wanted: AwsRequirements, findings: Sequence[Finding]) -> RenderableType:
    """A table for the account and one for each region, what nobody looked at, and the sum."""
    parts: list[RenderableType] = []
    for region, rows in itertools.groupby(findings, key=lambda finding: finding.region):
        parts += [Text(region or "account and machine", "bold"), _table(list(rows)), Text()]
    if wanted.not_looked_at:
        parts.append(Text(f"not looked at yet, on Google Cloud: {', '.join(wanted.not_looked_at)}"))
    return Group(*parts, Text(_sum(findings)))


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(width=7, no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        told = Text(f"{finding.subject}: {finding.text}" if finding.subject else finding.text)
        if finding.fix:
            told.append(f"\nfix: {finding.fix}", "cyan")
        table.add_row(Text(finding.status, _STYLES[finding.status]), finding.check, told)
    return table


def _sum(findings: Sequence[Finding]) -> str:
    if not findings:
        return "No cluster of this stack is on AWS: nothing was asked."
    counts: Counter[str] = Counter(finding.status for finding in findings)
    told = ", ".join(f"{counts[status]} {status}" for status in _STYLES if counts[status])
    verdict = "It would fail." if counts["fail"] else "Nothing speaks against deploying."
    if not counts["fail"] and counts["unknown"]:
        verdict = "Nothing that was answered speaks against deploying."
    if _nobody_answered(findings):
        verdict = "AWS answered nothing: whether it would fail is not known."
    return f"{told}. {verdict}"


def _nobody_answered(findings: Sequence[Finding]) -> bool:
    """The command is looked for on this machine."""
    asked = [finding for finding in findings if finding.check != "command"]
    return bool(asked) and not any(finding.answered for finding in asked)
