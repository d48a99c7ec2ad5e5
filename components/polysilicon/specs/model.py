"""A model to serve, and where."""

from __future__ import annotations

from pydantic import Field

from polysilicon.specs.base import Spec
from polysilicon.specs.storage import StoredWeights
from polysilicon.specs.values import Key


class Served(Spec):
    """What is served, and how."""

    model: str
    """Name on the model hub, such as Qwen/Qwen3-0.6B."""
    engine: str = "vllm"
    """Serving engine. The image follows from engine, silicon and version rows in the catalog."""
    line: str | None = None
    """Image line, for those who must hold or try one. By default the silicon's first line that is not opt-in."""
    max_model_len: int = Field(default=4096, ge=128)
    """Longest sequence, prompt and answer together, in tokens."""
    max_concurrency: int = Field(default=8, ge=1, le=4096)
    """Sequences that one replica decodes at once; the memory for all of them at full length must be there."""
    drain_seconds: int = Field(default=120, ge=0, le=3600)
    """How long a replica that is told to stop may finish the requests it has."""
    extra_args: tuple[str, ...] = ()
    """Further arguments for the engine, appended as they are."""


class ModelSpec(Served):
    """A model behind an OpenAI-compatible endpoint. `pool` is the line that moves it to other silicon."""

    pool: Key
    """Key of the accelerator pool that it runs on."""
    weights: StoredWeights | None = None
    """Weights from the store of the pool's cluster, mounted read-only: `{}` takes those under the model's name. By
    default each server loads them from the hub."""
    compile_cache: bool = False
    """Whether a job compiles the model once, into the store of the pool's cluster, and each server takes that instead
    of compiling. The job wants a place of the pool beside the servers', which stays free for it. Off by default: each
    server compiles."""
    replicas: int = Field(default=1, ge=0, le=1000)
    """Copies of the server; each takes whole nodes' worth of accelerators."""
