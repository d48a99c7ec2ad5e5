"""What every component does alike: options of its children and lookups, and the record of what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from polysilicon.planning.order import Order
from polysilicon.specs.base import Spec

After = Mapping[Order, Sequence[pulumi.Resource]]
"""Resources that must be there first, under the row of the order table that says why."""


def child(parent: pulumi.Resource, after: After | None = None, **options: Any) -> pulumi.ResourceOptions:
    """Options of a component's child: its parent, and what the order table demands. Nothing comes from the caller's own
    options, which reach children through their parent."""
    waits = [resource for resources in (after or {}).values() for resource in resources]
    return pulumi.ResourceOptions(parent=parent, depends_on=waits or None, **options)


def lookup(parent: pulumi.Resource, after: After | None = None) -> pulumi.InvokeOutputOptions:
    """Options of a component's lookup, in the same way. What takes its answer waits for the same resources."""
    waits = [resource for resources in (after or {}).values() for resource in resources]
    return pulumi.InvokeOutputOptions(parent=parent, depends_on=waits or None)


def record(spec: Spec, **plan: Any) -> dict[str, Any]:
    """What a component writes into the state of what it was asked and what it decided. Previews, rules and reviews read
    it. Specs and plans hold no secrets."""
    return {"spec": spec.model_dump(mode="json", exclude_none=True), "plan": plan}
