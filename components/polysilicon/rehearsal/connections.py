"""Which provider calls: each has a connection of its own, and tells its settings once.

A connection that stood idle for long comes back from another port, without its settings. It is known again by what it
asks about: a resource belongs to the provider that asked about it before.
"""

from __future__ import annotations

import threading

from polysilicon.rehearsal.model import Fault, Problem, RefusedError
from polysilicon.rehearsal.values import Properties


class Connections:
    """The settings of all providers of one package, by the peer that calls; safe for many threads."""

    def __init__(self) -> None:
        self._by_peer: dict[str, Properties] = {}
        self._by_urn: dict[str, Properties] = {}
        self._lock = threading.Lock()

    def configure(self, peer: str, settings: Properties) -> None:
        """A provider tells its settings."""
        with self._lock:
            self._by_peer[peer] = settings

    def settings(self, peer: str, urn: str = "") -> Properties:
        """The settings of the provider that calls.

        Args:
            urn: The resource that it asks about; empty if it asks about none.

        Raises `RefusedError` if it may be any of several that have different settings.
        """
        with self._lock:
            if peer not in self._by_peer:
                found = self._by_urn.get(urn)
                if found is None:
                    return self._only()
                self._by_peer[peer] = found
            if urn:
                self._by_urn[urn] = self._by_peer[peer]
            return self._by_peer[peer]

    def _only(self) -> Properties:
        all_ = list(self._by_peer.values())
        if not all_ or any(other != all_[0] for other in all_):
            raise RefusedError(Problem(_UNKNOWN.format(count=len(all_)), fault=Fault.UNREACHABLE))
        return all_[0]


_UNKNOWN = (
    "a provider calls on a connection that it did not configure: its old one stood idle too long\n"
    "  got: one of {count} providers of this package, which have different settings\n"
    "  allowed: a connection that was configured, or a resource that was asked about before\n"
    "  fix: run the operation again; what was done is in the state"
)
