"""Finds resources of any cloud that can be looked into."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from polysilicon.engine.recover import Finder, Found, Interrupted, UnfindableError

_WHY_NOT = {
    "gcp": "no look-up for Google Cloud; `gcloud asset search-all-resources` lists what is there",
    "kubernetes": "no look-up for Kubernetes, where `pulumi up` itself says if an object of that name is there",
}


class AccountFinder:
    """Looks where a resource would be, by its type's package."""

    def __init__(self) -> None:
        self._aws: Finder | None = None

    def find(self, wanted: Interrupted) -> Sequence[Found]:
        """What exists with that identity; raises `UnfindableError` for clouds and types without a look-up."""
        package = wanted.type.split(":")[0]
        if package != "aws":
            raise UnfindableError(_WHY_NOT.get(package, f"no look-up for the package {package}"))
        if self._aws is None:
            if importlib.util.find_spec("boto3") is None:
                raise UnfindableError("boto3 is not installed: pip install boto3")
            from polysilicon.lookups.aws import AwsFinder

            self._aws = AwsFinder()
        return self._aws.find(wanted)
