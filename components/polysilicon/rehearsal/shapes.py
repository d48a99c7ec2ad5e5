"""The shapes of resources and of function results, as the program's own SDKs declare them.

`reflect.py` answers in the program's interpreter; what it says of a released SDK does not change, so it is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Type: TypeAlias = "str | list[Any]"
"""A type as `reflect.describe` tells it."""

_REFLECT = Path(__file__).with_name("reflect.py")


@dataclass(frozen=True)
class Member:
    """One property of a shape: its type, and whether the SDK says that it may be absent."""

    type: Type
    optional: bool


@dataclass(frozen=True)
class Shape:
    """What an SDK declares of a resource or of a function's result.

    Attributes:
        outputs: The properties that the class has.
        inputs: The properties that may be given, with whether they must be.
        objects: The nested types, by the key that `["object", key]` names.
        import_form: The first id that the documentation shows for an import.
        replaces: Properties whose documentation says that a change of them makes a new resource.
    """

    outputs: Mapping[str, Member]
    inputs: Mapping[str, bool] = field(default_factory=dict)
    objects: Mapping[str, Mapping[str, Member]] = field(default_factory=dict)
    import_form: str = ""
    replaces: frozenset[str] = frozenset()

    def members(self, type_: Type) -> Mapping[str, Member] | None:
        """The properties of a nested object type; nothing for any other type."""
        return self.objects[type_[1]] if isinstance(type_, list) and type_[0] == "object" else None


@dataclass(frozen=True)
class Package:
    """An installed SDK: the module, the plugin that serves it, and the first part of its tokens."""

    module: str
    plugin: str
    package: str
    version: str


class Sdk:
    """The SDKs that the program's interpreter has.

    Args:
        python: The interpreter that will run the program.
        environment: Its environment.
        cache: A folder for what was learnt of released SDKs; without one nothing is kept.
    """

    def __init__(self, python: Path, environment: Mapping[str, str], cache: Path | None = None) -> None:
        self._python, self._environment, self._cache = python, dict(environment), cache
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._known: dict[str, dict[str, Any]] = {}
        self._fresh: set[str] = set()
        self.packages = tuple(Package(**told) for told in self._ask({"ask": "packages"}) or ())
        self._versions = {package.package: package.version for package in self.packages}
        self._shapes: dict[tuple[str, str], Shape | None] = {}

    def resource(self, token: str) -> Shape | None:
        """The shape of a resource; nothing if no installed SDK knows it."""
        return self._shape("resource", token)

    def function(self, token: str) -> Shape | None:
        """The shape of a function's result."""
        return self._shape("function", token)

    def close(self) -> None:
        """Ends the helper and keeps what it has told."""
        if self._process is not None:
            self._process.communicate()
        for package in self._fresh:
            self._save(package)

    def _shape(self, ask: str, token: str) -> Shape | None:
        package = token.split(":")[0]
        if package not in self._versions or token.count(":") != 2:
            return None
        with self._lock:
            if (ask, token) not in self._shapes:
                self._shapes[ask, token] = _parse(self._told(package, ask, token))
            return self._shapes[ask, token]

    def _told(self, package: str, ask: str, token: str) -> dict[str, Any] | None:
        known = self._load(package)
        key = f"{ask} {token}"
        if key not in known:
            known[key] = self._ask({"ask": ask, "token": token})
            self._fresh.add(package)
        answer: dict[str, Any] | None = known[key]
        return answer

    def _ask(self, request: dict[str, str]) -> Any:
        if self._process is None:
            self._process = subprocess.Popen(
                [str(self._python), str(_REFLECT)],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline() or "null")
        except OSError:
            return None  # the interpreter has gone: as good as one without SDKs

    def _file(self, package: str) -> Path | None:
        version = self._versions[package]
        if self._cache is None or not version:
            return None
        return self._cache / f"{package}-{version}-py{sys.version_info.minor}.json"

    def _load(self, package: str) -> dict[str, Any]:
        if package not in self._known:
            file = self._file(package)
            told = json.loads(file.read_text(encoding="utf-8")) if file and file.exists() else {}
            stamp = hashlib.sha256(_REFLECT.read_bytes()).hexdigest()
            self._known[package] = told if told.get("reflect") == stamp else {"reflect": stamp}
        return self._known[package]

    def _save(self, package: str) -> None:
        file = self._file(package)
        if file is None:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(self._known[package], separators=(",", ":")), encoding="utf-8")
        new.replace(file)


def _parse(told: dict[str, Any] | None) -> Shape | None:
    if told is None:
        return None
    return Shape(
        outputs=_members(told["outputs"]),
        inputs=told["inputs"],
        objects={key: _members(members) for key, members in told["objects"].items()},
        import_form=told.get("import", ""),
        replaces=frozenset(told.get("replaces", ())),
    )


def _members(told: dict[str, Any]) -> dict[str, Member]:
    return {name: Member(member["type"], member["optional"]) for name, member in told.items()}
