"""Whether a model fits a landing: memory first, because decoding is bound by it."""

from __future__ import annotations

from dataclasses import dataclass

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import Model
from polysilicon.planning.landing import Landing
from polysilicon.planning.problems import refuse
from polysilicon.specs import ModelSpec

_GIB = 1024**3
_BYTES_PER_PARAMETER = 2
"""bf16 weights; quantized ones are smaller, and are not planned yet."""


@dataclass(frozen=True)
class Fit:
    """Device memory of one server, in GiB."""

    weights_gib: float
    kv_cache_gib: float
    usable_gib: float

    @property
    def needed_gib(self) -> float:
        return self.weights_gib + self.kv_cache_gib

    @property
    def fits(self) -> bool:
        return self.needed_gib <= self.usable_gib


def fit(spec: ModelSpec, model: Model, memory_gib: float, catalog: Catalog) -> Fit:
    """Weights at 16 bits, and key-value cache of all concurrent sequences at full length, against usable memory."""
    kv_cache = model.kv_bytes_per_token * spec.max_model_len * spec.max_concurrency
    usable = memory_gib * catalog.assumptions["usable_memory_fraction"].value
    return Fit(weights_gib(model), kv_cache / _GIB, usable)


def shards(model: Model, landing: Landing, catalog: Catalog) -> int:
    """Devices of a server that a model is sharded over: as many as its attention heads divide into evenly."""
    return _shards(model, landing.devices * catalog.silicon[landing.silicon].cores)


def _shards(model: Model, devices: int) -> int:
    return max(n for n in range(1, devices + 1) if model.heads % n == 0)


def weights_gib(model: Model) -> float:
    """Size of the weights at 16 bits."""
    return model.params_b * 1e9 * _BYTES_PER_PARAMETER / _GIB


def require_fit(spec: ModelSpec, model: Model, landing: Landing, catalog: Catalog) -> Fit:
    """The fit, or `SpecError` that shows the sum and names machines of the same silicon on which it would hold."""
    devices = landing.devices * catalog.silicon[landing.silicon].cores
    memory_gib = _shards(model, devices) / devices * landing.device_memory_gib
    got = fit(spec, model, memory_gib, catalog)
    if got.fits:
        return got
    text = (
        f"{spec.model} does not fit {landing.machine}: {got.weights_gib:.1f} GiB of weights and {got.kv_cache_gib:.1f}"
        f" GiB of key-value cache ({spec.max_concurrency} sequences of {spec.max_model_len} tokens) against"
        f" {got.usable_gib:.1f} GiB usable"
    )
    larger = _machines_that_fit(spec, model, landing, catalog)
    smaller = "lower max_model_len or max_concurrency" if got.weights_gib < got.usable_gib else "choose a smaller model"
    what = "a pool of" if landing.ground == "pool" else "machine"
    raise refuse(landing.chosen_by, text, f"{smaller}, or take {what} {' or '.join(larger)}" if larger else smaller)


def _machines_that_fit(spec: ModelSpec, model: Model, landing: Landing, catalog: Catalog) -> list[str]:
    return [
        name
        for name, row in catalog.machines.items()
        if row.silicon == landing.silicon and fit(spec, model, _memory_gib(model, name, catalog), catalog).fits
    ]


def _memory_gib(model: Model, machine: str, catalog: Catalog) -> float:
    """Memory of the chips that the model is sharded over, which may be fewer than the node has."""
    row = catalog.machines[machine]
    silicon = catalog.silicon[row.silicon or ""]
    return _shards(model, row.accelerators * silicon.cores) / silicon.cores * silicon.memory_gib
