"""Components inside any Kubernetes cluster."""

from polysilicon.kubernetes.cluster_ref import ClusterRef
from polysilicon.kubernetes.model_server import ModelServer, ModelServerArgs
from polysilicon.kubernetes.neuron import NeuronDevicePlugin, NeuronDevicePluginArgs

__all__ = ["ClusterRef", "ModelServer", "ModelServerArgs", "NeuronDevicePlugin", "NeuronDevicePluginArgs"]
