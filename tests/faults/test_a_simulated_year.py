"""A watch and its notifications for a year of simulated time: each once, and nothing grows.

Beside the timers' own year (`tests/triggers/test_timers.py`, with kills at any moment and clocks
that are set) this one has all parts at work together: what grows here grows with the arrivals only.
"""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.notifications import send as sending
from headrace.triggers import read_ledger
from tests.support.growth import Sizes, directory_in_memory
from tests.support.simulated_year import ATTEMPTS, DAY, SimulatedYear

QUARTER_HOUR, DAYS = timedelta(minutes=15), timedelta(days=1)
# Bytes by which memory may differ: there are more messages on one day than on another.
MEMORY = 300_000
SPRING, AUTUMN = "2027-03-28", "2027-10-31"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory for a year of transactions."""
    with directory_in_memory(tmp_path) as found:
        yield found


def simulate(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    begin: datetime,
    days: int,
    *,
    per_day: int,
    interval: timedelta = QUARTER_HOUR,
    outages: tuple[tuple[float, float], ...] = (),
) -> tuple[SimulatedYear, list[Sizes]]:
    """Let time pass; the world at its end, and the sizes at each quarter of it."""
    place.mkdir(exist_ok=True)
    world = SimulatedYear(place, begin, per_day=per_day, interval=interval)
    world.outages = [(world.began + a * DAY, world.began + b * DAY) for a, b in outages]
    sizes = []
    # What is set for one world does not keep it beyond its end.
    with monkeypatch.context() as patch:
        patch.setattr(sending, "notification_channels", lambda: {"one": world.channel})
        for _ in range(4):
            world.work(timedelta(days=days) / 4)
            sizes.append(world.sizes())
    return world, sizes


def ticks(world: SimulatedYear) -> set[str]:
    """The names of the ticks that were due."""
    found, last = set(), datetime.fromtimestamp(world.now, UTC)
    tick = world.every.next_after(datetime.fromtimestamp(world.began, UTC))
    while tick is not None and tick < last:
        found.add(world.every.path(tick).partition("/")[2])
        tick = world.every.next_after(tick)
    return found


def check_runs(world: SimulatedYear) -> None:
    """Each tick and each file had its run, failed ones as many as they may have."""
    assert world.runs["every"] == Counter(ticks(world))
    nightly = world.runs["nightly"]
    days = Counter(name.partition("T")[0] for name in nightly)
    assert set(days.values()) | set(nightly.values()) == {1}
    assert len(days) == round((world.now - world.began) / DAY)
    by_day = Counter(name.partition("T")[0] for name in world.runs["every"])
    hour = int(timedelta(hours=1) / (world.every.interval or DAYS))
    for day, hours, nightly_time in (
        (SPRING, 23, f"{SPRING}T03:30:00+02:00"),
        (AUTUMN, 25, f"{AUTUMN}T02:30:00+02:00"),
    ):
        if day in by_day:
            assert by_day[day] == hours * hour
            assert nightly_time in nightly
    files = world.runs["files"]
    arrived = {record.path.rpartition("/")[2] for record in read_ledger(world.state / "ledger.db")}
    assert arrived >= {f"file{number}" for number in range(1, world.files)}
    for name, runs in files.items():
        expected = next(
            (n for n in range(1, ATTEMPTS) if not world.fails(f"files/{name}", n)), ATTEMPTS
        )
        assert runs <= expected, name
    late = [name for name in files if int(name[4:]) < world.files - 20]
    assert all(files[name] == ATTEMPTS for name in late if world.fails(f"files/{name}", 1))
    assert len(late) >= world.files - 21


def check_notifications(world: SimulatedYear) -> None:
    """Each was told once, alone or within a digest, or given up after a week, and none twice."""
    assert world.channel.faults == []
    waiting = world.waiting
    assert world.channel.told + world.given_up + waiting == world.added
    assert waiting < 30
    assert world.failures > world.files / 5
    assert world.channel.digests >= 3
    assert world.channel.urgent > 0


def check_sizes(sizes: list[Sizes]) -> None:
    """What is there after the first quarter stays; only what is on disk grows, with arrivals."""
    for name in ("descriptors", "threads"):
        assert len({getattr(one, name) for one in sizes}) == 1, name
    first, last = sizes[0], sizes[-1]
    assert last.memory - first.memory < MEMORY
    assert last.objects - first.objects < 1_000
    assert max(one.queued for one in sizes) < 100
    assert last.ledger / last.arrivals < 1.2 * first.ledger / first.arrivals


@pytest.fixture
def traced() -> Iterator[None]:
    """Count the memory of Python's objects."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_weeks_in_which_clocks_are_set_for_summer_or_winter(
    place: Path, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    begin = datetime.fromisoformat(f"{day}T00:07:00+00:00") - 2 * DAYS
    world, sizes = simulate(place, monkeypatch, begin, 5, per_day=6, outages=((3.4, 4.3),))
    world.close()
    check_runs(world)
    check_notifications(world)
    assert world.given_up == 0
    check_sizes(sizes)


@pytest.mark.slow
@pytest.mark.usefixtures("traced")
def test_a_year_grows_with_its_arrivals_only(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A year of few arrivals beside two months of many; the channel is down for days."""
    begin = datetime(2027, 1, 1, 0, 7, tzinfo=UTC)
    outages = ((40.3, 43.1), (200.4, 210.6))
    ends = []
    for name, days, per_day, interval in (
        ("few", 365, 2, timedelta(hours=1)),
        ("many", 60, 10, timedelta(minutes=15)),
    ):
        world, sizes = simulate(
            *(place / name, monkeypatch, begin, days),
            per_day=per_day,
            interval=interval,
            outages=outages,
        )
        world.close()
        check_runs(world)
        check_notifications(world)
        check_sizes(sizes)
        if days == 365:
            # What waited for more than a week.
            assert world.given_up > 0
            # Its records are kept for 90 days: what is there after half a year is there after one.
            assert sizes[3].outbox <= 1.1 * sizes[1].outbox
        ends.append(sizes[-1])
        # Or it would be measured with the next.
        del world
    few, many = ends
    assert many.arrivals / 60 > 3 * few.arrivals / 365
    assert abs(many.memory - few.memory) < MEMORY
    assert many.descriptors == few.descriptors
    assert many.threads == few.threads
    assert many.ledger / many.arrivals < 1.2 * few.ledger / few.arrivals
