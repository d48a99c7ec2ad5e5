"""A simulation without an engine: calls go to it as the provider server makes them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from polysilicon._paths import cache_dir
from polysilicon.rehearsal import Accounts, Hooks, Judge, Problem, Record
from polysilicon.rehearsal.judges.references import References
from polysilicon.rehearsal.naming import Proposal
from polysilicon.rehearsal.shapes import Sdk
from polysilicon.rehearsal.simulation import Simulation
from polysilicon.rehearsal.values import Properties


@cache
def installed() -> Sdk:
    """The SDKs of the interpreter that runs the tests."""
    return Sdk(Path(sys.executable), os.environ, cache_dir() / "shapes")


class Cloud:
    """Creates, changes and deletes by type and name; everything else is the real simulation."""

    def __init__(
        self,
        settings: Mapping[str, Any] | None = None,
        hooks: Hooks | None = None,
        judges: Sequence[Judge] | None = None,
    ) -> None:
        self.settings = dict(settings or {"region": "us-east-1", "project": "acme"})
        self.accounts = Accounts()
        self.simulation = Simulation(self.accounts, installed(), judges or [References()], hooks or Hooks(), Path())

    def urn(self, type_: str, name: str) -> str:
        """The name that the engine gives to a resource of the stack `dev` of `shop`."""
        return f"urn:pulumi:dev::shop::{type_}::{name}"

    def check(self, type_: str, name: str, /, old: Properties | None = None, **inputs: Any) -> Properties:
        """The inputs as the provider takes them."""
        return self.simulation.check(self.settings, self.urn(type_, name), inputs, old or {}, Proposal())

    def problems(self, type_: str, name: str, /, **inputs: Any) -> list[Problem]:
        """What the judges say of inputs when they are checked."""
        return self.simulation.judge_check(self.settings, self.urn(type_, name), self.check(type_, name, **inputs))

    def make(self, type_: str, name: str, /, **inputs: Any) -> Record:
        """Checks and creates."""
        checked = self.check(type_, name, **inputs)
        return self.simulation.create(self.simulation.call("create", self.settings, self.urn(type_, name), checked))

    def preview(self, type_: str, name: str, /, **inputs: Any) -> Properties:
        """What a create is said to give."""
        checked = self.check(type_, name, **inputs)
        call = self.simulation.call("create", self.settings, self.urn(type_, name), checked, preview=True)
        return self.simulation.preview(call)

    def change(self, record: Record, /, **inputs: Any) -> Properties:
        """Updates in place, to these inputs."""
        return self.simulation.update(
            self.simulation.call("update", self.settings, record.urn, inputs, record.id, record.outputs)
        )

    def delete(self, record: Record) -> None:
        """Deletes."""
        self.simulation.delete(
            self.simulation.call("delete", self.settings, record.urn, record.inputs, record.id, record.outputs)
        )
