"""The heap of what is to happen later."""

from __future__ import annotations

import time

import pytest

from headrace.facility.engine import timers as module
from headrace.facility.engine.timers import MAX_SLEEP_SECONDS, Timers


class Clocks:
    """A wall clock and one that only goes forward."""

    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.steady = 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    clocks = Clocks()
    monkeypatch.setattr(time, "time", lambda: clocks.wall)
    monkeypatch.setattr(module, "elapsed", lambda: clocks.steady)
    return clocks


def fired(timers: Timers) -> list[str]:
    names: list[str] = []
    fires = [fire for _, fire in timers.pop_due()]
    for fire in fires:
        fire()
    names += _heard
    _heard.clear()
    return names


_heard: list[str] = []


def hear(name: str):
    return lambda: _heard.append(name)


def test_timers_fire_in_order_and_once(clocks: Clocks) -> None:
    timers = Timers()
    for name, seconds in (("late", 3), ("soon", 1), ("never", 2)):
        timers.call_after(name, seconds, hear(name))
    timers.cancel("never")
    assert fired(timers) == []
    assert timers.pause() == pytest.approx(1)
    clocks.pass_by(5)
    assert fired(timers) == ["soon", "late"]
    assert fired(timers) == []
    assert len(timers) == 0


def test_a_later_timer_of_the_same_key_takes_the_place(clocks: Clocks) -> None:
    timers = Timers()
    timers.call_after("a", 1, hear("first"))
    timers.call_after("a", 5, hear("second"))
    clocks.pass_by(2)
    assert fired(timers) == []
    clocks.pass_by(4)
    assert fired(timers) == ["second"]


@pytest.mark.parametrize("jump", [-3600.0, 86_400.0])
def test_seconds_are_seconds_whatever_the_wall_clock_says(clocks: Clocks, jump: float) -> None:
    timers = Timers()
    timers.call_after("wait", 10, hear("wait"))
    clocks.wall += jump
    clocks.pass_by(9)
    assert fired(timers) == []
    clocks.pass_by(2)
    assert fired(timers) == ["wait"]


def test_a_moment_follows_the_wall_clock(clocks: Clocks) -> None:
    timers = Timers()
    timers.call_at("noon", clocks.wall + 7200, hear("noon"))
    clocks.wall += 3600
    clocks.pass_by(3599)
    assert fired(timers) == []
    clocks.pass_by(2)
    assert fired(timers) == ["noon"]
    timers.call_at("later", clocks.wall + 10, hear("later"))
    clocks.wall -= 3600
    clocks.pass_by(11)
    assert fired(timers) == []
    clocks.pass_by(3600)
    assert fired(timers) == ["later"]


def test_clocks_are_compared_often_enough(clocks: Clocks) -> None:
    timers = Timers()
    timers.call_at("far", clocks.wall + 1e6, hear("far"))
    assert timers.pause() == MAX_SLEEP_SECONDS


def test_timers_that_were_cancelled_take_no_room(clocks: Clocks) -> None:
    timers = Timers()
    for number in range(50_000):
        timers.call_after(number, 1e6, hear("x"))
        timers.cancel(number)
    assert len(timers) == 0
    assert len(timers._heap) < 2_000
