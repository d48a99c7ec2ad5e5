"""The simulated clock: what starts when, what it takes by whom, and how it is told."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from polysilicon.rehearsal.clock import Timeline, plan_timeline
from polysilicon.rehearsal.clock_report import duration, render_clock
from polysilicon.rehearsal.outcome import Resource, read_operations, resources_of
from polysilicon.rehearsal.times import Times, load_times
from tests.rehearsal.conftest import MakeForeign, succeeded

# A cluster takes 100 s (80 to 150), a node group 40 s, an object 5 s; deletes half of that.
TIMES = """
cold_start_annotation = "polysilicon.dev/cold-start-seconds"
container_start_annotation = "polysilicon.dev/container-start-seconds"
workloads = ["kubernetes:apps/v1:*"]
[[time]]
types = ["aws:eks/cluster:Cluster"]
create = [80, 100, 150]
delete = [50]
source = "a blog, 2025"
[[nodes]]
types = ["aws:eks/nodeGroup:*"]
labels = "labels"
sizes = ["scalingConfig.desiredSize"]
[[class]]
types = ["pulumi:*"]
create = [0]
update = [0]
delete = [0]
source = "the engine"
[[class]]
types = ["aws:eks/nodeGroup:*"]
create = [40]
update = [30]
delete = [20]
source = "assumed: machines"
[[class]]
types = ["*"]
create = [5]
update = [4]
delete = [2]
source = "assumed: one call"
"""
CLUSTER, GROUP, OBJECT = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "kubernetes:core/v1:ConfigMap"
DEPLOYMENT, PROVIDER, COMPONENT = "kubernetes:apps/v1:Deployment", "pulumi:providers:kubernetes", "acme:index:Thing"


@pytest.fixture
def times(tmp_path: Path) -> Times:
    """A small table."""
    (tmp_path / "clock.toml").write_text(TIMES)
    return load_times(tmp_path / "clock.toml")


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:dev::p::{type_}::{name}"


def resource(type_: str, name: str, *needs: Resource, **told: Any) -> Resource:
    """A resource of the state that depends on others."""
    custom = type_ != COMPONENT
    dependencies = tuple(need.urn for need in needs)
    return Resource(urn=urn(type_, name), type=type_, custom=custom, dependencies=dependencies, **told)


def created(times: Times, *resources: Resource) -> Timeline:
    return plan_timeline([("create", item.urn) for item in resources], resources, (), times)


def starts(timeline: Timeline) -> dict[str, float]:
    return {step.name: step.start for step in timeline.steps}


cluster = resource(CLUSTER, "c")
provider = resource(PROVIDER, "k", cluster)
held = f"{provider.urn}::some-id"
component = resource(COMPONENT, "t")
inside = resource(CLUSTER, "in", parent=component.urn)
waiting = resource(COMPONENT, "w", cluster)


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        pytest.param([cluster, resource(GROUP, "g")], {"c": 0, "g": 0}, id="what needs nothing starts at once"),
        pytest.param(
            [cluster, resource(GROUP, "g", cluster), resource(OBJECT, "o")], {"c": 0, "o": 0, "g": 100}, id="depends_on"
        ),
        pytest.param(
            [cluster, resource(OBJECT, "o", property_dependencies={"name": [cluster.urn]})],
            {"c": 0, "o": 100},
            id="a property's dependency",
        ),
        pytest.param(
            [cluster, provider, resource(OBJECT, "o", provider=held)], {"c": 0, "o": 100}, id="the provider's inputs"
        ),
        pytest.param(
            [component, inside, resource(OBJECT, "o", component)],
            {"in": 0, "o": 100},
            id="who depends on a component waits for what is in it",
        ),
        pytest.param(
            [component, inside, resource(OBJECT, "o", component, parent=component.urn)],
            {"in": 0, "o": 0},
            id="but not if it is in there itself",
        ),
        pytest.param(
            [cluster, waiting, resource(OBJECT, "o", parent=waiting.urn)],
            {"c": 0, "o": 100},
            id="what is in a component waits for what the component needs",
        ),
        pytest.param(
            [cluster, resource(OBJECT, "o", parent=cluster.urn)], {"c": 0, "o": 100}, id="a parent that is no component"
        ),
    ],
)
def test_when_things_start(times: Times, resources: Sequence[Resource], expected: dict[str, float]) -> None:
    assert starts(created(times, *resources)) == expected


def test_a_circle_is_cut(times: Times) -> None:
    # Two components with a child each that depends on the other component: the engine would wait for nothing here.
    east, west = resource(COMPONENT, "east"), resource(COMPONENT, "west")
    one, two = resource(OBJECT, "one", west, parent=east.urn), resource(OBJECT, "two", east, parent=west.urn)
    assert sorted(starts(created(times, east, west, one, two)).values()) == [0, 5]


def test_serving_is_the_last_workload_and_the_path_leads_to_it(times: Times) -> None:
    server = resource(DEPLOYMENT, "s", cluster)
    timeline = created(times, cluster, server, resource(GROUP, "g", server))
    assert timeline.serving == (85, 105, 155)
    assert timeline.total == (125, 145, 195)
    assert [step.name for step in timeline.path] == ["c", "s"]
    assert timeline.parallelism == pytest.approx(1.0)
    assert timeline.assumed == 2


def test_without_a_workload_the_path_leads_to_what_ends_last(times: Times) -> None:
    timeline = created(times, cluster, resource(GROUP, "g", cluster), resource(OBJECT, "o", cluster))
    assert timeline.serving is None
    assert [step.name for step in timeline.path] == ["c", "g"]
    assert timeline.parallelism == pytest.approx(145 / 140)


@pytest.mark.parametrize(
    ("told", "seconds", "assumed"),
    [("480", 480, False), ("soon", 5, True), (None, 5, True)],
)
def test_a_workload_takes_its_cold_start(times: Times, told: str | None, seconds: float, assumed: bool) -> None:
    annotations = {"polysilicon.dev/cold-start-seconds": told} if told else {}
    inputs = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    (step,) = created(times, resource(DEPLOYMENT, "s", inputs=inputs)).steps
    assert (step.time.spread.typical, step.time.assumed) == (seconds, assumed)


def server(cold: str = "300", container: str | None = "200", **selector: str) -> Resource:
    """A workload that takes a while, `container` of it in its container, on nodes with some label."""
    annotations = {"polysilicon.dev/cold-start-seconds": cold}
    annotations |= {"polysilicon.dev/container-start-seconds": container} if container else {}
    template = {"metadata": {"annotations": annotations}, "spec": {"nodeSelector": selector}}
    return resource(DEPLOYMENT, "s", inputs={"spec": {"template": template}})


def nodes(desired: int, **labels: str) -> Resource:
    return resource(GROUP, "g", inputs={"scalingConfig": {"desiredSize": desired}, "labels": labels})


@pytest.mark.parametrize(
    ("server_", "group", "start", "seconds"),
    [
        pytest.param(server(pool="a"), nodes(1, pool="a"), 40, 260, id="the node is counted with its group"),
        pytest.param(server(pool="a", arch="arm64"), nodes(1, pool="a"), 40, 260, id="clouds add labels"),
        pytest.param(server(pool="a"), nodes(0, pool="a"), 0, 300, id="an autoscaler must make it first"),
        pytest.param(server(pool="a"), nodes(1, pool="b"), 0, 300, id="nodes of another pool"),
        pytest.param(server(pool="a", size="x"), nodes(1, pool="a", size="y"), 0, 300, id="only half alike"),
        pytest.param(server(), nodes(1, pool="a"), 0, 300, id="any node will do: none is known"),
        pytest.param(server(container="290", pool="a"), nodes(1, pool="a"), 40, 290, id="the container takes its time"),
        pytest.param(server(container=None, pool="a"), nodes(1, pool="a"), 40, 300, id="no word about the container"),
    ],
)
def test_a_node_that_is_there_is_not_counted_again(
    times: Times, server_: Resource, group: Resource, start: float, seconds: float
) -> None:
    made = {step.name: step for step in created(times, group, server_).steps}
    assert (made["s"].start, made["s"].time.spread.typical) == (start, seconds)
    later = plan_timeline([("create", server_.urn)], [group, server_], (), times)
    assert [(step.start, step.time.spread.typical) for step in later.steps] == [(0, seconds)]


def test_who_tells_no_cold_start_waits_for_no_nodes(times: Times) -> None:
    template = {"spec": {"nodeSelector": {"pool": "a"}}}
    agent = resource(DEPLOYMENT, "s", inputs={"spec": {"template": template}})
    assert starts(created(times, nodes(1, pool="a"), agent)) == {"g": 0, "s": 0}


def test_deletes_go_in_the_engines_rounds(times: Times) -> None:
    group = resource(GROUP, "g", cluster)
    before = [cluster, provider, group, resource(OBJECT, "o", provider=held), component]
    timeline = plan_timeline([("delete", item.urn) for item in reversed(before)], [], before, times)
    # Round 1 the object, round 2 group and provider, round 3 the cluster: the group waits for the object's round.
    assert starts(timeline) == {"o": 0, "g": 2, "c": 22}
    assert timeline.total.typical == 72
    assert [step.name for step in timeline.path] == ["o", "g", "c"]


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        pytest.param(["update"], [("update", 0, 30)], id="updated"),
        pytest.param(
            ["create-replacement", "replace", "delete-replaced"],
            [("create", 0, 40), ("delete", 40, 20)],
            id="the old one goes when all else is done",
        ),
        pytest.param(
            ["delete-replaced", "replace", "create-replacement"], [("replace", 0, 60)], id="the old one first"
        ),
        pytest.param(["same"], [], id="nothing happened"),
        pytest.param(["refresh", "read"], [], id="only looked at"),
    ],
)
def test_what_an_operation_takes(
    times: Times, operations: Sequence[str], expected: Sequence[tuple[str, float, float]]
) -> None:
    group = resource(GROUP, "g")
    timeline = plan_timeline([(operation, group.urn) for operation in operations], [group], [group], times)
    assert [(step.operation, step.start, step.time.spread.typical) for step in timeline.steps] == expected


def test_five_thousand_resources() -> None:
    parents = [resource(COMPONENT, f"t{number}") for number in range(500)]
    resources: list[Resource] = [*parents]
    for number in range(4500):
        needs = [parents[(number + 1) % 500], *resources[-1:]] if number % 3 else []
        resources.append(resource(OBJECT, f"o{number}", *needs, parent=parents[number % 500].urn))
    made = plan_timeline([("create", item.urn) for item in resources], resources)
    gone = plan_timeline([("delete", item.urn) for item in resources], [], resources)
    assert len(made.steps) == len(gone.steps) == 4500


def test_each_shipped_time_has_a_source_and_sense() -> None:
    with (Path(__file__).parents[2] / "components/polysilicon/rehearsal/data/clock.toml").open("rb") as stream:
        document = tomllib.load(stream)
    for row in [*document["time"], *document["class"]]:
        for spread in (row[name] for name in ("create", "update", "delete") if name in row):
            assert len(spread) in (1, 3), row
            assert spread == sorted(spread), row
    for row in document["time"]:
        assert "assumed" not in row["source"]
        assert "#" in row["source"] or "20" in row["source"], row
    assert document["class"][-1]["types"] == ["*"], "whatever it is, there is a time for it"


@pytest.mark.parametrize(
    ("type_", "operation", "seconds", "assumed"),
    [
        (CLUSTER, "create", 560, False),
        (CLUSTER, "delete", 300, True),
        ("gcp:container/nodePool:NodePool", "create", 128, False),
        ("gcp:storage/bucket:Bucket", "create", 12, True),
        ("aws:s3/bucket:Bucket", "create", 2, True),
        ("kubernetes:core/v1:Namespace", "create", 1, True),
        ("pulumi:providers:aws", "create", 0, False),
    ],
)
def test_the_shipped_table(type_: str, operation: str, seconds: float, assumed: bool) -> None:
    told = load_times().of(type_, operation, {})
    assert (told.spread.typical, told.assumed) == (seconds, assumed)


def rendered(timeline: Timeline, ok: bool = True) -> str:
    console = Console(file=io.StringIO(), width=100, highlight=False)
    shown = render_clock(timeline, ok)
    if shown is not None:
        console.print(shown)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_the_report_fits_and_says_what_is_assumed(times: Times) -> None:
    objects = [cluster]
    for number in range(3):
        objects.append(resource(OBJECT, f"o{number}", objects[-1]))
    group = resource(GROUP, "g", objects[-1])
    text = rendered(created(times, *objects, group, resource(DEPLOYMENT, "s", group), resource(CLUSTER, "late")))
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "Simulated clock: serving after 2m40s (2m20s to 3m30s)" in text
    assert "Cluster c" in text
    assert "1m20s to 2m30s" in text
    assert "a blog" in text
    assert "5 of 7 times are assumed" in text
    assert "one after the other 4m20s, so 1.6 at once" in text


def test_short_steps_are_told_together() -> None:
    line = [cluster]
    for number in range(4):
        line.append(resource(OBJECT, f"o{number}", line[-1]))
    text = rendered(created(load_times(), *line))
    assert "4 short steps" in text
    assert "4 of them assumed" in text
    assert "o2" not in text


@pytest.mark.parametrize("ok", [True, False])
def test_nothing_is_told_of_nothing_or_of_half(times: Times, ok: bool) -> None:
    timeline = plan_timeline([("same", cluster.urn)], [cluster], (), times) if ok else created(times, cluster)
    assert rendered(timeline, ok) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0s"), (59.4, "59s"), (59.6, "1m00s"), (566, "9m26s"), (3600, "1h00m"), (5399, "1h29m")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_state_tells_the_properties_dependencies() -> None:
    told = {"urn": cluster.urn, "type": CLUSTER, "custom": True, "propertyDependencies": {"a": ["x"]}, "created": "now"}
    (read,) = resources_of({"deployment": {"resources": [told]}})
    assert read.property_dependencies == {"a": ["x"]}


def test_without_a_log_nothing_was_done(tmp_path: Path) -> None:
    assert read_operations(tmp_path / "none.json") == []
    killed = tmp_path / "killed.json"
    killed.write_text('{"resOutputsEvent": {"metadata": {"op": "create", "urn": "u"}}}\n{"resOutputsEvent": {"me')
    assert read_operations(killed) == [("create", "u")]


@pytest.mark.engine
def test_a_rehearsal_has_a_timeline(foreign: MakeForeign) -> None:
    shop = foreign("misfit")
    shop.configure(shop__case="order")
    up = succeeded(shop.rehearsal().up())
    assert up.timeline is not None
    assert [step.name for step in up.timeline.path] == [step.name for step in up.timeline.steps]
    assert up.as_json()["timeline"]["total"]["typical"] == up.timeline.total.typical > 0
    gone = shop.rehearsal().destroy()
    assert gone.timeline is not None
    assert {step.operation for step in gone.timeline.steps} == {"delete"}
