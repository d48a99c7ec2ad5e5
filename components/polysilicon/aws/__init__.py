"""Components that realise plans on AWS."""

from polysilicon.aws.cluster import EksCluster, EksClusterArgs, EksHome
from polysilicon.aws.network import EksNetwork, EksNetworkArgs, NetworkWires
from polysilicon.aws.pool import NeuronPool, NeuronPoolArgs
from polysilicon.aws.tags import owner_tags

__all__ = [
    "EksCluster",
    "EksClusterArgs",
    "EksHome",
    "EksNetwork",
    "EksNetworkArgs",
    "NetworkWires",
    "NeuronPool",
    "NeuronPoolArgs",
    "owner_tags",
]
