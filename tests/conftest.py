"""Fixtures that all tests share."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from polysilicon.catalog import Catalog, load_catalog

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def mixed() -> dict[str, Any]:
    """The fleet of the stack `mixed`, as plain data that a test may change."""
    return copy.deepcopy(stack_config("mixed")["polysilicon:fleet"])


def stack_config(stack: str) -> dict[str, Any]:
    """What stands under `config` in a stack's YAML."""
    document = yaml.safe_load((ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text())
    config: dict[str, Any] = document["config"]
    return config
