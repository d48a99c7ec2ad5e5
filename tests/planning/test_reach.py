"""Networks without a way out: which endpoints they need, and what cannot run in them."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.catalog import Catalog, Overlay
from polysilicon.errors import SpecError
from polysilicon.planning.endpoints import PRIVATE_CLUSTER, endpoint_services
from polysilicon.planning.fleet import plan_fleet
from polysilicon.specs import EksNetworkSpec, FleetSpec

ZONES = ("use1-az4", "use1-az6")
CLOSED = {"zones": ZONES, "nat": "none", "endpoints": ["private_cluster"]}


def fleet(mixed: dict[str, Any], network: dict[str, Any], most: int = 1, served: bool = True) -> FleetSpec:
    mixed["clusters"]["aws"]["network"] = network
    mixed["pools"]["inf2"]["capacity"] = [{"kind": "on_demand", "min": 1, "max": most}]
    if not served:
        mixed["models"] = {}
    return FleetSpec.parse(mixed)


def refused(spec: FleetSpec, catalog: Catalog) -> SpecError:
    with pytest.raises(SpecError) as raised:
        plan_fleet(spec, catalog)
    return raised.value


def test_the_shorthand_stands_for_what_a_private_cluster_asks_once_each() -> None:
    spec = EksNetworkSpec(zones=ZONES, endpoints=("kms", "sts", "private_cluster"))
    services = endpoint_services(spec)
    assert services[:2] == ("kms", "sts")
    assert sorted(services) == sorted({"kms", *PRIVATE_CLUSTER})
    assert {"ec2", "ecr.api", "ecr.dkr", "sts", "eks", "eks-auth", "logs", "ssm"} <= set(PRIVATE_CLUSTER)


def test_without_nat_the_endpoints_that_are_missing_are_named(mixed: dict[str, Any], catalog: Catalog) -> None:
    error = refused(fleet(mixed, {**CLOSED, "endpoints": ["ec2", "ecr.api", "sts"]}, most=2), catalog)
    assert str(error) == (
        "clusters.aws.network.endpoints: without NAT, nodes need endpoints for ecr.dkr, eks, eks-auth, sqs, ssm as well"
        "\n  fix: add them, or private_cluster, which stands for all; or take nat: single"
    )


def test_without_nat_what_must_come_from_outside_is_named(mixed: dict[str, Any], catalog: Catalog) -> None:
    error = str(refused(fleet(mixed, CLOSED), catalog))
    assert error.startswith("clusters.aws.network.nat: got none, but nodes fetch from outside: ")
    assert "public.ecr.aws/neuron/neuron-device-plugin:" in error
    assert "the weights of Qwen/Qwen3-0.6B" in error
    assert "karpenter" not in error
    assert "IAM" not in error


def test_weights_of_the_clusters_own_store_come_from_inside(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["clusters"]["aws"]["weights"] = {}
    mixed["models"]["chat"]["weights"] = {}
    assert "the weights of" not in str(refused(fleet(mixed, CLOSED), catalog))


def test_without_nat_karpenter_reaches_neither_its_image_nor_iam(mixed: dict[str, Any], catalog: Catalog) -> None:
    error = str(refused(fleet(mixed, CLOSED, most=2, served=False), catalog))
    assert "public.ecr.aws/karpenter/controller:" in error
    assert "IAM, which makes the instance profiles" in error


def test_copies_in_the_regions_own_registry_are_reached(mixed: dict[str, Any], catalog: Catalog) -> None:
    copies = {
        key: {"source": "our own", "as_of": "2026-11", "value": "111122223333.dkr.ecr.us-east-1.amazonaws.com/n:1"}
        for key in catalog.defaults
        if key.startswith("neuron.")
    }
    spec = fleet(mixed, CLOSED, served=False)
    assert plan_fleet(spec, catalog.overlaid(Overlay.parse({"defaults": copies}))).pools.keys() == {"inf2", "v5e"}
    elsewhere = {key: {**row, "value": "1.dkr.ecr.us-west-2.amazonaws.com/n:1"} for key, row in copies.items()}
    assert "us-west-2" in str(refused(spec, catalog.overlaid(Overlay.parse({"defaults": elsewhere}))))


def test_without_nat_the_images_of_the_operator_that_cuts_gpus_are_named(
    mixed: dict[str, Any], catalog: Catalog
) -> None:
    copies = {
        key: {"source": "our own", "as_of": "2026-11", "value": "111122223333.dkr.ecr.us-east-1.amazonaws.com/n:1"}
        for key in catalog.defaults
        if key.startswith(("neuron.", "nvidia.")) and key.endswith("_image")
    }
    copied = catalog.overlaid(Overlay.parse({"defaults": copies}))
    fleet(mixed, CLOSED, served=False)
    gpus = {
        "kind": "eks_gpu",
        "cluster": "aws",
        "machine": "p5.48xlarge",
        "capacity": [{"kind": "on_demand", "min": 1, "max": 1}],
        "zones": ["use1-az4"],
    }
    mixed["pools"]["whole"] = {**gpus, "efa": True}
    assert "whole" in plan_fleet(FleetSpec.parse(mixed), copied).pools, "EFA's image is in the region's own registry"
    mixed["pools"]["cut"] = {**gpus, "efa": False, "sharing": {"kind": "mig", "profile": "all-1g.10gb"}}
    error = str(refused(FleetSpec.parse(mixed), copied))
    assert "nodes fetch from outside: the images of NVIDIA's GPU operator for MIG, from nvcr.io and registry" in error
    assert error.endswith("the operator's images cannot be named: take another sharing for cut")


def test_a_way_out_that_the_spec_states_is_believed(mixed: dict[str, Any], catalog: Catalog) -> None:
    network = {**CLOSED, "endpoints": [], "way_out": "the platform's transit gateway"}
    assert plan_fleet(fleet(mixed, network, most=2), catalog).servers.keys() == {"chat"}


def test_a_way_out_beside_nat_is_refused() -> None:
    with pytest.raises(SpecError) as raised:
        EksNetworkSpec(zones=ZONES, way_out="the platform's transit gateway")
    assert str(raised.value) == ("way_out: is set, but nat: single is the way out\n  fix: remove it, or take nat: none")


def test_weights_from_the_clusters_store_are_reached(mixed: dict[str, Any], catalog: Catalog) -> None:
    mixed["clusters"]["aws"]["weights"] = {}
    mixed["models"]["chat"] |= {"weights": {}, "compile_cache": True, "replicas": 0}
    error = str(refused(fleet(mixed, CLOSED), catalog))
    assert "the weights of" not in error
    assert "public.ecr.aws/aws-cli/aws-cli:" in error, "what copies compiled code is an image from outside as well"
