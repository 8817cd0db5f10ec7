"""Figures that take long are computed by one thread now and then, and never keep a page waiting."""

from __future__ import annotations

import threading

import pytest

from headrace.web.views.kept_figures import KeptFigures
from tests.support.waiting import wait_until


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_is_waited_for_and_shown_until_it_is_old() -> None:
    clock, calls = Clock(), iter(range(100))
    kept = KeptFigures(clock)

    def compute() -> int:
        return next(calls)

    first = kept.get("a", compute, seconds=60)
    assert first is not None
    assert first.value == 0
    assert kept.get("a", compute) == first
    clock.now = 2.0
    kept.get("a", compute)
    wait_until(lambda: kept.get("a", compute) != first, "the figure is computed again")
    now = kept.get("a", compute)
    assert now is not None
    assert (now.value, next(calls)) == (1, 2)


def test_one_that_takes_long_is_not_waited_for_and_computed_once() -> None:
    kept, go, calls = KeptFigures(), threading.Event(), []

    def compute() -> str:
        calls.append(1)
        go.wait(60)
        return "done"

    assert [kept.get("a", compute, seconds=0.01) for _ in range(5)] == [None] * 5
    assert kept.get("b", lambda: "other", seconds=60) is not None
    go.set()
    wait_until(lambda: kept.get("a", compute) is not None, "the figure")
    assert calls == [1]


def test_what_goes_wrong_is_raised_and_tried_again() -> None:
    clock, wrong = Clock(), [ValueError("damaged")]
    kept = KeptFigures(clock)

    def compute() -> str:
        if wrong:
            raise wrong.pop()
        return "well"

    with pytest.raises(ValueError, match="damaged"):
        kept.get("a", compute, seconds=60)
    clock.now = 60.0

    def is_well() -> bool:
        try:
            return kept.get("a", compute) is not None
        except ValueError:
            return False

    wait_until(is_well, "the next computation")


def test_figures_that_nobody_asks_for_are_forgotten() -> None:
    kept = KeptFigures()
    for number in range(500):
        assert kept.get(number, lambda: 1, seconds=60) is not None
    assert len(kept._entries) <= 202
