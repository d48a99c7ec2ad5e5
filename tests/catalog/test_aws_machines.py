from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from polysilicon.catalog import Catalog

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "components/polysilicon/catalog/data"

EFA = {
    **dict.fromkeys(("trn1.32xlarge",), (8, 8)),
    **dict.fromkeys(("trn1n.32xlarge", "trn2.48xlarge", "p5en.48xlarge"), (16, 16)),
    **dict.fromkeys((f"g5.{size}xlarge" for size in (8, 12, 16, 24, 48)), (1, 1)),
    **dict.fromkeys((f"g6.{size}xlarge" for size in (8, 12, 16, 24, 48)), (1, 1)),
    **dict.fromkeys((f"g6e.{size}xlarge" for size in (8, 12, 16)), (1, 1)),
    **dict.fromkeys(("trn2.3xlarge", "p5.4xlarge"), (1, 1)),
    "g6e.24xlarge": (2, 2),
    "g6e.48xlarge": (4, 4),
    **dict.fromkeys(("p4d.24xlarge", "p4de.24xlarge"), (4, 4)),
    **dict.fromkeys(("p5.48xlarge", "p5e.48xlarge"), (32, 32)),
    "p6-b200.48xlarge": (8, 8),
    "p6-b300.48xlarge": (17, 16),
}
"""Network cards and EFA interfaces, by docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html. Every other
machine has one card and takes no EFA."""


def test_efa_interfaces_are_those_that_aws_states(catalog: Catalog) -> None:
    rows = {name: row for name, row in catalog.machines.items() if row.cloud == "aws"}
    assert rows.keys() >= EFA.keys()
    for name, row in rows.items():
        assert (row.network_cards, row.efa_interfaces) == EFA.get(name, (1, 0)), name
        assert row.efa_on_first_card == (name != "p6-b300.48xlarge")


def test_a_first_card_s_rate_is_no_part_that_one_could_reckon(catalog: Catalog) -> None:
    """Cards may share the machine's rate, or be of two kinds."""
    rates = {name: row.first_card_gbps for name, row in catalog.machines.items() if row.cloud == "aws"}
    assert (rates["p5.48xlarge"], rates["g6e.48xlarge"], rates["p6-b300.48xlarge"]) == (100, 400, 350)
    assert None not in rates.values()


def test_every_size_of_each_family_is_there(catalog: Catalog) -> None:
    rows = (row for row in catalog.machines.values() if row.cloud == "aws" and row.silicon)
    assert Counter(row.silicon for row in rows) == {
        "inferentia2": 4,
        "trainium": 3,
        "trainium2": 2,
        "a10g": 8,
        "l4": 8,
        "l40s": 8,
        "a100-40gb": 1,
        "a100-80gb": 1,
        "h100": 2,
        "h200": 2,
        "b200": 1,
        "b300": 1,
    }


def test_a_cell_is_read_as_what_its_column_is(catalog: Catalog) -> None:
    row = catalog.machines["p5.48xlarge"]
    assert (row.silicon, row.accelerators, row.vcpus, row.memory_gib, row.max_pods) == ("h100", 8, 192, 2048, 100)
    assert (row.network_gbps, row.ebs_mib_s, row.local_nvme_gib) == (3200, 9536, 28312)
    assert row.usage_classes == ("capacity-block", "on-demand", "spot")
    assert "moto" in row.source
    assert catalog.machines["m7i.large"].silicon is None


def test_blocks_are_sold_of_the_large_ones_only(catalog: Catalog) -> None:
    sold = {name.split(".")[0] for name, row in catalog.machines.items() if "capacity-block" in row.usage_classes}
    assert sold == {"trn1", "trn2", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300"}
    assert "capacity-block" not in catalog.machines["trn1.2xlarge"].usage_classes


def test_zones_are_those_of_the_record(catalog: Catalog) -> None:
    assert catalog.zones("p6-b300.48xlarge", "us-west-2") == ("usw2-az1", "usw2-az2")
    assert catalog.zones("trn2.48xlarge", "us-east-2") == ("use2-az1", "use2-az2", "use2-az3")
    assert catalog.regions_of("trn2.3xlarge") == ("ap-south-2", "ap-southeast-4", "sa-east-1")
    for name, row in catalog.machines.items():
        if row.cloud == "aws" and row.silicon:
            assert catalog.regions_of(name), name


def test_a_price_is_absent_where_nobody_published_one(catalog: Catalog) -> None:
    priced = {row.item for row in catalog.prices}
    assert {name for name, row in catalog.machines.items() if row.cloud == "aws"} <= priced
    assert catalog.price("p5e.48xlarge", "us-east-1") is None
    assert catalog.price("trn2.48xlarge", "us-east-2") is None
    spot = catalog.price("trn2.48xlarge", "us-east-2", "spot")
    assert spot is not None
    assert spot.usd == 8.5964


def test_the_tables_are_what_the_recorded_answers_of_ec2_give() -> None:
    pytest.importorskip("moto")
    from toolchain.catalog import aws_machines

    rows = aws_machines.machines()
    assert (DATA / "aws_machines.csv").read_text() == aws_machines.written(rows, aws_machines.COLUMNS)
    sold = aws_machines.offerings(row["machine"] for row in rows if row["silicon"])
    text = aws_machines.written(sold, ("machine", "region", "zones", "source"))
    assert (DATA / "offerings.csv").read_text().startswith(text)
