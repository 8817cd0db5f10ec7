"""A project's watch and its notifications in simulated time: a year of them passes in minutes.

The real sources, launcher, followers, ledger, outbox and sender work; only time, the workers, the
runs' service and the channel are simulated. What the world itself has to remember lies in files, so
that memory that grows is that of the real parts.
"""

from __future__ import annotations

import gc
import heapq
import itertools
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import psutil

from headrace.notifications import Notification
from headrace.notifications.outbox import Outbox
from headrace.notifications.sender import NotificationSender
from headrace.runs.run_outcomes import RunOutcome
from headrace.triggers import Arrival, Ledger, Trigger
from headrace.triggers.directory_watcher import DirectoryWatcher
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.run_follower import RunFollower
from headrace.triggers.tables.afterwards import AfterwardsTable
from headrace.triggers.tables.failure import FailureTable
from headrace.triggers.tables.limits import LimitsTable
from headrace.triggers.timer_schedule import TimerSchedule
from headrace.triggers.timer_source import TimerSource
from tests.support.growth import Sizes, traced_memory
from tests.support.quiet_channel import PER_HOUR, CountingChannel, is_quiet
from tests.support.triggers.interrupted_ledger import ImmediateWorkers
from tests.support.triggers.trigger_watch import make_trigger

OPEN_RUNS, STARTS_PER_HOUR, ATTEMPTS = 3, 20, 3
SETTINGS = {
    "one": "x",
    "quiet_hours": ["22:00-07:00"],
    "timezone": "Europe/Zurich",
    "per_hour": PER_HOUR,
}
HOUR, DAY = 3600.0, 86_400.0
_POLL = 900.0
_RUN_SECONDS = 400.0
_CAUSES = ("the node was lost", "walltime", "no space left on device")
_SCHEMA = """CREATE TABLE runs (id TEXT PRIMARY KEY, tag TEXT UNIQUE, name TEXT, status TEXT,
 cause TEXT, retry TEXT)"""


class SimulatedYear:
    """A world with two timers, a watched directory, and people who are told.

    Attributes:
        now: the time, in seconds since the epoch.
        added: how many notifications were added, besides repetitions.
        waiting: how many wait at the end.
        runs: at the end, how many runs there were, by trigger and arrival.
        outages: when the channel is down, as pairs of moments.

    Args:
        place: an empty directory.
        begin: the time at first.
        per_day: files that arrive in a day.
        interval: time between two ticks of the first timer.
    """

    def __init__(self, place: Path, begin: datetime, *, per_day: int, interval: timedelta) -> None:
        self.place, self.state = place, place / "state"
        self.now = self.began = begin.timestamp()
        self.per_day = per_day
        self.added = self.failures = self.files = self.given_up = 0
        self.outages: list[tuple[float, float]] = []
        self.channel = CountingChannel(lambda: self.now)
        self._random = random.Random(7)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self.every = TimerSchedule(interval=interval, timezone="Europe/Zurich")
        self.nightly = TimerSchedule(times=(time(2, 30),), timezone="Europe/Zurich")
        self.timers: list[Trigger] = [
            make_trigger(place, name=name, collection="", path="/", every=schedule, interval=_POLL)
            for name, schedule in (("every", self.every), ("nightly", self.nightly))
        ]
        self.watched = make_trigger(
            place,
            name="files",
            what="file",
            observer="poll",
            interval=_POLL,
            existing="run",
            limits=LimitsTable(
                open_runs=OPEN_RUNS,
                starts_per_hour=STARTS_PER_HOUR,
                quiet_hours=("22:00-06:00",),
                timezone="Europe/Zurich",
            ),
            failure=FailureTable(attempts=ATTEMPTS, backoff=60.0),
            afterwards=AfterwardsTable(move="/done/"),
        )
        self._service = sqlite3.connect(place / "service.db", isolation_level=None)
        self._service.execute("PRAGMA synchronous = OFF")
        self._service.execute(_SCHEMA)
        self.begin()
        self._at(self.now, self._begin_day)
        self._at(self.now, self._send)

    # -- the watch

    def begin(self) -> None:
        """Begin to watch and to send."""
        moment = lambda: datetime.fromtimestamp(self.now, UTC)  # noqa: E731
        clock, heard = (lambda: self.now), (lambda event: None)
        self.ledger = Ledger(self.state / "ledger.db", now=moment, shared=True)
        launcher = RunLauncher(
            *(self.ledger, self, heard),
            initial_delay=1.0,
            maximum_delay=60.0,
            now=moment,
            service=self,
        )
        sources: list[TimerSource | DirectoryWatcher] = [
            TimerSource(
                *(one, one.every, self.ledger, launcher, ImmediateWorkers(), heard, clock)  # type: ignore[arg-type]
            )
            for one in self.timers
        ]
        sources.append(
            DirectoryWatcher(
                *(self.watched, self.ledger, launcher, ImmediateWorkers(), heard),
                lambda name, change: None,
                clock,
            )
        )
        self.sources = sources
        self.follower = RunFollower(self.watched, self.ledger, self, heard, clock)
        self.outbox = Outbox(self.state / "notifications.db")
        mark = self.outbox.mark

        def counted(
            channel: str, numbers: Sequence[int], state: str, now: float, error: str = ""
        ) -> None:
            self.given_up += len(numbers) if state == "given up" else 0
            mark(channel, numbers, state, now, error)

        self.outbox.mark = counted  # type: ignore[method-assign]
        # No two notifications are sent at the same moment.
        sending = lambda: self.now + 1e-6 * next(self._count)  # noqa: E731
        self.sender = NotificationSender(self.outbox, "p", lambda: SETTINGS, heard, sending)

    def end(self) -> None:
        """End the watch, as a kill does: nothing is waited for."""
        for source in self.sources:
            source.close()
        self.ledger.close()
        self.sender.stop()
        self.outbox.close()

    def close(self) -> None:
        """End everything."""
        self.waiting = self.outbox.count_waiting()
        self.runs = {kind: self._names(kind) for kind in ("every", "nightly", "files")}
        self.end()
        self._service.close()

    def work(self, span: timedelta) -> None:
        """Watch for so long; the watch is begun anew every few days."""
        end = self.now + span.total_seconds()
        while True:
            times = [source.queue.next_time for source in self.sources]
            due, which = min(
                (when, number) for number, when in enumerate(times) if when is not None
            )
            if self._events and self._events[0][0] <= due:
                due, which = self._events[0][0], -1
            if due >= end:
                break
            self.now = max(self.now, due)
            if which < 0:
                heapq.heappop(self._events)[2]()
                continue
            task = self.sources[which].queue.pop_due(self.now)
            if task is not None:
                self.sources[which].run_task(task)
        self.now = max(self.now, end)

    def sizes(self) -> Sizes:
        """Measure what could grow."""
        gc.collect()
        process = psutil.Process()
        return Sizes(
            arrivals=self.number_of_runs(),
            memory=traced_memory(),
            resident=process.memory_info().rss,
            objects=sum(
                str(getattr(type(one), "__module__", "")).startswith("headrace")
                for one in gc.get_objects()
            ),
            descriptors=process.num_fds(),
            threads=threading.active_count(),
            ledger=(self.state / "ledger.db").stat().st_size,
            outbox=sum(file.stat().st_size for file in self.state.glob("notifications.db")),
            queued=sum(len(source.queue._heap) for source in self.sources),
        )

    # -- what happens

    def _at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._count), what))

    def _begin_day(self) -> None:
        chance, day = self._random, int((self.now - self.began) // DAY)
        self._at(self.now + DAY, self._begin_day)
        for file in (self.place / "done").glob("*"):
            file.unlink()
        for _ in range(self.per_day):
            self._at(self.now + chance.uniform(0.0, DAY), self._put)
        if day % 5 == 2:
            self._at(self.now + chance.uniform(0.0, DAY), self._begin_anew)
        if day % 14 == 2:
            self._storm(self.now + 12 * HOUR)
        if day % 14 == 3:
            for _ in range(8):
                self._at(self.now + 11 * HOUR, self._put)
        down = any(begin <= self.now + 3 * HOUR < end + 2 * HOUR for begin, end in self.outages)
        if day % 9 == 1 and not down:
            self._at(self.now + 3 * HOUR, self._tell_urgently)

    def _storm(self, begin: float) -> None:
        """An endpoint goes down again and again, and much is told of in an hour."""
        for number in range(12):
            # Within an hour the same is told once.
            is_told = number % 4 == 0
            self._at(begin + 1200.0 * number, lambda told=is_told: self._tell_of_the_endpoint(told))  # type: ignore[misc]
        for number in range(100):
            self._at(begin + 12.0 * number, self._tell_of_a_stage)

    def _begin_anew(self) -> None:
        self.end()
        self.now += self._random.uniform(1.0, 30.0)
        self.begin()

    def _put(self) -> None:
        self.files += 1
        (self.watched.directory / f"file{self.files}").write_text("data")

    def _tell(self, subject: str, severity: str = "info", **more: str) -> None:
        self.added += 1
        message = Notification(subject, f"{subject}: so it is", severity, time=self.now)  # type: ignore[arg-type]
        self.outbox.add(message, self.now, **more)
        self._at(self.now + 1.0, self.sender_is_called)

    def _tell_urgently(self) -> None:
        self._tell(f"a disk is nearly full, {self.now:.0f}", "urgent")

    def _tell_of_the_endpoint(self, is_told: bool) -> None:
        self._tell("an endpoint is down", "warning")
        self.added -= not is_told

    def _tell_of_a_stage(self) -> None:
        self._tell(f"launched stage {self.now:.0f}")

    def sender_is_called(self) -> None:
        """The sender is woken, as by whoever adds something."""
        down = any(begin <= self.now < end for begin, end in self.outages)
        self.channel.error = "notify.one: away" if down else ""
        self.sender.send_due()

    def _send(self) -> None:
        self.sender_is_called()
        self._at(self.now + 300.0, self._send)

    # -- the runs' service

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        if trigger is self.watched:
            assert not is_quiet(self.now, 22, 6), "a start in quiet hours"
            assert (arrival.location).exists()
        return self._begin_run(f"run of {tag}", tag, f"{trigger.name}/{arrival.name}", 1)

    def find(self, tag: str, since: datetime) -> str | None:
        found = self._service.execute("SELECT id FROM runs WHERE tag = ?", (tag,)).fetchone()
        return found[0] if found else None

    def outcomes(self, run_ids: Sequence[str]) -> Mapping[str, RunOutcome]:
        rows = self._service.execute(
            "SELECT id, status, cause FROM runs WHERE status <> ''"
            f" AND id IN ({', '.join('?' * len(run_ids))})",
            tuple(run_ids),
        )
        return {row[0]: RunOutcome(row[1], row[2]) for row in rows}

    def find_retry(self, run_id: str) -> str | None:
        row = self._service.execute("SELECT retry FROM runs WHERE id = ?", (run_id,)).fetchone()
        return row[0]

    def retry(self, run_id: str, tag: str) -> str:
        assert not is_quiet(self.now, 22, 6), "a start in quiet hours"
        status, name, retry = self._service.execute(
            "SELECT status, name, retry FROM runs WHERE id = ?", (run_id,)
        ).fetchone()
        assert (status, retry) == ("FAILED", None)
        number = 2 + run_id.count("retry of")
        self._service.execute(
            "UPDATE runs SET retry = ? WHERE id = ?", (f"retry of {run_id}", run_id)
        )
        return self._begin_run(f"retry of {run_id}", None, name, number)

    def _begin_run(self, run_id: str, tag: str | None, name: str, number: int) -> str:
        self._service.execute(
            "INSERT INTO runs VALUES (?, ?, ?, '', '', NULL)", (run_id, tag, name)
        )
        if name.startswith("files/"):
            (count,) = self._service.execute(
                "SELECT count(*) FROM runs WHERE status = '' AND name LIKE 'files/%'"
            ).fetchone()
            assert count <= OPEN_RUNS, "more open runs than the limit"
        self._at(self.now + _RUN_SECONDS, lambda: self._end_run(run_id, name, number))
        return run_id

    def fails(self, name: str, number: int) -> bool:
        """Tell whether a run fails: each seventh file fails twice, each 31st always."""
        kind, _, what = name.partition("/")
        if kind != "files":
            return kind == "nightly" and "-15T" in what
        count = int(what.removeprefix("file"))
        return count % 31 == 0 or (count % 7 == 0 and number < ATTEMPTS)

    def _end_run(self, run_id: str, name: str, number: int) -> None:
        failed = self.fails(name, number)
        cause = _CAUSES[hash_of(name) % len(_CAUSES)] if failed else ""
        status = "FAILED" if failed else "SUCCEEDED"
        self._service.execute(
            "UPDATE runs SET status = ?, cause = ? WHERE id = ?", (status, cause, run_id)
        )
        if failed:
            self.failures += 1
            self._tell(
                f"{name}, run {number}: FAILED",
                "error",
                source=f"{run_id}/FAILED",
                topic=f"{{count}} runs failed: {cause}",
                label=name,
            )
        if name.startswith("files/"):
            self.follower.poll()
            if failed and number == ATTEMPTS:
                file = self.watched.directory / name.partition("/")[2]
                self._at(self.now + 2 * DAY, file.unlink)

    def number_of_runs(self) -> int:
        """Count the runs, those that take up others too."""
        return int(self._service.execute("SELECT count(*) FROM runs").fetchone()[0])

    def _names(self, trigger: str) -> Counter[str]:
        rows = self._service.execute("SELECT name FROM runs WHERE name LIKE ?", (f"{trigger}/%",))
        return Counter(row[0].partition("/")[2] for row in rows)


def hash_of(name: str) -> int:
    """Return a number that is the same in each process."""
    return sum(name.encode())
