"""What a deployment calls on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from polysilicon.lookups.preflight.findings import Finding


def tools() -> Iterator[Finding]:
    """Whether `aws` is on PATH, which the kubeconfig asks for tokens. `polysilicon doctor` looks for all the rest."""
    if path := shutil.which("aws"):
        yield Finding("command", "aws", "ok", path)
    else:
        text = "is not on PATH: access to EKS clusters asks it for tokens"
        yield Finding("command", "aws", "fail", text, "install it: https://aws.amazon.com/cli")
