"""In which account, project, region or cluster a resource is, by what its provider was told and what it says itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from polysilicon.rehearsal.accounts import Accounts, address
from polysilicon.rehearsal.forms import service_of, table
from polysilicon.rehearsal.kubeconfig import KubeconfigError, Target, target
from polysilicon.rehearsal.model import Fault, Problem, RefusedError, Scope
from polysilicon.rehearsal.shapes import Shape
from polysilicon.rehearsal.values import UNKNOWN, Properties, at

Note = Callable[[str], None]
"""Takes a sentence for the summary: something was assumed."""


class Places(Protocol):
    """Finds the place of a resource."""

    def scope(self, settings: Mapping[str, Any], type_: str, inputs: Mapping[str, Any]) -> Scope:
        """The place; raises `RefusedError` if the provider cannot reach one."""

    def facts(self, settings: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        """What the place contributes to names and ids: `account`, `region`, `project`, `partition` …"""

    def complete(self, settings: Mapping[str, Any], type_: str, shape: Shape | None, inputs: Properties) -> Properties:
        """The inputs with what the provider adds to them on its own, in Check."""


class ByTable:
    """The place as the package's table says: which inputs and settings name the owner and the region.

    Args:
        package: Whose table.
        note: Told when something had to be assumed.
    """

    def __init__(self, package: str, note: Note) -> None:
        self._package, self._note = package, note
        self._rules: Mapping[str, Any] = table(package).get("scope", {})

    def scope(self, settings: Mapping[str, Any], type_: str, inputs: Mapping[str, Any]) -> Scope:
        """The place of a resource."""
        owner = self._first("owner", settings, inputs)
        everywhere = service_of(type_) in self._rules.get("global", ())
        place = "global" if everywhere else self._first("place", settings, inputs)
        title = self._rules.get("title", "{cloud}").format(cloud=self._package, owner=owner, place=place)
        return Scope(self._package, owner, place, title.rstrip(" /"))

    def facts(self, settings: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        """What the place contributes to names."""
        facts: dict[str, Any] = dict(self._rules.get("facts", {}))
        facts |= {name: settings[name] for name in ("region", "zone") if settings.get(name)}
        facts[self._rules.get("owner_fact", "owner")] = scope.owner
        if self._rules.get("place_is_region") and scope.place not in ("", "global"):
            facts["region"] = scope.place
        elif "region" not in facts:
            zone: str = facts.get("zone", "")
            facts["region"] = zone.rpartition("-")[0] or self._rules.get("region_default", "")
        for prefix, partition in self._rules.get("partitions", {}).items():
            if facts["region"].startswith(prefix):
                facts["partition"] = partition
        return facts

    def complete(self, settings: Mapping[str, Any], type_: str, shape: Shape | None, inputs: Properties) -> Properties:
        """The inputs, with the provider's default tags merged in where the type has such."""
        if shape is None or not {"tags", "tagsAll"} <= set(shape.outputs):
            return inputs
        own, default = inputs.get("tags") or {}, at(settings, "defaultTags.tags") or {}
        known = isinstance(own, Mapping) and isinstance(default, Mapping)
        return {**inputs, "tagsAll": {**default, **own} if known else UNKNOWN}

    def _first(self, what: str, settings: Mapping[str, Any], inputs: Mapping[str, Any]) -> str:
        for source in (inputs, settings):
            for name in self._rules.get(what, ()):
                value = source.get(name)
                if isinstance(value, str) and value and value != UNKNOWN:
                    return value
        assumed: str = self._rules.get(f"{what}_default", "")
        if assumed and self._rules.get(f"{what}_assumed"):
            self._note(self._rules[f"{what}_assumed"].format(assumed=assumed))
        return assumed


class ByKubeconfig:
    """The cluster that a provider's kubeconfig names, if a cluster of the simulated accounts answers there.

    Args:
        accounts: Where clusters are looked for.
        note: Told when objects go to the cluster of the machine's own configuration.
        folder: Where the program runs: relative paths of kubeconfigs start there.
    """

    def __init__(self, accounts: Accounts, note: Note, folder: Path) -> None:
        self._accounts, self._note, self._folder = accounts, note, folder

    def scope(self, settings: Mapping[str, Any], type_: str, inputs: Mapping[str, Any]) -> Scope:
        """The cluster that objects of this provider go to."""
        if not settings.get("kubeconfig"):
            self._note(AMBIENT)
            return Scope("kubernetes", "ambient", "", "kubernetes cluster (ambient)")
        server = self._target(settings).server
        cluster = self._accounts.at_endpoint(server)
        told = self._accounts.is_elsewhere(server) or self._accounts.is_elsewhere(address(server))  # by a lookup
        if cluster is None and not told:
            raise RefusedError(Problem(unreachable(server), fault=Fault.UNREACHABLE))
        name = at(cluster.outputs, "name") or cluster.id if cluster else server
        return Scope("kubernetes", address(server), "", f"kubernetes cluster {name}")

    def facts(self, settings: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        """Nothing: all that an object is called stands in its inputs."""
        return {}

    def complete(self, settings: Mapping[str, Any], type_: str, shape: Shape | None, inputs: Properties) -> Properties:
        """The inputs, with the default namespace for an object that lives in one and names none."""
        if type_.startswith(RELEASES):
            return inputs if inputs.get("namespace") else {**inputs, "namespace": self._namespace(settings)}
        metadata = inputs.get("metadata") or {}
        if not isinstance(metadata, Mapping) or metadata.get("namespace") or not is_namespaced(type_):
            return inputs
        return {**inputs, "metadata": {**metadata, "namespace": self._namespace(settings)}}

    def _namespace(self, settings: Mapping[str, Any]) -> str:
        told = settings.get("namespace")
        if not told and settings.get("kubeconfig"):
            told = self._target(settings).namespace
        return told or "default"

    def _target(self, settings: Mapping[str, Any]) -> Target:
        try:
            return target(
                settings["kubeconfig"],
                settings.get("context") or "",
                settings.get("cluster") or "",
                self._folder,
            )
        except KubeconfigError as error:
            text = (
                f"configured Kubernetes cluster is unreachable: unable to load Kubernetes client configuration: {error}"
            )
            raise RefusedError(Problem(text, "kubeconfig", Fault.UNREACHABLE)) from error


AMBIENT = (
    "Objects without a kubeconfig of their own were put into a simulated cluster called `ambient`. With real clouds "
    "they would go to whatever cluster the machine's kubectl is pointed at: give them a kubernetes.Provider with one."
)


RELEASES = "kubernetes:helm.sh/"
"""Charts as one resource: their name and namespace are properties, not metadata."""


def is_namespaced(type_: str) -> bool:
    """Whether objects of a type live in a namespace. Of types that Kubernetes does not have itself nothing is known."""
    _, version, kind = type_.split(":")
    group = version.rpartition("/")[0]
    if "." in group and not group.endswith(".k8s.io"):
        return False
    return kind.removesuffix("Patch").removesuffix("List") not in table("kubernetes")["cluster_scoped"]


def unreachable(server: str) -> str:
    """What a client says of a server that is not there."""
    host = address(server).split("/")[0].split(":")[0]
    return (
        "configured Kubernetes cluster is unreachable: unable to load schema information from the API server: "
        f'Get "{server.rstrip("/")}/openapi/v2?timeout=32s": dial tcp: lookup {host}: no such host'
    )
