"""Whatever order the dependencies allow may happen, and with seed 0 the worst of them does."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from polysilicon.rehearsal.descendants import Descendants
from polysilicon.rehearsal.model import Call, Operation, Scope
from polysilicon.rehearsal.schedule import MOST_HELD, STEPS_AT_ONCE, Schedule
from tests.rehearsal.conftest import MakeForeign, succeeded

PROMPT = "aws:ec2/vpc:Vpc"
ROUTE = "aws:ec2/route:Route"
NAT = "aws:ec2/natGateway:NatGateway"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
NODES = "aws:eks/nodeGroup:NodeGroup"
ADDON = "aws:eks/addon:Addon"
OBJECT = "kubernetes:core/v1:ConfigMap"
LONG = 60


def call(type_: str, name: str = "one", operation: Operation = "create", **inputs: str) -> Call:
    urn = f"urn:pulumi:dev::shop::{type_}::{name}"
    package = type_.split(":")[0]
    return Call(
        operation=operation, package=package, type=type_, urn=urn, name=name, scope=Scope(package), inputs=inputs
    )


class Engine:
    """Asks for several things at once, and notes in which order they happen."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule, self.happened = schedule, list[str]()
        self._threads = ThreadPoolExecutor(2 * STEPS_AT_ONCE)

    def ask(self, *calls: Call) -> None:
        for done in [self._threads.submit(self._ask, asked) for asked in calls]:
            done.result(LONG)

    @contextmanager
    def asking(self, *calls: Call) -> Iterator[None]:
        """All of it is asked, and something else goes on until the end of the block."""
        with self.schedule.request():
            asked = [self._threads.submit(self._ask, one) for one in calls]
            while len(self.happened) + len(self.schedule._held) < len(calls):
                time.sleep(0.001)
            yield
        for done in asked:
            done.result(LONG)

    def _ask(self, asked: Call) -> None:
        with self.schedule.request():
            self.schedule.hold(asked)
            self.happened.append(f"{asked.kind} {asked.name}")


def test_what_others_need_comes_last_and_who_needs_most_first() -> None:
    engine = Engine(Schedule())
    late = [call(GATEWAY), call(ROUTE), call(NODES), call(NAT)]
    with engine.asking(*late):
        engine.ask(call(PROMPT))
        assert engine.happened == ["Vpc one"]
    assert engine.happened == ["Vpc one", "NatGateway one", "NodeGroup one", "Route one", "InternetGateway one"]


def test_only_add_ons_that_nodes_need_are_late() -> None:
    engine = Engine(Schedule())
    with engine.asking(call(ADDON, "network", addonName="vpc-cni")):
        engine.ask(call(ADDON, "names", addonName="coredns"))
        assert engine.happened == ["Addon names"]
    assert engine.happened == ["Addon names", "Addon network"]


def test_a_delete_takes_first_what_others_need() -> None:
    engine = Engine(Schedule())
    needy = [call(type_, operation="delete") for type_ in (NODES, OBJECT, NAT)]
    with engine.asking(*needy):
        engine.ask(call(ROUTE, operation="delete"), call(GATEWAY, operation="delete"))
        assert len(engine.happened) == 2
    assert len(engine.happened) == 5


def test_a_preview_is_never_held() -> None:
    engine = Engine(Schedule())
    with engine.schedule.request():
        engine.ask(replace(call(NAT), preview=True))
    assert engine.happened == ["NatGateway one"]


def test_nothing_is_held_where_there_is_no_server() -> None:
    schedule = Schedule()
    with schedule.request():
        thread = threading.Thread(target=schedule.hold, args=[call(NAT)], daemon=True)
        thread.start()
        thread.join(LONG)
        assert not thread.is_alive()


@pytest.mark.parametrize("seed", [1, 2])
def test_another_seed_makes_a_third_late_in_an_order_of_its_own(seed: int) -> None:
    names = [call(PROMPT, str(number)) for number in range(90)]
    orders = []
    for _ in range(2):
        engine = Engine(Schedule(seed))
        with engine.asking(*names):
            pass
        orders.append(engine.happened)
    late = [Schedule(seed)._rank(one) is not None for one in names]
    assert 15 < sum(late) < 45
    held = {f"Vpc {one.name}" for one, is_late in zip(names, late, strict=True) if is_late}
    first, second = ([name for name in order if name in held] for order in orders)
    assert first == second, "the same seed, the same order"
    other = Schedule(seed + 7)
    assert [other._rank(one) is not None for one in names] != late


def test_more_late_calls_than_can_be_held_do_not_block_one_another() -> None:
    engine = Engine(Schedule())
    engine.ask(*(call(ROUTE, str(number)) for number in range(3 * MOST_HELD)))
    assert len(engine.happened) == 3 * MOST_HELD


WAITS = "print(flush=True); input()"
WORKS = "print(flush=True)\nwhile True: pass"


def started(program: str) -> subprocess.Popen[str]:
    """A process of that program, from when it has said something."""
    command = [sys.executable, "-c", program]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="told by Linux alone")
def test_a_process_below_this_one_is_at_work_or_waits() -> None:
    with started(WAITS) as waits:
        with started(WORKS) as works:
            assert Descendants().busy(silent=LONG)
            works.kill()
        while Descendants().busy(silent=LONG):
            assert waits.poll() is None
        waits.communicate("\n")


# ── With the engine ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.engine
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_careful_program_lives_with_any_order(seed: int, foreign: MakeForeign) -> None:
    shop = foreign("private_nodes")
    shop.configure(aws__region="us-east-1")
    assert succeeded(shop.rehearsal(seed=seed).up()).ok
    gone = succeeded(shop.rehearsal(seed=seed).destroy())
    assert not gone.accounts


CARELESS = [
    ("nat", "Gateway.NotAttached"),
    ("nodes", "NodeCreationFailure: Instances failed to join the kubernetes cluster"),
    ("policies", "lacks AmazonEKSClusterPolicy at this moment"),
    ("objects", "the server has asked for the client to provide credentials"),
]


@pytest.mark.engine
@pytest.mark.parametrize(("careless", "message"), CARELESS)
def test_a_forgotten_dependency_is_found_with_seed_0(careless: str, message: str, foreign: MakeForeign) -> None:
    shop = foreign("private_nodes")
    shop.configure(aws__region="us-east-1", shop__careless=careless)
    outcome = shop.rehearsal().up()
    assert outcome.exit_code != 0
    assert message in outcome.log


@pytest.mark.engine
def test_a_dependency_that_no_order_of_this_run_misses_is_found_all_the_same(foreign: MakeForeign) -> None:
    shop = foreign("private_nodes")
    shop.configure(aws__region="us-east-1", shop__careless="node policies")
    outcome = shop.rehearsal().up()
    assert not outcome.ok
    assert "lacks AmazonEKSWorkerNodePolicy" in outcome.log + " ".join(outcome.lucky)


@pytest.mark.engine
def test_access_that_goes_too_early_is_found_on_destroy(foreign: MakeForeign) -> None:
    shop = foreign("private_nodes")
    shop.configure(aws__region="us-east-1")
    succeeded(shop.rehearsal().up())
    # The state now forgets the dependency, though all was made in order.
    shop.configure(aws__region="us-east-1", shop__careless="objects")
    assert succeeded(shop.rehearsal().up()).changed == 0
    outcome = shop.rehearsal().destroy()
    assert outcome.exit_code != 0
    assert "any more: let the object depend on its access entry" in outcome.log
