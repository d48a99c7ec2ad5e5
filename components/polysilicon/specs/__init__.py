"""What a user asks for. Plain, frozen values: read this room first.

A spec holds what a person can check by reading YAML. What exists only after deployment, or is secret, is a wire in a
component's args, never in here.
"""

from polysilicon.specs.cluster import ClusterSpec, EksClusterSpec, GkeClusterSpec, SystemNodes
from polysilicon.specs.fleet import FleetSpec, Layer
from polysilicon.specs.model import ModelSpec
from polysilicon.specs.network import EksNetworkSpec, GkeNetworkSpec
from polysilicon.specs.pool import Capacity, NeuronPoolSpec, OnDemand, PoolSpec, Spot, TpuSlicePoolSpec
from polysilicon.specs.values import Endpoint, Owner, PrivateEndpoint, PublicEndpoint

__all__ = [
    "Capacity",
    "ClusterSpec",
    "EksClusterSpec",
    "EksNetworkSpec",
    "Endpoint",
    "FleetSpec",
    "GkeClusterSpec",
    "GkeNetworkSpec",
    "Layer",
    "ModelSpec",
    "NeuronPoolSpec",
    "OnDemand",
    "Owner",
    "PoolSpec",
    "PrivateEndpoint",
    "PublicEndpoint",
    "Spot",
    "SystemNodes",
    "TpuSlicePoolSpec",
]
