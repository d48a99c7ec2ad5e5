"""A server that is a machine of its own: which machine image, where, and what systemd starts on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import Machine, MachineImage, Silicon
from polysilicon.errors import one_of
from polysilicon.planning.arns import require_partition
from polysilicon.planning.capacity import may_replace
from polysilicon.planning.endpoints import SESSIONS, endpoint_services
from polysilicon.planning.landing import Landing, PerNode, PodPatch
from polysilicon.planning.names import require_key
from polysilicon.planning.network import known_zones, plan_eks_network
from polysilicon.planning.pool_parts import machine_of, machines_for, selling_zones
from polysilicon.planning.problems import Problems, refuse
from polysilicon.planning.serving import ServerPlan, plan_server, runtime_of
from polysilicon.planning.single_node_config import user_data
from polysilicon.planning.versions import numbers, within
from polysilicon.specs import EksNetworkSpec, ModelSpec, SingleNodeServerSpec
from polysilicon.specs.model import Served

_FAMILIES = ("neuron", "nvidia")


@dataclass(frozen=True, kw_only=True)
class SingleNodePlan:
    """A server and its machine."""

    key: str
    region: str
    machine: str
    architecture: str
    zone: str
    image_key: str
    """What the machine's image is called in names: a row of the catalog, or the image's id."""
    image: MachineImage | None
    """Which image is looked up; none where the YAML names one."""
    server: ServerPlan
    user_data: str
    movable: bool
    """Whether EC2 can move it to sound hardware as it is: not with disks of its own."""
    protected: bool
    """Whether replacing or deleting the machine is refused."""
    warnings: tuple[str, ...] = ()
    """What may be right, and should be looked at."""


def plan_single_node(key: str, spec: SingleNodeServerSpec, catalog: Catalog, now: datetime) -> SingleNodePlan:
    """The plan of a server without a cluster. Raises `SpecError` with paths relative to its entry.

    Args:
        now: For leave to replace.
    """
    require_key(key)
    machine, silicon = machine_of(spec.machine, "a server", _machines(catalog), catalog)
    zone = _checked_zone(spec, machine, catalog)
    image_key, image = _image(spec, machine, silicon, catalog)
    landing = _landing(key, spec, machine, silicon, image, catalog)
    served = {name: getattr(spec, name) for name in Served.model_fields}
    server = plan_server(key, ModelSpec(pool=key, **served), landing, catalog)
    return SingleNodePlan(
        key=key,
        region=spec.region,
        machine=spec.machine,
        architecture=machine.architecture,
        zone=zone,
        image_key=image_key,
        image=image,
        server=server,
        user_data=user_data(server, silicon, idle_minutes=spec.idle_stop_minutes),
        movable=machine.local_nvme_gib == 0,
        protected=silicon.scarce and not may_replace(spec.replace_ok, now),
        warnings=tuple(_warnings(spec)),
    )


def _machines(catalog: Catalog) -> Mapping[str, Machine]:
    return {name: row for family in _FAMILIES for name, row in machines_for("aws", family, catalog).items()}


def _checked_zone(spec: SingleNodeServerSpec, machine: Machine, catalog: Catalog) -> str:
    problems = Problems()
    if isinstance(spec.network, EksNetworkSpec):
        with problems.under("network"):
            plan_eks_network(spec.network)
        with problems.under("network"):
            _require_way_out(spec.network)
    with problems.under(""):
        _require_region(spec, catalog)
    with problems.under(""):
        _require_own_zones(spec, catalog)
    with problems.under(""):
        _require_on_demand(spec, machine)
    problems.raise_any()
    return selling_zones(spec.machine, spec.region, spec.network.zones, catalog)[0]


def _require_region(spec: SingleNodeServerSpec, catalog: Catalog) -> None:
    known = sorted(row.region for row in catalog.regions)
    if spec.region not in known:
        fix = f"{one_of(known, spec.region)}; or add a row under polysilicon:overlay, regions"
        raise refuse("region", f"got {spec.region!r}, a region that the catalog does not have", fix)
    for index, topic in enumerate(spec.alarm_topics):
        if (region := topic.split(":")[3]) != spec.region:
            text = f"got a topic in {region}, which no alarm in {spec.region} can tell"
            raise refuse(f"alarm_topics[{index}]", text, f"take one in {spec.region}")
        require_partition(f"alarm_topics[{index}]", topic, spec.region)


def _require_way_out(network: EksNetworkSpec) -> None:
    if network.nat == "none" and network.way_out is None:
        text = "got none, but a server fetches its image, its model and packages from outside"
        raise refuse("nat", text, "take nat: single, or say in way_out how it reaches them all the same")


def _warnings(spec: SingleNodeServerSpec) -> Iterator[str]:
    network = spec.network
    if not isinstance(network, EksNetworkSpec) or network.nat != "none":
        return
    if lacking := [service for service in SESSIONS if service not in endpoint_services(network)]:
        text = "network.way_out: people reach the server by Systems Manager, which it finds by this way alone"
        yield f"{text}: if it does not lead there, add {', '.join(lacking)} to network.endpoints"


def _require_own_zones(spec: SingleNodeServerSpec, catalog: Catalog) -> None:
    """Of a region that the catalog does not have, nobody knows the zones."""
    known = known_zones(spec.region, catalog)
    for index, zone in enumerate(spec.network.zones):
        if known and zone not in known:
            where = f"zones[{index}]" if isinstance(spec.network, EksNetworkSpec) else f"private_subnets.{zone}"
            text = f"got {zone!r}, which is no zone of {spec.region}"
            raise refuse(f"network.{where}", text, one_of(known, zone))


def _require_on_demand(spec: SingleNodeServerSpec, machine: Machine) -> None:
    if machine.usage_classes and "on-demand" not in machine.usage_classes:
        sold = ", ".join(kind.replace("-", "_") for kind in machine.usage_classes)
        text = f"got {spec.machine}, which AWS sells only as {sold}; a server is a machine on demand"
        raise refuse("machine", text, "take another machine, or a pool with such capacity in a cluster")


def _image(
    spec: SingleNodeServerSpec, machine: Machine, silicon: Silicon, catalog: Catalog
) -> tuple[str, MachineImage | None]:
    """The newest image whose driver takes the serving image, with its key."""
    if spec.ami is not None:
        return spec.ami, None
    line = runtime_of(spec, machine.silicon or "", catalog)
    known = {key: row for key, row in catalog.machine_images.items() if row.family == silicon.family}
    fitting = [key for key, row in known.items() if within(row.driver, line.driver_min, line.driver_max)]
    if not fitting:
        drivers = ", ".join(sorted((row.driver for row in known.values()), key=numbers))
        bounds = f"driver {line.driver_min or 'any'} to {line.driver_max or 'any'}"
        text = f"line {line.line} starts on {bounds}; Deep Learning AMIs that the catalog has bring {drivers}"
        raise refuse("line", text, "take another line, or name an image that fits under ami")
    chosen = max(fitting, key=lambda key: numbers(known[key].driver))
    return chosen, known[chosen]


def _landing(
    key: str,
    spec: SingleNodeServerSpec,
    machine: Machine,
    silicon: Silicon,
    image: MachineImage | None,
    catalog: Catalog,
) -> Landing:
    """The whole machine; nothing of it is kept for Kubernetes."""
    overhead = machine.memory_gib * catalog.assumptions["aws.vm_overhead_fraction"].value
    per_node = PerNode(
        accelerators=machine.accelerators,
        cpu_millicores=1000 * machine.vcpus,
        memory_gib=round(machine.memory_gib - overhead, 2),
        ephemeral_gib=round(spec.root_disk_gib * catalog.assumptions["ephemeral_share"].value, 1),
        architecture=machine.architecture,
    )
    return Landing(
        key=key,
        ground="server",
        cluster="",
        silicon=machine.silicon or "",
        machine=spec.machine,
        region=spec.region,
        per_node=per_node,
        pod=PodPatch(env=silicon.env),
        host_driver=image.driver if image else None,
        scaled=False,
        device_memory_gib=machine.accelerators * silicon.memory_gib,
        devices=machine.accelerators,
    )
