"""What stacks and layers hand on, whichever cloud it is on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from polysilicon.kubernetes import ClusterRef, StoreWires
from polysilicon.specs import FleetSpec, PoolSpec


@dataclass(frozen=True)
class Infra:
    """A cluster, as its model servers know it."""

    cluster: ClusterRef
    kubeconfig: pulumi.Output[str]
    stores: Mapping[str, StoreWires] = field(default_factory=dict)
    """The store of weights and compiled code, for each model that reads from it."""


def pools_of(cluster: str, fleet: FleetSpec) -> Mapping[str, PoolSpec]:
    """The pools of a cluster."""
    return {name: pool for name, pool in fleet.pools.items() if pool.cluster == cluster}


def kubernetes_provider(key: str, kubeconfig: pulumi.Input[str]) -> k8s.Provider:
    """The one provider of a cluster. Its identifier keeps objects in place while the kubeconfig is not known yet."""
    return k8s.Provider(key, kubeconfig=kubeconfig, cluster_identifier=key, enable_server_side_apply=True)
