"""How long a server takes from «wanted» to «serving»: probes, deadlines and waits follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import Model, Runtime
from polysilicon.planning.landing import Landing
from polysilicon.planning.sizing import weights_gib

_PATIENCE = 2.0
"""How many times the planned time a deployment waits before it gives up: most terms are assumed, not measured."""


@dataclass(frozen=True)
class Phase:
    """One wait on the way."""

    what: str
    seconds: float
    assumed: bool


@dataclass(frozen=True)
class ColdStart:
    """All waits, in order."""

    phases: tuple[Phase, ...]
    spare_seconds: float = 0
    """What deadlines allow beside, for a wait that should not be: compilation where the cache has nothing."""

    @property
    def seconds(self) -> int:
        return round(sum(phase.seconds for phase in self.phases))

    @property
    def container_seconds(self) -> int:
        """The part that passes after the container has started: what a startup probe must allow."""
        return round(sum(phase.seconds for phase in self.phases if phase.what in ("weights", "compile", "warm-up")))

    @property
    def deadline_seconds(self) -> int:
        return round(_PATIENCE * (self.seconds + self.spare_seconds))

    @property
    def startup_deadline_seconds(self) -> int:
        return round(_PATIENCE * (self.container_seconds + self.spare_seconds))

    def with_compiled_code(self) -> ColdStart:
        """The same start where somebody has compiled before. Deadlines stay: a start that finds nothing is slow, and no
        reason to kill the server again and again."""
        compile_seconds = sum(phase.seconds for phase in self.phases if phase.what == "compile")
        return ColdStart(tuple(phase for phase in self.phases if phase.what != "compile"), compile_seconds)


def plan_cold_start(
    model: Model, runtime: Runtime, landing: Landing, catalog: Catalog, stored: bool = False
) -> ColdStart:
    """Node, image, weights, compilation and warm-up, from the catalog's figures; each says whether it is assumed.

    Args:
        stored: Whether the weights come from a bucket in the cluster's region instead of the model hub.
    """
    source = "stored_weights" if stored else "weights"
    family = catalog.silicon[landing.silicon].family
    image_gib = runtime.image_gib or _assumed(catalog, f"{family}.image_gib")
    phases = (
        Phase("node", _assumed(catalog, f"{family}.node_seconds"), True),
        Phase("image", image_gib / _assumed(catalog, "image_gib_per_second"), True),
        Phase("weights", weights_gib(model) / _assumed(catalog, f"{source}_gib_per_second"), True),
        Phase("compile", _assumed(catalog, f"{family}.compile_seconds"), True),
        Phase("warm-up", _assumed(catalog, f"{family}.warm_up_seconds"), True),
    )
    return ColdStart(phases)


def _assumed(catalog: Catalog, name: str) -> float:
    return catalog.assumptions[name].value
