"""An engine, whatever it takes: found, else downloaded, else built."""

from __future__ import annotations

from collections.abc import Mapping

from polysilicon.engine.cache import exclusive
from polysilicon.engine.find import CHOICE, allowed_origins, engine_on_path, find_engine
from polysilicon.engine.model import LANGUAGE_HOST, MINIMUM_VERSION, Engine, Origin, UnavailableError
from polysilicon.engine.progress import Report, silent
from polysilicon.engine.shim import write_language_host
from polysilicon.errors import UserError


def ensure_engine(report: Report = silent) -> Engine:
    """An engine that is ready to run, made if this machine has none; later calls find it at once.

    Tried in this order: a new enough `pulumi` on PATH that has a Python language host; the official release, if its
    site answers within seconds; a build from Go modules, which takes minutes. What is made goes to the cache (see
    `POLYSILICON_CACHE`) whole or not at all, and two processes never make it at the same time.
    `POLYSILICON_ENGINE` (`path`, `download` or `build`) allows that way only.

    Raises `UserError`, naming each way and why it failed, if there is no engine to be had.
    """
    engine = find_engine()
    if engine is None:
        with exclusive(report):
            engine = find_engine() or _make(report)
    if engine.origin == "build":
        _renew_language_host(engine)
    return engine


def _renew_language_host(engine: Engine) -> None:
    folder = engine.pulumi.parent
    try:
        write_language_host(folder)
    except OSError as error:
        raise UserError(
            f"{folder / LANGUAGE_HOST} runs on another Python than this one, and cannot be renewed: {error.strerror}\n"
            "  fix: make the folder writable, or set POLYSILICON_CACHE to one that is"
        ) from error


def _make(report: Report) -> Engine:
    failures: dict[Origin, str] = {}
    for origin in allowed_origins():
        try:
            return _get(origin, report)
        except UnavailableError as why:
            failures[origin] = str(why)
    raise UserError(_no_engine(failures))


def _get(origin: Origin, report: Report) -> Engine:
    # Imported late: a machine that has an engine never needs an HTTP client or a compiler.
    if origin == "download":
        from polysilicon.engine.download import download_engine

        return download_engine(report)
    if origin == "build":
        from polysilicon.engine.build import build_engine

        return build_engine(report)
    return engine_on_path()


def _no_engine(failures: Mapping[Origin, str]) -> str:
    from polysilicon.engine.build import needed_go

    head = f"there is no Pulumi engine: `pulumi` {MINIMUM_VERSION} or newer with its `{LANGUAGE_HOST}` is needed"
    names = {"path": "on PATH", "download": "download", "build": "build with Go"}
    tried = [f"  {names[origin]}: {why}" for origin, why in failures.items()]
    fixes = {
        "path": "install Pulumi (https://www.pulumi.com/docs/install) and have its folder on PATH",
        "download": "let this machine reach get.pulumi.com, or name a mirror in POLYSILICON_ENGINE_RELEASES",
        "build": f"install Go {needed_go()} or newer (https://go.dev/dl) and run this again: the engine is built once",
    }
    others = [f"unset {CHOICE}, which allows no other way"] if len(failures) == 1 else []
    wanted = [fixes[origin] for origin in failures] + others
    return "\n".join([head, *tried, "  fix, any one of:", *(f"    - {fix}" for fix in wanted)])
