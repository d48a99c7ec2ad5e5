"""Whether a cluster that is there takes the nodes of the stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from polysilicon.errors import UserError
from polysilicon.lookups.preflight.clients import Clients
from polysilicon.lookups.preflight.findings import Finding
from polysilicon.planning.cluster import joined
from polysilicon.planning.requirements import ClusterWanted

_RUNS = ("ACTIVE", "UPDATING")


def cluster(wanted: ClusterWanted, region: str, clients: Clients) -> Iterator[Finding]:
    """Whether EKS has it, nodes can join it, and it lies in the VPC of the subnets."""
    eks = clients("eks", region)
    try:
        found = eks.describe_cluster(name=wanted.name)["cluster"]
    except eks.exceptions.ResourceNotFoundException:
        fix = f"correct clusters.{wanted.key}.name: `aws eks list-clusters --region {region}` shows them"
        yield Finding("cluster", wanted.name, "fail", "is not there", fix)
        return
    if found["status"] not in _RUNS:
        yield Finding("cluster", wanted.name, "fail", f"is {found['status']}", "wait until it is ACTIVE")
        return
    vpc = found["resourcesVpcConfig"]["vpcId"]
    against = [*_refused(wanted, found), *_elsewhere(wanted, vpc, region, clients)]
    yield from against or [Finding("cluster", wanted.name, "ok", f"takes nodes, in {vpc}")]


def _refused(wanted: ClusterWanted, found: Any) -> Iterator[Finding]:
    """Of a cluster that is older than access entries EKS tells no mode."""
    modes = [found.get("accessConfig", {}).get("authenticationMode", "CONFIG_MAP")]
    try:
        joined(wanted.key, wanted.kubernetes, wanted.name, found["version"], modes)
    except UserError as error:
        text, _, fix = str(error).partition("\n  fix: ")
        yield Finding("cluster", wanted.name, "fail", text, fix)


def _elsewhere(wanted: ClusterWanted, vpc: str, region: str, clients: Clients) -> Iterator[Finding]:
    """Subnets that are not there are told with their network."""
    named = [{"Name": "subnet-id", "Values": list(wanted.subnets)}]
    pages = clients("ec2", region).get_paginator("describe_subnets").paginate(Filters=named)
    others = [row for page in pages for row in page["Subnets"] if row["VpcId"] != vpc]
    if others:
        told = ", ".join(f"{row['SubnetId']} in {row['VpcId']}" for row in others)
        text = f"lies in {vpc}, but {told}"
        fix = f"name subnets of {vpc} under clusters.{wanted.key}.network.private_subnets"
        yield Finding("cluster", wanted.name, "fail", text, fix)
