"""Problems are reported once in a while, and those of long ago are forgotten."""

from __future__ import annotations

import tracemalloc

from headrace.triggers import Problem, WatchEvent
from headrace.triggers.problem_reporter import ProblemReporter


def test_the_same_problem_is_reported_again_after_a_while() -> None:
    now = [0.0]
    reports = []

    def hear(event: WatchEvent) -> None:
        assert isinstance(event, Problem)
        reports.append((now[0], event.message))

    reporter = ProblemReporter("t", hear, lambda: now[0])
    for now[0] in (0.0, 1.0, 599.0, 600.0, 601.0, 1199.0, 1200.0):
        reporter.report("a")
    for now[0] in (1300.0, 1799.0, 1801.0):
        reporter.report("b")
        reporter.report("a")
    assert reports == [
        *((when, "a") for when in (0.0, 600.0, 1200.0)),
        (1300.0, "b"),
        (1801.0, "a"),
    ]


def test_problems_of_ever_new_arrivals_take_no_more_memory() -> None:
    now = 0.0
    reporter = ProblemReporter("t", lambda event: None, lambda: now)
    tracemalloc.start()
    try:
        for number in range(20_000):
            now += 60.0
            reporter.report(f"/data/incoming/run{number:06}: not moved: it has changed")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 100_000
