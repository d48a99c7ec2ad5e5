"""What a stack's file asks of AWS, for the commands that ask AWS."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from polysilicon.catalog import Catalog
from polysilicon.cli.report import stack_catalog
from polysilicon.cli.stack_file import stack_config
from polysilicon.errors import UserError
from polysilicon.planning.fleet import plan_fleet
from polysilicon.planning.requirements import AwsRequirements, aws_requirements
from polysilicon.rehearsal.project import find_project
from polysilicon.specs import FleetSpec

_FLEET = "polysilicon:fleet"


def require_boto3() -> None:
    """Raises `UserError` where AWS's library is not installed."""
    if importlib.util.find_spec("boto3") is None:
        raise UserError("boto3 is not installed\n  fix: pip install 'polysilicon[aws]'")


def stack_needs(stack: str | None, directory: Path) -> tuple[AwsRequirements, Catalog]:
    """What the stack asks of AWS, and the catalog that it was planned with. Raises `UserError` where there is no such
    stack, or its YAML is wrong."""
    project = find_project(directory)
    file = project.stacks.get(project.choose(stack))
    config = stack_config(file)
    if _FLEET not in config:
        where = file or f"{project.folder}, which has no file of that stack"
        raise UserError(f"there is no {_FLEET} in {where}\n  fix: name the stack and its project: STACK -C DIR")
    fleet = FleetSpec.parse(config[_FLEET], _FLEET)
    catalog = stack_catalog(file)
    return aws_requirements(fleet, plan_fleet(fleet, catalog, _FLEET), catalog), catalog
