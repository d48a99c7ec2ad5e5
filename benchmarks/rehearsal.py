"""Measures the rehearsal: what the judges add to its time, and how much memory a large one takes.

A pair rehearses `up` of the same thousand resources with and without judges; the median of the pairs' ratios counts, so
that a slow machine does not matter. Memory is that of engine, program and simulation together.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.progress import track
from rich.table import Table

from polysilicon.rehearsal import Outcome, Rehearsal
from polysilicon.rehearsal.descendants import Descendants

ROOT = Path(__file__).parents[1]
RESOURCES_OF_A_PAIR = 15
"""A pool with its device plugin, and a model server."""
ALLOWED = {"time": 1.30, "memory": 2048.0}


def main() -> None:
    """Prints the table; exit code 1 where a figure is above what is allowed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="?", type=int, default=3, help="how many pairs (default: %(default)s)")
    parser.add_argument(
        "--resources", type=int, default=1000, help="in each rehearsal of a pair (default: %(default)s)"
    )
    parser.add_argument(
        "--large", type=int, default=5000, help="in the rehearsal whose memory is measured (default: %(default)s)"
    )
    asked = parser.parse_args()
    console = Console(highlight=False)
    pairs = [
        (measured(asked.resources, judged=True), measured(asked.resources, judged=False))
        for _ in track(range(asked.pairs), "with and without judges", console=console)
    ]
    large = measured(asked.large, judged=True)
    figures = {"time": statistics.median(a["seconds"] / b["seconds"] for a, b in pairs), "memory": large["peak_mib"]}
    table = Table("figure", "measured", "allowed", title=f"median of {asked.pairs} pairs", title_justify="left")
    table.add_row(
        f"time of {pairs[0][0]['resources']:.0f} resources, with / without judges", f"{figures['time']:.3f}", "1.30"
    )
    table.add_row(f"peak memory of {large['resources']:.0f} resources", f"{figures['memory']:.0f} MiB", "2048 MiB")
    console.print(table)
    seconds = [statistics.median(pair[side]["seconds"] for pair in pairs) for side in (0, 1)]
    console.print(f"with judges {seconds[0]:.1f} s, without {seconds[1]:.1f} s, the large one {large['seconds']:.1f} s")
    sys.exit(any(figures[name] > allowed for name, allowed in ALLOWED.items()))


def measured(resources: int, judged: bool) -> dict[str, float]:
    """One rehearsal of about so many resources, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe()
    process = context.Process(target=_rehearse, args=(its, resources, judged))
    process.start()
    with _peak_of(process.pid or 0) as peak:
        figures: dict[str, float] = mine.recv()
    process.join()
    if "error" in figures:
        sys.exit(str(figures["error"]))
    return {**figures, "peak_mib": peak[0]}


def _rehearse(pipe: Any, resources: int, judged: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = _project(Path(folder) / "project", -(-resources // RESOURCES_OF_A_PAIR))
        options: dict[str, Any] = {} if judged else {"judges": lambda *_: ()}
        rehearsal = Rehearsal(project, "bench", state=Path(folder) / "state", quiet=True, **options)
        rehearsal.prepare()
        begin = time.perf_counter()
        outcome: Outcome = rehearsal.up()
        seconds = time.perf_counter() - begin
        pipe.send(
            {"seconds": seconds, "resources": len(outcome.resources)} if outcome.ok else {"error": outcome.log[-3000:]}
        )


def _project(folder: Path, pairs: int) -> Path:
    """The stack `dev` with so many pools and model servers."""
    shutil.copytree(ROOT / "stacks", folder / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    project["runtime"]["options"]["virtualenv"] = str(ROOT / ".venv")
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    document = yaml.safe_load((ROOT / "stacks" / "Pulumi.dev.yaml").read_text())
    fleet = document["config"]["polysilicon:fleet"]
    (pool,), (model,) = fleet["pools"].values(), fleet["models"].values()
    fleet["pools"] = {f"pool-{number}": pool for number in range(pairs)}
    fleet["models"] = {f"chat-{number}": {**model, "pool": f"pool-{number}"} for number in range(pairs)}
    (folder / "stacks" / "Pulumi.bench.yaml").write_text(yaml.safe_dump(document))
    return folder


@contextmanager
def _peak_of(process: int) -> Iterator[list[float]]:
    """The largest sum of the resident memory of a process and all that it starts, in MiB, while the block runs."""
    peak, done, below = [0.0], threading.Event(), Descendants(process)

    def watch() -> None:
        while not done.wait(0.2):
            peak[0] = max(peak[0], sum(_resident(pid) for pid in (process, *below.processes())) / 1024)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _resident(process: int) -> float:
    """KiB; what is shared with others counts once for each."""
    try:
        text = Path(f"/proc/{process}/statm").read_text()
    except OSError:
        return 0.0
    return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


if __name__ == "__main__":
    main()
