"""Components inside any Kubernetes cluster."""

from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.kubernetes.efa import EfaDevicePlugin, EfaDevicePluginArgs
from polysilicon.kubernetes.images import Images
from polysilicon.kubernetes.model_server import ModelServer, ModelServerArgs
from polysilicon.kubernetes.neuron import (
    NeuronDevicePlugin,
    NeuronDevicePluginArgs,
    NeuronMonitor,
    NeuronMonitorArgs,
)
from polysilicon.kubernetes.neuron_scheduler import NeuronScheduler, NeuronSchedulerArgs
from polysilicon.kubernetes.nvidia import (
    DcgmExporter,
    DcgmExporterArgs,
    GpuOperator,
    GpuOperatorArgs,
    NvidiaDevicePlugin,
    NvidiaDevicePluginArgs,
)
from polysilicon.kubernetes.weights import StoreWires

__all__ = [
    "ClusterRef",
    "DcgmExporter",
    "DcgmExporterArgs",
    "EfaDevicePlugin",
    "EfaDevicePluginArgs",
    "GpuOperator",
    "GpuOperatorArgs",
    "Images",
    "ModelServer",
    "ModelServerArgs",
    "NeuronDevicePlugin",
    "NeuronDevicePluginArgs",
    "NeuronMonitor",
    "NeuronMonitorArgs",
    "NeuronScheduler",
    "NeuronSchedulerArgs",
    "NvidiaDevicePlugin",
    "NvidiaDevicePluginArgs",
    "StoreWires",
]
