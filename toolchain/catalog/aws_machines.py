"""Writes what the catalog holds of AWS machines from EC2's own answers, as moto has recorded them: nothing is asked of
a cloud here. Run it with the environment that the tests run in, after an update of moto:

    .venv/bin/python toolchain/catalog/aws_machines.py

It writes data/aws_machines.csv whole, and the rows of data/offerings.csv that this record gives.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "components/polysilicon/catalog/data"

SILICON = {
    "Inferentia2": "inferentia2",
    "Trainium": "trainium",
    "Trainium2": "trainium2",
    "A10G": "a10g",
    "L4": "l4",
    "L40S": "l40s",
    "H100": "h100",
    "H200": "h200",
    "B200": "b200",
    "B300": "b300",
}
"""The catalog's key of a chip by the name that EC2 gives it. An A100 is told by its memory."""

FAMILIES = (
    "m7i",
    "inf2",
    "trn1",
    "trn1n",
    "trn2",
    "g5",
    "g6",
    "g6e",
    "p4d",
    "p4de",
    "p5",
    "p5e",
    "p5en",
    "p6-b200",
    "p6-b300",
)
"""In the order of the table. Not here, and why:

- g6f and gr6f are slices of a GPU: EC2 counts no whole one on them, and no device plugin offers one.
- g7 needs a newer driver than the NVIDIA image of EKS has (awslabs/amazon-eks-ami@81fec2e doc/usage/g7-ami.md).
- trn2u is sold as a part of an UltraServer, and EC2's answer does not name its chips.
"""

SYSTEM = ("m7i.large", "m7i.xlarge")
"""Machines for what every cluster runs beside its models."""

MACHINES = "ec2-record"
OFFERINGS = "ec2-offerings"
"""Names of the sources that the rows point to."""

COLUMNS = (
    "machine",
    "cloud",
    "silicon",
    "accelerators",
    "vcpus",
    "memory_gib",
    "local_nvme_gib",
    "max_pods",
    "addresses_per_interface",
    "network_gbps",
    "network_cards",
    "first_card_gbps",
    "efa_interfaces",
    "efa_on_first_card",
    "ebs_mib_s",
    "usage_classes",
    "source",
)


def machines() -> list[dict[str, Any]]:
    """A row for each machine, family by family, the small sizes first."""
    record = _read(_moto() / "instance_types.json.gz")
    chosen = [name for name in record if _family(name) in FAMILIES and (_family(name) != "m7i" or name in SYSTEM)]
    rank = {name: (FAMILIES.index(_family(name)), record[name]["VCpuInfo"]["DefaultVCpus"]) for name in chosen}
    return [_row(name, record[name]) for name in sorted(chosen, key=rank.__getitem__)]


def offerings(names: Iterable[str]) -> list[dict[str, Any]]:
    """In which zones of which region each machine is sold, by its recorded offers."""
    sold: dict[tuple[str, str], set[str]] = {}
    wanted = set(names)
    for file in (_moto() / "instance_type_offerings/availability-zone-id").glob("*.json.gz"):
        for offer in _read(file):
            if offer["InstanceType"] in wanted:
                sold.setdefault((offer["InstanceType"], file.name.removesuffix(".json.gz")), set()).add(
                    offer["Location"]
                )
    return [
        {"machine": machine, "region": region, "zones": " ".join(sorted(zones)), "source": OFFERINGS}
        for (machine, region), zones in sorted(sold.items())
    ]


def written(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> str:
    """The rows as the text of a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, tuple(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def main() -> None:
    """Writes both files."""
    rows = machines()
    (DATA / "aws_machines.csv").write_text(written(rows, COLUMNS))
    table = DATA / "offerings.csv"
    others = [row for row in csv.DictReader(table.read_text().splitlines()) if row["source"] != OFFERINGS]
    # Only of machines with accelerators, which are scarce: a machine without any offer is taken to be sold everywhere.
    sold = offerings(row["machine"] for row in rows if row["silicon"])
    table.write_text(written([*sold, *others], ("machine", "region", "zones", "source")))


def _row(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    chip, count = _chips(facts)
    network = facts["NetworkInfo"]
    first = network["NetworkCards"][0]
    efa = network.get("EfaInfo", {}).get("MaximumEfaInterfaces", 0)
    return {
        "machine": name,
        "cloud": "aws",
        "silicon": chip,
        "accelerators": count,
        "vcpus": facts["VCpuInfo"]["DefaultVCpus"],
        "memory_gib": facts["MemoryInfo"]["SizeInMiB"] // 1024,
        "local_nvme_gib": _binary(facts.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0), 10**9, 2**30),
        # The rule of nodeadm: addresses of the first card's interfaces, less their own, and two pods of the host.
        "max_pods": first["MaximumNetworkInterfaces"] * (network["Ipv4AddressesPerInterface"] - 1) + 2,
        "addresses_per_interface": network["Ipv4AddressesPerInterface"],
        "network_gbps": _gbps(network["NetworkPerformance"]),
        "network_cards": network["MaximumNetworkCards"],
        "first_card_gbps": f"{first['PeakBandwidthInGbps']:g}",
        "efa_interfaces": efa,
        "efa_on_first_card": str(not efa or "efa" in first["InterfaceTypes"]).lower(),
        "ebs_mib_s": _binary(facts["EbsInfo"]["EbsOptimizedInfo"]["MaximumThroughputInMBps"], 10**6, 2**20),
        "usage_classes": " ".join(sorted(facts["SupportedUsageClasses"])),
        "source": MACHINES,
    }


def _chips(facts: Mapping[str, Any]) -> tuple[str, int]:
    """Key and count of the accelerators. Their memory is the silicon's: EC2's answer is wrong for Trainium2."""
    devices = facts.get("GpuInfo", {}).get("Gpus") or facts.get("NeuronInfo", {}).get("NeuronDevices") or []
    if not devices:
        return "", 0
    (device,) = devices
    if device["Name"] == "A100":
        return f"a100-{device['MemoryInfo']['SizeInMiB'] // 1024}gb", device["Count"]
    return SILICON[device["Name"]], device["Count"]


def _gbps(text: str) -> str:
    """The rate in "Up to 10 Gigabit" and in "8x 100 Gigabit"."""
    found = re.fullmatch(r"(?:Up to )?(?:(\d+)x )?([\d.]+) Gigabit", text)
    assert found, text
    return f"{int(found[1] or 1) * float(found[2]):g}"


def _binary(amount: float, unit: int, binary: int) -> int:
    """An amount of decimal units in whole binary ones."""
    return int(amount * unit) // binary


def _family(name: str) -> str:
    return name.split(".", 1)[0]


def _moto() -> Path:
    import moto

    return Path(moto.__file__).parent / "ec2/resources"


def _read(file: Path) -> Any:
    return json.loads(gzip.decompress(file.read_bytes()))


if __name__ == "__main__":
    main()
