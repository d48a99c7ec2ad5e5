"""What a cluster is made of, before any accelerator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from polysilicon.catalog import Catalog
from polysilicon.errors import UserError, one_of
from polysilicon.planning.arns import require_partition
from polysilicon.planning.names import require_key
from polysilicon.planning.network import eks_ranges, known_zones, network_zones, refuse_overlaps, require_range
from polysilicon.planning.problems import Problems, refuse
from polysilicon.planning.versions import numbers
from polysilicon.specs import ClusterSpec, EksClusterSpec, EksNetworkSpec, ExistingEksClusterSpec, GkeClusterSpec


@dataclass(frozen=True)
class SystemNodesPlan:
    """The small nodes."""

    machine: str
    min: int
    max: int


@dataclass(frozen=True)
class EksClusterPlan:
    """An EKS cluster."""

    key: str
    region: str
    kubernetes: str
    ami_release: str
    zones: tuple[str, ...]
    """Ids of the zones in which it has a private subnet."""
    system: SystemNodesPlan | None
    """Its small nodes; none where the cluster is there, and they are its owner's."""
    addons: tuple[tuple[str, str], ...]
    """EKS add-ons and their pinned versions."""

    def addon(self, name: str) -> str:
        """The pinned version of an add-on."""
        return dict(self.addons)[name]


@dataclass(frozen=True)
class NewEksClusterPlan(EksClusterPlan):
    """An EKS cluster that is made."""

    system: SystemNodesPlan
    chosen_addons: tuple[str, ...]
    """Add-ons beside those that every cluster has."""


@dataclass(frozen=True)
class GkeClusterPlan:
    """A GKE cluster."""

    key: str
    region: str
    project: str
    zones: tuple[str, ...]
    system: SystemNodesPlan


ClusterPlan = EksClusterPlan | GkeClusterPlan


CONTROL_PLANE_ZONES = 2
"""EKS asks for two, and refuses to add or drop a zone afterwards: nodes may be in others, the control plane stays where
it is (awsdocs/amazon-eks-user-guide networking/network-reqs.adoc)."""


def plan_cluster(key: str, spec: ClusterSpec, catalog: Catalog) -> ClusterPlan:
    """The plan of either cloud. Raises `SpecError` with paths relative to the cluster."""
    if isinstance(spec, EksClusterSpec):
        return plan_eks_cluster(key, spec, catalog)
    if isinstance(spec, ExistingEksClusterSpec):
        return plan_existing_eks_cluster(key, spec, catalog)
    return plan_gke_cluster(key, spec, catalog)


def routed_ranges(spec: ClusterSpec) -> dict[str, str]:
    """Ranges that other networks must reach when clusters are connected; those of services stay inside a cluster."""
    if isinstance(spec, EksClusterSpec | ExistingEksClusterSpec):
        return eks_ranges(spec.network)
    return {"network.cidr": spec.network.cidr, "network.pods_cidr": spec.network.pods_cidr}


def plan_eks_cluster(key: str, spec: EksClusterSpec, catalog: Catalog) -> NewEksClusterPlan:
    """Versions, subnets and system nodes of an EKS cluster."""
    require_key(key)
    problems = Problems()
    for index, arn in enumerate(spec.admins):
        with problems.under(f"admins[{index}]"):
            require_partition("", arn, spec.region)
    if isinstance(spec.network, EksNetworkSpec):
        with problems.under("network"):
            require_range(spec.network)
    with problems.under(""):
        _require_zones(spec, catalog)
    with problems.under(""):
        refuse_overlaps({**eks_ranges(spec.network), "service_cidr": spec.service_cidr})
    with problems.under(""):
        kubernetes = _kubernetes(spec, catalog)
        addons = _addons(catalog, kubernetes)
        _require_pinned(spec, kubernetes, dict(addons))
    with problems.under("system_nodes"):
        system = _system_nodes(spec, catalog)
    problems.raise_any()
    return NewEksClusterPlan(
        key=key,
        region=spec.region,
        kubernetes=kubernetes,
        ami_release=newest_release(catalog, kubernetes),
        zones=network_zones(spec.network, spec.region, catalog),
        system=system,
        addons=addons,
        chosen_addons=spec.addons,
    )


def plan_existing_eks_cluster(key: str, spec: ExistingEksClusterSpec, catalog: Catalog) -> EksClusterPlan:
    """Where nodes can join a cluster that is there, and which images they have."""
    require_key(key)
    problems = Problems()
    with problems.under(""):
        _zones_with_clusters(spec, catalog)
        _require_zones_of_region(spec, known_zones(spec.region, catalog))
    with problems.under(""):
        kubernetes = _kubernetes(spec, catalog)
    problems.raise_any()
    return EksClusterPlan(
        key=key,
        region=spec.region,
        kubernetes=kubernetes,
        ami_release=newest_release(catalog, kubernetes),
        zones=spec.network.zones,
        system=None,
        addons=_addons(catalog, kubernetes),
    )


def joined(key: str, wanted: str, name: str, version: str, modes: Sequence[str]) -> str:
    """The name of a cluster that is there, where nodes of the plan can join it. Raises `UserError` where they cannot.

    It is asked within an apply, where a `SpecError`, which is a ValueError, would reach the user wrapped in the SDK's
    own.

    Args:
        key: The cluster's key in the YAML.
        wanted: The Kubernetes version of the nodes' images.
        name: Its name in EKS.
        version: Its Kubernetes version.
        modes: Its authentication modes; EKS tells one.
    """
    if version != wanted:
        text = f"clusters.{key}.kubernetes: got {wanted}, but cluster {name} has {version}"
        raise UserError(f'{text}\n  fix: write kubernetes: "{version}"')
    if "CONFIG_MAP" in modes:
        text = f"clusters.{key}.name: got {name}, which takes no access entries (authentication mode CONFIG_MAP)"
        raise UserError(f"{text}\n  fix: have its owner switch to API_AND_CONFIG_MAP; there is no way back from it")
    return name


def _require_pinned(spec: EksClusterSpec, kubernetes: str, pinned: Mapping[str, str]) -> None:
    for index, addon in enumerate(spec.addons):
        if addon not in pinned:
            text = f"got {addon!r}, of which the catalog has no version for Kubernetes {kubernetes}"
            raise refuse(f"addons[{index}]", text, "add a row under polysilicon:overlay, addons")


def _addons(catalog: Catalog, kubernetes: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((row.name, row.version) for row in catalog.addons if row.kubernetes == kubernetes))


def plan_gke_cluster(key: str, spec: GkeClusterSpec, catalog: Catalog) -> GkeClusterPlan:
    """System nodes and address ranges of a GKE cluster."""
    require_key(key)
    problems = Problems()
    with problems.under(""):
        ranges = {f"network.{name}": getattr(spec.network, name) for name in ("cidr", "pods_cidr", "services_cidr")}
        refuse_overlaps({**ranges, "control_plane_cidr": spec.control_plane_cidr})
    with problems.under("system_nodes"):
        system = _system_nodes(spec, catalog)
    problems.raise_any()
    return GkeClusterPlan(key, spec.region, spec.project, spec.zones, system)


def newest_release(catalog: Catalog, kubernetes: str) -> str:
    """The newest EKS image release of a Kubernetes version."""
    releases = [name for name, row in catalog.ami_releases.items() if row.kubernetes == kubernetes]
    return max(releases, key=numbers)


def _require_zones(spec: EksClusterSpec, catalog: Catalog) -> None:
    with_clusters, every = _zones_with_clusters(spec, catalog), known_zones(spec.region, catalog)
    for index, zone in enumerate(spec.network.zones):
        of_control_plane = index < CONTROL_PLANE_ZONES
        known = with_clusters if of_control_plane else every
        if zone not in known:
            where_not = "where EKS puts no control plane" if of_control_plane else "which is no zone"
            text = f"got {zone!r}, {where_not} of {spec.region}"
            where = f"zones[{index}]" if isinstance(spec.network, EksNetworkSpec) else f"private_subnets.{zone}"
            raise refuse(f"network.{where}", text, one_of(known, zone))


def _require_zones_of_region(spec: ExistingEksClusterSpec, known: tuple[str, ...]) -> None:
    """Nodes may be in zones in which EKS puts no cluster, but in none of another region."""
    for zone in spec.network.zones:
        if zone not in known:
            text = f"got {zone!r}, which is no zone of {spec.region}"
            fix = f"{one_of(known, zone)}; or add it to the region's row under polysilicon:overlay, regions"
            raise refuse(f"network.private_subnets.{zone}", text, fix)


def _zones_with_clusters(spec: EksClusterSpec | ExistingEksClusterSpec, catalog: Catalog) -> tuple[str, ...]:
    zones = {row.region: row.zones for row in catalog.regions}
    if spec.region not in zones:
        fix = f"{one_of(sorted(zones), spec.region)}; or add a row under polysilicon:overlay, regions"
        raise refuse("region", f"got {spec.region!r}, a region that the catalog does not have", fix)
    return zones[spec.region]


def _kubernetes(spec: EksClusterSpec | ExistingEksClusterSpec, catalog: Catalog) -> str:
    images = {row.kubernetes for row in catalog.ami_releases.values()}
    wanted = spec.kubernetes or catalog.default("aws.kubernetes")
    if isinstance(spec, ExistingEksClusterSpec):  # its add-ons are its owner's, and its version is what it is
        if wanted not in images:
            text = f"got {wanted!r}, for which the catalog has no node image"
            raise refuse("kubernetes", text, "add the image's release under polysilicon:overlay, ami_releases")
        return wanted
    known = sorted(images & {row.kubernetes for row in catalog.addons}, key=numbers)
    if wanted not in known:
        text = f"got {wanted!r}, for which the catalog has no node image or no add-ons"
        raise refuse("kubernetes", text, one_of(known, wanted))
    return wanted


def _system_nodes(spec: EksClusterSpec | GkeClusterSpec, catalog: Catalog) -> SystemNodesPlan:
    nodes = spec.system_nodes
    machine = nodes.machine or catalog.default(f"{spec.cloud}.system_machine")
    known = [name for name, row in catalog.machines.items() if row.cloud == spec.cloud and row.silicon is None]
    if machine not in known:
        fix = f"{one_of(known, machine)}; or add a row under polysilicon:overlay, machines"
        raise refuse("machine", f"got {machine!r}, which is not a system machine of the catalog", fix)
    return SystemNodesPlan(machine, nodes.min, nodes.max)
