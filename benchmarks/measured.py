"""What a benchmarked program tells of itself when it ends: CPU seconds and peak memory of its process."""

import atexit
import json
import os
import resource
import time
from pathlib import Path

SUBNETS = ["subnet-0123456789abcdef4", "subnet-0123456789abcdef6"]
"""What lies around the benchmarked programs."""
ROLE = "nodes"


def at_exit() -> None:
    """Writes the figures of this process to the file that BENCHMARK_OUT names, when the process ends."""
    atexit.register(_write, Path(os.environ["BENCHMARK_OUT"]))


def _write(file: Path) -> None:
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    file.write_text(json.dumps({"cpu_seconds": time.process_time(), "peak_mib": peak_kib / 1024}))
