"""What an IAM role may do at this moment: by policies attached, inline, or named on the role itself."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from polysilicon.rehearsal.judges.order_moment import Moment, words
from polysilicon.rehearsal.model import Call, Record
from polysilicon.rehearsal.values import at

ROLE = "aws:iam/role:Role"
_ALL = ("AdministratorAccess", "PowerUserAccess")
_OF_AWS = ":aws:policy/"
_ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
)


@dataclass(frozen=True)
class _Grant:
    """A policy that a role has: by which record, and an ARN or else a document."""

    by: Record
    arn: str = ""
    document: Any = None

    def covers(self, moment: Moment, need: Mapping[str, Any]) -> bool:
        """Whether it allows what is needed. A policy that nobody here knows may allow anything."""
        if not self.arn:
            return _allows(self.document, need["action"])
        name = self.arn.rsplit("/", 1)[-1]
        if _OF_AWS in self.arn:
            return name in need["any"] or name in _ALL
        own = moment.made(self.arn, "aws:iam/policy:Policy")
        return own is None or _allows(own.inputs.get("policy"), need["action"])


def lacking(moment: Moment, role: Record, duty: str, call: Call | None = None) -> Iterator[str]:
    """What a role lacks for a duty of the table: `does not trust ec2.amazonaws.com`, `lacks AmazonEKS…`.

    Args:
        call: Who relies on what the role has.
    """
    row = words("aws")["roles"][duty]
    if not _trusts(role.inputs.get("assumeRolePolicy", row["trusts"]), row["trusts"]):
        yield f"does not trust {row['trusts']}"
    grants = [*_grants(moment, role)]
    for need in row["needs"]:
        holders = [grant.by for grant in grants if grant.covers(moment, need)]
        if not holders:
            yield f"lacks {need['any'][0]}"
        elif call is not None:
            moment.relies(call, f"it the role {role.name} lacks {need['any'][0]}", *([holder] for holder in holders))


def _grants(moment: Moment, role: Record) -> Iterator[_Grant]:
    for arn in role.inputs.get("managedPolicyArns") or ():
        yield _Grant(role, str(arn))
    for inline in role.inputs.get("inlinePolicies") or ():
        yield _Grant(role, document=inline.get("policy"))
    for record in moment.accounts.mentioning(str(role.outputs.get("name") or role.id)):
        if record.type in _ATTACHMENTS:
            arns = record.inputs.get("policyArns") or [record.inputs.get("policyArn")]
            yield from (_Grant(record, str(arn)) for arn in arns)
        elif record.type == "aws:iam/rolePolicy:RolePolicy":
            yield _Grant(record, document=record.inputs.get("policy"))


def _trusts(document: Any, service: str) -> bool:
    """Whether a service may take the role: it is named, and where actions are, `sts:AssumeRole` is among them."""
    named = [statement for statement in _statements(document) if service in str(statement)]
    may = not named or any("Action" not in statement or _permits(statement, "sts:AssumeRole") for statement in named)
    return service in str(document) and may


def _allows(document: Any, action: str) -> bool:
    return any(_permits(statement, action) for statement in _statements(document))


def _statements(document: Any) -> list[Mapping[str, Any]]:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return []
    found = document.get("Statement") or () if isinstance(document, Mapping) else ()
    found = [found] if isinstance(found, Mapping) else found
    return [statement for statement in found if isinstance(statement, Mapping)]


def _permits(statement: Mapping[str, Any], action: str) -> bool:
    given = at(statement, "Action") or ()
    patterns = [given] if isinstance(given, str) else given
    allowed = statement.get("Effect") == "Allow"
    return allowed and any(fnmatch.fnmatchcase(action.lower(), str(pattern).lower()) for pattern in patterns)
