"""The layer of model servers."""

from collections.abc import Mapping

import pulumi
from wires import Infra

from polysilicon.catalog import Catalog
from polysilicon.kubernetes import ModelServer, ModelServerArgs
from polysilicon.planning.landing import Landing
from polysilicon.specs import FleetSpec, ModelSpec


def deploy_serving(
    fleet: FleetSpec, landings: Mapping[str, Landing], infra: Mapping[str, Infra], catalog: Catalog
) -> None:
    """Deploys each model on the landing of its pool; exports the endpoints."""
    servers = {
        key: _server(key, spec, landings[spec.pool], infra[landings[spec.pool].cluster], catalog)
        for key, spec in fleet.models.items()
    }
    pulumi.export("endpoints", {key: server.endpoint for key, server in servers.items()})


def _server(key: str, spec: ModelSpec, landing: Landing, infra: Infra, catalog: Catalog) -> ModelServer:
    return ModelServer(
        key,
        ModelServerArgs(
            spec=spec,
            landing=landing,
            cluster=infra.cluster,
            store=infra.stores.get(key),
            catalog=catalog,
        ),
    )
