"""What pods need besides a node: accounts, classes, claims, configuration and secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from polysilicon.rehearsal.cluster.matching import Plain
from polysilicon.rehearsal.cluster.workloads import Workload
from polysilicon.rehearsal.cluster.world import World, given
from polysilicon.rehearsal.judges.pod_security import enforced_level, pod_security_violations
from polysilicon.rehearsal.values import UNKNOWN, at

Stage = Literal["admission", "scheduling", "start"]


@dataclass(frozen=True)
class Lack:
    """Something that is not there.

    Attributes:
        stage: Where the pods stop: they are not made at all, find no node, or their containers do not start.
        message: In the words of Kubernetes.
    """

    stage: Stage
    message: str


def unmet(workload: Workload, world: World) -> list[Lack]:
    """What the pods of a workload lack."""
    return [*_admission(workload, world), *_claims(workload, world), *_configuration(workload, world)]


def _admission(workload: Workload, world: World) -> Iterator[Lack]:
    """The API server refuses such pods (plugin/pkg/admission serviceaccount, priority and runtimeclass)."""
    spec, namespace = workload.spec, workload.namespace
    forbidden = f'pods "{workload.name}-" is forbidden: '
    level = enforced_level(world.get("Namespace", "", namespace))
    if violations := pod_security_violations(spec, level):
        yield Lack("admission", f'{forbidden}violates PodSecurity "{level}:latest": {", ".join(violations)}')
    account = spec.get("serviceAccountName") or "default"
    if not given("service_accounts", str(account)) and not world.has("ServiceAccount", namespace, account):
        looked = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
        yield Lack("admission", forbidden + looked)
    priority = spec.get("priorityClassName")
    if priority and not given("priority_classes", str(priority)) and not world.has("PriorityClass", "", priority):
        yield Lack("admission", f"{forbidden}no PriorityClass with name {priority} was found")
    runtime = spec.get("runtimeClassName")
    if runtime and not given("runtime_classes", str(runtime)) and not world.has("RuntimeClass", "", runtime):
        yield Lack("admission", f'{forbidden}pod rejected: RuntimeClass "{runtime}" not found')


def _claims(workload: Workload, world: World) -> Iterator[Lack]:
    own = [at(each, "metadata.name") for each in at(workload.inputs, "spec.volumeClaimTemplates") or ()]
    for volume in _listed(workload.spec, "volumes"):
        claim = at(volume, "persistentVolumeClaim.claimName")
        if claim not in own and not world.has("PersistentVolumeClaim", workload.namespace, claim):
            yield Lack("scheduling", f'persistentvolumeclaim "{claim}" not found')


def _configuration(workload: Workload, world: World) -> Iterator[Lack]:
    for container in [*workload.containers, *_listed(workload.spec, "initContainers")]:
        for message in _of_container(container, workload.namespace, world):
            unready = f"containers with unready status: [{container.get('name')}]"
            yield Lack("start", f"{unready}[CreateContainerConfigError] {message}")
    for volume in _listed(workload.spec, "volumes"):
        for message in _of_volume(volume, workload.namespace, world):
            yield Lack("start", f'[FailedMount] MountVolume.SetUp failed for volume "{volume.get("name")}" : {message}')


def _of_container(container: Plain, namespace: str, world: World) -> Iterator[str]:
    for source in _listed(container, "envFrom"):
        yield from _absent("Secret", source.get("secretRef"), "name", namespace, world)
        yield from _absent("ConfigMap", source.get("configMapRef"), "name", namespace, world)
    for variable in _listed(container, "env"):
        yield from _absent("Secret", at(variable, "valueFrom.secretKeyRef"), "name", namespace, world)
        yield from _absent("ConfigMap", at(variable, "valueFrom.configMapKeyRef"), "name", namespace, world)


def _of_volume(volume: Plain, namespace: str, world: World) -> Iterator[str]:
    yield from _absent("Secret", volume.get("secret"), "secretName", namespace, world)
    yield from _absent("ConfigMap", volume.get("configMap"), "name", namespace, world)
    for source in _listed(volume.get("projected") or {}, "sources"):
        yield from _absent("Secret", source.get("secret"), "name", namespace, world)
        yield from _absent("ConfigMap", source.get("configMap"), "name", namespace, world)


def _absent(kind: str, told: Any, key: str, namespace: str, world: World) -> Iterator[str]:
    """What the kubelet says of a reference that leads nowhere (pkg/kubelet/kubelet_pods.go)."""
    if not isinstance(told, Mapping) or told.get("optional"):
        return
    name = told.get(key)
    if kind == "ConfigMap" and isinstance(name, str) and given("config_maps", name):
        return
    if not world.has(kind, namespace, name):
        yield f'{kind.lower()} "{name}" not found'
    elif not _has_key(kind, namespace, told, str(name), world):
        yield f"couldn't find key {told['key']} in {kind} {namespace}/{name}"


def _has_key(kind: str, namespace: str, told: Plain, name: str, world: World) -> bool:
    record = world.get(kind, namespace, name)
    if record is None or "key" not in told or record.type.endswith("Patch") or record.inputs.get("type"):
        return True
    parts = [record.inputs.get(part) or {} for part in ("data", "stringData", "binaryData")]
    return UNKNOWN in (told["key"], *parts) or any(told["key"] in part for part in parts)


def _listed(spec: Any, key: str) -> list[Plain]:
    told = spec.get(key) if isinstance(spec, Mapping) else None
    return [each for each in told if isinstance(each, Mapping)] if isinstance(told, list) else []
