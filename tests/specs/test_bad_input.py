"""Each mistake that a person makes in the YAML is one message: the path, the value, what is allowed, the fix."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from polysilicon.catalog import Catalog
from polysilicon.errors import SpecError
from polysilicon.planning.fleet import plan_fleet
from polysilicon.specs import EksNetworkSpec, FleetSpec


def put(document: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    for part in parents:
        document = document[part]
    document[last] = value


SUBNET = "subnet-0123456789abcdef"
EXISTING = {
    "kind": "existing",
    "cidrs": ["10.64.0.0/16"],
    "private_subnets": {"use1-az4": SUBNET, "use1-az6": f"{SUBNET}f"},
}

IN_COMPANY = {"cloud": "aws", "kind": "existing", "region": "us-east-1", "name": "company", "network": EXISTING}

P5 = {
    "kind": "eks_gpu",
    "cluster": "aws",
    "machine": "p5.48xlarge",
    "capacity": [{"kind": "on_demand", "min": 1, "max": 1}],
}

CASES = {
    "unknown key": (
        {"pools.inf2.machin": "inf2.8xlarge"},
        "fleet.pools.inf2.machin: is not a key that is known here\n  fix: did you mean 'machine'? allowed: machine,",
    ),
    "unknown machine": (
        {"pools.inf2.machine": "inf2.8xlrage"},
        "fleet.pools.inf2.machine: got 'inf2.8xlrage', which is no machine for a neuron pool\n"
        "  fix: did you mean 'inf2.8xlarge'",
    ),
    "machine of the other cloud": (
        {"pools.inf2.machine": "ct5lp-hightpu-4t"},
        "fleet.pools.inf2.machine: got 'ct5lp-hightpu-4t', which is no machine for a neuron pool\n"
        "  fix: allowed: inf2.",
    ),
    "machine not offered in the region": (
        {"clusters.aws.region": "ca-central-1", "clusters.aws.network.zones": ["cac1-az1", "cac1-az2"]},
        "fleet.pools.inf2.machine: inf2.8xlarge is not offered in ca-central-1\n"
        "  fix: move to another region, or take another machine; regions that have it: ap-northeast-1,",
    ),
    "machine not offered in the network's zones": (
        {
            "clusters.aws.region": "eu-west-2",
            "clusters.aws.network.zones": ["euw2-az1", "euw2-az3"],
        },
        "fleet.pools.inf2.machine: inf2.8xlarge is not offered in the network's zones euw2-az1, euw2-az3\n"
        "  fix: add a zone to the network that has it: euw2-az2",
    ),
    "unknown region": (
        {"clusters.aws.region": "us-est-1"},
        "fleet.clusters.aws.region: got 'us-est-1', a region that the catalog does not have\n"
        "  fix: did you mean 'us-west-1' or",
    ),
    "name of a zone": (
        {"clusters.aws.network.zones": ["use1-az4", "us-east-1b"]},
        "fleet.clusters.aws.network.zones[1]: got 'us-east-1b', which is no zone id\n  fix: write ids such as use1-az4",
    ),
    "zone that EKS refuses": (
        {"clusters.aws.network.zones": ["use1-az4", "use1-az3"]},
        "fleet.clusters.aws.network.zones[1]: got 'use1-az3', where EKS puts no control plane of us-east-1\n"
        "  fix: did you mean 'use1-az",
    ),
    "endpoint of no service": (
        {"clusters.aws.network.endpoints": ["ecr-api"]},
        "fleet.clusters.aws.network.endpoints[0]: got 'ecr-api'\n  fix: did you mean 'ecr.api'",
    ),
    "endpoint named twice": (
        {"clusters.aws.network.endpoints": ["sts", "sts"]},
        "fleet.clusters.aws.network.endpoints[1]: got 'sts' twice\n  fix: name each service once",
    ),
    "traffic that no log names": (
        {"clusters.aws.network.flow_logs": {"traffic": "reject"}},
        "fleet.clusters.aws.network.flow_logs.traffic: got 'reject'\n  fix: did you mean 'rejected'",
    ),
    "endpoints in all zones of the region": (
        {"clusters.aws.network": {"endpoints": ["sts"]}},
        "fleet.clusters.aws.network.zones: is left out, which means all zones of the region, and endpoints cost money",
    ),
    "NAT in all zones of the region": (
        {"clusters.aws.network": {"nat": "per_zone"}},
        "fleet.clusters.aws.network.zones: is left out, which means all zones of the region, and nat: per_zone cost",
    ),
    "unknown region without zones": (
        {"clusters.aws.region": "us-est-1", "clusters.aws.network": {}},
        "fleet.clusters.aws.region: got 'us-est-1', a region that the catalog does not have\n  fix:",
    ),
    "unknown kind of cluster": (
        {"clusters.aws.kind": "exsting"},
        "fleet.clusters.aws.kind: got 'exsting'\n  fix: did you mean 'existing'",
    ),
    "existing cluster in a new network": (
        {"clusters.aws": IN_COMPANY | {"network": {"kind": "new", "zones": ["use1-az4", "use1-az6"]}}},
        "fleet.clusters.aws.network.zones: is not a key that is known here",
    ),
    "existing cluster with an endpoint": (
        {"clusters.aws": IN_COMPANY | {"endpoint": {"kind": "public", "cidrs": ["203.0.113.0/24"]}}},
        "fleet.clusters.aws.endpoint: is not a key that is known here",
    ),
    "existing cluster of another region": (
        {"clusters.aws": IN_COMPANY | {"region": "us-west-2"}},
        "fleet.clusters.aws.network.private_subnets.use1-az4: got 'use1-az4', which is no zone of us-west-2\n"
        "  fix: did you mean 'usw2-az4'",
    ),
    "existing cluster in a zone that the region lacks": (
        {
            "clusters.aws": IN_COMPANY
            | {"network": {**EXISTING, "private_subnets": {"use1-az4": SUBNET, "use1-az9": f"{SUBNET}f"}}}
        },
        "fleet.clusters.aws.network.private_subnets.use1-az9: got 'use1-az9', which is no zone of us-east-1\n"
        "  fix: did you mean 'use1-az",
    ),
    "later zone that the region lacks": (
        {"clusters.aws.network.zones": ["use1-az4", "use1-az6", "use1-az9"]},
        "fleet.clusters.aws.network.zones[2]: got 'use1-az9', which is no zone of us-east-1\n  fix: did you mean 'use1",
    ),
    "administrator of another partition": (
        {"clusters.aws.admins": ["arn:aws-us-gov:iam::123456789012:role/platform"]},
        "fleet.clusters.aws.admins[0]: got arn:aws-us-gov:iam::123456789012:role/platform, which is of partition"
        " aws-us-gov, but us-east-1 is in aws\n  fix: take one of us-east-1; the ARNs of aws begin with arn:aws:",
    ),
    "key of another partition": (
        {"clusters.aws.weights": {"key_arn": "arn:aws-cn:kms:us-east-1:123456789012:key/0123"}},
        "fleet.clusters.aws.weights.key_arn: got arn:aws-cn:kms:us-east-1:123456789012:key/0123, which is of partition",
    ),
    "existing cluster of an unknown region": (
        {"clusters.aws": IN_COMPANY | {"region": "us-est-1"}},
        "fleet.clusters.aws.region: got 'us-est-1', a region that the catalog does not have",
    ),
    "existing cluster of a version without images": (
        {"clusters.aws": IN_COMPANY | {"kubernetes": "1.29"}},
        "fleet.clusters.aws.kubernetes: got '1.29', for which the catalog has no node image",
    ),
    "unknown add-on": (
        {"clusters.aws.addons": ["ebs-csi-driver"]},
        "fleet.clusters.aws.addons[0]: got 'ebs-csi-driver'\n  fix: did you mean 'aws-ebs-csi-driver'",
    ),
    "add-on named twice": (
        {"clusters.aws.addons": ["aws-ebs-csi-driver", "aws-ebs-csi-driver"]},
        "fleet.clusters.aws.addons[1]: got 'aws-ebs-csi-driver' twice\n  fix: name each add-on once",
    ),
    "unknown kind of network": (
        {"clusters.aws.network.kind": "exisiting"},
        "fleet.clusters.aws.network.kind: got 'exisiting'\n  fix: did you mean 'existing'? allowed: existing, new",
    ),
    "network that is no mapping": (
        {"clusters.aws.network": "vpc-0123"},
        "fleet.clusters.aws.network: got 'vpc-0123', where keys and values belong\n  fix: write keys and values",
    ),
    "existing network without subnets": (
        {"clusters.aws.network": {"kind": "existing", "cidrs": ["10.64.0.0/16"]}},
        "fleet.clusters.aws.network.private_subnets: is required and missing\n  fix: add it",
    ),
    "existing network by names of zones": (
        {"clusters.aws.network": {**EXISTING, "private_subnets": {"us-east-1a": SUBNET, "use1-az6": f"{SUBNET}f"}}},
        "fleet.clusters.aws.network.private_subnets.us-east-1a: is no zone id\n  fix: write ids such as use1-az4",
    ),
    "subnet in two zones": (
        {"clusters.aws.network": {**EXISTING, "private_subnets": {"use1-az4": SUBNET, "use1-az6": SUBNET}}},
        f"fleet.clusters.aws.network.private_subnets.use1-az6: got {SUBNET} for use1-az4 and use1-az6: a subnet lies in"
        " one zone\n  fix: take the VPC's private subnet of each zone",
    ),
    "subnet in a zone that EKS refuses": (
        {"clusters.aws.network": {**EXISTING, "private_subnets": {"use1-az3": SUBNET, "use1-az6": f"{SUBNET}f"}}},
        "fleet.clusters.aws.network.private_subnets.use1-az3: got 'use1-az3', where EKS puts no control plane of",
    ),
    "existing network over the services": (
        {"clusters.aws.network": {**EXISTING, "cidrs": ["10.64.0.0/16", "172.20.0.0/20"]}},
        "fleet.clusters.aws.service_cidr: 172.20.0.0/16 overlaps 172.20.0.0/20 of network.cidrs[1]",
    ),
    "existing network over another cluster's": (
        {"clusters.aws.network": {**EXISTING, "cidrs": ["10.64.0.0/16", "10.44.0.0/16"]}},
        "fleet.clusters.gcp.network.pods_cidr: 10.44.0.0/14 overlaps 10.44.0.0/16 of clusters.aws.network.cidrs[1]",
    ),
    "zone of a pool that nobody has": (
        {"pools.inf2": P5 | {"zones": ["use1-az7"]}},
        "fleet.pools.inf2.zones[0]: got 'use1-az7', where p5.48xlarge is not offered\n"
        "  fix: did you mean 'use1-az6' or 'use1-az5' or 'use1-az4'? allowed: use1-az",
    ),
    "budget address that is none": (
        {"budget": {"monthly_usd": 900, "alert_emails": ["ml"]}},
        "fleet.budget.alert_emails[0]: string should match pattern",
    ),
    "store of weights in another region": (
        {"clusters.aws.weights": {"kind": "existing", "bucket": "acme-weights", "region": "eu-west-1"}},
        "fleet.clusters.aws.weights.region: got eu-west-1, but the cluster that reads the weights is in us-east-1\n"
        "  fix: take a bucket in us-east-1, or copy the weights to one",
    ),
    "store of an unknown kind": (
        {"clusters.aws.weights": {"kind": "s3"}},
        "fleet.clusters.aws.weights.kind: got 's3'\n  fix: allowed: new, existing",
    ),
    "bucket with dots": (
        {"clusters.aws.weights": {"kind": "existing", "bucket": "acme.weights", "region": "us-east-1"}},
        "fleet.clusters.aws.weights.bucket: string should match pattern",
    ),
    "weights without a store": (
        {"models.chat.weights": {}},
        "fleet.models.chat.weights: needs a store in the pool's cluster, and there is none\n  fix: add `weights: {}`",
    ),
    "weights from a store on Google Cloud": (
        {"models.chat.pool": "v5e", "models.chat.weights": {}, "clusters.aws.weights": {}},
        "fleet.models.chat.weights: needs a store in the pool's cluster, which is not built yet on Google Cloud\n"
        "  fix: remove it",
    ),
    "compiled code without a store": (
        {"models.chat.compile_cache": True},
        "fleet.models.chat.compile_cache: needs a store in the pool's cluster, and there is none\n"
        "  fix: add `weights: {}` to the cluster",
    ),
    "no place for the job that compiles": (
        {"models.chat.compile_cache": True, "models.chat.replicas": 2, "clusters.aws.weights": {}},
        "fleet.models.chat.replicas: got 2 and the job that compiles for them, one node each, but pool inf2 has 2\n"
        "  fix: raise max of pool inf2, or lower replicas",
    ),
    "prefix that no policy can name": (
        {"clusters.aws.weights": {}, "models.chat.weights": {"prefix": "Qwen/*"}},
        "fleet.models.chat.weights.prefix: got 'Qwen/*'\n  fix: write words of letters, digits",
    ),
    "secret under a name that ECR does not take": (
        {
            "clusters.aws.images": {
                "github_secret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:github-AbCdEf"
            }
        },
        "fleet.clusters.aws.images.github_secret: string should match pattern",
    ),
    "secret in another region": (
        {
            "clusters.aws.images": {
                "github_secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ecr-pullthroughcache/x-AbCdEf"
            }
        },
        "fleet.clusters.aws.images.github_secret: got a secret of account 123456789012 in eu-west-1, but the cache is"
        " in us-east-1\n  fix: take a secret of us-east-1",
    ),
    "system namespace": (
        {"models": {"kube-system": {"model": "Qwen/Qwen3-0.6B", "pool": "inf2"}}},
        "fleet.models.kube-system: 'kube-system' is a namespace of Kubernetes itself\n  fix: choose another key",
    ),
    "administrator twice": (
        {"clusters.aws.admins": ["arn:aws:iam::123456789012:role/ops", "arn:aws:iam::123456789012:role/ops"]},
        "fleet.clusters.aws.admins[1]: got arn:aws:iam::123456789012:role/ops twice\n"
        "  fix: name each administrator once",
    ),
    "administrator that is no principal": (
        {"clusters.aws.admins": ["ops"]},
        "fleet.clusters.aws.admins[0]: string should match pattern '^arn:aws",
    ),
    "services range that EKS refuses": (
        {"clusters.aws.service_cidr": "11.0.0.0/30"},
        "fleet.clusters.aws.service_cidr: got 11.0.0.0/30, which EKS refuses\n  fix: take a range between /12",
    ),
    "control plane range that GKE refuses": (
        {"clusters.gcp.control_plane_cidr": "172.16.0.0/24"},
        "fleet.clusters.gcp.control_plane_cidr: got 172.16.0.0/24, which GKE refuses\n  fix: take a /28",
    ),
    "pods range over another network": (
        {"clusters.gcp.network": {"pods_cidr": "10.20.0.0/14"}},
        "fleet.clusters.gcp.network.pods_cidr: 10.20.0.0/14 overlaps 10.20.0.0/16 of clusters.aws.network.cidr",
    ),
    "no terms": (
        {"pools.inf2.capacity": []},
        "fleet.pools.inf2.capacity: is empty\n  fix: state the terms, such as on_demand, with their bounds",
    ),
    "key that no cloud takes": (
        {"models": {"Chat_1": {"model": "Qwen/Qwen3-0.6B", "pool": "inf2"}}},
        "fleet.models.Chat_1: string should match pattern",
    ),
    "zone without the machine": (
        {"pools.v5e.zones": ["us-west4-b"]},
        "fleet.pools.v5e.zones[0]: got 'us-west4-b', where ct5lp-hightpu-1t is not offered\n"
        "  fix: did you mean 'us-west4-a'? allowed: us-west4-a",
    ),
    "topology that does not exist": (
        {"pools.v5e.topology": "4x2"},
        "fleet.pools.v5e.topology: got '4x2', which ct5lp-hightpu-1t cannot form\n  fix: allowed: 1x1",
    ),
    "topology of another machine": (
        {"pools.v5e.topology": "2x2"},
        "fleet.pools.v5e.topology: got '2x2', which ct5lp-hightpu-1t cannot form\n"
        "  fix: allowed: 1x1; 2x2 is a shape of ct5lp-hightpu-4t",
    ),
    "slice over several hosts": (
        {"pools.v5e.machine": "ct5lp-hightpu-4t", "pools.v5e.topology": "4x4"},
        "fleet.pools.v5e.topology: 4x4 on ct5lp-hightpu-4t is a slice over 4 hosts, and servers over several hosts are"
        " not built yet\n  fix: single-host shapes of ct5lp-hightpu-4t: 2x2",
    ),
    "min above max": (
        {"pools.inf2.capacity": [{"kind": "on_demand", "min": 3, "max": 2}]},
        "fleet.pools.inf2.capacity[0]: min is 3, above max, which is 2\n  fix: raise max or lower min",
    ),
    "terms stated twice": (
        {"pools.inf2.capacity": [{"kind": "spot", "max": 2}, {"kind": "spot", "max": 1}]},
        "fleet.pools.inf2.capacity[1]: spot stands there twice\n  fix: state each once, with its bounds",
    ),
    "unknown terms": (
        {"pools.inf2.capacity": [{"kind": "on-demand"}]},
        "fleet.pools.inf2.capacity[0].kind: got 'on-demand'\n  fix: did you mean 'on_demand'? allowed: on_demand, spot",
    ),
    "networks that overlap": (
        {"clusters.gcp.network": {"cidr": "10.20.0.0/20"}},
        "fleet.clusters.gcp.network.cidr: 10.20.0.0/20 overlaps 10.20.0.0/16 of clusters.aws.network.cidr\n"
        "  fix: choose ranges that share no address",
    ),
    "ranges of one cluster that overlap": (
        {"clusters.aws.service_cidr": "10.20.128.0/20"},
        "fleet.clusters.aws.service_cidr: 10.20.128.0/20 overlaps 10.20.0.0/16 of network.cidr",
    ),
    "pods range that overlaps": (
        {"clusters.gcp.network": {"cidr": "10.44.0.0/20"}},
        "fleet.clusters.gcp.network.pods_cidr: 10.44.0.0/14 overlaps 10.44.0.0/20 of network.cidr",
    ),
    "not a network": (
        {"clusters.aws.network.cidr": "10.20.0.1/16"},
        "fleet.clusters.aws.network.cidr: got '10.20.0.1/16': 10.20.0.1/16 has host bits set\n"
        "  fix: write an IPv4 network such as 10.20.0.0/16",
    ),
    "network of a wrong size": (
        {"clusters.aws.network.cidr": "10.20.0.0/24"},
        "fleet.clusters.aws.network.cidr: got 10.20.0.0/24\n  fix: take a range between /16 and /20",
    ),
    "wrong type": (
        {"models.chat.replicas": "many"},
        "fleet.models.chat.replicas: input should be a valid integer, unable to parse string as an integer, got 'many'"
        "\n  fix: write a whole number",
    ),
    "too few": (
        {"clusters.aws.network.zones": ["use1-az4"]},
        "fleet.clusters.aws.network.zones: got use1-az4 alone, and EKS asks for two zones\n"
        "  fix: name another, or leave zones out",
    ),
    "name that no cloud takes": (
        {"owner.cost_center": "ML Platform"},
        "fleet.owner.cost_center: string should match pattern '^[a-z0-9][-_a-z0-9]{0,62}$', got 'ML Platform'"
        "\n  fix: write it so that it matches ^[a-z0-9][-_a-z0-9]{0,62}$",
    ),
    "number out of bounds": (
        {"models.chat.max_concurrency": 0},
        "fleet.models.chat.max_concurrency: input should be greater than or equal to 1, got 0\n  fix: take 1 or more",
    ),
    "text where keys belong": (
        {"pools.inf2": "inf2.8xlarge"},
        "fleet.pools.inf2: got 'inf2.8xlarge', where keys and values belong\n  fix: write keys and values",
    ),
    "missing value": (
        {"clusters.aws": {"cloud": "aws", "region": "us-east-1"}},
        "fleet.clusters.aws.network: is required and missing\n  fix: add it\n"
        "fleet.clusters.aws.endpoint: is required and missing",
    ),
    "unknown cloud": (
        {"clusters.aws.cloud": "azure"},
        "fleet.clusters.aws.cloud: got 'azure'\n  fix: allowed: aws, gcp",
    ),
    "the whole internet": (
        {"clusters.aws.endpoint.cidrs": ["0.0.0.0/0"]},
        "fleet.clusters.aws.endpoint.cidrs: got 0.0.0.0/0, which opens the Kubernetes API to the whole internet\n"
        "  fix: name the networks of your offices and runners",
    ),
    "network that the internet does not see": (
        {"clusters.aws.endpoint.cidrs": ["10.1.0.0/16"]},
        "fleet.clusters.aws.endpoint.cidrs: got 10.1.0.0/16, from which nobody on the internet asks\n"
        "  fix: name the networks as the internet sees them, or take `kind: private`",
    ),
    "network twice": (
        {"clusters.aws.endpoint": {"kind": "private", "reach": ["10.1.0.0/16", "10.1.0.0/16"]}},
        "fleet.clusters.aws.endpoint.reach[1]: got 10.1.0.0/16 twice\n  fix: name each network once",
    ),
    "services range that is private and nobody's": (
        {"clusters.aws.service_cidr": "198.18.0.0/16"},
        "fleet.clusters.aws.service_cidr: got 198.18.0.0/16, which EKS refuses",
    ),
    "zone of another region": (
        {"clusters.gcp.zones": ["us-west1-c"]},
        "fleet.clusters.gcp.zones[0]: got 'us-west1-c', which is not a zone of us-west4\n"
        "  fix: take a zone such as us-west4-a",
    ),
    "unknown model": (
        {"models.chat.model": "Qwen/Qwen3-0.7B"},
        "fleet.models.chat.model: got 'Qwen/Qwen3-0.7B', a model that the catalog does not have\n"
        "  fix: did you mean 'Qwen/Qwen3-0.6B'",
    ),
    "model that does not fit": (
        {"models.chat": {"model": "Qwen/Qwen3-8B", "pool": "v5e"}},
        "fleet.models.chat.pool: Qwen/Qwen3-8B does not fit ct5lp-hightpu-1t: 15.3 GiB of weights and 4.5 GiB of"
        " key-value cache (8 sequences of 4096 tokens) against 14.4 GiB usable\n"
        "  fix: choose a smaller model, or take a pool of ct5lp-hightpu-4t or ct5lp-hightpu-8t",
    ),
    "cache that does not fit": (
        {"models.chat.max_model_len": 40000, "models.chat.max_concurrency": 64},
        "fleet.models.chat.pool: Qwen/Qwen3-0.6B does not fit inf2.8xlarge: 1.1 GiB of weights and 273.4 GiB",
    ),
    "sequence longer than the model": (
        {"models.chat.max_model_len": 50000},
        "fleet.models.chat.max_model_len: got 50000, beyond what Qwen/Qwen3-0.6B was made for\n"
        "  fix: take at most 40960",
    ),
    "more replicas than nodes": (
        {"models.chat.replicas": 5},
        "fleet.models.chat.replicas: got 5, one node each, but pool inf2 has 2\n"
        "  fix: raise max of pool inf2, or lower replicas",
    ),
    "more replicas than an autoscaled pool can have": (
        {"models.chat.pool": "v5e", "models.chat.replicas": 7},
        "fleet.models.chat.replicas: got 7, one node each, but pool v5e has 6\n  fix: raise max of pool v5e,",
    ),
    "unknown pool": (
        {"models.chat.pool": "inf"},
        "fleet.models.chat.pool: got 'inf', and there is no such pool\n  fix: did you mean 'inf2'? allowed: inf2, v5e",
    ),
    "unknown cluster": (
        {"pools.inf2.cluster": "azure"},
        "fleet.pools.inf2.cluster: got 'azure', and there is no such cluster\n  fix: allowed: aws, gcp",
    ),
    "pool on the wrong cloud": (
        {"pools.inf2.cluster": "gcp"},
        "fleet.pools.inf2.cluster: got 'gcp', which is on Google Cloud: a neuron pool cannot join it\n"
        "  fix: name a cluster of the other cloud, or take a pool of kind tpu_slice",
    ),
    "unknown engine": (
        {"models.chat.engine": "vlm"},
        "fleet.models.chat.engine: got 'vlm', for which no image on inferentia2 is known\n  fix: did you mean 'vllm'?",
    ),
    "image line and node image that cannot start": (
        {"pools.inf2.ami_release": "1.35.6-20260714"},
        "fleet.models.chat.line: line huggingface-0.4.5 starts on host driver 2.28 or older; pool inf2 brings driver"
        " 2.29.0.0\n  fix: set ami_release of pool inf2 to a release with such a driver, or take line aws-sdk2.31",
    ),
    "unknown node image": (
        {"pools.inf2.ami_release": "1.35.6-20260626"},
        "fleet.pools.inf2.ami_release: got '1.35.6-20260626', which is no release for Kubernetes 1.35 in the catalog\n"
        "  fix: did you mean '1.35.6-20260625'",
    ),
    "Kubernetes version without node images": (
        {"clusters.aws.kubernetes": "1.29"},
        "fleet.clusters.aws.kubernetes: got '1.29', for which the catalog has no node image or no add-ons\n"
        "  fix: allowed: 1.35",
    ),
    "system machine with accelerators": (
        {"clusters.aws.system_nodes": {"machine": "inf2.xlarge"}},
        "fleet.clusters.aws.system_nodes.machine: got 'inf2.xlarge', which is not a system machine of the catalog",
    ),
    "time for which no log is kept": (
        {"clusters.aws.logs": {"retention_days": 31}},
        "fleet.clusters.aws.logs.retention_days: got 31, for which CloudWatch Logs keeps nothing\n  fix: allowed: 1,",
    ),
    "log of no part of the control plane": (
        {"clusters.aws.logs": {"types": ["audits"]}},
        "fleet.clusters.aws.logs.types[0]: got 'audits'\n  fix: did you mean 'audit'",
    ),
    "log named twice": (
        {"clusters.aws.logs": {"types": ["api", "api"]}},
        "fleet.clusters.aws.logs.types[1]: got 'api' twice\n  fix: name each log once",
    ),
    "serving layer without its infra": (
        {"layers": ["serving"]},
        "fleet.infra_stack: is required where layers is [serving]: the kubeconfigs come from there\n  fix: add it",
    ),
    "both layers and a reference": (
        {"infra_stack": "organization/polysilicon/prod"},
        "fleet.infra_stack: is set, but this stack holds the infra layer itself\n  fix: remove it",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_one_message(name: str, mixed: dict[str, Any], catalog: Catalog) -> None:
    changes, expected = CASES[name]
    for path, value in changes.items():
        put(mixed, path, value)
    with pytest.raises(SpecError) as raised:
        plan_fleet(FleetSpec.parse(mixed, "fleet"), catalog, "fleet")
    assert str(raised.value).startswith(expected)


def test_the_unchanged_fleet_is_right(mixed: dict[str, Any], catalog: Catalog) -> None:
    assert plan_fleet(FleetSpec.parse(mixed, "fleet"), catalog).servers.keys() == {"chat"}


def test_independent_mistakes_are_told_together(mixed: dict[str, Any], catalog: Catalog) -> None:
    put(mixed, "pools.inf2.machine", "inf3")
    put(mixed, "pools.v5e.topology", "9x9")
    with pytest.raises(SpecError) as raised:
        plan_fleet(FleetSpec.parse(mixed, "fleet"), catalog)
    assert [problem.path for problem in raised.value.problems] == ["pools.inf2.machine", "pools.v5e.topology"]


def test_an_output_where_a_plain_value_belongs() -> None:
    with pytest.raises(SpecError) as raised:
        EksNetworkSpec(cidr=pulumi.Output.from_input("10.0.0.0/16"), zones=("use1-az4", "use1-az6"))
    assert str(raised.value).startswith("cidr: got a pulumi.Output where a plain value belongs")
    assert "goes into the component's args" in str(raised.value)


def test_an_error_in_a_program_is_one_that_the_engine_prints_without_a_traceback() -> None:
    with pytest.raises(pulumi.RunError):
        EksNetworkSpec(zones=("use1-az4",))


def test_a_budget_without_an_aws_account_is_refused(mixed: dict[str, Any]) -> None:
    mixed["budget"] = {"monthly_usd": 900, "alert_emails": ["ml@example.com"]}
    for part in ("clusters", "pools"):
        mixed[part] = {key: value for key, value in mixed[part].items() if key in ("gcp", "v5e")}
    with pytest.raises(SpecError, match=r"fleet\.budget: is set, but nothing of the fleet is on AWS"):
        FleetSpec.parse(mixed, "fleet")


def test_a_list_is_not_called_short_for_what_is_wrong_in_it(mixed: dict[str, Any]) -> None:
    mixed["clusters"]["aws"]["endpoint"]["cidrs"] = ["300.0.0.0/8"]
    with pytest.raises(SpecError) as caught:
        FleetSpec.parse(mixed, "fleet")
    assert [problem.path for problem in caught.value.problems] == ["fleet.clusters.aws.endpoint.cidrs[0]"]
