"""Measures what our components cost: ratios against a plain program in one run, so that a slow machine does not matter.

Each pair previews the same resources twice, once through our components and once as a plain program that registers the
same: pools of Inferentia2 with their device software, and a model server on each. The figures are those of the
program's own process. The median of the pairs' ratios is what counts.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measured
from rich.console import Console
from rich.progress import track
from rich.table import Table

from polysilicon.rehearsal import Rehearsal

HERE = Path(__file__).parent
DRAIN = HERE.parent / "components" / "polysilicon" / "templates" / "drain.py"
RESOURCES_OF_A_PAIR = 18
"""A pool with its device plugin and monitor, and a model server."""
POOLS = {"": 56, "fleet": 200}
"""About a thousand resources, or a large fleet."""
ALLOWED = {"CPU": 1.10, "memory": 1.15, "import": 150.0, "--help": 400.0}


def main() -> None:
    """Prints the table; exit code 1 where a figure is above what is allowed."""
    size, words = ("fleet", sys.argv[2:]) if sys.argv[1:2] == ["fleet"] else ("", sys.argv[1:])
    rounds, pools = int(words[0]) if words else 5, POOLS[size]
    console = Console(highlight=False)
    pairs = [
        (preview("ours", pools), preview("plain", pools)) for _ in track(range(rounds), "previews", console=console)
    ]
    rows = {
        "CPU": ratio(pairs, "cpu_seconds"),
        "memory": ratio(pairs, "peak_mib"),
        "import": start("import polysilicon") - start("pass"),
        "--help": start(
            "from polysilicon.cli.main import main; import sys; sys.argv = ['polysilicon', '--help']; main()"
        ),
    }
    resources = pools * RESOURCES_OF_A_PAIR + 1
    table = Table(
        title=f"{pools} pools with a server each, {resources:,} resources: median of {rounds} pairs",
        title_justify="left",
    )
    for column in ("figure", "measured", "allowed"):
        table.add_column(column)
    ours, plain = ([side[i] for side in pairs] for i in (0, 1))
    table.add_row("CPU of the program, ours / plain", f"{rows['CPU']:.3f}", "1.10")
    table.add_row("peak memory of the program, ours / plain", f"{rows['memory']:.3f}", "1.15")
    table.add_row("import polysilicon, above bare Python", f"{rows['import']:.0f} ms", "150 ms")
    table.add_row("polysilicon --help", f"{rows['--help']:.0f} ms", "400 ms")
    console.print(table)
    for name, side in (("ours", ours), ("plain", plain)):
        cpu, peak = (statistics.median(figures[key] for figures in side) for key in ("cpu_seconds", "peak_mib"))
        console.print(f"{name}: {cpu:.2f} CPU seconds, {peak:.0f} MiB")
    sys.exit(any(rows[name] > allowed for name, allowed in ALLOWED.items()))


def preview(program: str, pools: int) -> dict[str, float]:
    """One preview of a program: the figures of its process."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        rehearsal = Rehearsal(
            HERE / program,
            "bench",
            state=Path(folder),
            quiet=True,
            existing=(*measured.SUBNETS, measured.ROLE, f"arn:aws:iam::123456789012:role/{measured.ROLE}"),
            passed=(f"BENCHMARK_OUT={out}", f"BENCHMARK_PAIRS={pools}", f"BENCHMARK_DRAIN={DRAIN}"),
        )
        outcome = rehearsal.preview()
        if not outcome.ok:
            sys.exit(outcome.log[-2000:])
        figures: dict[str, float] = json.loads(out.read_text())
        return figures


def ratio(pairs: list[tuple[dict[str, float], dict[str, float]]], figure: str) -> float:
    """Median of the pairs' ratios."""
    return statistics.median(ours[figure] / plain[figure] for ours, plain in pairs)


def start(code: str) -> float:
    """Median of ten starts of Python with `code`, in milliseconds."""
    command = [sys.executable, "-c", code]
    return statistics.median(_timed(command) for _ in range(10)) * 1000


def _timed(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=dict(os.environ))
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
