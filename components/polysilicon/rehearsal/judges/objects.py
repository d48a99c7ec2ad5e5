"""Kubernetes objects: as the API server of their cluster would take or refuse them.

Built-in kinds are held against the schemas in kubernetes-validate and the server's own rules, custom resources against
their definitions. The server's version is that of the simulated cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from polysilicon.rehearsal.accounts import Accounts
from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.judges import builtin_schemas as builtin
from polysilicon.rehearsal.judges import custom_schemas as custom
from polysilicon.rehearsal.judges.device_counts import device_findings
from polysilicon.rehearsal.judges.fields import Field, Finding
from polysilicon.rehearsal.judges.immutable import change_findings
from polysilicon.rehearsal.judges.object_kinds import kind_findings, metadata_findings
from polysilicon.rehearsal.judges.pod_security import enforced_level, pod_security_violations
from polysilicon.rehearsal.judges.pods import pod_annotations, pod_findings, pod_spec
from polysilicon.rehearsal.judges.structure import Structure
from polysilicon.rehearsal.model import Call, Problem, Tally
from polysilicon.rehearsal.values import Properties, at, leaves

NO_SCHEMAS = "Kubernetes objects: install polysilicon[rehearse] for their schemas"
NO_DEFINITION = "custom resources without a known definition"
RULES = "custom resources whose rules (CEL) were not evaluated"
_VERSIONS = ("version", "minMasterVersion", "masterVersion")
_MINOR = re.compile(r"v?1\.(\d+)")
_NOT_OBJECTS = ("helm.sh/", "kustomize", "yaml", "apiextensions.k8s.io:CustomResource")


class Objects:
    """Judges values when an object is checked, and what may not change when it is updated; see the module."""

    name = "Kubernetes schemas"

    def __init__(self) -> None:
        self.tally = Tally()
        self._installed = custom.Installed()

    def judge(self, call: Call, accounts: Accounts) -> Iterable[Problem]:
        """The problems of `call`."""
        if call.package != "kubernetes" or call.type.partition(":")[2].startswith(_NOT_OBJECTS):
            return ()
        if call.operation == "check":
            return [_problem(call, finding) for finding in self._values(call, accounts)]
        if call.operation == "update" and call.record is not None and not _is_patch(call):
            changes = change_findings(call.type, call.record.inputs, call.inputs)
            return [_problem(call, finding) for finding in changes]
        return _refused_pod(call, accounts)

    def _values(self, call: Call, accounts: Accounts) -> list[Finding]:
        api_version, kind = identity(call)
        if not is_builtin(api_version):
            name_form = table("kubernetes")["names"][""]
            return [*metadata_findings(Field(call.inputs), name_form), *self._custom(call, accounts, api_version, kind)]
        return [*self._builtin(call, accounts, api_version, kind), *_rules(call, api_version, kind)]

    def _builtin(self, call: Call, accounts: Accounts, api_version: str, kind: str) -> list[Finding]:
        if not builtin.versions():
            self.tally.unjudged[NO_SCHEMAS] += 1
            return []
        minor = server_minor(call, accounts)
        node = builtin.schema(builtin.nearest(minor), api_version, kind)
        if node is None:
            return self._unserved(minor, api_version, kind)
        self._count(call)
        return Structure(node, whole=not _is_patch(call), applied=_is_applied(call)).findings(call.inputs)

    def _unserved(self, minor: int | None, api_version: str, kind: str) -> list[Finding]:
        """A kind that other versions of the server have, and this one has not."""
        span = builtin.served_since_and_until(api_version, kind)
        if minor is None or span is None:
            self.tally.unjudged[NO_DEFINITION] += 1
            return []
        first, last = span
        when = f"until 1.{last}" if minor > last else f"from 1.{first}"
        text = f'no matches for kind "{kind}" in version "{api_version}": served {when}, and the cluster is 1.{minor}'
        return [Finding("", text, "patch")]

    def _custom(self, call: Call, accounts: Accounts, api_version: str, kind: str) -> list[Finding]:
        found = self._installed.schema(call, accounts, api_version, kind) or custom.pinned(api_version, kind)
        if found is None:
            self.tally.unjudged[NO_DEFINITION] += 1
            return []
        self._count(call)
        if found.rules:
            self.tally.unjudged[RULES] += 1
        return Structure(found.node, whole=not _is_patch(call), applied=_is_applied(call)).findings(call.inputs)

    def _count(self, call: Call) -> None:
        self.tally.inputs += sum(1 for _ in leaves(call.inputs))


def identity(call: Call) -> tuple[str, str]:
    """The API version and the kind of an object: its own, or those of its type."""
    _, version, kind = call.type.split(":")
    api_version = version.removeprefix("core/")
    told = call.inputs.get("apiVersion"), call.inputs.get("kind")
    own_version = told[0] if isinstance(told[0], str) and "/" in told[0] else api_version
    return own_version, kind.removesuffix("Patch") if _is_patch(call) else kind


def is_builtin(api_version: str) -> bool:
    """Whether a group is the API server's own."""
    group = api_version.rpartition("/")[0]
    return "." not in group or group in table("kubernetes")["builtin_groups"]


def server_minor(call: Call, accounts: Accounts) -> int | None:
    """The minor version of the Kubernetes of the cluster that a call goes to, if the accounts know it."""
    cluster = accounts.at_endpoint(call.scope.owner)
    for name in _VERSIONS if cluster else ():
        match = _MINOR.match(str(at(cluster.outputs if cluster else {}, name) or ""))
        if match:
            return int(match[1])
    return None


def _rules(call: Call, api_version: str, kind: str) -> Iterator[Finding]:
    """The server's rules on values, which no schema holds; a patch alone is not a whole object."""
    obj = Field(call.inputs)
    names = table("kubernetes")["names"]
    yield from metadata_findings(obj, names.get(f"{api_version}:{kind}", names[""]))
    if not _is_patch(call):
        pods = pod_spec(kind, call.inputs)
        yield from kind_findings(kind, obj)
        yield from pod_findings(pods)
        yield from device_findings(pods, pod_annotations(kind, call.inputs))


def _refused_pod(call: Call, accounts: Accounts) -> list[Problem]:
    """A pod of its own is refused by a strict namespace; for what makes pods see `pod_security`."""
    if call.operation != "create" or call.preview or call.type != "kubernetes:core/v1:Pod":
        return []
    namespace = str(at(call.inputs, "metadata.namespace") or "default")
    level = enforced_level(accounts.get(call.scope, "kubernetes:core/v1:Namespace", namespace))
    violations = pod_security_violations(call.inputs.get("spec") or {}, level)
    name = at(call.inputs, "metadata.name")
    text = f'pods "{name}" is forbidden: violates PodSecurity "{level}:latest": {", ".join(violations)}'
    return [Problem(text, "spec")] if violations else []


def _is_patch(call: Call) -> bool:
    """Whether only a part of an object is given, for one that exists."""
    return call.kind.endswith("Patch") and call.inputs.get("kind") != call.kind


def _is_applied(call: Call) -> bool:
    """Whether the provider sends objects by server-side apply, as it does unless it is told not to."""
    return str(call.settings.get("enableServerSideApply", True)).lower() != "false"


def _problem(call: Call, finding: Finding) -> Problem:
    api_version, kind = identity(call)
    name = at(call.inputs, "metadata.name") or at(call.inputs, "metadata.generateName") or call.name
    return Problem(_told(finding, api_version, kind, str(name), call.inputs), finding.path)


def _told(finding: Finding, api_version: str, kind: str, name: str, inputs: Properties) -> str:
    group, _, version = api_version.rpartition("/")
    if finding.stage == "decode":
        where = f": {finding.path}" if finding.path and finding.path not in finding.text else ""
        return f'{kind} in version "{version}" cannot be handled as a {kind}{where}: {finding.text}'
    if finding.stage == "patch" and not finding.path:
        return finding.text
    if finding.stage == "patch":
        namespace = at(inputs, "metadata.namespace")
        whole = f"{namespace}/{name}" if namespace else f"/{name}"
        return f"failed to create typed patch object ({whole}; {api_version}, Kind={kind}): {finding.text}"
    full = f"{kind}.{group}" if group else kind
    return f'{full} "{name}" is invalid: {finding.path}: {finding.text}'
