"""Pools and model servers through our components, on a cluster that is there already."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import measured
import pulumi_kubernetes as k8s

from polysilicon.aws import EksHome, NeuronPool, NeuronPoolArgs
from polysilicon.catalog import load_catalog
from polysilicon.kubernetes import ClusterRef, ModelServer, ModelServerArgs
from polysilicon.planning.cluster import plan_eks_cluster
from polysilicon.specs import EksClusterSpec, EksNetworkSpec, ModelSpec, NeuronPoolSpec, OnDemand, PublicEndpoint

measured.at_exit()
ZONES = ("use1-az4", "use1-az6")
TAGS = {"CostCenter": "ml", "Workload": "chat", "Environment": "bench", "ManagedBy": "pulumi"}

spec = EksClusterSpec(
    cloud="aws",
    region="us-east-1",
    network=EksNetworkSpec(zones=ZONES),
    endpoint=PublicEndpoint(kind="public", cidrs=("203.0.113.0/24",)),
)
home = EksHome(
    plan=plan_eks_cluster("main", spec, load_catalog()),
    cluster_name="main",
    node_role_arn="arn:aws:iam::123456789012:role/nodes",
    subnet_ids=dict(zip(ZONES, measured.SUBNETS, strict=True)),
    vpc_id="vpc-0123456789abcdef0",
    security_group_id="sg-0123456789abcdef0",
    nodes_after={},
)
cluster = ClusterRef(key="main", provider=k8s.Provider("main", kubeconfig="{}", cluster_identifier="main"))

for number in range(int(os.environ["BENCHMARK_PAIRS"])):
    pool = NeuronPool(
        f"pool-{number}",
        NeuronPoolArgs(
            spec=NeuronPoolSpec(kind="neuron", cluster="main", capacity=(OnDemand(kind="on_demand", min=1, max=1),)),
            home=home,
            cluster=cluster,
            tags=TAGS,
        ),
    )
    ModelServer(
        f"model-{number}",
        ModelServerArgs(
            spec=ModelSpec(model="Qwen/Qwen3-0.6B", pool=f"pool-{number}"), landing=pool.landing, cluster=cluster
        ),
    )
