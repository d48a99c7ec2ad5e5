"""The environment of engine and program: what is listed here, and nothing else that the machine has set.

A profile, a kubeconfig, a credential or a backend that happens to be on the machine must change nothing, so the
environment is a list of what may pass, not of what may not.
"""

from __future__ import annotations

import fnmatch
import os
import site
from collections.abc import Mapping, Sequence
from pathlib import Path

ALLOWED = (
    *("PATH", "LANG", "LANGUAGE", "LC_*", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP"),
    *("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "CLICOLOR*", "COLUMNS", "LINES"),
    *("PYTHON*", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_*", "SYSTEMROOT", "PATHEXT"),
    *("COVERAGE_*", "COV_CORE_*"),
)
"""What engine and program inherit; `*` stands for any letters."""

PASSPHRASE = "rehearsal"
"""The passphrase of every rehearsed stack. It protects nothing: there is nothing secret in a rehearsal."""


def clean(base: Mapping[str, str] = os.environ, passed: Sequence[str] = ()) -> dict[str, str]:
    """What of `base` is allowed through.

    Args:
        base: The environment of this process.
        passed: Further variables: `NAME` lets the machine's value through, `NAME=VALUE` sets one.
    """
    patterns = (*ALLOWED, *(name for name in passed if "=" not in name))
    kept = {name: value for name, value in base.items() if any(fnmatch.fnmatchcase(name, p) for p in patterns)}
    return kept | dict(item.split("=", 1) for item in passed if "=" in item)


def rehearsal_environment(
    home: Path, backend: Path, bytecode: Path, python: Path, allowed: Mapping[str, str]
) -> dict[str, str]:
    """The environment in which the engine runs a rehearsal.

    Args:
        home: A home of the rehearsal's own: nothing in the user's home is found by chance.
        backend: The folder that keeps the stacks.
        bytecode: Where Python keeps what it has compiled.
        python: The program's interpreter; its folder leads PATH.
        allowed: What `clean` let through.
    """
    home.mkdir(parents=True, exist_ok=True)
    backend.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(python.parent), allowed.get("PATH", os.defpath)])
    return {
        **_user_packages(),
        **allowed,
        "PATH": path,
        "HOME": str(home),
        "PULUMI_HOME": str(home / ".pulumi"),
        # Without sidecar files: an engine that is killed while it writes one leaves a state that it cannot read.
        "PULUMI_BACKEND_URL": f"{backend.resolve().as_uri()}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_PYTHON_CMD": str(python),
        # The simulation stands in for every plugin: nothing is to be downloaded, and nothing told to anyone.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
        "PULUMI_DEBUG_COMMANDS": "true",  # allows --event-log
        # Not beside the sources, so that the working tree stays as it is; but kept, because the SDKs take seconds to
        # compile and not every installer does it.
        "PYTHONPYCACHEPREFIX": str(bytecode),
        "PYTHONDONTWRITEBYTECODE": "",
    }


def _user_packages() -> dict[str, str]:
    """Packages that were installed with `pip install --user` are found from the home, which is another one here."""
    return {"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {}
