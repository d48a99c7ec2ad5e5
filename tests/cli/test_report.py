from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from polysilicon.cli.report import deployed, sections, stack_catalog
from polysilicon.errors import UserError
from polysilicon.rehearsal.model import Record, Scope
from polysilicon.rehearsal.outcome import Operation, Outcome

AWS = Scope("aws", "123456789012", "us-east-1")
GCP = Scope("gcp", "acme")


def record(type_: str, name: str, scope: Scope, stack: str = "dev", id_: str = "", **inputs: object) -> Record:
    urn = f"urn:pulumi:{stack}::polysilicon::{type_}::{name}"
    return Record(
        key=1, package=scope.cloud, type=type_, urn=urn, name=name, id=id_, scope=scope, inputs=inputs, outputs={}
    )


GROUP = record(
    "aws:eks/nodeGroup:NodeGroup",
    "inf2",
    AWS,
    instanceTypes=["inf2.8xlarge"],
    scalingConfig={"minSize": 1, "maxSize": 2},
    launchTemplate={"id": "lt-1"},
)
TEMPLATE = record(
    "aws:ec2/launchTemplate:LaunchTemplate",
    "inf2",
    AWS,
    id_="lt-1",
    blockDeviceMappings=[{"ebs": {"volumeSize": 500}}],
)


def outcome(*accounts: Record, operation: Operation = "up") -> Outcome:
    return Outcome(operation=operation, project="polysilicon", stack="dev", exit_code=0, accounts=accounts)


def shown(of: Outcome, stack_file: Path | None = None) -> str:
    console = Console(width=100, file=io.StringIO())
    for section in sections(stack_catalog(stack_file)):
        part = section(of)
        if part is not None:
            console.print(part)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_costs_and_the_way_to_the_real_cloud_end_the_summary() -> None:
    text = shown(outcome(GROUP, TEMPLATE))
    assert "1,436.54 │ 2,873.08" in text
    assert "pulumi up --stack dev" in text
    assert "AWS credentials" in text
    assert "Google" not in text


def test_disks_come_from_the_launch_template() -> None:
    assert "ebs-gp3" in shown(outcome(GROUP, TEMPLATE))
    assert "ebs-gp3" not in shown(outcome(GROUP))


def test_other_stacks_in_the_same_account_are_not_priced() -> None:
    other = record("aws:eks/cluster:Cluster", "theirs", AWS, stack="prod")
    assert "theirs" not in shown(outcome(GROUP, TEMPLATE, other))


def test_a_zonal_resource_is_priced_in_its_region() -> None:
    pool = record("gcp:container/nodePool:NodePool", "v5e", GCP, location="us-west4-a")
    assert [resource.region for resource in deployed(outcome(pool))] == ["us-west4"]


def test_the_overlays_prices_go_before_the_catalogs(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(
        "config:\n  polysilicon:overlay:\n    prices:\n"
        "      - {item: inf2.8xlarge, region: us-east-1, terms: on_demand, unit: hour, usd: 1,"
        " source: our contract, as_of: 2026-11}\n"
    )
    assert "730.00 │ 1,460.00" in shown(outcome(GROUP, TEMPLATE), file)


def test_an_overlay_in_a_broken_file_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text("config:\n  a: b: c\n")
    with pytest.raises(UserError, match=r"Pulumi\.dev\.yaml, line 2, column 7: is no YAML"):
        stack_catalog(file)


def test_what_has_no_price_is_said() -> None:
    group = record(
        "aws:eks/nodeGroup:NodeGroup",
        "inf2",
        Scope("aws", "123456789012", "eu-west-3"),
        instanceTypes=["inf2.48xlarge"],
        scalingConfig={"minSize": 1, "maxSize": 2},
    )
    assert "no price known: inf2: inf2.48xlarge in eu-west-3, on demand" in shown(outcome(group))


@pytest.mark.parametrize("operation", ["preview", "refresh", "destroy"])
def test_only_an_update_has_costs(operation: Operation) -> None:
    assert shown(outcome(GROUP, TEMPLATE, operation=operation)) == ""
