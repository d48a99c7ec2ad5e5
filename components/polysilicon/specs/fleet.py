"""The whole of a stack's YAML under `polysilicon:fleet`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from polysilicon.specs.base import Spec, refusal
from polysilicon.specs.budget import BudgetSpec
from polysilicon.specs.cluster import ClusterSpec
from polysilicon.specs.model import ModelSpec
from polysilicon.specs.pool import PoolSpec
from polysilicon.specs.server import SingleNodeServerSpec
from polysilicon.specs.values import Key, Owner

Layer = Literal["infra", "serving"]


class FleetSpec(Spec):
    """Clusters, the accelerator pools in them, and the models on the pools; and servers without a cluster."""

    owner: Owner
    clusters: dict[Key, ClusterSpec] = Field(default_factory=dict)
    pools: dict[Key, PoolSpec] = Field(default_factory=dict)
    models: dict[Key, ModelSpec] = Field(default_factory=dict)
    servers: dict[Key, SingleNodeServerSpec] = Field(default_factory=dict)
    """Machines that serve one model each, without Kubernetes. They belong to the layer `infra`."""
    budget: BudgetSpec | None = None
    """What the owner's cost center may spend in each AWS account of the fleet before somebody is told. It counts all
    that carries the tag CostCenter, other stacks' as well. By default nobody is told."""
    layers: tuple[Layer, ...] = ("infra", "serving")
    """What this stack deploys of the fleet. By default all of it; two stacks with the same fleet may split it."""
    infra_stack: str | None = None
    """Stack that holds the `infra` layer, as organization/project/stack; needed where `layers` is [serving] alone."""

    @model_validator(mode="after")
    def _something_of_each_name(self) -> FleetSpec:
        if not self.clusters and not self.servers:
            raise refusal("is missing, and so is servers: the fleet is empty", "add one of them", at=("clusters",))
        for key in self.servers:
            if key in self.clusters:
                text = "is the key of a cluster as well, and what belongs to them would have the same names"
                raise refusal(text, "choose another key", at=("servers", key))
        return self

    @model_validator(mode="after")
    def _budget_has_an_account(self) -> FleetSpec:
        homes = [*self.clusters.values(), *self.servers.values()]
        if self.budget is not None and all(home.cloud != "aws" for home in homes):
            text = "is set, but nothing of the fleet is on AWS, and budgets elsewhere are not built yet"
            raise refusal(text, "remove it, and set a budget in the console of the billing account", at=("budget",))
        return self

    @model_validator(mode="after")
    def _layers_are_complete(self) -> FleetSpec:
        if not self.layers:
            raise refusal("is empty", "name infra, serving or both", at=("layers",))
        if "infra" not in self.layers and self.infra_stack is None:
            fix = "add it, as organization/project/stack (with a file backend the organization is `organization`)"
            raise refusal(
                "is required where layers is [serving]: the kubeconfigs come from there",
                fix,
                at=("infra_stack",),
            )
        if "infra" in self.layers and self.infra_stack is not None:
            raise refusal("is set, but this stack holds the infra layer itself", "remove it", at=("infra_stack",))
        return self
