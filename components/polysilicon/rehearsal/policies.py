"""IAM policy documents, as the `getPolicyDocument` function renders them."""

from __future__ import annotations

import json
from typing import Any

from polysilicon.rehearsal.values import Properties

_ONE_OR_MORE = {
    "actions": "Action",
    "notActions": "NotAction",
    "resources": "Resource",
    "notResources": "NotResource",
}


def policy_document(args: Properties) -> Properties:
    """The rendered document, the statements of the source and override documents merged by their `Sid`."""
    statements: list[dict[str, Any]] = []
    for text in _documents(args, "sourcePolicyDocuments"):
        statements += json.loads(text).get("Statement", [])
    statements += [_statement(statement) for statement in args.get("statements") or []]
    for text in _documents(args, "overridePolicyDocuments"):
        statements = _overridden(statements, json.loads(text).get("Statement", []))
    document: dict[str, Any] = {"Version": args.get("version") or "2012-10-17"}
    if args.get("policyId"):
        document["Id"] = args["policyId"]
    document["Statement"] = statements
    rendered = json.dumps(document, indent=2)
    return {**args, "json": rendered, "minifiedJson": json.dumps(document, separators=(",", ":")), "id": "policy"}


def _documents(args: Properties, name: str) -> list[str]:
    return [text for text in args.get(name) or [] if text]


def _overridden(statements: list[dict[str, Any]], news: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_sid = {statement["Sid"]: statement for statement in news if statement.get("Sid")}
    kept = [by_sid.pop(statement.get("Sid", ""), statement) for statement in statements]
    return kept + [statement for statement in news if not statement.get("Sid") or statement["Sid"] in by_sid]


def _statement(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"Sid": told["sid"]} if told.get("sid") else {}
    found["Effect"] = told.get("effect") or "Allow"
    for name, key in _ONE_OR_MORE.items():
        if told.get(name):
            found[key] = _one_or_more(told[name])
    for name, key in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if told.get(name):
            found[key] = _principals(told[name])
    if told.get("conditions"):
        found["Condition"] = _conditions(told["conditions"])
    return found


def _one_or_more(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else sorted(values, reverse=True)


def _principals(told: list[dict[str, Any]]) -> Any:
    if any(principal["type"] == "*" for principal in told):
        return "*"
    return {principal["type"]: _one_or_more(principal["identifiers"]) for principal in told}


def _conditions(told: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for condition in told:
        found.setdefault(condition["test"], {})[condition["variable"]] = _one_or_more(condition["values"])
    return found
