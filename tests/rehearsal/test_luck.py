"""What came in time though nothing makes sure of it is found in the state."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from polysilicon.rehearsal.judges.order import Order
from polysilicon.rehearsal.luck import Need, by_luck, needs_of
from polysilicon.rehearsal.outcome import Outcome, Resource
from tests.rehearsal.order_account import EVERYTHING, Aws


def urn(name: str) -> str:
    return f"urn:pulumi:dev::shop::aws:ec2/thing:Thing::{name}"


def held(name: str, *dependencies: str, by: str = "", within: str = "", given: Sequence[str] = ()) -> Resource:
    return Resource(
        urn=urn(name),
        type="aws:ec2/thing:Thing",
        dependencies=[urn(other) for other in dependencies],
        provider=f"{urn(by)}::id" if by else "",
        parent=urn(within) if within else "",
        property_dependencies={"subnets": [urn(other) for other in given]},
    )


def need(*ways: Sequence[str]) -> Need:
    return Need(urn("nodes"), [frozenset(urn(name) for name in way) for way in ways], "it no node joins")


OTHERS = [held("route"), held("nat", "route"), held("policy")]
CASES: list[tuple[Resource, Need, bool]] = [
    (held("nodes"), need(["route"]), True),
    (held("nodes", "route"), need(["route"]), False),
    (held("nodes", "nat"), need(["route"]), False),
    (held("nodes", given=["nat"]), need(["route", "nat"]), False),
    (held("nodes", by="nat"), need(["nat"]), False),
    (held("nodes", within="nat"), need(["route"]), False),
    (held("nodes", "route"), need(["route", "policy"]), True),
    (held("nodes", "route"), need(["policy"], ["route"]), False),
    (held("nodes", "policy"), need(["route"], ["nat"]), True),
    (held("nodes"), need(["of another stack"]), False),
]


@pytest.mark.parametrize(("nodes", "what", "lucky"), CASES)
def test_luck_is_what_no_dependency_makes_sure_of(nodes: Resource, what: Need, lucky: bool) -> None:
    assert bool(by_luck([what], [*OTHERS, nodes])) is lucky


def test_it_is_told_who_came_after_what_and_what_for() -> None:
    (sentence,) = by_luck([need(["route", "policy"]), need(["route", "policy"])], [*OTHERS, held("nodes", "route")])
    assert sentence == (
        "Thing nodes came after Thing policy by luck alone: nothing makes it wait, and without it no node joins. "
        "Let it depend on that (depends_on)"
    )


def test_an_outcome_of_luck_is_not_ok() -> None:
    outcome = Outcome(operation="up", project="shop", stack="dev", exit_code=0)
    assert outcome.ok
    assert not Outcome(operation="up", project="shop", stack="dev", exit_code=0, lucky=["nodes came first"]).ok


def test_the_judge_of_the_order_tells_what_it_found_in_time() -> None:
    aws = Aws()
    nodes = aws.whole(EVERYTHING)
    found = {need.why: need.ways for need in needs_of([aws.judge]) if need.urn == nodes.urn}
    (way,) = found["it no node joins the cluster"]
    assert {name.rsplit("::", 1)[-1] for name in way} == {"igw", "public", "nat", "private"}
    assert any("lacks AmazonEKSWorkerNodePolicy" in why for why in found)
    assert "it no node becomes ready" in found


def test_what_was_there_before_is_no_luck() -> None:
    aws = Aws()
    network = aws.network(EVERYTHING)
    aws.cloud.simulation.judges = [again := Order()]
    aws.nat(network)
    assert needs_of([again]) == []
