"""When an arrival that waits is looked at, on a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.triggers import Arrival, Identity, Record
from headrace.triggers.changes import ReportScope
from headrace.triggers.completeness import Look
from headrace.triggers.completeness.pending import PendingArrival
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
