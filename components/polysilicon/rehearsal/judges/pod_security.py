"""Pod Security admission: what a namespace's level refuses in the pods that come to it.

A pod is refused. What makes pods (a Deployment, a Job) is let in with a warning, and then has none: its rollout never
ends. Source: k8s.io/pod-security-admission v0.35.0, policy/check_*.go; texts are those of the checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from polysilicon.rehearsal.judges.fields import Field
from polysilicon.rehearsal.judges.pods import containers
from polysilicon.rehearsal.model import Record
from polysilicon.rehearsal.values import at

LABEL = "pod-security.kubernetes.io/enforce"
"""The label of a namespace that says which level its pods are held to."""

_CAPABILITIES = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"}
    | {"SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)
_SYSCTLS = frozenset(
    {"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range"}
    | {"net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time"}
    | {"net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"}
    | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
)
_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)


def enforced_level(namespace: Record | None) -> str:
    """The level that a namespace holds its pods to: `privileged` (anything), `baseline` or `restricted`.

    Args:
        namespace: The namespace; one that nothing here made is held to `privileged`, as one without the label is.
    """
    labels = at(namespace.inputs, "metadata.labels") if namespace else None
    level = labels.get(LABEL) if isinstance(labels, Mapping) else None
    return level if level in ("baseline", "restricted") else "privileged"


def pod_security_violations(pod_spec: Mapping[str, Any], level: str) -> list[str]:
    """Why a namespace of a level refuses pods of this specification, each reason as the admission words it.

    Args:
        pod_spec: The specification of the pods; what is unknown is as good as allowed.
        level: `privileged`, `baseline` or `restricted`; anything else is taken as `privileged`.
    """
    spec = Field(pod_spec)
    checks = {"baseline": _BASELINE, "restricted": (*_BASELINE, *_RESTRICTED)}.get(level, ())
    return [text for check in checks for text in check(spec)]


def _named(names: Iterable[str], one: str = "container") -> str:
    quoted = [f'"{name}"' for name in names]
    return f"{one if len(quoted) == 1 else one + 's'} {', '.join(quoted)}"


def _bad(spec: Field, wrong: Callable[[Field], bool]) -> list[str]:
    return [container["name"].text or "" for container in containers(spec) if wrong(container["securityContext"])]


def _host_namespaces(spec: Field) -> Iterator[str]:
    used = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec[name].true]
    if used:
        yield f"host namespaces ({', '.join(used)})"


def _privileged(spec: Field) -> Iterator[str]:
    if bad := _bad(spec, lambda context: context["privileged"].true):
        yield f"privileged ({_named(bad)} must not set securityContext.privileged=true)"


def _default_capabilities(spec: Field) -> Iterator[str]:
    bad, added = [], set[str]()
    for container in containers(spec):
        extra = {
            item.text or "" for item in container.at("securityContext", "capabilities", "add").items()
        } - _CAPABILITIES
        if extra:
            bad.append(container["name"].text or "")
            added |= extra
    if bad:
        listed = ", ".join(f'"{name}"' for name in sorted(added))
        yield f"non-default capabilities ({_named(bad)} must not include {listed} in securityContext.capabilities.add)"


def _host_paths(spec: Field) -> Iterator[str]:
    if bad := [volume["name"].text or "" for volume in spec["volumes"].items() if volume["hostPath"].given]:
        yield f"hostPath volumes ({_named(bad, 'volume')})"


def _host_ports(spec: Field) -> Iterator[str]:
    found = [
        (container["name"].text or "", port["hostPort"].number)
        for container in containers(spec)
        for port in container["ports"].items()
        if port["hostPort"].number
    ]
    if found:
        names, ports = list(dict.fromkeys(name for name, _ in found)), sorted({str(port) for _, port in found})
        uses, noun = "uses" if len(names) == 1 else "use", "hostPort" if len(ports) == 1 else "hostPorts"
        yield f"hostPort ({_named(names)} {uses} {noun} {', '.join(ports)})"


def _proc_mount(spec: Field) -> Iterator[str]:
    if bad := _bad(spec, lambda context: context["procMount"].text not in (None, "Default")):
        yield f'procMount ({_named(bad)} must not set securityContext.procMount to "Unmasked")'


def _seccomp_not_unconfined(spec: Field) -> Iterator[str]:
    bad = _bad(spec, lambda context: context.at("seccompProfile", "type").text == "Unconfined")
    own = ["pod"] if spec.at("securityContext", "seccompProfile", "type").text == "Unconfined" else []
    if setters := own + ([_named(bad)] if bad else []):
        text = f'{" and ".join(setters)} must not set securityContext.seccompProfile.type to "Unconfined"'
        yield f"seccompProfile ({text})"


def _sysctls(spec: Field) -> Iterator[str]:
    names = [sysctl["name"].text for sysctl in spec.at("securityContext", "sysctls").items()]
    if bad := sorted(name for name in names if name and name not in _SYSCTLS):
        yield f"forbidden sysctls ({', '.join(bad)})"


def _restricted_volumes(spec: Field) -> Iterator[str]:
    bad: dict[str, str] = {}
    for volume in spec["volumes"].items():
        kinds = [name for name, place in volume.entries() if name != "name" and place.given]
        bad |= dict.fromkeys([volume["name"].text or ""], kinds[0]) if kinds and kinds[0] not in _VOLUMES else {}
    if bad:
        uses, noun = "uses" if len(bad) == 1 else "use", "type" if len(set(bad.values())) == 1 else "types"
        kinds = [f'"{kind}"' for kind in sorted(set(bad.values()))]
        yield f"restricted volume types ({_named(bad, 'volume')} {uses} restricted volume {noun} {', '.join(kinds)})"


def _no_escalation(spec: Field) -> Iterator[str]:
    if bad := _bad(spec, lambda context: context["allowPrivilegeEscalation"].value in (None, True)):
        text = f"{_named(bad)} must set securityContext.allowPrivilegeEscalation=false"
        yield f"allowPrivilegeEscalation != false ({text})"


def _no_capabilities(spec: Field) -> Iterator[str]:
    details = []
    if bad := _bad(spec, _keeps_capabilities):
        details.append(f'{_named(bad)} must set securityContext.capabilities.drop=["ALL"]')
    adding = _bad(spec, lambda context: bool(_added(context)))
    if adding:
        extra = sorted({name for container in containers(spec) for name in _added(container["securityContext"])})
        listed = ", ".join(f'"{name}"' for name in extra)
        details.append(f"{_named(adding)} must not include {listed} in securityContext.capabilities.add")
    if details:
        yield f"unrestricted capabilities ({'; '.join(details)})"


def _keeps_capabilities(context: Field) -> bool:
    dropped = context.at("capabilities", "drop")
    return dropped.whole and not any(item.text == "ALL" for item in dropped.items())


def _added(context: Field) -> set[str]:
    return {item.text or "" for item in context.at("capabilities", "add").items()} - {"NET_BIND_SERVICE"}


def _not_root(spec: Field) -> Iterator[str]:
    own = spec.at("securityContext", "runAsNonRoot")
    refused = _bad(spec, lambda context: context["runAsNonRoot"].value is False)
    setters = (["pod"] if own.value is False else []) + ([_named(refused)] if refused else [])
    if setters:
        yield f"runAsNonRoot != true ({' and '.join(setters)} must not set securityContext.runAsNonRoot=false)"
    elif own.value is None and (bad := _bad(spec, lambda context: context["runAsNonRoot"].value is None)):
        yield f"runAsNonRoot != true (pod or {_named(bad)} must set securityContext.runAsNonRoot=true)"


def _no_root_user(spec: Field) -> Iterator[str]:
    bad = _bad(spec, lambda context: context["runAsUser"].number == 0)
    setters = (["pod"] if spec.at("securityContext", "runAsUser").number == 0 else []) + ([_named(bad)] if bad else [])
    if setters:
        yield f"runAsUser=0 ({' and '.join(setters)} must not set runAsUser=0)"


def _seccomp_given(spec: Field) -> Iterator[str]:
    if not spec.at("securityContext", "seccompProfile", "type").absent:
        return
    if bad := _bad(spec, lambda context: context.at("seccompProfile", "type").absent):
        text = f'pod or {_named(bad)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
        yield f"seccompProfile ({text})"


_BASELINE = (
    _host_namespaces,
    _privileged,
    _default_capabilities,
    _host_paths,
    _host_ports,
    _proc_mount,
    _seccomp_not_unconfined,
    _sysctls,
)
_RESTRICTED = (_restricted_volumes, _no_escalation, _no_capabilities, _not_root, _no_root_user, _seccomp_given)
