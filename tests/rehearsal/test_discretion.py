"""A refusal does not repeat secrets."""

from __future__ import annotations

from typing import Any

import pytest

from polysilicon.rehearsal import Problem
from polysilicon.rehearsal.discretion import discreet


@pytest.mark.parametrize(
    ("inputs", "secret", "told"),
    [
        ({"password": "hunter2"}, set(), "got [secret]"),
        ({"masterUserPassword": "hunter2"}, set(), "got [secret]"),
        ({"connection": {"authToken": "hunter2"}}, set(), "got [secret]"),
        ({"stringData": {"x": "hunter2"}}, {"stringData"}, "got [secret]"),
        ({"secretName": "hunter2"}, set(), "got hunter2"),
        ({"tokenTtl": "hunter2"}, set(), "got hunter2"),
        ({"name": "hunter2"}, set(), "got hunter2"),
    ],
)
def test_only_secrets_are_masked(inputs: dict[str, Any], secret: set[str], told: str) -> None:
    assert [p.message for p in discreet([Problem("got hunter2")], inputs, secret)] == [told]
