"""Exactly one run for each arrival, in every sequence of what may happen."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.triggers.arrivals_machine import (
    ArrivalsMachine,
    EveryArrivalGetsItsRun,
    FailuresLieForLong,
)
from tests.support.triggers.arrivals_world import INTERVAL, SETTLE
from tests.support.triggers.runs_machine import RunsMachine

MACHINES = [EveryArrivalGetsItsRun, FailuresLieForLong, RunsMachine]
# How many steps the long run makes of each machine, at least.
STEPS = int(os.environ.get("HEADRACE_LEDGER_STEPS", "20000"))
STEPS_OF_ONE = 40


def explore(machine: type[ArrivalsMachine], examples: int, *, fixed: bool) -> int:
    """Runs a machine so often; returns how many steps that were."""
    taken = []

    class Counted(machine):  # type: ignore[misc,valid-type]
        def teardown(self) -> None:
            taken.append(self.steps)
            super().teardown()

    run_state_machine_as_test(
        Counted,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS_OF_ONE,
            deadline=None,
            derandomize=fixed,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return sum(taken)


@pytest.mark.parametrize("machine", MACHINES)
def test_exactly_one_run(machine: type[ArrivalsMachine]) -> None:
    assert explore(machine, 60, fixed=True) > 1000


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("machine", MACHINES)
def test_exactly_one_run_in_many_steps(machine: type[ArrivalsMachine]) -> None:
    steps = 0
    while steps < STEPS:
        steps += explore(machine, 100, fixed=False)
        print(f"{machine.__name__}: {steps} steps", flush=True)


class Pinned(FailuresLieForLong):
    """A world whose sequence is written down, with the machines' rules."""

    def work_until_run(self) -> None:
        self.ask_for_the_refused()
        self.work(30.0)

    def numbers(self) -> list[int]:
        assert not self.wrong
        return sorted(number for _, number in self.runs.values())


@pytest.fixture
def world() -> Iterator[Pinned]:
    world = Pinned()
    yield world
    world.teardown()


def fail(world: Pinned, moment: str, *, kill: bool = False) -> None:
    world.moment, world.kill = moment, kill
    world.work(1.8)
    world.moment = ""


def away(world: Pinned, name: str) -> None:
    """Takes a file away."""
    assert world.mounted is not None
    world.put_aside(world.mounted, name)


def back(world: Pinned) -> None:
    """Brings the file back that was taken away last."""
    world.bring_back(0, 0)


def test_written_to_while_its_start_waits_for_another(world: Pinned) -> None:
    """What was complete and is written to before its run was asked for is not complete."""
    world.put("a")
    world.put("b")
    world.fail("before")
    world.write_in_place()
    world.work(0.1)
    world.write_in_place()
    world.work_until_run()
    assert world.numbers() == [1, 1]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("kill", [False, True])
def test_taken_away_after_a_failed_start_and_brought_back(
    world: Pinned, moment: str, kill: bool
) -> None:
    """Put, fail, take away, see, bring back: two arrivals, and none of them has two runs."""
    world.put("a")
    fail(world, moment, kill=kill)
    away(world, "a")
    world.work(1.3)
    back(world)
    world.work_until_run()
    assert world.numbers() == ([1, 2] if moment == "after" else [2])


def test_taken_away_and_brought_back_unseen_is_one_arrival(world: Pinned) -> None:
    world.put("a")
    world.work(3.0)
    away(world, "a")
    back(world)
    world.work_until_run()
    assert world.numbers() == [1]


def test_a_disk_that_comes_back_after_another_one(world: Pinned) -> None:
    """Two runs for two files of one name on two disks, however often the disks change."""
    world.put("a")
    world.work(3.0)
    world.mount(1)
    world.put("a")
    world.work(3.0)
    for disk in (0, None, 1, 0):
        world.mount(disk)
        world.work(3.0)
    assert world.numbers() == [1, 2]


def test_a_disk_that_goes_away_before_the_start(world: Pinned) -> None:
    """What waits for its run on a disk that is away waits, and is not taken to be removed."""
    world.put("a")
    fail(world, "before")
    world.mount(None)
    world.work(30.0)
    world.mount(1)
    world.work(30.0)
    assert [record.state for record in world.ledger.records()] == ["failed"]
    world.mount(0)
    world.work_until_run()
    assert world.numbers() == [1]


def test_a_file_that_moves_with_its_directory_is_the_same_arrival(world: Pinned) -> None:
    world.put("a")
    world.work(3.0)
    away(world, "a")
    world.mount(1)
    back(world)
    world.work_until_run()
    assert world.numbers() == [1]


def test_a_refused_arrival_is_run_once_when_it_is_asked_for(world: Pinned) -> None:
    world.put("a")
    fail(world, "refused")
    world.work(30.0)
    assert [record.state for record in world.ledger.records()] == ["refused"]
    assert world.ledger.records()[0].reason == "the input does not fit"
    world.work_until_run()
    assert world.numbers() == [1]


def test_a_disk_that_goes_away_just_before_the_request(world: Pinned) -> None:
    """Found by the machines: nothing is sent for a file that is not there any more."""
    world.put("a")
    world.mean = ("begin", "leave")
    world.work(30.0)
    assert world.mounted is None
    assert world.numbers() == []
    world.mount(0)
    world.work_until_run()
    assert world.numbers() == [1]


@pytest.mark.parametrize("what", ["go", "return", "leave"])
def test_a_file_that_goes_away_while_its_run_is_searched(world: Pinned, what: str) -> None:
    world.put("a")
    fail(world, "before")
    world.mean = ("find", what)
    world.work(30.0)
    assert world.mean == ("", "")
    state = next(record.state for record in world.ledger.records())
    assert state == ("failed" if what == "leave" else "removed")
    assert world.numbers() == ([2] if what == "return" else [])


@pytest.mark.parametrize("between", [None, 1])
def test_what_was_complete_before_its_disk_went_away_settles_again(
    world: Pinned, between: int | None
) -> None:
    """It may have been written to elsewhere, and still be."""
    world.put("a")
    while world.now < SETTLE or world.watcher.queue.next_time != world.now:
        world.work(INTERVAL, 1)
    world.mount(between)
    world.work(2.0)
    world.mount(0)
    for _ in range(60):
        world.write_in_place()
        world.work(SETTLE / 2)
    assert world.numbers() == []
    world.work_until_run()
    assert world.numbers() == [1]


def test_a_failed_start_is_tried_again_as_soon_as_the_disk_is_back(world: Pinned) -> None:
    world.put("a")
    for _ in range(4):
        world.moment = "before"
        world.work(9.0)
    world.moment = ""
    world.mount(None)
    world.work(1.5)
    world.mount(0)
    world.work(1.5)
    assert world.numbers() == [1]
