"""Runs a program against recording mocks: every resource with its inputs, with outputs known or unknown."""

from __future__ import annotations

import importlib
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi import _types
from pulumi.runtime import mocks, rpc

COMPUTED: Mapping[str, Mapping[str, Any]] = {
    "aws:eks/cluster:Cluster": {
        "endpoint": "https://ABC.gr7.us-east-1.eks.amazonaws.com",
        "certificateAuthority": {"data": "Q0E="},
        "vpcConfig": {"clusterSecurityGroupId": "sg-1"},
    },
    "aws:ec2/vpc:Vpc": {"region": "us-east-1"},
    "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 1},
    "aws:eks/nodeGroup:NodeGroup": {"resources": [{"autoscalingGroups": [{"name": "eks-group"}]}]},
    "aws:ecr/repository:Repository": {"repositoryUrl": "123456789012.dkr.ecr.us-east-1.amazonaws.com/cached"},
    "gcp:container/cluster:Cluster": {"endpoint": "34.1.2.3", "masterAuth": {"clusterCaCertificate": "Q0E="}},
    "gcp:serviceaccount/account:Account": {"email": "nodes@acme.iam.gserviceaccount.com"},
}


@dataclass(frozen=True)
class Registered:
    """A resource as the engine would be asked for it."""

    type: str
    name: str
    inputs: dict[str, Any]


@dataclass
class Recording(mocks.Mocks):
    """Mocks that keep what they are asked. With `known` off, no output has a value, as in a first preview."""

    known: bool = True
    resources: list[Registered] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Lookups with their arguments."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.resources.append(Registered(args.typ, args.name, args.inputs))
        if not self.known and args.custom:
            unknown = dict.fromkeys(COMPUTED.get(args.typ, {}), rpc.UNKNOWN)
            return None, {**unknown, **args.inputs}
        given = {"name": args.name, "arn": f"arn:aws:mock:us-east-1:123456789012:{args.name}"}
        return f"{args.name}-id", _merged({**given, **COMPUTED.get(args.typ, {})}, args.inputs)

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        role = "arn:aws:iam::123456789012:role/deployer"
        caller = "arn:aws:sts::123456789012:assumed-role/deployer/ci"
        self.calls.append((args.token, dict(args.args)))
        return {
            "vpcId": "vpc-1",
            "bucketRegion": "us-east-1",
            "imageDigest": f"sha256:{'0' * 64}",
            **args.args,
            "arn": caller,
            "issuerArn": role,
            "accountId": "123456789012",
        }

    def all(self, type_token: str) -> dict[str, dict[str, Any]]:
        """Inputs by resource name."""
        return {r.name: r.inputs for r in self.resources if r.type == type_token}

    def one(self, type_token: str) -> dict[str, Any]:
        """Inputs of the only resource of a type."""
        (inputs,) = self.all(type_token).values()
        return inputs


def _merged(computed: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs over computed outputs, key by key within objects."""
    both = {key for key in computed if isinstance(computed[key], dict) and isinstance(inputs.get(key), dict)}
    return {**computed, **inputs, **{key: _merged(computed[key], inputs[key]) for key in both}}


def record(program: Callable[[], object], known: bool = True) -> Recording:
    """Runs `program` to its end and returns what it registered."""
    recording = Recording(known=known)
    mocks.set_mocks(recording, project="polysilicon", stack="test", preview=not known)

    def run() -> None:
        program()  # what it returns would be awaited as an output

    mocks.test(run)()
    return recording


def unknown_keys(resource: Registered) -> list[str]:
    """Paths in the inputs that the SDK's own argument classes do not have: the real provider would refuse them."""
    arguments = _arguments_class(resource.type)
    return list(_unknown(resource.inputs, arguments, resource.type)) if arguments else []


def _arguments_class(token: str) -> Any:
    package, module, name = token.split(":")
    if package in ("polysilicon", "pulumi") or module.startswith(("karpenter.", "helm.sh/")):
        return None  # custom resources have schemas of their own; releases are components of the SDK
    if package == "kubernetes":
        path = module.replace(".k8s.io", "").replace(".authorization", "").replace("/", ".")
    else:
        path = module.split("/")[0]
    loaded = importlib.import_module(f"pulumi_{package}.{path}")
    return getattr(loaded, f"{name}InitArgs", None) or getattr(loaded, f"{name}Args")


def _unknown(value: Any, kind: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        cls = _object_class(kind)
        if cls is None:
            return
        types = _types.input_type_types(cls)
        for key, item in value.items():
            if key not in types:
                yield f"{path}.{key}"
            else:
                yield from _unknown(item, types[key], f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _unknown(item, kind, f"{path}[]")


def _object_class(kind: Any) -> Any:
    """The argument class inside an annotation such as Sequence[Union[XArgs, Awaitable[XArgs], Output]]."""
    if isinstance(kind, type) and _types.is_input_type(kind):
        return kind
    if typing.get_origin(kind) in (dict, Mapping):
        return None
    return next((found for part in typing.get_args(kind) if (found := _object_class(part)) is not None), None)
