"""A custom resource after its definition: whoever made that, a CustomResourceDefinition or a chart."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from polysilicon.rehearsal.judges.order_moment import Moment, Row, words
from polysilicon.rehearsal.model import Call, Fault, Problem, Record
from polysilicon.rehearsal.values import at
from polysilicon.rehearsal.wording import told

_RELEASES = "kubernetes:helm.sh/"
_DEFINITIONS = ":CustomResourceDefinition"


def _defined(call: Call, moment: Moment) -> Iterator[Problem]:
    """The API server knows the kind: its own, the managed cluster's, a definition's, or maybe a chart's."""
    _, version, kind = call.type.split(":")
    group = version.rpartition("/")[0]
    cluster = moment.accounts.at_endpoint(call.scope.owner)
    if group in words("kubernetes")["groups"] or "." not in group:
        return
    if cluster is None:
        moment.unjudged("custom resources in a cluster that was not made here")
        return
    if _comes_with(cluster, group):
        return
    there = moment.accounts.of_types(lambda type_: type_.endswith(_DEFINITIONS) or type_.startswith(_RELEASES))
    inside = [record for record in there if record.scope == call.scope]
    definitions = [record for record in inside if _defines(record, group, kind)]
    if definitions:
        moment.relies(call, "it the API server does not know the kind", *([record] for record in definitions))
        return
    charts = [record for record in inside if record.type.startswith(_RELEASES)]
    bringing = [chart for chart in charts if _may_bring(chart, group)]
    if any(_chart(chart) not in words("kubernetes")["charts"] for chart in bringing):
        moment.unjudged("custom resources that a chart may bring which nobody here knows")
        return
    moment.relies(call, "it the API server does not know the kind", *([chart] for chart in bringing))
    if bringing:
        return
    text = (
        'no matches for kind "{which}" in version "{version}": the cluster has no CustomResourceDefinition of '
        "{group} at this moment. Make it, or the chart that brings it, before this (depends_on)"
    )
    yield Problem(told(call, text, which=kind, version=version, group=group), fault=Fault.NOT_FOUND)


def _comes_with(cluster: Record, group: str) -> bool:
    told_of = words("kubernetes")["come_with"]
    auto = f"{cluster.type} auto" if at(cluster.inputs, "computeConfig.enabled") is True else ""
    patterns = [*told_of.get(cluster.type, ()), *told_of.get(auto, ())]
    return cluster.type not in told_of or any(fnmatch.fnmatchcase(group, pattern) for pattern in patterns)


def _defines(record: Record, group: str, kind: str) -> bool:
    is_definition = record.type.endswith(_DEFINITIONS)
    return is_definition and at(record.inputs, "spec.group") == group and at(record.inputs, "spec.names.kind") == kind


def _may_bring(chart: Record, group: str) -> bool:
    brings = words("kubernetes")["charts"].get(_chart(chart))
    return brings is None or group in brings


def _chart(release: Record) -> str:
    """A chart's own name: the last part of where it comes from."""
    return str(release.inputs.get("chart", "")).rstrip("/").rsplit("/", 1)[-1]


ROWS: tuple[tuple[str, str, Row], ...] = (("create", "kubernetes:*", _defined),)
