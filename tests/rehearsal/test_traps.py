"""The register of traps: each is there once, and its tests are there and name it, or it says why it has none."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from polysilicon.rehearsal.judges.rules import all_rules

FOLDER = Path(__file__).parent
TRAPS: list[dict[str, Any]] = tomllib.loads((FOLDER / "traps.toml").read_text(encoding="utf-8"))["traps"]
NUMBERS = {"aws": range(1, 58), "gcp": range(1, 43)}
TESTED = [(trap["cloud"], trap["number"], test) for trap in TRAPS for test in trap.get("tests", ())]


@functools.cache
def functions(file: Path) -> dict[str, str]:
    """The tests of a file, each with its source: comments above it, decorators, and the tables that these use."""
    text = file.read_text(encoding="utf-8")
    lines, body = text.splitlines(), ast.parse(text).body
    tables = {name: node for node in body for name in assigned(node)}
    found = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            used = {
                name.id
                for decorator in node.decorator_list
                for name in ast.walk(decorator)
                if isinstance(name, ast.Name)
            }
            sources = [source(tables[name], lines) for name in sorted(used & set(tables))]
            found[node.name] = "\n".join([source(node, lines), *sources])
    return found


def assigned(node: ast.stmt) -> list[str]:
    """The names that a statement gives values to."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def source(node: ast.stmt, lines: list[str]) -> str:
    """The lines of a statement, with decorators and the comments right above."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1
    while first and lines[first - 1].startswith("#"):
        first -= 1
    return "\n".join(lines[first : node.end_lineno])


def names(text: str, cloud: str, number: int) -> bool:
    """Whether a test's source names a trap: in words, in its own name, or in the first column of a table."""
    in_words = rf"\b{cloud} trap {number}\b"
    in_google = rf'^def test_trap_{number}_|^    \(\s*"{number}",' if cloud == "gcp" else r"(?!)"
    return re.search(f"{in_words}|{in_google}", text, re.MULTILINE) is not None


def test_each_trap_is_there_once() -> None:
    found = Counter((trap["cloud"], trap["number"]) for trap in TRAPS)
    assert found == Counter((cloud, number) for cloud, numbers in NUMBERS.items() for number in numbers)


@pytest.mark.parametrize("trap", TRAPS, ids=[f"{trap['cloud']}-{trap['number']}" for trap in TRAPS])
def test_a_trap_has_tests_or_says_why_not(trap: dict[str, Any]) -> None:
    assert trap["what"].strip()
    assert bool(trap.get("tests")) is not bool(trap.get("why_not", "").strip())
    assert set(trap) <= {"cloud", "number", "what", "tests", "why_not"}


@pytest.mark.parametrize(("cloud", "number", "test"), TESTED, ids=[f"{t[0]}-{t[1]}-{t[2]}" for t in TESTED])
def test_a_test_of_a_trap_is_there_and_names_it(cloud: str, number: int, test: str) -> None:
    file, _, function = test.partition("::")
    text = functions((FOLDER / file).resolve()).get(function)
    assert text is not None, f"{file} has no {function}"
    assert names(text, cloud, number), f"{test} does not name {cloud} trap {number}"


def test_rules_of_traps_are_rules_of_traps_that_are_tested() -> None:
    judged = {(cloud, number) for cloud, number, _ in TESTED}
    for cloud in NUMBERS:
        assert {(cloud, int(rule.trap.split()[1])) for rule in all_rules(cloud) if rule.trap} <= judged


def test_a_name_is_told_from_a_longer_one() -> None:
    assert names("# aws trap 1", "aws", 1)
    assert not names("# aws trap 12", "aws", 1)
    assert not names("# gcp trap 1", "aws", 1)
    assert names('    ("1", POOL,', "gcp", 1)
    assert not names('    ("1", POOL,', "aws", 1)
