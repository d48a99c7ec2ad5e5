"""What an API server refuses in objects of single kinds, beyond their types: rules that hold fields against each other.

Source: kubernetes v1.35.0, pkg/apis/*/validation/validation.go; the functions are named at each check.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from polysilicon.rehearsal.judges.fields import Field, Finding, unique
from polysilicon.rehearsal.judges.formats import FORMATS, config_key, label_value, qualified_name
from polysilicon.rehearsal.values import UNKNOWN

_LARGEST_SECRET = 1024 * 1024
_ANNOTATIONS = 256 * 1024
_ACCOUNT = "kubernetes.io/service-account.name"


def metadata_findings(obj: Field, name_form: str) -> Iterator[Finding]:
    """ValidateObjectMeta: the name, the labels and the annotations.

    Args:
        name_form: The form of a name of this kind, by its key in `FORMATS`; empty for almost any name.
    """
    metadata = obj["metadata"]
    name = metadata["name"]
    if name.text is not None and name_form:
        yield from (name.invalid(text) for text in FORMATS[name_form](name.text))
    yield from _labels(metadata["labels"])
    annotations = metadata["annotations"]
    for key, _ in annotations.entries():
        yield from (Finding(annotations.path, Field(key).invalid(text).text) for text in qualified_name(key.lower()))
    size = sum(len(key) + len(value.text or "") for key, value in annotations.entries())
    if size > _ANNOTATIONS:
        yield Finding(annotations.path, f"Too long: may not be more than {_ANNOTATIONS} bytes")


def kind_findings(kind: str, obj: Field) -> Iterator[Finding]:
    """What is wrong with an object of a built-in kind, apart from its metadata and its pods."""
    for check in _CHECKS.get(kind, ()):
        yield from check(obj)


def _labels(labels: Field) -> Iterator[Finding]:
    for key, value in labels.entries():
        yield from (Finding(labels.path, Field(key).invalid(text).text) for text in qualified_name(key))
        yield from (Finding(labels.path, value.invalid(text).text) for text in label_value(value.text))


def _selector(obj: Field) -> Iterator[Finding]:
    """ValidateDeploymentSpec and its like: the selector finds the pods that the template makes."""
    selector, labels = obj.at("spec", "selector"), obj.at("spec", "template", "metadata", "labels")
    if selector.unknown or labels.unknown or selector.absent or obj.at("spec", "template").absent:
        return
    if not selector["matchLabels"].value and not selector["matchExpressions"].value:
        yield selector.invalid(f"empty selector is invalid for {obj['kind'].text or 'this kind'}".lower())
        return
    yield from _labels(selector["matchLabels"])
    yield from _labels(labels)
    have = dict(labels.entries())
    wanted = selector["matchLabels"].entries()
    if any(not value.unknown and _differs(value, have.get(key)) for key, value in wanted):
        yield labels.invalid("`selector` does not match template `labels`", labels.value or {})


def _differs(wanted: Field, have: Field | None) -> bool:
    return have is None or (not have.unknown and wanted.value != have.value)


def _always_restarted(obj: Field) -> Iterator[Finding]:
    """ValidatePodTemplateSpecForReplicaSet and its like."""
    policy = obj.at("spec", "template", "spec", "restartPolicy")
    if policy.text not in (None, "Always"):
        yield policy.unsupported(["Always"])


def _job(obj: Field) -> Iterator[Finding]:
    """ValidateJobSpec."""
    yield from _job_spec(obj["spec"])


def _cron_job(obj: Field) -> Iterator[Finding]:
    """ValidateCronJobCreate."""
    name, schedule = obj.at("metadata", "name"), obj.at("spec", "schedule")
    if name.text is not None and len(name.text) > 52:
        yield name.invalid("must be no more than 52 characters")
    if schedule.text is not None and not schedule.text.startswith("@") and len(schedule.text.split()) != 5:
        count = len(schedule.text.split())
        yield schedule.invalid(f"expected exactly 5 fields, found {count}: {schedule.text.split()}".replace("'", ""))
    yield from _job_spec(obj.at("spec", "jobTemplate", "spec"))


def _job_spec(spec: Field) -> Iterator[Finding]:
    policy, template = spec.at("template", "spec", "restartPolicy"), spec.at("template", "spec")
    if template.given and policy.value in (None, "Always"):
        yield policy.required('valid values: "OnFailure", "Never"')
    if spec["completionMode"].text == "Indexed" and spec["completions"].absent:
        yield spec["completions"].required("when completion mode is Indexed")


def _deployment(obj: Field) -> Iterator[Finding]:
    """ValidateDeploymentStrategy, ValidateRollingUpdateDeployment, ValidateDeploymentSpec."""
    strategy = obj.at("spec", "strategy")
    rolling = strategy["rollingUpdate"]
    if strategy["type"].text == "Recreate" and rolling.given:
        yield rolling.forbidden("may not be specified when strategy `type` is 'Recreate'")
    if _is_none(rolling["maxSurge"]) and _is_none(rolling["maxUnavailable"]):
        yield rolling["maxUnavailable"].invalid("may not be 0 when `maxSurge` is 0")
    deadline, ready = obj.at("spec", "progressDeadlineSeconds"), obj.at("spec", "minReadySeconds")
    if deadline.number is not None and ready.number is not None and deadline.number <= ready.number:
        yield deadline.invalid("must be greater than minReadySeconds")


def _daemon_set(obj: Field) -> Iterator[Finding]:
    """ValidateRollingUpdateDaemonSet."""
    rolling = obj.at("spec", "updateStrategy", "rollingUpdate")
    surge, unavailable = rolling["maxSurge"], rolling["maxUnavailable"]
    if surge.given and not _is_none(surge):
        # What is not given becomes 1, which is too many beside a surge.
        if not unavailable.unknown and not _is_none(unavailable):
            yield surge.invalid("may not be set when maxUnavailable is non-zero")
    elif _is_none(unavailable) and not surge.unknown:
        yield unavailable.required("cannot be 0 when maxSurge is 0")


def _is_none(place: Field) -> bool:
    return place.value in (0, "0%") and not isinstance(place.value, bool)


def _disruption_budget(obj: Field) -> Iterator[Finding]:
    """ValidatePodDisruptionBudgetSpec."""
    spec = obj["spec"]
    if spec["minAvailable"].given and spec["maxUnavailable"].given:
        yield spec.invalid("minAvailable and maxUnavailable cannot be both set")


def _service(obj: Field) -> Iterator[Finding]:
    """validateService, validateServicePort."""
    spec = obj["spec"]
    kind, ports = spec["type"].text or "ClusterIP", list(spec["ports"].items())
    if spec["type"].unknown:
        return
    headless = spec["clusterIP"].text == "None"
    if spec["ports"].whole and not ports and not headless and kind != "ExternalName" and not spec["clusterIP"].unknown:
        yield spec["ports"].required()
    if headless and kind in ("LoadBalancer", "NodePort"):
        yield Field("None", f"{spec.path}.clusterIPs[0]").invalid(f"may not be set to 'None' for {kind} services")
    if kind == "ExternalName" and not spec["externalName"].value:
        yield spec["externalName"].required()
    for port in ports if len(ports) > 1 else ():
        if not port["name"].value:
            yield port["name"].required()
    yield from unique(port["name"] for port in ports)
    yield from _doubled_ports(ports)
    for port in ports if kind == "ClusterIP" else ():
        if port["nodePort"].number:
            yield port["nodePort"].forbidden("may not be used when `type` is 'ClusterIP'")
    yield from _labels(spec["selector"])
    yield from _balanced(spec, kind)


def _balanced(spec: Field, kind: str) -> Iterator[Finding]:
    for name in ("loadBalancerSourceRanges", "allocateLoadBalancerNodePorts", "loadBalancerClass"):
        if spec[name].value not in (None, []) and kind != "LoadBalancer":
            yield spec[name].forbidden("may only be used when `type` is 'LoadBalancer'")
    for block in spec["loadBalancerSourceRanges"].items():
        yield from (block.invalid(text) for text in FORMATS["cidr"](block.text and block.text.strip()))
    policy = spec["externalTrafficPolicy"]
    if policy.text and kind not in ("LoadBalancer", "NodePort") and spec["externalIPs"].absent:
        yield policy.invalid("may only be set for externally-accessible services")
    if spec["sessionAffinity"].value in (None, "None") and spec["sessionAffinityConfig"].given:
        yield spec["sessionAffinityConfig"].forbidden("must not be set when session affinity is None")


def _doubled_ports(ports: Sequence[Field]) -> Iterator[Finding]:
    seen: set[tuple[str, float]] = set()
    for port in ports:
        number = port["port"].number
        key = (port["protocol"].text or "TCP", number or 0)
        if number is not None and not port["protocol"].unknown and key in seen:
            yield Finding(port.path, f'Duplicate value: {{"protocol":"{key[0]}","port":{number}}}')
        seen.add(key)


def _network_policy(obj: Field) -> Iterator[Finding]:
    """ValidateNetworkPolicySpec, ValidateNetworkPolicyPeer, ValidateIPBlock."""
    spec = obj["spec"]
    for rules, peers in (("ingress", "from"), ("egress", "to")):
        for rule in spec[rules].items():
            for peer in rule[peers].items():
                yield from _peer(peer)
            for port in rule["ports"].items():
                yield from _port_range(port)


def _peer(peer: Field) -> Iterator[Finding]:
    given = [name for name, place in peer.entries() if not place.absent]
    if not given:
        yield peer.required("must specify a peer")
    if "ipBlock" in given and len(given) > 1:
        yield peer.forbidden("may not specify both ipBlock and another peer")
    block = peer["ipBlock"]
    for hole in block["except"].items():
        if _block(block["cidr"]) and _block(hole) and not _is_inside(hole, block["cidr"]):
            yield hole.invalid(f'must be a strict subset of `cidr` "{block["cidr"].text}"')


def _is_inside(hole: Field, block: Field) -> bool:
    inner, outer = _block(hole), _block(block)
    if inner is None or outer is None or inner.version != outer.version or inner.prefixlen <= outer.prefixlen:
        return False
    return inner.network_address in outer


def _block(place: Field) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(place.text or "", strict=False)
    except ValueError:
        return None


def _port_range(port: Field) -> Iterator[Finding]:
    first, last = port["port"], port["endPort"]
    if last.number is not None and first.number is not None and last.number < first.number:
        yield last.invalid("must be greater than or equal to `port`")
    elif last.given and first.text is not None:
        yield last.forbidden("may not be specified when `port` is non-numeric")


def _autoscaler(obj: Field) -> Iterator[Finding]:
    """validateHorizontalPodAutoscalerSpec."""
    least, most = obj.at("spec", "minReplicas"), obj.at("spec", "maxReplicas")
    if least.number is not None and most.number is not None and most.number < least.number:
        yield most.invalid("must be greater than or equal to `minReplicas`")
    metrics = obj.at("spec", "metrics")
    outside = any(metric["type"].value in ("Object", "External", UNKNOWN) for metric in metrics.items())
    if least.number == 0 and metrics.whole and not outside:
        text = "must specify at least one Object or External metric to support scaling to zero replicas"
        yield metrics.forbidden(text)


def _configuration(obj: Field) -> Iterator[Finding]:
    """ValidateConfigMap."""
    data, binary = obj["data"], obj["binaryData"]
    both = {key for key, _ in binary.entries()}
    for key, place in (*data.entries(), *binary.entries()):
        yield from (place.invalid(text, key) for text in config_key(key))
    for key, place in data.entries():
        if key in both:
            yield place.invalid("duplicate of key present in binaryData", key)
    if sum(len((place.text or "").encode()) for _, place in data.entries()) > _LARGEST_SECRET:
        yield Finding("", f"Too long: may not be more than {_LARGEST_SECRET} bytes")


# The entries that a secret of a type must have (ValidateSecret).
_ENTRIES: Mapping[str, tuple[str, ...]] = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def _secret(obj: Field) -> Iterator[Finding]:
    """ValidateSecret."""
    data, plain = obj["data"], obj["stringData"]
    for key, place in (*data.entries(), *plain.entries()):
        yield from (place.invalid(text, key) for text in config_key(key))
    for _, place in data.entries():
        if place.text and not _is_base64(place.text):
            yield Finding(place.path, "illegal base64 data", "decode")
    names = {key for key, _ in (*data.entries(), *plain.entries())}
    if not data.unknown and not plain.unknown:
        for key in _ENTRIES.get(obj["type"].text or "", ()):
            if key not in names:
                yield Finding(f"data[{key}]", "Required value")
    account = obj.at("metadata", "annotations", _ACCOUNT)
    if obj["type"].text == "kubernetes.io/service-account-token" and not account.value:
        yield Finding(f"metadata.annotations[{_ACCOUNT}]", "Required value")
    yield from _docker_configuration(obj)


def _docker_configuration(obj: Field) -> Iterator[Finding]:
    document = obj.at("stringData", ".dockerconfigjson").text
    if obj["type"].text == "kubernetes.io/dockerconfigjson" and document:
        try:
            json.loads(document)
        except ValueError as error:
            yield Finding("data[.dockerconfigjson]", f'Invalid value: "<secret contents redacted>": {error}')


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _role(obj: Field) -> Iterator[Finding]:
    """ValidatePolicyRule."""
    for rule in obj["rules"].items():
        urls = rule["nonResourceURLs"]
        if rule["verbs"].value == []:
            yield rule["verbs"].required("verbs must contain at least one value")
        if urls.unknown:
            continue
        if urls.value:
            if obj["kind"].value == "Role":
                yield urls.invalid("namespaced rules cannot apply to non-resource URLs")
            continue
        if not rule["apiGroups"].value:
            yield rule["apiGroups"].required("resource rules must supply at least one api group")
        if not rule["resources"].value:
            yield rule["resources"].required("resource rules must supply at least one resource")


def _binding(obj: Field) -> Iterator[Finding]:
    """ValidateRoleBindingSubject, ValidateClusterRoleBinding."""
    if obj["kind"].value == "ClusterRoleBinding" and obj.at("roleRef", "kind").text not in (None, "ClusterRole"):
        yield obj.at("roleRef", "kind").unsupported(["ClusterRole"])
    for subject in obj["subjects"].items():
        if subject["kind"].value != "ServiceAccount":
            continue
        if subject["namespace"].absent and obj["kind"].value == "ClusterRoleBinding":
            yield subject["namespace"].required()
        if subject["apiGroup"].text:
            yield subject["apiGroup"].unsupported([""])


def _claim(obj: Field) -> Iterator[Finding]:
    """ValidatePersistentVolumeClaimSpec."""
    spec = obj["spec"]
    if not spec["accessModes"].value:
        yield spec["accessModes"].required("at least 1 access mode is required")
    size = spec.at("resources", "requests", "storage")
    if size.absent:
        yield Finding(f"{spec.path}.resources[storage]", "Required value")


def _priority_class(obj: Field) -> Iterator[Finding]:
    """ValidatePriorityClass."""
    name, value = obj.at("metadata", "name"), obj["value"]
    if name.text and name.text.startswith("system-") and not re.fullmatch("system-(node|cluster)-critical", name.text):
        yield name.forbidden("priority class names with 'system-' prefix are reserved for system use only")
    elif value.number is not None and value.number > 1_000_000_000:
        yield value.forbidden("maximum allowed value of a user defined priority is 1000000000")


Check = Callable[[Field], Iterator[Finding]]
_CHECKS: Mapping[str, tuple[Check, ...]] = {
    "Deployment": (_selector, _always_restarted, _deployment),
    "DaemonSet": (_selector, _always_restarted, _daemon_set),
    "StatefulSet": (_selector, _always_restarted),
    "ReplicaSet": (_selector, _always_restarted),
    "Job": (_job,),
    "CronJob": (_cron_job,),
    "PodDisruptionBudget": (_disruption_budget,),
    "Service": (_service,),
    "NetworkPolicy": (_network_policy,),
    "HorizontalPodAutoscaler": (_autoscaler,),
    "ConfigMap": (_configuration,),
    "Secret": (_secret,),
    "Role": (_role,),
    "ClusterRole": (_role,),
    "RoleBinding": (_binding,),
    "ClusterRoleBinding": (_binding,),
    "PersistentVolumeClaim": (_claim,),
    "PriorityClass": (_priority_class,),
}
