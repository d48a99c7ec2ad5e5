"""What an engine is, and which one is good enough."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Origin = Literal["path", "download", "build"]

MINIMUM_VERSION = "3.250.0"
"""The oldest `pulumi` that is taken from PATH: the one that every rehearsal is tested with."""

TOOLCHAIN_VERSION = "3.250.0"
"""The version that is downloaded or built; `toolchain/pulumi/go.mod` requires the same."""

LANGUAGE_HOST = "pulumi-language-python"
"""The program that the engine starts to run Python; an engine without it runs no Python program."""

BESIDE_THE_ENGINE = ("pulumi-language-python-exec", "pulumi-resource-pulumi-python")
"""Scripts of the Python SDK that a complete engine has beside it: one starts programs, one serves dynamic providers."""


class UnavailableError(Exception):
    """Why one way to an engine did not work. The text completes a line such as «download: …»."""


@dataclass(frozen=True)
class Engine:
    """A usable Pulumi engine.

    Attributes:
        pulumi: The command.
        version: Its version, such as `3.250.0`.
        origin: `path` (found on PATH), `download` (the official release) or `build` (from Go modules).
        bin_dirs: Folders that must come first in PATH, so that the engine finds its language host.
    """

    pulumi: Path
    version: str
    origin: Origin
    bin_dirs: tuple[Path, ...]

    def environment(self, base: Mapping[str, str] = os.environ) -> dict[str, str]:
        """A copy of `base` in which `pulumi` and its language host are found first and no update is looked for.

        `PULUMI_PYTHON_CMD` is set to the running interpreter unless `base` has it, so that a program without a
        `virtualenv` option runs on the Python that has Polysilicon, whichever language host starts it.
        """
        first = [str(folder) for folder in self.bin_dirs]
        rest = [entry for entry in base.get("PATH", os.defpath).split(os.pathsep) if entry and entry not in first]
        return {
            "PULUMI_PYTHON_CMD": sys.executable,
            **base,
            "PATH": os.pathsep.join(first + rest),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }


def version_numbers(text: str) -> tuple[int, int, int]:
    """The three numbers of the first version in `text` (`v3.250.0-alpha.1` counts as 3.250.0)."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    if found is None:
        raise ValueError(f"no version in {text!r}")
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)
