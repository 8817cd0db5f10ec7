"""Exactly one run for each arrival, in every sequence of what may happen."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from triggers.arrivals_machine import (
    ArrivalsMachine,
    EveryArrivalGetsItsRun,
    FailuresLieForLong,
)

MACHINES = [EveryArrivalGetsItsRun, FailuresLieForLong]
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
    assert explore(machine, 40, fixed=True) > 100


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
        return sorted(self.runs.values())


@pytest.fixture
def world() -> Iterator[Pinned]:
    world = Pinned()
    yield world
    world.teardown()


def fail(world: Pinned, moment: str, *, kill: bool = False) -> None:
    world.moment, world.kill = moment, kill
    world.work(1.3)
    world.moment = ""


def away(world: Pinned, name: str) -> None:
    """Takes a file away."""
    assert world.mounted
    path = world.place / f"pinned_{name}"
    (world.here() / name).rename(path)
    world.aside.append((path, name, world.lying[world.mounted].pop(name)))


def back(world: Pinned, name: str) -> None:
    """Brings the file back that was taken away last."""
    assert world.mounted
    path, _, thing = world.aside.pop()
    path.rename(world.here() / name)
    world.lying[world.mounted][name] = thing


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
    back(world, "a")
    world.work_until_run()
    assert world.numbers() == ([1, 2] if moment == "after" else [2])


def test_taken_away_and_brought_back_unseen_is_one_arrival(world: Pinned) -> None:
    world.put("a")
    world.work(3.0)
    away(world, "a")
    back(world, "a")
    world.work_until_run()
    assert world.numbers() == [1]


def test_a_disk_that_comes_back_after_another_one(world: Pinned) -> None:
    """Two runs for two files of one name on two disks, however often the disks change."""
    world.put("a")
    world.work(3.0)
    world.mount("B")
    world.put("a")
    world.work(3.0)
    for disk in ("A", None, "B", "A"):
        world.mount(disk)
        world.work(3.0)
    assert world.numbers() == [1, 2]


def test_a_disk_that_goes_away_before_the_start(world: Pinned) -> None:
    """What waits for its run on a disk that is away waits, and is not taken to be removed."""
    world.put("a")
    fail(world, "before")
    world.mount(None)
    world.work(30.0)
    world.mount("B")
    world.work(30.0)
    assert [record.state for record in world.ledger.records()] == ["failed"]
    world.mount("A")
    world.work_until_run()
    assert world.numbers() == [1]


def test_a_file_that_moves_with_its_directory_is_the_same_arrival(world: Pinned) -> None:
    world.put("a")
    world.work(3.0)
    away(world, "a")
    world.mount("B")
    back(world, "a")
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
