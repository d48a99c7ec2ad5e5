"""Compiled code in a bucket: what it depends on, so that a server finds its own and never another's."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

from polysilicon.catalog import Catalog
from polysilicon.catalog.rows import Runtime
from polysilicon.planning.cold_start import ColdStart
from polysilicon.planning.landing import Landing
from polysilicon.planning.problems import refuse
from polysilicon.specs import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """All that compiled code follows from. Where one of them is another, so is the place in the bucket."""

    model: str
    source: str
    """Where the engine reads the model, since its own key of compiled code has that in it."""
    engine: str
    line: str
    image: str
    """Its tag names the compiler."""
    silicon: str
    cores: int
    """Devices that the model is sharded over."""
    max_model_len: int
    max_concurrency: int
    extra_args: tuple[str, ...]
    command: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    """Both as the line has them: flags of a compiler may stand there."""

    @property
    def prefix(self) -> str:
        """Place in the bucket: words for a reader, and a hash of everything."""
        told = "\n".join(f"{name}={value}" for name, value in sorted(asdict(self).items()))
        digest = hashlib.sha256(told.encode()).hexdigest()[:16]
        return f"compiled/{self.engine}/{self.line}/{self.silicon}/{digest}"


@dataclass(frozen=True, kw_only=True)
class CompileCache:
    """Compiled code that one job makes and all servers read."""

    prefix: str
    region: str
    path: str
    """Folder of the server's cache that holds it."""
    copier: str
    """Image with the AWS CLI, which moves it."""
    job_start: ColdStart
    """The waits of the job: those of a server that finds nothing compiled."""

    @property
    def key(self) -> str:
        """What tells this code from another, as part of a name."""
        return self.prefix.rsplit("/", 1)[-1][:8]


def plan_compile_cache(
    spec: ModelSpec, runtime: Runtime, landing: Landing, catalog: Catalog, source: str, cores: int, start: ColdStart
) -> CompileCache | None:
    """The cache of a server; None where each compiles for itself. Raises `SpecError` for an image line of which it is
    not known where compiled code lies.

    Args:
        source: Where the engine reads the model.
        cores: Devices that it is sharded over.
        start: The start of a server that finds nothing compiled.
    """
    if not spec.compile_cache:
        return None
    if runtime.compiled_path is None:
        text = f"line {runtime.line} keeps its compiled code where nobody has looked yet"
        raise refuse("compile_cache", text, "remove it, or add compiled_path to the line's row in an overlay")
    made_of = Ingredients(
        model=spec.model,
        source=source,
        engine=spec.engine,
        line=runtime.line,
        image=runtime.image,
        silicon=landing.silicon,
        cores=cores,
        max_model_len=spec.max_model_len,
        max_concurrency=spec.max_concurrency,
        extra_args=spec.extra_args,
        command=runtime.command,
        env=tuple(sorted(runtime.env.items())),
    )
    copier = catalog.default("aws.cli_image")
    region, path = landing.region, runtime.compiled_path
    return CompileCache(prefix=made_of.prefix, region=region, path=path, copier=copier, job_start=start)
