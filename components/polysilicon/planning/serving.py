"""How a model is served on a landing: image, arguments, probes, waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import Model, Runtime
from polysilicon.errors import one_of
from polysilicon.planning.cold_start import ColdStart, plan_cold_start
from polysilicon.planning.compile_cache import CompileCache, plan_compile_cache
from polysilicon.planning.landing import Landing
from polysilicon.planning.names import require_key
from polysilicon.planning.problems import refuse
from polysilicon.planning.sizing import Fit, require_fit, shards, weights_gib
from polysilicon.planning.versions import within
from polysilicon.planning.weights import WeightMount, plan_weights
from polysilicon.specs import ModelSpec
from polysilicon.specs.model import Served

_SETTLE_SECONDS = 10
"""Between «told to stop» and the signal: the time in which load balancers learn that the pod is going."""


@dataclass(frozen=True, kw_only=True)
class ServerPlan:
    """One model server, complete but for the cluster it runs in."""

    key: str
    model: str
    engine: str
    line: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, str]
    port: int
    health_path: str
    cache_path: str
    cpu_millicores: int
    memory_gib: int
    replicas: int
    landing: Landing
    fit: Fit
    cold_start: ColdStart
    drain_seconds: int
    drains_itself: bool
    """Whether the engine finishes its requests when it is told to stop; else it is told only once it is idle."""
    weights: WeightMount | None
    """The folder of the weights; none where the server loads them from the hub."""
    compiled: CompileCache | None
    """Code that a job compiles; none where each server does."""
    listed: bool
    """Whether the image line's makers list this model on this silicon; another may work, and wants a test first."""

    @property
    def settle_seconds(self) -> int:
        return _SETTLE_SECONDS

    @property
    def rollout_seconds(self) -> int:
        """How long a rollout may take: replicas go one after another, each drains before the next one starts."""
        return max(self.replicas, 1) * (self.cold_start.deadline_seconds + self.grace_seconds)

    @property
    def grace_seconds(self) -> int:
        """How long Kubernetes waits before it kills: settling, draining, and some seconds to exit."""
        return _SETTLE_SECONDS + self.drain_seconds + 30


def plan_server(key: str, spec: ModelSpec, landing: Landing, catalog: Catalog) -> ServerPlan:
    """The plan of a server. Raises `SpecError` with paths relative to the model's entry."""
    model = catalog.model(spec.model, "model")
    runtime = runtime_of(spec, landing.silicon, catalog)
    _require_driver(runtime, landing, catalog.runtime_rows(spec.engine, landing.silicon))
    _require_name(key)
    weights = plan_weights(spec, runtime, landing.region, catalog.machines[landing.machine])
    _require_open(spec, model)
    _require_nodes(spec, landing)
    _require_restraint(runtime, landing)
    _require_disk(spec, model, runtime, landing, catalog)
    if spec.max_model_len > model.max_position:
        fix = f"take at most {model.max_position}"
        raise refuse("max_model_len", f"got {spec.max_model_len}, beyond what {spec.model} was made for", fix)
    share = catalog.assumptions["node_share"].value
    cores = shards(model, landing, catalog)
    start = plan_cold_start(model, runtime, landing, catalog, stored=weights is not None)
    source = weights.path if weights else spec.model
    compiled = plan_compile_cache(spec, runtime, landing, catalog, source, cores, start)
    return ServerPlan(
        key=key,
        model=spec.model,
        engine=spec.engine,
        line=runtime.line,
        image=runtime.image.format(region=landing.region),
        command=runtime.command,
        args=(*_arguments(spec, runtime, cores, source, _memory_fraction(landing, catalog)), *spec.extra_args),
        env=runtime.env,
        port=runtime.port,
        health_path=runtime.health_path,
        cache_path=runtime.cache_path,
        cpu_millicores=int(landing.per_node.cpu_millicores * share / landing.servers_per_node),
        memory_gib=int(landing.per_node.memory_gib * share / landing.servers_per_node),
        replicas=spec.replicas,
        landing=landing,
        fit=require_fit(spec, model, landing, catalog),
        cold_start=start.with_compiled_code() if compiled else start,
        drain_seconds=spec.drain_seconds,
        drains_itself="drain_seconds" in runtime.arguments,
        weights=weights,
        compiled=compiled,
        listed=spec.model in runtime.models,
    )


def _require_name(key: str) -> None:
    """A server's key is its namespace."""
    require_key(key)
    if key == "default" or key.startswith(("kube-", "gke-")):
        raise refuse("", f"{key!r} is a namespace of Kubernetes itself", "choose another key for the model")


def _require_open(spec: ModelSpec, model: Model) -> None:
    if model.gated and spec.weights is None:
        text = f"{spec.model} is gated: its hub wants a token, and servers are given none yet"
        raise refuse("model", text, "put its weights into the cluster's store and add `weights: {}` to the model")


def _require_nodes(spec: ModelSpec, landing: Landing) -> None:
    wanted = spec.replicas + spec.compile_cache
    if wanted <= landing.nodes * landing.servers_per_node:
        return
    bound = "max" if landing.scaled else "min"
    share = "one node each" if landing.servers_per_node == 1 else f"{landing.servers_per_node} to a node"
    job = " and the job that compiles for them" if spec.compile_cache else ""
    text = f"got {spec.replicas}{job}, {share}, but pool {landing.key} has {landing.nodes}"
    raise refuse("replicas", text, f"raise {bound} of pool {landing.key}, or lower replicas")


def _require_disk(spec: ModelSpec, model: Model, runtime: Runtime, landing: Landing, catalog: Catalog) -> None:
    """The unpacked image must lie on the node's disk, and the weights beside it, unless they are mounted."""
    family = catalog.silicon[landing.silicon].family
    packed = runtime.image_gib or catalog.assumptions[f"{family}.image_gib"].value
    image = packed * catalog.assumptions["image_unpacked_factor"].value
    loaded = weights_gib(model) if spec.weights is None else 0
    needed = image + loaded * landing.servers_per_node  # the image lies there once
    if needed > landing.per_node.ephemeral_gib:
        text = f"image and weights need about {needed:.0f} GiB of disk, {landing.called} has"
        fix = f"give {landing.called} a larger disk"
        raise refuse(landing.chosen_by, f"{text} {landing.per_node.ephemeral_gib:.0f} for them", fix)


def runtime_of(spec: Served, silicon: str, catalog: Catalog) -> Runtime:
    """The image line that serves on this silicon: the one that is named, else the first. Raises `SpecError` where there
    is none."""
    rows = catalog.runtime_rows(spec.engine, silicon)
    if not rows:
        engines = sorted({row.engine for row in catalog.runtimes if silicon in row.silicon})
        text = f"got {spec.engine!r}, for which no image on {silicon} is known"
        fix = f"{one_of(engines, spec.engine)}; or add a row under polysilicon:overlay, runtimes"
        raise refuse("engine", text, fix)
    if spec.line is None:
        return rows[0]
    lines = {row.line: row for row in reversed(rows)}
    if spec.line not in lines:
        text = f"got {spec.line!r}, no line of {spec.engine} on {silicon}"
        raise refuse("line", text, one_of([row.line for row in rows], spec.line))
    return lines[spec.line]


def _require_driver(runtime: Runtime, landing: Landing, rows: tuple[Runtime, ...]) -> None:
    """An image and a node image that cannot start together are refused here, not found out by a crash loop."""
    driver = landing.host_driver
    if driver is None or within(driver, runtime.driver_min, runtime.driver_max):
        return
    bounds = " and ".join(
        part
        for part in (
            f"{runtime.driver_min} or newer" if runtime.driver_min else "",
            f"{runtime.driver_max} or older" if runtime.driver_max else "",
        )
        if part
    )
    others = [row.line for row in rows if within(driver, row.driver_min, row.driver_max)]
    fix = f"set ami_release of {landing.called} to a release with such a driver"
    if others:
        fix = f"{fix}, or take line {' or '.join(others)}"
    text = f"line {runtime.line} starts on host driver {bounds}; {landing.called} brings driver {driver}"
    raise refuse("line", text, fix)


def _require_restraint(runtime: Runtime, landing: Landing) -> None:
    """Servers that take turns on a GPU share its memory, which each would else take for itself."""
    if landing.device_share < 1 and "memory_fraction" not in runtime.arguments:
        text = f"line {runtime.line} cannot be told to leave memory of a GPU to others, which pool {landing.key} shares"
        raise refuse("line", text, "take another line, or a pool with sharing: {kind: whole} or mig")


def _memory_fraction(landing: Landing, catalog: Catalog) -> str | None:
    """The part of a chip's memory that a server may take; None leaves it to the engine."""
    if landing.device_share == 1:
        return None
    return f"{catalog.assumptions['usable_memory_fraction'].value * landing.device_share:.3f}"


def _arguments(
    spec: ModelSpec, runtime: Runtime, shards: int, source: str, memory_fraction: str | None
) -> tuple[str, ...]:
    values = {
        "model": source,
        "served_name": spec.model,
        "port": runtime.port,
        "tensor_parallel": shards,
        "max_model_len": spec.max_model_len,
        "max_concurrency": spec.max_concurrency,
        "kv_blocks": spec.max_concurrency,
        "drain_seconds": spec.drain_seconds,
        "memory_fraction": memory_fraction,
    }
    told = ((flag, values[name]) for name, flag in runtime.arguments.items())
    pairs = ((flag, str(value)) for flag, value in told if value is not None)
    return tuple(word for flag, value in pairs for word in ((flag, value) if flag else (value,)))
