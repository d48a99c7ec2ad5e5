"""Asks an AWS account whether a stack can be deployed there, before anything is. Read-only."""

from polysilicon.lookups.preflight.clients import Clients
from polysilicon.lookups.preflight.findings import Finding
from polysilicon.lookups.preflight.run import preflight

__all__ = ["Clients", "Finding", "preflight"]
