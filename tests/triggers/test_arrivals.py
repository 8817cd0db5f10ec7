"""Exactly one run for each arrival, in every sequence of what may happen."""

from __future__ import annotations

import os

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
@pytest.mark.parametrize("machine", MACHINES)
def test_exactly_one_run_in_many_steps(machine: type[ArrivalsMachine]) -> None:
    steps = 0
    while steps < STEPS:
        steps += explore(machine, 100, fixed=False)
        print(f"{machine.__name__}: {steps} steps", flush=True)
