"""The borders of the house, held by reading the code."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from polysilicon.cli.schema import stack_schema
from polysilicon.planning.order import Order
from tests.conftest import ROOT

PACKAGE = ROOT / "components" / "polysilicon"
SOURCES = sorted(PACKAGE.rglob("*.py"))
CLOUD_SDKS = ("pulumi_aws", "pulumi_gcp", "pulumi_kubernetes")

FORBIDDEN = {
    "specs": ("pulumi", "boto3", "polysilicon.catalog", "polysilicon.planning"),
    "catalog": ("pulumi", "boto3", "polysilicon.planning"),
    "planning": ("pulumi", "boto3", "polysilicon.aws", "polysilicon.gcp", "polysilicon.kubernetes"),
    "rules": ("pulumi", "boto3"),
    "aws": ("pulumi_gcp", "boto3", "polysilicon.gcp", "polysilicon.cli", "polysilicon.rehearsal"),
    "gcp": ("pulumi_aws", "boto3", "polysilicon.aws", "polysilicon.cli", "polysilicon.rehearsal"),
    "kubernetes": ("pulumi_aws", "pulumi_gcp", "boto3", "polysilicon.aws", "polysilicon.gcp"),
    "engine": (
        "boto3",
        "polysilicon.rehearsal",
        *(f"polysilicon.{r}" for r in ("specs", "catalog", "planning", "aws")),
    ),
    "rehearsal": ("boto3", *(f"polysilicon.{r}" for r in ("specs", "planning", "aws", "gcp", "kubernetes"))),
}


def imports(file: Path) -> Iterator[str]:
    """Absolute names of all modules that a file imports, at its top or within a function."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


@pytest.mark.parametrize("room", [room for room in FORBIDDEN if (PACKAGE / room).is_dir()])
def test_a_room_imports_only_what_flows_to_it(room: str) -> None:
    wrong = [
        f"{file.relative_to(PACKAGE)} imports {module}"
        for file in (PACKAGE / room).rglob("*.py")
        for module in imports(file)
        if any(within(module, forbidden) for forbidden in FORBIDDEN[room])
    ]
    assert wrong == []


def test_the_package_imports_neither_stacks_nor_examples_nor_tests() -> None:
    roots = {module.split(".")[0] for file in SOURCES for module in imports(file)}
    assert roots.isdisjoint({"stacks", "examples", "tests", "infra", "serving"})


def test_importing_polysilicon_loads_no_cloud_sdk() -> None:
    code = "import polysilicon, sys; print([m for m in sys.modules if m.split('.')[0].startswith(('pulumi', 'boto'))])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("room", ["specs", "catalog", "planning"])
def test_a_pure_room_loads_no_engine(room: str) -> None:
    code = f"import polysilicon.{room}, sys; print('pulumi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


TOKEN = re.compile(r'super\(\).__init__\("([^"]+)"')


def test_each_component_has_a_token_of_its_own_named_after_its_class() -> None:
    tokens = {}
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef) and any("ComponentResource" in ast.dump(base) for base in node.bases):
                (token,) = TOKEN.findall(ast.get_source_segment(file.read_text(), node) or "")
                assert token == f"polysilicon:index:{node.name}"
                assert token not in tokens
                tokens[token] = file
    assert tokens.keys() >= {
        f"polysilicon:index:{name}"
        for name in (
            "EksNetwork",
            "EksCluster",
            "NeuronPool",
            "GkeNetwork",
            "GkeCluster",
            "TpuSlicePool",
            "ModelServer",
        )
    }


def test_nothing_is_ordered_by_hand_but_by_a_row_of_the_table() -> None:
    told = ("rehearsal", "engine")  # they speak of other programs' options
    rooms = [(file.relative_to(PACKAGE), file.read_text()) for file in SOURCES if file.name != "resources.py"]
    by_hand = [str(path) for path, text in rooms if "depends_on" in text and path.parts[0] not in told]
    assert by_hand == ["planning/order.py"], "components pass rows of Order to child(); only the table speaks of it"


def test_every_row_of_the_order_table_has_its_edge() -> None:
    code = "\n".join(file.read_text() for file in SOURCES if file.name != "order.py")
    assert [row.name for row in Order if f"Order.{row.name}" not in code] == []


def test_children_take_nothing_from_the_callers_options() -> None:
    assert [file for file in SOURCES if "ResourceOptions.merge" in file.read_text()] == []


def test_every_file_with_tests_is_collected() -> None:
    for file in (ROOT / "tests").rglob("*.py"):
        if re.search(r"^(async )?def test_", file.read_text(), re.MULTILINE):
            assert file.name.startswith("test_"), f"{file} holds tests that no run collects"


def test_files_and_functions_stay_short() -> None:
    long_files = [f"{f.relative_to(PACKAGE)}" for f in SOURCES if len(f.read_text().splitlines()) > 400]
    long_functions = [
        f"{file.relative_to(PACKAGE)}:{node.name}"
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (node.end_lineno or 0) - node.lineno + 1 > 60
    ]
    assert (long_files, long_functions) == ([], [])


def test_the_lock_names_no_index_and_hashes_everything() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "index-url" not in lock
    pins = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert all("--hash=sha256:" in pin for pin in pins)


def test_the_published_schema_is_that_of_the_specs() -> None:
    assert json.loads((ROOT / "docs" / "stack.schema.json").read_text()) == stack_schema(), (
        "run `polysilicon schema > docs/stack.schema.json`"
    )
