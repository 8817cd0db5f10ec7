"""Retries: whose fault a failure was, how often it is tried again, when, where and with what."""

from __future__ import annotations

import pytest

from headrace.campaigns.driver.retries import AttemptFailure, RetryDecision, decide_retry
from headrace.compute.attempts.failure_causes import FailureCause


class Rules:
    attempts = 3
    free: tuple[str, ...] = ("node lost", "time limit", "lost lane")
    free_attempts = 4
    on: tuple[str, ...] = tuple(cause.value for cause in FailureCause if cause.transient)
    backoff_seconds = 60.0
    move = True
    grow = {"memory": 2.0}  # noqa: RUF012 - a table as a file gives it


def decided(
    category: str,
    *,
    is_code_error: bool = False,
    counted: int = 0,
    free: int = 0,
    grown: dict[str, float] | None = None,
    rules: type[Rules] = Rules,
) -> RetryDecision:
    failure = AttemptFailure(category, is_code_error)
    return decide_retry(rules(), failure, counted=counted, free=free, grown=grown or {})


def test_a_lost_node_costs_the_member_nothing() -> None:
    assert decided("node lost", counted=2) == RetryDecision(True, False, 60.0, True)
    assert decided("time limit", free=2).wait == 240.0


def test_free_attempts_come_to_an_end_as_well() -> None:
    decision = decided("time limit", free=4)
    assert (decision.again, decision.counted) == (False, False)
    assert decision.reason == "5 attempts of this leg ended by: time limit"


@pytest.mark.parametrize(("counted", "again"), [(0, True), (1, True), (2, False)])
def test_failures_of_its_own_are_counted(counted: int, again: bool) -> None:
    decision = decided("crashed", counted=counted)
    assert (decision.again, decision.counted) == (again, True)
    assert decision.reason == ("" if again else "attempt 3 of 3")


def test_an_error_of_the_code_is_never_tried_again() -> None:
    decision = decided("node lost", is_code_error=True)
    assert (decision.again, decision.counted) == (False, True)
    assert decision.reason == "an error of the code, which another attempt meets again"


def test_what_is_of_no_known_kind_is_an_error_of_the_program() -> None:
    assert decided("").reason == "not tried again after: error of the program"

    class Stubborn(Rules):
        on = ("error of the program",)

    assert decided("", rules=Stubborn).again
    assert not decided("crashed", rules=Stubborn).again


def test_a_run_that_somebody_cancelled_is_not_started_again() -> None:
    assert decided("cancelled").reason == "not tried again after: cancelled"


def test_memory_grows_after_each_attempt_that_had_too_little() -> None:
    first = decided("out of memory")
    assert first.grow == {"memory": 2.0}
    assert decided("out of memory", counted=1, grown={"memory": 2.0}).grow == {"memory": 4.0}
    assert decided("crashed", counted=1, grown={"memory": 2.0}).grow == {"memory": 2.0}


def test_pauses_are_bounded_however_many_attempts_there_are() -> None:
    class Patient(Rules):
        free_attempts = 10_000

    assert decided("node lost", free=9_000, rules=Patient).wait == 3600.0
