"""Which server a kubeconfig names."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class KubeconfigError(ValueError):
    """A kubeconfig from which no server can be told."""


@dataclass(frozen=True)
class Target:
    """Where objects go: the server's URL, and the namespace that the context defaults to."""

    server: str
    namespace: str = ""


def target(kubeconfig: Any, context: str = "", cluster: str = "", folder: Path | None = None) -> Target:
    """The server of a kubeconfig given as data, as YAML or JSON text, or as the path of a file.

    Args:
        kubeconfig: The configuration.
        context: The context to use instead of the current one.
        cluster: The cluster to use instead of the context's.
        folder: What a relative path is relative to.
    """
    config = _load(kubeconfig, folder)
    contexts = _named(config, "contexts", "context")
    name = context or config.get("current-context") or ""
    if name and name not in contexts:
        raise KubeconfigError(f'context "{name}" does not exist')
    chosen = contexts.get(name, {})
    clusters = _named(config, "clusters", "cluster")
    wanted = cluster or chosen.get("cluster") or ""
    if wanted not in clusters:
        raise KubeconfigError(f'cluster "{wanted}" does not exist' if wanted else "no context has been chosen")
    server = clusters[wanted].get("server") or ""
    if not server:
        raise KubeconfigError(f'cluster "{wanted}" has no server')
    return Target(str(server), str(chosen.get("namespace") or ""))


def _load(kubeconfig: Any, folder: Path | None) -> Mapping[str, Any]:
    if isinstance(kubeconfig, Mapping):
        return kubeconfig
    text = str(kubeconfig)
    if "\n" not in text and not text.lstrip().startswith("{"):
        file = (folder or Path()) / Path(text).expanduser()
        if not file.is_file():
            raise KubeconfigError(f"no such file: {text}")
        text = file.read_text(encoding="utf-8")
    return _parsed(text)


@functools.lru_cache(maxsize=64)
def _parsed(text: str) -> Mapping[str, Any]:
    """Every call for an object brings the same text again, and reading YAML is slow."""
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise KubeconfigError(f"neither YAML nor JSON: {error}") from error
    if not isinstance(config, Mapping):
        raise KubeconfigError("not a mapping")
    return config


def _named(config: Mapping[str, Any], key: str, inner: str) -> dict[str, Mapping[str, Any]]:
    items = config.get(key) or []
    return {item["name"]: item.get(inner) or {} for item in items if isinstance(item, Mapping) and "name" in item}
