"""What an API server refuses in the specification of pods, wherever it stands: in a Pod, a Deployment, a Job.

Source: kubernetes v1.35.0, pkg/apis/core/validation/validation.go; the functions are named at each check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from polysilicon.rehearsal.judges.fields import Field, Finding, unique
from polysilicon.rehearsal.judges.formats import label_value, qualified_name
from polysilicon.rehearsal.quantities import quantity
from polysilicon.rehearsal.values import UNKNOWN

_TEMPLATES = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "PodTemplate": ("template", "spec"),
    **dict.fromkeys(
        ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController", "Job"),
        ("spec", "template", "spec"),
    ),
}
_STANDARD = frozenset({"cpu", "memory", "ephemeral-storage"})


def pod_spec(kind: str, inputs: object) -> Field:
    """Where an object of a kind says what its pods are; a place with nothing for a kind without pods."""
    path = _TEMPLATES.get(kind)
    spec = Field(inputs).at(*path) if path else Field(None)
    return _with_claims(spec, Field(inputs).at("spec", "volumeClaimTemplates")) if kind == "StatefulSet" else spec


def _with_claims(spec: Field, claims: Field) -> Field:
    """The pods of a StatefulSet also have a volume for each of its volumeClaimTemplates."""
    if not isinstance(spec.value, Mapping) or claims.absent:
        return spec
    if claims.unknown or not spec["volumes"].whole:
        return Field({**spec.value, "volumes": UNKNOWN}, spec.path)
    own = [volume["name"].text for volume in spec["volumes"].items()]
    names = [claim.at("metadata", "name").value for claim in claims.items()]
    made = [{"name": name, "persistentVolumeClaim": {}} for name in names if name not in own]
    return Field({**spec.value, "volumes": [*(spec["volumes"].value or ()), *made]}, spec.path)


def pod_annotations(kind: str, inputs: object) -> Field:
    """Where an object of a kind says which annotations its pods have; as `pod_spec`."""
    path = _TEMPLATES.get(kind)
    return Field(inputs).at(*path[:-1], "metadata", "annotations") if path else Field(None)


def containers(spec: Field) -> Iterator[Field]:
    """The containers that start first, then the others."""
    yield from spec["initContainers"].items()
    yield from spec["containers"].items()


def pod_findings(spec: Field) -> Iterator[Finding]:
    """What is wrong in a specification of pods."""
    for check in _CHECKS:
        yield from check(spec)


def _lists(spec: Field) -> Iterator[Finding]:
    """validateContainers, ValidateVolumes: there is a container, and no name twice."""
    if spec["containers"].value == []:
        yield spec["containers"].required()
    yield from unique(container["name"] for container in containers(spec))
    yield from unique(volume["name"] for volume in spec["volumes"].items())
    for container in containers(spec):
        yield from unique(port["name"] for port in container["ports"].items())
        if container["image"].value in ("", None):
            yield container["image"].required()


def _mounts(spec: Field) -> Iterator[Finding]:
    """ValidateVolumeMounts: every mount has its volume, and a path of its own."""
    places = [volume["name"] for volume in spec["volumes"].items()]
    names = {place.text for place in places}
    complete = spec["volumes"].whole and not any(place.unknown for place in places)
    for container in containers(spec):
        seen: set[str] = set()
        for mount in container["volumeMounts"].items():
            name, path = mount["name"], mount["mountPath"]
            if complete and name.text and name.text not in names:
                yield name.missing()
            if path.text and path.text in seen:
                yield path.invalid("must be unique")
            seen.add(path.text or "")


def _volumes(spec: Field) -> Iterator[Finding]:
    """validateVolumeSource: a volume has one source."""
    for volume in spec["volumes"].items():
        sources = sorted(name for name, place in volume.entries() if name != "name" and place.given)
        for extra in sources[1:]:
            yield volume[extra].forbidden("may not specify more than 1 volume type")


def _resources(spec: Field) -> Iterator[Finding]:
    """validateResourceRequirements."""
    for container in containers(spec):
        limits, requests = container.at("resources", "limits"), container.at("resources", "requests")
        for group in (limits, requests):
            for name, amount in group.entries():
                yield from _resource(name, amount)
        for name, amount in requests.entries():
            yield from _request(name, amount, requests, limits)
        names = {name for name, _ in (*limits.entries(), *requests.entries())}
        if any(name.startswith("hugepages-") for name in names) and not names & {"cpu", "memory"}:
            yield container["resources"].forbidden("HugePages require cpu or memory")


def _resource(name: str, amount: Field) -> Iterator[Finding]:
    """validateContainerResourceName, ValidateResourceQuantityValue."""
    for text in qualified_name(name):
        yield amount.invalid(text, name)
    if "/" not in name and name not in _STANDARD and not name.startswith("hugepages-"):
        yield amount.invalid("must be a standard resource for containers", name)
    value = None if amount.unknown else quantity(amount.value)
    if value is not None and value < 0:
        yield amount.invalid("must be greater than or equal to 0")
    elif value is not None and is_extended(name) and value.denominator != 1:
        yield amount.invalid("must be an integer")


def is_extended(name: str) -> bool:
    """Whether a resource is a device's or the like, counted in whole pieces (IsExtendedResourceName)."""
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def _request(name: str, amount: Field, requests: Field, limits: Field) -> Iterator[Finding]:
    limit = dict(limits.entries()).get(name)
    shared = name in _STANDARD or "kubernetes.io/" in name
    if limit is None or limit.absent:
        if not shared and not limits.unknown and amount.given:
            yield limits.required("Limit must be set for non overcommitable resources")
        return
    asked, most = quantity(amount.value), quantity(limit.value)
    if asked is None or most is None:
        return
    if asked != most and not shared:
        yield requests.invalid(f"must be equal to {name} limit of {limit.value}", str(amount.value))
    elif asked > most:
        yield requests.invalid(f"must be less than or equal to {name} limit of {limit.value}", str(amount.value))


def _probes(spec: Field) -> Iterator[Finding]:
    """validateLivenessProbe, validateReadinessProbe, validateStartupProbe, validateHandler."""
    for container in containers(spec):
        for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
            probe = container[kind]
            if not isinstance(probe.value, dict):
                continue
            yield from _handler(probe)
            successes, grace = probe["successThreshold"], probe["terminationGracePeriodSeconds"]
            if kind != "readinessProbe" and successes.number not in (None, 0, 1):
                yield successes.invalid("must be 1")
            if kind == "readinessProbe" and grace.given:
                yield grace.invalid("must not be set for readinessProbes")


def _handler(probe: Field) -> Iterator[Finding]:
    handlers = [probe[name] for name in ("exec", "httpGet", "tcpSocket", "grpc")]
    if all(handler.absent for handler in handlers):
        yield probe.required("must specify a handler type")
    for extra in [handler for handler in handlers if handler.given][1:]:
        yield extra.forbidden("may not specify more than 1 handler type")


def _environment(spec: Field) -> Iterator[Finding]:
    """validateEnvVarValueFrom."""
    for container in containers(spec):
        for variable in container["env"].items():
            source = variable["valueFrom"]
            if source.absent or source.unknown:
                continue
            given = [name for name, place in source.entries() if not place.absent]
            if not given:
                yield source.invalid(
                    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`", ""
                )
            elif variable["value"].text:
                yield source.invalid("may not be specified when `value` is not empty", "")
            elif len(given) > 1:
                yield source.invalid("may not have more than one field specified at a time", "")
            yield from _field_path(source.at("fieldRef", "fieldPath"))


_OF_PODS = (  # pkg/apis/core/pods/helpers.go, ConvertDownwardAPIFieldLabel
    "metadata.annotations",
    "metadata.labels",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.terminationGracePeriodSeconds",
    "status.phase",
)
_OF_VARIABLES = (  # validEnvDownwardAPIFieldPathExpressions
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_SUBSCRIPT = re.compile(r"metadata\.(annotations|labels)\['.*'\]")


def _field_path(path: Field) -> Iterator[Finding]:
    """validateObjectFieldSelector."""
    told = path.text
    if not told or told in (*_OF_VARIABLES, "spec.host") or _SUBSCRIPT.fullmatch(told):
        return
    if told in _OF_PODS:
        yield path.unsupported(_OF_VARIABLES)
    else:
        yield path.invalid(f"error converting fieldPath: field label not supported: {told}")


def _tolerations(spec: Field) -> Iterator[Finding]:
    """ValidateTolerations."""
    for toleration in spec["tolerations"].items():
        key, operator, value = toleration["key"], toleration["operator"], toleration["value"]
        if not key.value and not operator.unknown and operator.value != "Exists":
            shown = operator.value or ""
            yield operator.invalid(
                'operator must be Exists when `key` is empty, which means "match all values and all keys"', shown
            )
        if operator.value == "Exists" and value.text:
            yield operator.invalid("value must be empty when `operator` is 'Exists'", value.text)
        if operator.value in (None, "Equal"):
            yield from (operator.invalid(text, value.text) for text in label_value(value.text))
        effect = toleration["effect"]
        if toleration["tolerationSeconds"].given and not effect.unknown and effect.value != "NoExecute":
            yield effect.invalid("effect must be 'NoExecute' when `tolerationSeconds` is set", effect.value or "")


def _placement(spec: Field) -> Iterator[Finding]:
    """ValidateLabels of the node selector, ValidateNodeSelectorRequirement, ValidateSpreadConstraintNotRepeat."""
    for name, value in spec["nodeSelector"].entries():
        yield from (Finding(spec["nodeSelector"].path, value.invalid(text, name).text) for text in qualified_name(name))
        yield from (value.invalid(text) for text in label_value(value.text))
    affinity = spec.at("affinity", "nodeAffinity")
    terms = [
        *affinity.at("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms").items(),
        *(term["preference"] for term in affinity["preferredDuringSchedulingIgnoredDuringExecution"].items()),
    ]
    for term in terms:
        for requirement in (*term["matchExpressions"].items(), *term["matchFields"].items()):
            yield from _requirement(requirement)
    seen: set[tuple[str | None, str | None]] = set()
    for constraint in spec["topologySpreadConstraints"].items():
        pair = constraint["topologyKey"].text, constraint["whenUnsatisfiable"].text
        if None not in pair and pair in seen:
            place = constraint["{topologyKey, whenUnsatisfiable}"]
            yield Field(f"{{{pair[0]}, {pair[1]}}}", place.path).duplicate()
        seen.add(pair)


def _requirement(requirement: Field) -> Iterator[Finding]:
    operator, values = requirement["operator"].text, requirement["values"]
    if not values.whole:
        return
    count = len(values.value or ())
    if operator in ("In", "NotIn") and not count:
        yield values.required("must be specified when `operator` is 'In' or 'NotIn'")
    elif operator in ("Exists", "DoesNotExist") and count:
        yield values.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    elif operator in ("Gt", "Lt") and count != 1:
        yield values.required("must be specified single value when `operator` is 'Lt' or 'Gt'")


def _security(spec: Field) -> Iterator[Finding]:
    """ValidateSecurityContext, checkHostPortConflicts and the ports of pods in the host's network."""
    for container in containers(spec):
        context = container["securityContext"]
        if context["allowPrivilegeEscalation"].value is False and context["privileged"].true:
            yield context.invalid("cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
        for port in container["ports"].items() if spec["hostNetwork"].true else ():
            inside, outside = port["containerPort"].number, port["hostPort"].number
            if inside is not None and outside not in (None, 0, inside):
                yield port["containerPort"].invalid("must match `hostPort` when `hostNetwork` is true")


_CHECKS: tuple[Callable[[Field], Iterator[Finding]], ...] = (
    _lists,
    _mounts,
    _volumes,
    _resources,
    _probes,
    _environment,
    _tolerations,
    _placement,
    _security,
)
