"""The layer of model servers."""

from collections.abc import Mapping

import pulumi

from polysilicon.catalog import Catalog
from polysilicon.kubernetes import ClusterRef, ModelServer, ModelServerArgs
from polysilicon.planning.landing import Landing
from polysilicon.specs import FleetSpec


def deploy_serving(
    fleet: FleetSpec, landings: Mapping[str, Landing], clusters: Mapping[str, ClusterRef], catalog: Catalog
) -> None:
    """Deploys each model on the landing of its pool; exports the endpoints."""
    servers = {
        key: ModelServer(
            key,
            ModelServerArgs(
                spec=spec, landing=landings[spec.pool], cluster=clusters[landings[spec.pool].cluster], catalog=catalog
            ),
        )
        for key, spec in fleet.models.items()
    }
    pulumi.export("endpoints", {key: server.endpoint for key, server in servers.items()})
