"""Servers without a cluster."""

import pulumi
from accounts import account_of, network_of

from polysilicon.catalog import Catalog
from polysilicon.specs import FleetSpec, SingleNodeServerSpec


def deploy_server(
    key: str, spec: SingleNodeServerSpec, fleet: FleetSpec, catalog: Catalog
) -> dict[str, pulumi.Input[str]]:
    """A machine with its network; how to reach it."""
    from polysilicon import aws

    provider, tags = account_of(key, spec, fleet)
    network = network_of(key, spec.network, spec.network.zones, tags, provider)
    args = aws.SingleNodeServerArgs(spec=spec, network=network, tags=tags, catalog=catalog)
    server = aws.SingleNodeServer(key, args, pulumi.ResourceOptions(providers=[provider]))
    endpoint = server.private_ip.apply(lambda address: f"http://{address}:{server.port}/v1")
    return {"instance": server.instance_id, "endpoint": endpoint}
