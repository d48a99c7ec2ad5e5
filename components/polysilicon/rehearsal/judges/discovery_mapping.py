"""Which of Google's schemas a resource of the SDK is held against, and which property of it an input is.

`data/google_discovery.csv` has every resource type of pulumi-gcp with its document and schema, or with the reason why
it has none. Inputs have the API's names, but for plurals; `data/gcp.discovery.toml` has those that are elsewhere in the
API (`renamed`), those that are nowhere in it (`provider_only`) and those that take other words (`other_words`).
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

from polysilicon.rehearsal.forms import table
from polysilicon.rehearsal.judges.discovery_documents import Document, Spec


@dataclass(frozen=True)
class Target:
    """What a type is held against.

    Attributes:
        document: The discovery document, `compute.beta`; empty if there is none to hold it against.
        schema: The schema in it.
        reason: Why there is none, in a few words.
    """

    document: str
    schema: str
    reason: str = ""


_UNKNOWN_TYPE = Target("", "", "newer than the tables")


def target(type_: str) -> Target:
    """What a resource type is held against, by its token."""
    return _targets().get(type_.partition(":")[2], _UNKNOWN_TYPE)


def targets() -> Mapping[str, Target]:
    """Every resource type of the SDK, by its token without the package."""
    return _targets()


@functools.cache
def _targets() -> Mapping[str, Target]:
    rows = rows_of("google_discovery.csv")
    reasons: Mapping[str, str] = table("gcp")["discovery"]["reasons"]
    return {type_: Target(document, schema, reasons.get(reason, "")) for type_, document, schema, reason in rows}


def rows_of(file: str) -> list[list[str]]:
    """The rows of a CSV file in `data/`, without comments and without the heading."""
    text = (resources.files("polysilicon.rehearsal") / "data" / file).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return list(csv.reader(lines[1:]))


def member(document: Document, spec: Spec, name: str) -> Spec | None:
    """The schema of an input of an object, or nothing if the API has no such property (or if it takes other words).

    Args:
        spec: The object's schema.
        name: The input as the SDK calls it.
    """
    api, schema = document.name.split(".")[0], spec.get("id", "")
    if name in _listed("other_words", api, schema):
        return None
    path = _listed("renamed", api, schema).get(name)
    if path is None:
        return _called(spec, name)
    found: Spec | None = spec
    for step in path.split("."):
        found = document.resolved(found).get("properties", {}).get(step) if found else None
    return found


def is_provider_only(document: Document, spec: Spec, name: str) -> bool:
    """Whether an input is known to have no counterpart in the API."""
    api, schema = document.name.split(".")[0], spec.get("id", "")
    return name in _listed("provider_only", api, schema) or name in _listed("other_words", api, schema)


def is_listed_whole(document: Document, spec: Spec) -> bool:
    """Whether the tables list every input of this schema's, so that any other one is a mistake."""
    return f"{document.name.split('.')[0]}.{spec.get('id', '')}" in table("gcp")["discovery"]["provider_only"]


def names_of(document: Document, spec: Spec) -> list[str]:
    """What the inputs of a schema are called, as far as the tables and the API tell."""
    api, schema = document.name.split(".")[0], spec.get("id", "")
    kinds = ("renamed", "provider_only", "other_words")
    return [*(name for kind in kinds for name in _listed(kind, api, schema)), *spec.get("properties", {})]


def _listed(kind: str, api: str, schema: str) -> Mapping[str, str]:
    listed: Mapping[str, Mapping[str, str]] = table("gcp")["discovery"][kind]
    return listed.get(f"{api}.{schema}", {})


def _called(spec: Spec, name: str) -> Spec | None:
    properties: Mapping[str, Spec] = spec.get("properties", {})
    if name in properties or "_" in name:  # no name of the SDK has an underscore: it comes from Terraform
        return properties.get(name)
    by_letters = {letters(own): own for own in properties}
    return next((properties[by_letters[form]] for form in forms(letters(name)) if form in by_letters), None)


def letters(name: str) -> str:
    """A name in letters and digits alone: `hugepageSize2m` and `hugepageSize2M` are the same."""
    return name.replace("_", "").lower()


def forms(name: str) -> Iterator[str]:
    """A name, and what may be its singular and its plural: the SDK names lists in the plural."""
    yield name
    for ending, singular in (("ies", "y"), ("es", ""), ("s", "")):
        if name.endswith(ending):
            yield name[: -len(ending)] + singular
    yield from (f"{name}s", f"{name}es")
    if name.endswith("y"):
        yield f"{name[:-1]}ies"
