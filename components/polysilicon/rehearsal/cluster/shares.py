"""How often NVIDIA's device plugin offers each GPU: once, or as often as its configuration says.

Source: NVIDIA/k8s-device-plugin@1b826ac README.md, on its flags and on shared access to GPUs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from polysilicon.rehearsal.cluster.workloads import Workload
from polysilicon.rehearsal.cluster.world import World
from polysilicon.rehearsal.values import UNKNOWN, at, every

GPU = "nvidia.com/gpu"
_IMAGES = ("k8s-device-plugin", "nvidia-device-plugin")
_FILE, _MIG = ("CONFIG_FILE", "--config-file"), ("MIG_STRATEGY", "--mig-strategy")


@dataclass(frozen=True)
class Shares:
    """What a device plugin makes of one GPU.

    Attributes:
        count: How often it is offered; nothing if that is not known.
        renamed: Whether it is offered as `nvidia.com/gpu.shared` instead.
    """

    count: float | None = None
    renamed: bool = False


WHOLE, NOT_KNOWN = Shares(1.0), Shares()


def shares_of(plugin: Workload, world: World) -> Shares:
    """What a workload that runs NVIDIA's device plugin makes of a GPU."""
    container = plugin.containers[0] if len(plugin.containers) == 1 else {"image": "several"}
    if not any(name in str(container.get("image")) for name in _IMAGES) or container.get("envFrom"):
        return NOT_KNOWN
    if _said(container, *_MIG) not in ("", "none"):
        return NOT_KNOWN
    path = _said(container, *_FILE)
    text = _text(path, container, plugin, world) if path else ""
    return NOT_KNOWN if text is None else _read(text)


def shares_of_chart(chart: str, values: Any) -> Shares:
    """What the device plugin of a chart makes of a GPU: whole ones, where its values say nothing of sharing."""
    if not isinstance(values, Mapping):
        return NOT_KNOWN
    said = "nvidia-device-plugin" in chart and not any(values.get(key) for key in ("config", "migStrategy", "mps"))
    operator = "gpu-operator" in chart and not any(values.get(key) for key in ("devicePlugin", "mig", "migManager"))
    return WHOLE if said or operator else NOT_KNOWN


def _said(container: Mapping[str, Any], variable: str, flag: str) -> str:
    """A setting of the plugin: its flag, else its variable; a value from elsewhere is not known."""
    words = [str(word) for key in ("command", "args") for word in container.get(key) or ()]
    for index, word in enumerate(words):
        if word == flag and index + 1 < len(words):
            return words[index + 1]
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    for each in container.get("env") or ():
        if at(each, "name") == variable:
            return str(at(each, "value") or UNKNOWN)
    return ""


def _text(path: str, container: Mapping[str, Any], plugin: Workload, world: World) -> str | None:
    """The file of that path in a container, if it comes from a ConfigMap of the program."""
    for mount in container.get("volumeMounts") or ():
        folder = PurePosixPath(str(at(mount, "mountPath") or "/"))
        if not PurePosixPath(path).is_relative_to(folder):
            continue
        key = str(at(mount, "subPath") or PurePosixPath(path).relative_to(folder))
        for name in _config_maps(plugin, at(mount, "name")):
            record = world.get("ConfigMap", plugin.namespace, name)
            data = at(record.inputs, "data") if record else None
            text = data.get(key) if isinstance(data, Mapping) else None
            return text if isinstance(text, str) and UNKNOWN not in text else None
    return None


def _config_maps(plugin: Workload, volume: object) -> Iterator[str]:
    for each in plugin.spec.get("volumes") or ():
        if at(each, "name") == volume and at(each, "configMap.name") and not at(each, "configMap.items"):
            yield str(at(each, "configMap.name"))


def _read(text: str) -> Shares:
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError:
        return NOT_KNOWN  # the plugin does not start
    if config is None:
        return WHOLE
    if not isinstance(config, Mapping) or at(config, "flags.migStrategy") not in (None, "none"):
        return NOT_KNOWN
    for kind in ("timeSlicing", "mps"):
        for _, told in every(config, f"sharing.{kind}.resources.*"):
            if at(told, "name") == GPU:
                return _of(told, bool(at(config, f"sharing.{kind}.renameByDefault")))
    return WHOLE


def _of(told: Mapping[str, Any], renamed: bool) -> Shares:
    count = told.get("replicas")
    if told.get("devices") not in (None, "all") or not isinstance(count, int):
        return NOT_KNOWN
    name = told.get("rename")
    if name not in (None, GPU, f"{GPU}.shared"):
        return NOT_KNOWN
    return Shares(float(count), renamed if name is None else name != GPU)
