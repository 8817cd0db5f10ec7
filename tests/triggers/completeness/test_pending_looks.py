"""When an arrival that waits is looked at, on a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.triggers import Arrival, Identity, Record
from headrace.triggers.changes import ReportScope
from headrace.triggers.completeness import Look
from headrace.triggers.completeness.pending import LookBudget, PendingArrival
from tests.support.triggers.trigger_watch import make_trigger


class Waiting:
    """An arrival that has one file and was first looked at at 100 s."""

    def __init__(self, root: Path, *, followed: bool = True, **watch: Any) -> None:
        trigger = make_trigger(root, **{"interval": 10.0, **watch})
        place = trigger.directory / "event"
        place.mkdir()
        (place / "file").touch()
        seen = datetime(2026, 1, 1, tzinfo=UTC)
        record = Record(
            *(1, trigger.name, "workstation", "/incoming/event/", 1, Identity(1, 1), "", True),
            *("seen", "tag", 0, "", None, seen, None, seen),
        )
        arrival = Arrival(trigger.name, "workstation", "event", "/incoming/event/", place)
        self.place = place
        self.pending = PendingArrival(trigger, record, arrival, 100.0)
        self.pending.followed = followed

    def look(self, now: float, took: float = 0.0) -> float:
        """Look at it, which takes so long; return when it is looked at again."""
        look = Look(True, lambda: now, print, followed=self.pending.followed)
        self.pending.evaluate(look)
        return self.pending.next_poll(now, now + took, 1)


def test_a_marker_is_not_looked_for_where_it_is_reported(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, marker="DONE")
    assert waiting.look(100.0) == 110.0
    assert waiting.look(1000.0) == 1010.0
    assert waiting.pending.record_awaited(1003.0) == 1003.0


def test_a_marker_is_looked_for_where_it_is_not_reported(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, followed=False, marker="DONE")
    assert waiting.look(100.08) == pytest.approx(100.1)
    assert waiting.look(104.0) == 104.5
    assert waiting.look(1000.0) == 1001.0


def test_the_last_look_is_when_the_settling_time_ends(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, settle=8.0)
    assert waiting.look(100.0) == 101.0, "what is written to open files is not reported"
    assert waiting.look(107.2) == 108.0
    assert waiting.look(106.9) == pytest.approx(107.9)
    assert waiting.look(106.99) == 108.0, "one more does not fit in between"
    assert waiting.look(107.9, took=0.3) == 108.0, "a slow look does not delay the last one"
    assert waiting.look(107.9, took=1.0) == pytest.approx(118.9), "looks take a tenth"


def test_a_reported_change_moves_the_last_look(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, settle=8.0)
    waiting.look(100.0)
    (waiting.place / "second").touch()
    assert waiting.pending.record_change(107.0) == 107.5
    waiting.look(107.5)
    assert waiting.look(114.5) == 115.0
    (waiting.place / "third").touch()
    waiting.look(114.6, took=0.1)
    assert waiting.pending.record_change(114.75) == pytest.approx(115.7), "looks take a tenth"


def test_while_it_is_written_it_is_looked_at_once_a_second(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, settle=8.0)
    waiting.look(100.0)
    pending = waiting.pending
    assert pending.record_change(100.1) == 100.6
    assert pending.defer_look(100.6) is None, "no other change has come"
    pending.record_change(100.3)
    assert pending.defer_look(100.6) == 100.8, "soon after the last change"
    pending.record_change(100.75)
    assert pending.defer_look(100.8) == 101.0, "a second after the last look"
    assert pending.defer_look(101.0) is None


def test_while_it_is_written_slow_looks_are_seldom(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, settle=8.0)
    waiting.look(100.0, took=0.1)
    changes = [100.0 + number / 4 for number in range(1, 37)]
    for at in changes:
        waiting.pending.record_change(at)
        later = waiting.pending.defer_look(at + 0.2)
        assert later == pytest.approx(min(at + 0.5, 108.1)) if at + 0.2 < 108.1 else later is None


@pytest.mark.parametrize(
    ("followed", "watch"), [(False, {"settle": 8.0}), (True, {"marker": "DONE"})]
)
def test_looks_that_are_needed_are_not_put_off(
    tmp_path: Path, followed: bool, watch: dict[str, Any]
) -> None:
    waiting = Waiting(tmp_path, followed=followed, **watch)
    waiting.look(100.0)
    waiting.pending.record_change(100.1)
    assert waiting.pending.defer_look(100.11) is None


def test_others_put_a_look_off_once_all_looks_together_have_taken_long(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, settle=8.0)
    look = Look(True, lambda: 100.0, print, followed=True)
    waiting.pending.evaluate(look)
    waiting.pending.next_poll(100.0, 100.03, 30)
    assert waiting.pending.record_change(100.1) == 100.6
    for _ in range(10):
        waiting.pending.next_poll(100.0, 100.03, 30)
    assert waiting.pending.record_change(100.1) == pytest.approx(109.03)


def test_the_budget_of_looks_is_shared_and_fills_with_time() -> None:
    budget = LookBudget()
    assert budget.has_credit(100.0)
    budget.spend(100.0, 0.15)
    assert budget.has_credit(100.0)
    budget.spend(100.0, 0.15)
    assert not budget.has_credit(100.9)
    assert budget.has_credit(101.1)


def test_what_has_settled_and_waits_for_more_is_looked_at_once_an_interval(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, settle=1.0)
    (waiting.place / "x.part").touch()
    waiting.look(100.0)
    assert waiting.look(101.0) == 111.0


@pytest.mark.parametrize(
    ("watch", "scope"),
    [
        ({"settle": 1.0}, ReportScope(every_change=True)),
        ({"marker": "DONE"}, ReportScope(every_change=False, awaited_names=("DONE",))),
        ({"marker": "[x]"}, ReportScope(every_change=False, awaited_names=("[[]x]",))),
    ],
)
def test_the_rules_say_what_is_reported(
    tmp_path: Path, watch: dict[str, Any], scope: ReportScope
) -> None:
    assert Waiting(tmp_path, **watch).pending.scope == scope


def test_patterns_of_awaited_names_stop_at_slashes() -> None:
    scope = ReportScope(every_change=False, awaited_names=("*.done", "parts/*"))
    assert scope.is_deep
    assert scope.awaits("a.done")
    assert scope.awaits("parts/1")
    assert not scope.awaits("deep/a.done")
    assert not scope.awaits("parts/1/2")
