"""The catalog as one value, and what a stack lays over it."""

from __future__ import annotations

import csv
import functools
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from pydantic import Field

from polysilicon.catalog.rows import (
    EKS_ACCOUNT,
    Addon,
    AmiRelease,
    Assumption,
    Default,
    Machine,
    MachineImage,
    Model,
    Offering,
    Price,
    Region,
    Runtime,
    Silicon,
)
from polysilicon.errors import Problem, SpecError, one_of
from polysilicon.specs.base import Spec

Found = TypeVar("Found")


class Overlay(Spec):
    """Rows that a stack adds to the catalog, or puts in the place of the catalog's own under the same key."""

    silicon: dict[str, Silicon] = Field(default_factory=dict)
    machines: dict[str, Machine] = Field(default_factory=dict)
    ami_releases: dict[str, AmiRelease] = Field(default_factory=dict)
    machine_images: dict[str, MachineImage] = Field(default_factory=dict)
    models: dict[str, Model] = Field(default_factory=dict)
    defaults: dict[str, Default] = Field(default_factory=dict)
    """Choices by name, such as neuron.device_plugin_image."""
    assumptions: dict[str, Assumption] = Field(default_factory=dict)
    """Figures by name, such as neuron.compile_seconds: the place for your own measurements."""
    addons: tuple[Addon, ...] = ()
    """Replaces rows of the same Kubernetes version and name."""
    runtimes: tuple[Runtime, ...] = ()
    """Replaces rows of the same engine, line and silicon."""
    prices: tuple[Price, ...] = ()
    """Replaces rows of the same item, region and terms: a discount, a savings plan."""
    offerings: tuple[Offering, ...] = ()
    """Replaces rows of the same machine and region."""
    regions: tuple[Region, ...] = ()
    """Replaces rows of the same region."""


class Catalog(Overlay):
    """All rows. Immutable; `overlaid` gives a new one."""

    def overlaid(self, overlay: Overlay, path: str = "polysilicon:overlay") -> Catalog:
        """This catalog with a stack's own rows first. Raises `SpecError` where a row names unknown silicon."""
        laid = self.model_copy(
            update={
                **{name: {**getattr(self, name), **getattr(overlay, name)} for name in _KEYED},
                "addons": _replaced(self.addons, overlay.addons, "kubernetes", "name"),
                "runtimes": _replaced(self.runtimes, overlay.runtimes, "engine", "line", "silicon"),
                "prices": _replaced(self.prices, overlay.prices, "item", "region", "terms"),
                "offerings": _replaced(self.offerings, overlay.offerings, "machine", "region"),
                "regions": _replaced(self.regions, overlay.regions, "region"),
            }
        )
        named = [(f"machines.{key}.silicon", row.silicon) for key, row in overlay.machines.items() if row.silicon]
        named += [(f"runtimes[{i}].silicon", chip) for i, row in enumerate(overlay.runtimes) for chip in row.silicon]
        for place, chip in named:
            laid._known(laid.silicon, chip, f"{path}.{place}", "silicon")
        return laid

    def model(self, name: str, path: str) -> Model:
        """The model's row. Raises `SpecError` where its shape is unknown."""
        return self._known(self.models, name, path, "model")

    def default(self, name: str) -> str:
        """The choice that holds where the YAML makes none."""
        return self.defaults[name].value

    def zones(self, machine: str, region: str) -> tuple[str, ...]:
        """Zones of `region` that sell `machine`; empty where none is known."""
        return next((o.zones for o in self.offerings if (o.machine, o.region) == (machine, region)), ())

    def regions_of(self, machine: str) -> tuple[str, ...]:
        """Regions known to sell `machine`."""
        return tuple(sorted({o.region for o in self.offerings if o.machine == machine and o.zones}))

    def eks_account(self, region: str) -> str:
        """Account whose registry in a region holds the images of EKS."""
        return next((row.eks_account for row in self.regions if row.region == region), EKS_ACCOUNT)

    def price(self, item: str, region: str, terms: str = "on_demand") -> Price | None:
        """The price row, or None where nobody has published one that we read."""
        rows = (p for p in self.prices if (p.item, p.terms) == (item, terms) and p.region in (region, "*"))
        return next(rows, None)

    def runtime_rows(self, engine: str, silicon: str) -> tuple[Runtime, ...]:
        """Image lines of `engine` for `silicon`, the preferred first, opt-in ones last."""
        rows = [r for r in self.runtimes if r.engine == engine and silicon in r.silicon]
        return tuple(sorted(rows, key=lambda r: (r.opt_in, r.rank)))

    @staticmethod
    def _known(rows: Mapping[str, Found], name: str, path: str, noun: str) -> Found:
        if name in rows:
            return rows[name]
        room = noun if noun == "silicon" else f"{noun}s"
        fix = f"{one_of(sorted(rows), name)}; or add a row under polysilicon:overlay, {room}"
        raise SpecError(Problem(path, f"got {name!r}, a {noun} that the catalog does not have", fix))


_KEYED = ("silicon", "machines", "ami_releases", "machine_images", "models", "defaults", "assumptions")


def _replaced(base: Iterable[Any], own: tuple[Any, ...], *identity: str) -> tuple[Any, ...]:
    def key(row: Any) -> tuple[Any, ...]:
        return tuple(getattr(row, name) for name in identity)

    taken = {key(row) for row in own}
    return (*own, *(row for row in base if key(row) not in taken))


@functools.cache
def load_catalog() -> Catalog:
    """The catalog that this version of Polysilicon ships."""
    folder = resources.files("polysilicon.catalog") / "data"
    merged: dict[str, Any] = {}
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            _merge(merged, tomllib.loads(file.read_text(encoding="utf-8")))
    machines = {row.pop("machine"): row for row in _table(folder / "aws_machines.csv")}
    merged["machines"] = {**merged["machines"], **machines}
    for name in ("prices", "offerings", "regions"):
        merged[name] = _table(folder / f"{name}.csv")
    return Catalog.parse(_sourced(merged, merged.pop("sources")), "catalog")


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, rows in more.items():
        if isinstance(rows, list):
            into[name] = [*into.get(name, []), *rows]
        else:
            into[name] = {**into.get(name, {}), **rows}


_LISTS = ("zones", "usage_classes")
"""Columns of tables that hold several words."""


def _table(file: Traversable) -> list[dict[str, Any]]:
    """The rows of a table. An empty cell is an absent value."""
    rows = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    return [{name: _cell(name, text) for name, text in row.items() if text or name in _LISTS} for row in rows]


def _cell(column: str, text: str) -> str | tuple[str, ...]:
    return tuple(text.split()) if column in _LISTS else text


def _sourced(value: Any, sources: Mapping[str, Mapping[str, str]]) -> Any:
    """Puts the text and the date of a source in the place of its short name."""
    if isinstance(value, list):
        return [_sourced(item, sources) for item in value]
    if not isinstance(value, dict):
        return value
    if "source" in value:
        source = sources[value["source"]]
        return {**value, "source": source["text"], "as_of": source["as_of"]}
    return {name: _sourced(item, sources) for name, item in value.items()}
