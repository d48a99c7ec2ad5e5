"""What a server's machine is told when it first starts: cloud-config with systemd units."""

from __future__ import annotations

import re

from polysilicon.catalog.rows import Silicon
from polysilicon.planning.problems import refuse
from polysilicon.planning.serving import ServerPlan
from polysilicon.templates import render

_CACHE = "/var/lib/polysilicon/cache"
_MOST_BYTES = 16_384
"""Of user data: docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html."""
_TO_EXIT_SECONDS = 30
"""After the last request."""


def user_data(server: ServerPlan, silicon: Silicon, *, idle_minutes: int | None) -> str:
    """The cloud-config. Raises `SpecError` where it is longer than EC2 takes, or has what no unit file can hold.

    Args:
        idle_minutes: After how long without a request the machine stops; None is never.
    """
    _require_printable(server)
    registry = server.image.split("/")[0]
    text = render(
        "aws/single_node/cloud_config.yaml.j2",
        key=server.key,
        image=server.image,
        run=" ".join(map(systemd_word, _docker_run(server, silicon))),
        metrics=f"http://127.0.0.1:{server.port}/metrics",
        drain=not server.drains_itself,
        drain_seconds=server.drain_seconds,
        stop_seconds=_TO_EXIT_SECONDS + (server.drain_seconds if server.drains_itself else 0),
        start_seconds=server.cold_start.deadline_seconds,
        idle_seconds=60 * idle_minutes if idle_minutes else 0,
        registries=[registry] if ".dkr.ecr." in registry else [],
    )
    if len(text.encode()) > _MOST_BYTES:
        excess = f"got arguments with which the machine's user data has {len(text.encode())} bytes"
        raise refuse("extra_args", f"{excess}; EC2 takes {_MOST_BYTES}", "shorten them")
    return text


def _require_printable(server: ServerPlan) -> None:
    for word in server.args:
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", word):
            raise refuse("extra_args", f"got {word!r}, with a character that no unit file takes", "write it without")


def systemd_word(word: str) -> str:
    """A word of a command line as a unit file has it: quoted where needed, and nothing of it expanded."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    escaped = escaped.replace("\n", "\\n").replace("\t", "\\t")
    return escaped if re.fullmatch(r"[\w@.,:/=+%-]+", escaped) else f'"{escaped}"'


def _docker_run(server: ServerPlan, silicon: Silicon) -> list[str]:
    """The container has all chips, no capabilities, and of the machine's disk its cache alone. Who may ask it is the
    security group's matter, which changes without a new machine."""
    env = {**server.env, **server.landing.pod.env}
    entry = ["--entrypoint", server.command[0]] if server.command else []
    return [
        *("/usr/bin/docker", "run", "--rm", "--name", server.key, "--log-driver", "none"),
        *("--publish", f"{server.port}:{server.port}"),
        *("--memory", f"{server.memory_gib}g", "--shm-size", f"{silicon.shm_gib}g"),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--volume", f"{_CACHE}:{server.cache_path}"),
        *(word for name, value in env.items() for word in ("--env", f"{name}={value}")),
        *_devices(server, silicon),
        *entry,
        *(server.image, *server.command[1:], *server.args),
    ]


def _devices(server: ServerPlan, silicon: Silicon) -> list[str]:
    """How Docker gives the chips to a container.

    Source: aws-neuron/aws-neuron-sdk@81ce03a deploy/environments/docker-setup.rst, and for NVIDIA
    docs.nvidia.com/datacenter/cloud-native/container-toolkit.
    """
    if silicon.family == "nvidia":
        return ["--gpus", "all"]
    return [word for index in range(server.landing.devices) for word in ("--device", f"/dev/neuron{index}")]
