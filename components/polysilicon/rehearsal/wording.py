"""How the clouds put a refusal into words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polysilicon.rehearsal.forms import service_of, table
from polysilicon.rehearsal.model import Call
from polysilicon.rehearsal.values import at

_DOING = {"create": "creating", "update": "updating", "delete": "deleting", "check": "checking", "read": "reading"}


def told(call: Call, message: str, **more: Any) -> str:
    """A message as the provider of this package would show it, with what was being done to what in front."""
    words: Mapping[str, Any] = table(call.package).get("wording", {})
    name = at(call.inputs, "metadata.name") or at(call.inputs, "name") or call.name
    facts = {
        "doing": _DOING[call.operation],
        "done": {"create": "created", "update": "updated", "delete": "deleted"}.get(call.operation, call.operation),
        "service": words.get("services", {}).get(service_of(call.type)) or service_of(call.type).upper(),
        "kind": call.kind,
        "plural": plural(call.kind),
        "object": _object(call, str(name)),
        "name": name,
        "id": call.id,
        **more,
    }
    return str(words.get("frame", "{doing} {kind}: {message}")).format(**facts, message=message.format(**facts))


def already_exists(call: Call, id_: str) -> str:
    """What the cloud says when something of that name is there."""
    words: Mapping[str, Any] = table(call.package).get("wording", {})
    exists = words.get("exists", {})
    message = exists.get(service_of(call.type)) or exists.get("default") or "{kind} {id} already exists"
    return told(call, message, id=id_)


def plural(kind: str) -> str:
    """A Kubernetes kind as its API names it: `namespaces`, `networkpolicies`, `ingresses`."""
    lower = kind.lower()
    if lower.endswith("y"):
        return lower[:-1] + "ies"
    return lower + ("es" if lower.endswith("s") else "s")


def _object(call: Call, name: str) -> str:
    namespace = at(call.inputs, "metadata.namespace") or at(call.inputs, "namespace")
    return f"{namespace}/{name}" if namespace else name
