"""What a stack's file says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from polysilicon.errors import UserError


def stack_config(file: Path | None) -> Mapping[str, Any]:
    """What stands under `config`; nothing where there is no file. Raises `UserError` where it is no YAML, or no
    mapping."""
    document = _document(file) if file else None
    config = document.get("config") if isinstance(document, dict) else document
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise UserError(f"{file}: config: got {type(config).__name__}\n  fix: write a mapping of settings under config")
    return config


def _document(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UserError(
            f"{file}{line}: is no YAML: {error.problem}\n  fix: mend that line, or the one above it"
        ) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{file} cannot be read: {error}") from error
