"""What a user asks for. Plain, frozen values: read this room first.

A spec holds what a person can check by reading YAML. What exists only after deployment, or is secret, is a wire in a
component's args, never in here.
"""

from polysilicon.specs.budget import BudgetSpec
from polysilicon.specs.capacity import Capacity, CapacityBlock, OnDemand, Reservation, Reserved, Spot
from polysilicon.specs.cluster import ClusterSpec, EksClusterSpec, ExistingEksClusterSpec, GkeClusterSpec, SystemNodes
from polysilicon.specs.fleet import FleetSpec, Layer
from polysilicon.specs.images import ImageCacheSpec
from polysilicon.specs.logs import FlowLogs
from polysilicon.specs.model import ModelSpec
from polysilicon.specs.network import EksNetworkSpec, ExistingEksNetworkSpec, GkeNetworkSpec
from polysilicon.specs.pool import (
    EksGpuPoolSpec,
    EksPoolSpec,
    GpuSharing,
    Mig,
    NeuronPoolSpec,
    PoolSpec,
    ReplaceOk,
    TimeSlicing,
    TpuSlicePoolSpec,
    WholeGpus,
)
from polysilicon.specs.server import ExistingServerNetworkSpec, ServerNetworkSpec, SingleNodeServerSpec
from polysilicon.specs.storage import ExistingBucket, NewBucket, StoredWeights, WeightStoreSpec
from polysilicon.specs.values import Endpoint, Owner, PrivateEndpoint, PublicEndpoint

__all__ = [
    "BudgetSpec",
    "Capacity",
    "CapacityBlock",
    "ClusterSpec",
    "EksClusterSpec",
    "EksGpuPoolSpec",
    "EksNetworkSpec",
    "EksPoolSpec",
    "Endpoint",
    "ExistingBucket",
    "ExistingEksClusterSpec",
    "ExistingEksNetworkSpec",
    "ExistingServerNetworkSpec",
    "FleetSpec",
    "FlowLogs",
    "GkeClusterSpec",
    "GkeNetworkSpec",
    "GpuSharing",
    "ImageCacheSpec",
    "Layer",
    "Mig",
    "ModelSpec",
    "NeuronPoolSpec",
    "NewBucket",
    "OnDemand",
    "Owner",
    "PoolSpec",
    "PrivateEndpoint",
    "PublicEndpoint",
    "ReplaceOk",
    "Reservation",
    "Reserved",
    "ServerNetworkSpec",
    "SingleNodeServerSpec",
    "Spot",
    "StoredWeights",
    "SystemNodes",
    "TimeSlicing",
    "TpuSlicePoolSpec",
    "WeightStoreSpec",
    "WholeGpus",
]
