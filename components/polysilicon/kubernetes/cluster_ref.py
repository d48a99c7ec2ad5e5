"""The wire to a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from polysilicon.kubernetes.images import Images
from polysilicon.planning.landing import Landing
from polysilicon.planning.problems import refuse


@dataclass(frozen=True, kw_only=True)
class ClusterRef:
    """A cluster that objects can be put into.

    Attributes:
        key: The cluster's key in the fleet. It says which landings are in this cluster.
        provider: The provider of this cluster, and of no other.
        ready: What must be there before the first object: access rights, DNS.
        images: The cache of images. By default nodes pull each image from where it comes.
    """

    key: str
    provider: k8s.Provider
    ready: Sequence[pulumi.Resource] = ()
    images: Images = field(default_factory=dict)

    def require(self, landing: Landing) -> None:
        """Raises `SpecError` unless the landing is in this cluster."""
        if landing.cluster != self.key:
            text = f"landing {landing.key!r} is in cluster {landing.cluster!r}, this is cluster {self.key!r}"
            raise refuse("pool", text, f"take a landing of {self.key!r}, or the ClusterRef of {landing.cluster!r}")
