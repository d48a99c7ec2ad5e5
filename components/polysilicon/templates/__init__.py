"""Texts that are put into nodes and pods, and how they are rendered."""

from __future__ import annotations

import functools
from typing import Any

import jinja2


def render(name: str, **values: Any) -> str:
    """The template `name`, such as aws/node_config.mime.j2, filled. A value that is missing raises
    `jinja2.UndefinedError`: nothing is ever left empty by mistake."""
    return _environment().get_template(name).render(**values)


@functools.cache
def _environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("polysilicon", "templates")
    # These are configurations and scripts, no HTML: escaping would spoil them.
    return jinja2.Environment(
        loader=loader, undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
