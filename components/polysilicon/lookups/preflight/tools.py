"""Commands that a deployment calls on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from polysilicon.lookups.preflight.findings import Finding


def tools() -> Iterator[Finding]:
    """Whether the commands are on PATH: `aws`, which the kubeconfig asks for tokens, and one for shells on nodes."""
    if path := shutil.which("aws"):
        yield Finding("command", "aws", "ok", path)
    else:
        text = "is not on PATH: access to EKS clusters asks it for tokens"
        yield Finding("command", "aws", "fail", text, "install it: https://aws.amazon.com/cli")
    if path := shutil.which("session-manager-plugin"):
        yield Finding("command", "session-manager-plugin", "ok", path)
    else:
        text = "is not on PATH: only needed for a shell on a node (aws ssm start-session)"
        yield Finding("command", "session-manager-plugin", "ok", text)
