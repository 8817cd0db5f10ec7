"""Limits of a trigger: what waits, in which order it is started, and that it is started once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.triggers import (
    Started,
    Trigger,
    TriggerError,
    Waiting,
    load_trigger,
    pause_triggers,
    read_ledger,
)
from headrace.triggers.start_gate import Held
from headrace.triggers.start_order import order_key
from headrace.triggers.tables.limits import LimitsTable
from tests.support.triggers.launches import MOMENT, Launches
from tests.support.triggers.run_service import MemoryRunService
from tests.support.triggers.trigger_watch import make_event, make_trigger, watching
from tests.support.waiting import wait_until


def limited(root: Path, **limits: Any) -> Trigger:
    return make_trigger(root, limits=LimitsTable(**limits), existing="run")


def states(path: Path) -> dict[str, str]:
    return {record.path.split("/")[-2]: record.shown_state for record in read_ledger(path)}


def test_no_more_runs_are_open_than_the_limit(tmp_path: Path) -> None:
    trigger, path = limited(tmp_path, open_runs=1, order="number"), tmp_path / "ledger.db"
    service = MemoryRunService()
    make_event(trigger.directory / "run9")
    with watching([trigger], path, service, service=service, follow_interval=0.02) as watch:
        watch.wait_for(Started)
        for name in ("run11", "run10", "run2"):
            make_event(trigger.directory / name)
        waiting = watch.wait_for(Waiting, 3)
        assert {event.reason for event in waiting} == {"1 run has not ended (limits.open_runs = 1)"}
        assert states(path) == {
            "run9": "started",
            **dict.fromkeys(("run2", "run10", "run11"), "waiting"),
        }
        for number, name in enumerate(("run9", "run2", "run10"), start=2):
            assert len(service.started) == number - 1
            service.end(name)
            watch.wait_for(Started, number)
    assert service.started == ["run9", "run2", "run10", "run11"]


def test_after_a_restart_open_runs_count_until_the_service_says_that_they_ended(
    tmp_path: Path,
) -> None:
    trigger, path = limited(tmp_path, open_runs=2), tmp_path / "ledger.db"
    service = MemoryRunService()
    for name in ("a", "b", "c"):
        make_event(trigger.directory / name)
    with watching([trigger], path, service, service=service, follow_interval=0.02) as watch:
        watch.wait_for(Started, 2)
        watch.wait_for(Waiting)
    first, second = service.started
    service.end(first)  # nobody watches
    service.end(second, "FAILED")
    service.answers = False
    with watching([trigger], path, service, service=service, follow_interval=0.02) as watch:
        watch.wait_for(Waiting)
        asked = service.questions
        wait_until(lambda: service.questions > asked + 1, "two questions without an answer")
        assert len(service.started) == 2
        service.answers = True
        watch.wait_for(Started)
    assert sorted(service.started) == ["a", "b", "c"]


def test_a_start_whose_outcome_nobody_knows_counts(tmp_path: Path) -> None:
    world = Launches(limited(tmp_path, open_runs=1))
    first, second = world.arrive("a"), world.arrive("b")
    world.service.fail = lambda moment: ConnectionError("lost") if moment == "after" else None
    assert world.launch(first) == 1.0
    world.service.fail = lambda moment: None
    assert isinstance(world.launch(second), Held)
    assert world.launch(first) is None, "its own attempt does not hold it"
    assert isinstance(world.launch(second), Held)
    assert world.service.started == ["a"]


def test_starts_of_an_hour_are_counted_from_the_ledger(tmp_path: Path) -> None:
    world = Launches(limited(tmp_path, starts_per_hour=2))
    records = [world.arrive(name) for name in "abcd"]
    assert world.launch(records[0]) is None
    world.now += timedelta(minutes=20)
    assert world.launch(records[1]) is None
    held = world.launch(records[2])
    reason = "2 runs were started within an hour (limits.starts_per_hour = 2)"
    assert held == Held(reason, 60.0)
    world.now = MOMENT + timedelta(minutes=59, seconds=30)
    assert world.launch(records[2]) == Held(reason, pytest.approx(30.1))
    world.now = MOMENT + timedelta(minutes=60, seconds=1)
    assert world.launch(records[2]) is None
    assert isinstance(world.launch(records[3]), Held)
    assert world.service.started == ["a", "b", "c"]


def test_in_quiet_hours_arrivals_wait(tmp_path: Path) -> None:
    world = Launches(limited(tmp_path, quiet_hours=("22:00-06:00",), timezone="Europe/Zurich"))
    record = world.arrive("a")
    world.now = datetime(2026, 1, 14, 21, 30, tzinfo=UTC)
    held = world.launch(record)
    assert held == Held("quiet hours until 2026-01-15 06:00 (limits.quiet_hours)", 60.0)
    world.now = datetime(2026, 1, 15, 4, 59, 50, tzinfo=UTC)
    held = world.launch(record)
    assert held == Held("quiet hours until 06:00 (limits.quiet_hours)", pytest.approx(10.1))
    world.now = datetime(2026, 1, 15, 5, 0, tzinfo=UTC)
    assert world.launch(record) is None


def test_what_a_person_starts_by_hand_is_not_held(tmp_path: Path) -> None:
    world = Launches(limited(tmp_path, open_runs=1, quiet_hours=("00:00-23:59",), timezone="UTC"))
    for name in "ab":
        assert world.launch(world.arrive(name), by_hand=True) is None
    assert world.service.started == ["a", "b"]


def test_the_reason_of_a_paused_trigger_is_told(tmp_path: Path) -> None:
    trigger, path, service = limited(tmp_path), tmp_path / "ledger.db", MemoryRunService()
    pause_triggers(path, [trigger.name])
    make_event(trigger.directory / "a")
    with watching([trigger], path, service) as watch:
        (event,) = watch.wait_for(Waiting)
    assert event.reason == "the trigger is paused; `headrace trigger resume new_event`"
    assert states(path) == {"a": "waiting"}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("arrival", ["run10", "run9", "run09", "b2", "x"]),
        ("name", ["b2", "run09", "run10", "run9", "x"]),
        ("number", ["b2", "run09", "run9", "run10", "x"]),
    ],
)
def test_the_order_of_what_waits(tmp_path: Path, order: Any, expected: list[str]) -> None:
    world = Launches(limited(tmp_path))
    records = [world.arrive(name) for name in ("run10", "run9", "run09", "b2", "x")]
    found = sorted(records, key=lambda record: order_key(record, order))
    assert [record.path.split("/")[-2] for record in found] == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("open_runs = 0", "limits.open_runs: must be a whole number of at least 1"),
        ('order = "size"', '"size" must be "arrival", "name" or "number"'),
        ('quiet_hours = "22-06"', '"22-06" must be hours, days or both'),
        ('quiet_hours = "Mon-Sun"', "quiet hours must end once a week at least"),
        ('timezone = "Mars/Base"', '"Mars/Base" is no time zone'),
        ("runs = 3", "runs"),
    ],
)
def test_wrong_limits_are_refused_when_the_file_is_read(
    tmp_path: Path, line: str, message: str
) -> None:
    file = tmp_path / "new_event.toml"
    (tmp_path / "incoming").mkdir()
    file.write_text(
        '[watch]\ncollection = "disk"\npath = "/incoming/"\n[start]\nflow = "f"\n[limits]\n' + line
    )
    with pytest.raises(TriggerError) as refused:
        load_trigger(file, {"disk": tmp_path})
    assert message in str(refused.value)


def test_limits_are_read(tmp_path: Path) -> None:
    file = tmp_path / "new_event.toml"
    (tmp_path / "incoming").mkdir()
    file.write_text(
        '[watch]\ncollection = "disk"\npath = "/incoming/"\n[start]\nflow = "f"\n'
        '[limits]\nopen_runs = 4\nstarts_per_hour = 20\norder = "number"\n'
        'quiet_hours = "22:00-06:00"\ntimezone = "Europe/Zurich"\n'
    )
    limits = load_trigger(file, {"disk": tmp_path}).limits
    assert limits == LimitsTable(4, 20, "number", ("22:00-06:00",), "Europe/Zurich")
