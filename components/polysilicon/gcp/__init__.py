"""Components that realise plans on Google Cloud."""

from polysilicon.gcp.cluster import GkeCluster, GkeClusterArgs, GkeHome
from polysilicon.gcp.network import GkeNetwork, GkeNetworkArgs, NetworkWires
from polysilicon.gcp.pool import TpuSlicePool, TpuSlicePoolArgs
from polysilicon.gcp.tags import owner_labels

__all__ = [
    "GkeCluster",
    "GkeClusterArgs",
    "GkeHome",
    "GkeNetwork",
    "GkeNetworkArgs",
    "NetworkWires",
    "TpuSlicePool",
    "TpuSlicePoolArgs",
    "owner_labels",
]
