"""What a cloud answers besides what it was given: the computed outputs of a resource or of a lookup.

The program's SDK says which outputs exist and of which type; the forms say what the well-known ones look like; what is
left is made up by its type and its name. An output that the SDK calls optional stays absent.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from polysilicon.rehearsal.forms import Form, table
from polysilicon.rehearsal.shapes import Member, Shape, Type
from polysilicon.rehearsal.templates import Maker
from polysilicon.rehearsal.values import UNKNOWN, Properties, at, public

_EMPTY: Mapping[str, Any] = {"integer": 0, "number": 0, "boolean": False}


@dataclass(frozen=True)
class Synthesis:
    """Makes the outputs of one resource.

    Attributes:
        package: Whose tables of names apply.
        preview: What is computed is not known yet.
    """

    package: str
    shape: Shape | None
    form: Form
    maker: Maker
    preview: bool = False

    def make(self, inputs: Properties, before: Properties | None = None) -> tuple[str, Properties]:
        """The id, and all outputs: what was given, what was so before, what the forms say, and the rest by type."""
        found: Properties = {**(before or {}), **public(inputs)}
        self._scope(found)
        id_, found = self._from_forms(found)
        if self.shape is not None:
            for name, member in self.shape.outputs.items():
                self._member(found, name, member, computed=name not in self.shape.inputs)
        return id_, found

    def _scope(self, found: Properties) -> None:
        """The place that the provider's settings decide: it is known even in a preview."""
        for name in ("project", "region"):
            declared = self.shape is not None and name in self.shape.outputs
            if declared and name not in found and self.maker.facts.get(name):
                found[name] = self.maker.facts[name]
        named = self.form.autoname.property if self.form.autoname else "name"
        if named not in found and (prefix := found.get(f"{named}Prefix")):
            found[named] = UNKNOWN if self.preview else self.maker.fill(f"{prefix}{{digits:26}}", {}, named)

    def _from_forms(self, found: Properties) -> tuple[str, Properties]:
        rows = self._rows(found)
        templates = rows if "arn" in rows else {**self._usual_arn(), **rows}
        values: Properties = dict(found)
        if not self._id_is_arn:  # an id that is the ARN comes last, any other first: outputs are made of it
            values["id"] = self._fill(self.form.id, values, "id")
        for path, template in templates.items():
            values = _with(values, path.split("."), self._fill(template, values, path))
        if self._id_is_arn:
            values["id"] = values.get("arn")
        # The engine takes no empty id: what ties two things together often has neither a name nor an ARN.
        return str(values.pop("id") or self._fill("{hex:12}", {}, "id")), values

    def _rows(self, found: Properties) -> Mapping[str, Any]:
        """The form's outputs; those with a condition go first, so that they win."""
        special: Properties = {}
        for condition, rows in self.form.outputs_if.items():
            path, _, value = condition.partition("=")
            given = at(found, path)
            special |= rows if (str(given).lower() if isinstance(given, bool) else given) == value else {}
        return {**special, **{path: row for path, row in self.form.outputs.items() if path not in special}}

    @property
    def _id_is_arn(self) -> bool:
        return self.form.id == "{arn}"

    def _fill(self, template: Any, values: Properties, path: str) -> Any:
        return UNKNOWN if self.preview else self.maker.fill(template, values, path)

    def _usual_arn(self) -> Properties:
        """The usual form of an ARN, for a type that has one and no row for it."""
        usual = table(self.package).get("arn")
        if not usual or self.shape is None or "arn" not in self.shape.outputs:
            return {}
        return {"arn": usual.replace("{id}", "{name}") if self._id_is_arn else usual}

    def _member(self, into: Properties, name: str, member: Member, computed: bool, path: str = "") -> None:
        path = f"{path}.{name}" if path else name
        if into.get(name) is not None:
            into[name] = self._complete(into[name], member.type, path)
        elif not member.optional:
            into[name] = UNKNOWN if self.preview else self._invent(member.type, path, computed)

    def _complete(self, value: Any, type_: Type, path: str) -> Any:
        """A value that was given in part, with the rest of its nested properties filled in."""
        if isinstance(type_, list) and type_[0] in ("list", "map") and isinstance(value, (list, Mapping)):
            pairs = enumerate(value) if isinstance(value, list) else value.items()
            done = [(key, self._complete(item, type_[1], f"{path}.{key}")) for key, item in pairs]
            return [item for _, item in done] if isinstance(value, list) else dict(done)
        members = self.shape.members(type_) if self.shape else None
        if members is None or not isinstance(value, Mapping):
            return value
        whole = dict(value)
        for name, member in members.items():
            self._member(whole, name, member, computed=False, path=path)
        return whole

    def _invent(self, type_: Type, path: str, computed: bool, depth: int = 0) -> Any:
        if isinstance(type_, str):
            return self._invent_text(path, computed) if type_ == "string" else _EMPTY.get(type_)
        kind, inner = type_
        if kind == "enum":
            return inner[0] if computed and inner else ""
        members = self.shape.members(type_) if self.shape else None
        if members is not None:
            return {
                name: self._invent(member.type, f"{path}.{name}", computed, depth + 1)
                for name, member in members.items()
                # The SDKs call most texts in what is only ever answered optional; a cloud answers them all the same.
                if depth < 8 and (not member.optional or (computed and member.type == "string"))
            }
        if kind == "list" and computed and isinstance(inner, list) and inner[0] == "object" and depth < 8:
            return [self._invent(inner, f"{path}.0", computed, depth + 1)]
        return {} if kind == "map" else []

    def _invent_text(self, path: str, computed: bool) -> str:
        name = path.rsplit(".", 1)[-1]
        for pattern, template in _text_rules(self.package):
            if pattern.search(name):
                return str(self.maker.fill(template, {}, path) or "")
        # An input that was not given is empty in most clouds' answers; what is only ever computed has some value.
        return str(self.maker.fill(f"{name}-{{hex:8}}", {}, path)) if computed else ""


@functools.cache
def _text_rules(package: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    rules = table(package).get("texts", {})
    return tuple((re.compile(pattern), template) for pattern, template in rules.items())


def _with(values: Any, path: list[str], value: Any) -> Any:
    """A copy of `values` with `value` at a path, unless something is there; steps in between are made as needed."""
    step, *rest = path
    if step.isdigit():
        items = list(values) if isinstance(values, list) else []
        items += [{}] * (int(step) + 1 - len(items))
        items[int(step)] = _with(items[int(step)], rest, value) if rest else items[int(step)] or value
        return items
    if not isinstance(values, Mapping) and values is not None:
        return values
    there: dict[str, Any] = dict(values or {})
    if rest:
        there[step] = _with(there.get(step), rest, value)
    elif there.get(step) is None:
        there[step] = value
    return there
