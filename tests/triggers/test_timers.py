"""Timers in simulated time: one run a tick, whatever happens to the watch and to the clocks."""

from __future__ import annotations

import gc
import os
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import psutil
import pytest

from headrace.triggers import (
    Started,
    TimerSet,
    pause_triggers,
    read_ledger,
    replay_arrivals,
    request_runs,
    resume_triggers,
)
from headrace.triggers.timer_schedule import TimerSchedule
from tests.support.triggers.timer_world import TimerWorld
from tests.support.triggers.trigger_watch import MemoryRunClient, make_trigger, watching

BEGIN = datetime(2026, 11, 28, 12, 7, tzinfo=UTC)
QUARTER = TimerSchedule(interval=timedelta(minutes=15), timezone="UTC")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def names(world: TimerWorld) -> list[str]:
    return [arrival.name for arrival in world.started]


def test_each_tick_has_one_run_with_its_time_and_number(tmp_path: Path) -> None:
    world = TimerWorld(tmp_path, QUARTER, BEGIN)
    world.work(HOUR)
    assert names(world) == [
        f"2026-11-28T{clock}:00+00:00" for clock in ("12:15", "12:30", "12:45", "13:00")
    ]
    world.be_away(timedelta(minutes=1))
    world.work(HOUR)
    assert len(world.started) == 8
    last = world.started[-1]
    assert last.path == "every/2026-11-28T14:00:00+00:00"
    assert dict(last.texts) == {"date": "2026-11-28", "time": "14:00:00", "count": "8"}
    assert set(world.runs.values()) == {1}
    world.end()


@pytest.mark.parametrize("missed", ["run_once", "skip"])
@pytest.mark.parametrize("way", ["be_away", "sleep"])
def test_what_nobody_watched_has_one_run_or_none(tmp_path: Path, missed: str, way: str) -> None:
    schedule = TimerSchedule(interval=timedelta(minutes=15), timezone="UTC", missed=missed)
    world = TimerWorld(tmp_path, schedule, BEGIN)
    world.work(HOUR)
    before = names(world)
    getattr(world, way)(2 * DAY + timedelta(minutes=4))
    world.work(timedelta(minutes=3))
    caught_up = ["2026-11-30T13:00:00+00:00"] if missed == "run_once" else []
    assert names(world) == before + caught_up
    world.work(HOUR)
    assert len(world.started) == len(before) + len(caught_up) + 4
    assert set(world.runs.values()) == {1}
    skipped = [one for one in read_ledger(tmp_path / "ledger.db") if one.state == "skipped"]
    assert [one.path for one in skipped] == (
        [] if caught_up else ["every/2026-11-30T13:00:00+00:00"]
    )
    assert all("missed" in one.reason for one in skipped)
    request_runs(tmp_path / "ledger.db", [one.id for one in skipped])
    world.work(timedelta(minutes=1))
    assert (missed == "run_once") or names(world)[-1] == "2026-11-30T13:00:00+00:00"
    world.end()


@pytest.mark.parametrize("restarts", [False, True])
def test_a_clock_that_is_set_moves_no_tick_and_repeats_none(tmp_path: Path, restarts: bool) -> None:
    world = TimerWorld(tmp_path, QUARTER, BEGIN)
    world.work(HOUR)
    for error in (-3 * HOUR, 5 * HOUR, -DAY, 2 * DAY, timedelta(0)):
        world.set_clock(error)
        if restarts:
            world.be_away(timedelta(seconds=3))
        world.work(HOUR)
    world.work(3 * DAY)
    assert set(world.runs.values()) == {1}
    assert len(world.runs) == len(world.started)
    # From the time at which the clock is right, nothing is left out.
    expected = BEGIN.replace(hour=19, minute=0)
    while expected <= BEGIN + 3 * DAY:
        assert expected.isoformat() in world.runs
        expected += timedelta(minutes=15)
    world.end()


def test_a_timer_ends_after_its_number_of_ticks_or_its_day(tmp_path: Path) -> None:
    (tmp_path / "count").mkdir()
    ends = TimerSchedule(interval=HOUR, timezone="UTC", stop_after=3)
    world = TimerWorld(tmp_path / "count", ends, BEGIN)
    world.work(2 * HOUR)
    world.be_away(timedelta(seconds=1))
    world.work(DAY)
    assert len(world.started) == 3
    world.end()
    (tmp_path / "day").mkdir()
    day = TimerSchedule(times=(time(6),), timezone="UTC", last_day=(BEGIN + 2 * DAY).date())
    world = TimerWorld(tmp_path / "day", day, BEGIN)
    world.work(7 * DAY)
    assert names(world) == ["2026-11-29T06:00:00+00:00", "2026-11-30T06:00:00+00:00"]
    world.end()


def test_a_changed_schedule_begins_now(tmp_path: Path) -> None:
    world = TimerWorld(tmp_path, TimerSchedule(times=(time(6),), timezone="UTC"), BEGIN)
    world.work(DAY)
    world.trigger = make_trigger(tmp_path, collection="", path="/", every=QUARTER)
    world.be_away(HOUR)
    world.work(timedelta(minutes=20))
    assert names(world) == ["2026-11-29T06:00:00+00:00", "2026-11-29T13:15:00+00:00"]
    world.end()


def test_a_timer_that_is_paused_catches_up_once(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    world = TimerWorld(tmp_path, QUARTER, BEGIN)
    world.work(HOUR)
    pause_triggers(ledger, [world.trigger.name])
    world.work(3 * DAY)
    assert len(world.started) == 4
    resume_triggers(ledger, [world.trigger.name])
    world.work(timedelta(minutes=1))
    assert len(world.started) == 5
    replay_arrivals(ledger, [1])
    world.work(timedelta(minutes=1))
    assert [(one.name, one.generation) for one in (world.started[0], world.started[-1])] == [
        ("2026-11-28T12:15:00+00:00", 1),
        ("2026-11-28T12:15:00+00:00", 2),
    ]
    assert world.started[-1].texts == world.started[0].texts
    world.end()


def test_a_watch_with_real_clocks_starts_runs(tmp_path: Path) -> None:
    every = TimerSchedule(interval=timedelta(seconds=1), timezone="UTC", stop_after=3)
    trigger = make_trigger(tmp_path, collection="", path="/", every=every)
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Started, 3)
        watch.wait_for(TimerSet, 2)
    assert len(client.runs) == 3
    assert watch.of(TimerSet)[-1].upcoming == ""


@pytest.mark.parametrize("days", [20, pytest.param(365, marks=pytest.mark.slow)])
def test_ticks_with_kills_and_clocks_set_for_summer_and_winter(tmp_path: Path, days: int) -> None:
    """One run for each of 35,040 ticks of a year, and nothing grows but with them."""
    memory = Path("/dev/shm")
    place = tmp_path
    if os.access(memory, os.W_OK):
        place = memory / f"headrace-year-{os.getpid()}"
        place.mkdir()
    schedule = TimerSchedule(interval=timedelta(minutes=15), timezone="Europe/Zurich")
    process = psutil.Process()
    try:
        begin = datetime(2027, 3, 14, 12, 7, tzinfo=UTC)
        world = TimerWorld(place, schedule, begin, kill_chance=0.002, poll=900.0)
        sizes = []
        for _ in range(4):
            world.work(timedelta(days=days) / 4)
            gc.collect()
            ledger = sum(file.stat().st_size for file in place.glob("ledger.db"))
            queued = len(world.source.queue._heap)
            sizes.append((len(world.started), process.num_fds(), queued, ledger))
        world.end()
        expected = set()
        tick = schedule.next_after(begin)
        while tick is not None and tick <= begin + timedelta(days=days):
            expected.add(schedule.path(tick).partition("/")[2])
            tick = schedule.next_after(tick)
        assert set(world.runs) == expected
        assert set(world.runs.values()) == {1}
        assert len(expected) == days * 96
        assert world.kills > days // 2
        records = read_ledger(place / "ledger.db")
        assert len(records) == len(expected)
        assert {record.state for record in records} == {"started"}
        assert [record.identity.born for record in records] == list(range(1, len(records) + 1))
        assert len({descriptors for _, descriptors, _, _ in sizes}) == 1
        assert max(queued for _, _, queued, _ in sizes) < 10
        first, last = sizes[0], sizes[-1]
        assert last[3] / last[0] < 1.5 * first[3] / first[0], "bytes for each arrival"
    finally:
        if place != tmp_path:
            for file in place.rglob("*"):
                if file.is_file():
                    file.unlink()
            for directory in sorted(place.rglob("*"), reverse=True):
                directory.rmdir()
            place.rmdir()
