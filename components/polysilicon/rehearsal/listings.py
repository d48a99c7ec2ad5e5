"""Lookups of many (`getSubnets`): the ids of what was made here and matches, or of what an account has anyway.

Filters are those of EC2's Describe calls: `vpc-id` is the property `vpcId`, `tag:Name` a tag. A filter that names no
property is passed over: a list with too much in it is better than one that a program finds empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.model import Record, Scope
from polysilicon.rehearsal.values import Properties, at


def listed(accounts: Accounts, scope: Scope, token: str, args: Properties) -> Properties | None:
    """The answer to a lookup of many, `ids`; nothing if the token is none or nobody here made what it asks about.

    Args:
        scope: Where it looks.
        token: Of the function; the table `listings` says what it lists.
        args: `filters`, each a name and values, `tags`, and `vpcId`.
    """
    type_ = table(token.split(":")[0]).get("listings", {}).get(token)
    if type_ is None:
        return None
    wanted = _wanted(args)
    here = [record for record in accounts.of_types(lambda each: each == type_) if record.scope == scope]
    ids = [record.id for record in here if all(_matches(record, *each) for each in wanted.items())]
    networks = wanted.get("vpc-id", [])
    return {"ids": ids} if ids or any(accounts.called(network) for network in networks) else None


def _wanted(args: Mapping[str, Any]) -> dict[str, list[str]]:
    """The values allowed for each filter, the arguments for tags among them."""
    filters = {str(each.get("name")): list(each.get("values") or ()) for each in args.get("filters") or ()}
    filters |= {"vpc-id": [args["vpcId"]]} if args.get("vpcId") else {}
    return filters | {f"tag:{name}": [value] for name, value in (args.get("tags") or {}).items()}


def _matches(record: Record, name: str, values: list[str]) -> bool:
    if name.startswith("tag:"):
        return (at(record.outputs, "tags") or {}).get(name.removeprefix("tag:")) in values
    first, *rest = name.split("-")
    found = record.outputs.get(first + "".join(word.capitalize() for word in rest))
    return not isinstance(found, str) or found in values
