"""What clusters and servers on AWS have in common: an account and a network."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pulumi

from polysilicon.planning.fleet import budgeted
from polysilicon.specs import (
    EksClusterSpec,
    EksNetworkSpec,
    ExistingEksClusterSpec,
    ExistingEksNetworkSpec,
    FleetSpec,
    SingleNodeServerSpec,
)

if TYPE_CHECKING:
    import pulumi_aws

    from polysilicon.aws import NetworkWires


def account_of(
    key: str, spec: EksClusterSpec | ExistingEksClusterSpec | SingleNodeServerSpec, fleet: FleetSpec
) -> tuple["pulumi_aws.Provider", dict[str, str]]:
    """The provider of what is made under one key, and its tags; with the account's budget, if this key has it."""
    import pulumi_aws

    from polysilicon import aws

    provider = pulumi_aws.Provider(
        f"{key}-aws", region=spec.region, allowed_account_ids=[spec.account] if spec.account else None
    )
    tags = aws.owner_tags(fleet.owner, pulumi.get_stack())
    if fleet.budget is not None and key in budgeted(fleet):
        args = aws.AwsBudgetArgs(spec=fleet.budget, owner=fleet.owner, tags=tags)
        budget = aws.AwsBudget(key, args, pulumi.ResourceOptions(providers=[provider]))
        if budget.topic_arn is not None:
            pulumi.export(f"{key}-alerts", budget.topic_arn)
    return provider, tags


def network_of(
    key: str,
    spec: EksNetworkSpec | ExistingEksNetworkSpec,
    zones: tuple[str, ...],
    tags: Mapping[str, str],
    provider: "pulumi_aws.Provider",
) -> "NetworkWires":
    """A new network, or one that is there."""
    from polysilicon import aws

    if isinstance(spec, ExistingEksNetworkSpec):
        return aws.existing_network(spec, provider)
    on_aws = pulumi.ResourceOptions(providers=[provider])
    return aws.EksNetwork(key, aws.EksNetworkArgs(spec=spec, zones=zones, tags=tags), on_aws).wires
