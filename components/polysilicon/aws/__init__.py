"""Components that realise plans on AWS."""

from polysilicon.aws.budget import AwsBudget, AwsBudgetArgs
from polysilicon.aws.cluster import EksCluster, EksClusterArgs, EksHome
from polysilicon.aws.existing_cluster import ExistingEksCluster, ExistingEksClusterArgs
from polysilicon.aws.images import EcrImageCache, EcrImageCacheArgs
from polysilicon.aws.karpenter import Karpenter, KarpenterArgs, KarpenterWires
from polysilicon.aws.network import EksNetwork, EksNetworkArgs, NetworkWires, existing_network
from polysilicon.aws.pool import EksGpuPool, EksGpuPoolArgs, NeuronPool, NeuronPoolArgs
from polysilicon.aws.single_node import SingleNodeServer, SingleNodeServerArgs
from polysilicon.aws.tags import owner_tags
from polysilicon.aws.weights import S3Driver, S3DriverArgs, S3WeightStore, S3WeightStoreArgs

__all__ = [
    "AwsBudget",
    "AwsBudgetArgs",
    "EcrImageCache",
    "EcrImageCacheArgs",
    "EksCluster",
    "EksClusterArgs",
    "EksGpuPool",
    "EksGpuPoolArgs",
    "EksHome",
    "EksNetwork",
    "EksNetworkArgs",
    "ExistingEksCluster",
    "ExistingEksClusterArgs",
    "Karpenter",
    "KarpenterArgs",
    "KarpenterWires",
    "NetworkWires",
    "NeuronPool",
    "NeuronPoolArgs",
    "S3Driver",
    "S3DriverArgs",
    "S3WeightStore",
    "S3WeightStoreArgs",
    "SingleNodeServer",
    "SingleNodeServerArgs",
    "existing_network",
    "owner_tags",
]
