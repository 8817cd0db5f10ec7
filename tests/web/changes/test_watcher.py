"""Runs are followed by one thread; what it cannot follow is said, and asked for again."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from headrace.config import ProjectError
from headrace.errors import HeadraceError
from headrace.runs.change_records import ChangedRun, ChangedWebInput, Changes, Silence
from headrace.web.changes.broadcast import Broadcast, Stream
from headrace.web.changes.local_files import LocalChanges
from headrace.web.changes.watcher import ChangeWatcher
from tests.support.waiting import wait_until


class ScriptedFollower:
    """Gives what a test puts into it, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: queue.Queue[Changes | Exception] = queue.Queue()
        self.asked: list[int] = []
        self.named: list[Collection[str] | None] = []

    def wait(self, since: int, seconds: float, run_ids: Collection[str] | None = None) -> Changes:
        self.asked.append(since)
        self.named.append(run_ids)
        answer = self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stop(self) -> None:
        self.answers.put(HeadraceError("the end"))


def changed(run: str) -> ChangedRun:
    return ChangedRun(run, "f", "ACTIVE")


def no_project() -> object:
    raise ProjectError("there is none")


@pytest.fixture
def follower() -> Iterator[ScriptedFollower]:
    follower = ScriptedFollower()
    yield follower
    follower.answers.put(HeadraceError("the end"))


async def until(stream: Stream, condition: object) -> None:
    async with asyncio.timeout(60):
        while not condition():  # type: ignore[operator]
            with suppress(TimeoutError):
                await asyncio.wait_for(stream.wake.wait(), 0.1)
            stream.wake.clear()


def test_runs_are_followed_through_a_fault(follower: ScriptedFollower) -> None:
    async def act() -> None:
        broadcast = Broadcast()
        local = LocalChanges(no_project, "local")  # type: ignore[arg-type]
        watcher = ChangeWatcher(broadcast, local, lambda: follower, lambda: {1}, "local")
        stream = broadcast.open(1, frozenset({"runs", "run:a", "facility"}))
        watcher.start()
        follower.answers.put(Changes(40))
        await until(stream, lambda: stream.is_reload)
        stream.is_reload = False
        follower.answers.put(Changes(41, runs=(changed("a"), changed("b"))))
        await until(stream, lambda: stream.changed == {"runs", "run:a"})
        stream.changed = set()
        stream.is_beat = False
        silence = Silence(datetime(2026, 11, 29, tzinfo=UTC), "no facility is running")
        follower.answers.put(Changes(41, silence=silence))
        await until(stream, lambda: stream.is_beat and stream.changed == {"facility"})
        assert watcher.problem == "no facility is running"
        follower.answers.put(Changes(45, complete=False))
        await until(stream, lambda: stream.is_reload)
        assert watcher.problem == ""
        assert broadcast.id(0).startswith("45.")
        assert follower.asked[:4] == [0, 40, 41, 41], "a fault loses no change"
        stream.is_reload = False
        follower.answers.put(
            Changes(46, web_inputs=(ChangedWebInput("q", "a", "open"),), flow_ids=("f",))
        )
        await until(stream, lambda: stream.changed == {"runs", "run:a", "facility"})
        assert broadcast.last_change(["flows"]) == broadcast.last_change(["web_inputs"])
        follower.answers.put(ProjectError("a fault"))
        await until(stream, lambda: watcher.problem == "a fault")
        watcher.close()
        await until(stream, lambda: stream.is_over)

    asyncio.run(act())


def test_changes_name_the_runs_of_open_pages_and_count_others_as_changed(
    follower: ScriptedFollower,
) -> None:
    async def act() -> None:
        broadcast = Broadcast()
        local = LocalChanges(no_project, "local")  # type: ignore[arg-type]
        watcher = ChangeWatcher(broadcast, local, lambda: follower, lambda: {1}, "local")
        first = broadcast.open(1, frozenset({"runs", "run:a", "run:b,c"}))
        watcher.start()
        follower.answers.put(Changes(40))
        await until(first, lambda: len(follower.named) == 2)
        assert follower.named[1] == {"a"}
        # Opened while the question without it is on its way.
        second = broadcast.open(1, frozenset({"run:d"}))
        first.is_reload, first.changed = False, set()
        follower.answers.put(Changes(41, other_runs=True))
        await until(second, lambda: second.changed == {"run:d"})
        await until(first, lambda: first.changed == {"runs"})
        await until(first, lambda: len(follower.named) == 3)
        assert follower.named[2] == {"a", "d"}
        watcher.close()

    asyncio.run(act())


def test_services_that_do_not_answer_are_a_problem(follower: ScriptedFollower) -> None:
    async def act() -> None:
        moment = [100.0]
        broadcast = Broadcast()
        local = LocalChanges(no_project, "local")  # type: ignore[arg-type]
        watcher = ChangeWatcher(
            *(broadcast, local, lambda: follower, lambda: {1}, "local"), clock=lambda: moment[0]
        )
        stream = broadcast.open(1, frozenset({"runs"}))
        watcher.start()
        follower.answers.put(Changes(1))
        await until(stream, lambda: stream.is_reload)
        assert watcher.problem == ""
        moment[0] += 5
        assert watcher.problem == "no answer for 5 s"
        watcher.close()

    asyncio.run(act())


def test_a_pause_for_the_pace_is_no_silence(
    follower: ScriptedFollower, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act() -> None:
        moment = [100.0]
        broadcast = Broadcast()
        paused = threading.Event()

        def pause() -> float:
            if threading.current_thread().name == "changes of runs":
                moment[0] += 3.0
                paused.set()
            return 0.0

        monkeypatch.setattr(broadcast.pace, "seconds_left", pause)
        local = LocalChanges(no_project, "local")  # type: ignore[arg-type]
        watcher = ChangeWatcher(
            *(broadcast, local, lambda: follower, lambda: {1}, "local"), clock=lambda: moment[0]
        )
        broadcast.open(1, frozenset({"runs"}))
        watcher.start()
        follower.answers.put(Changes(1))
        follower.answers.put(Changes(2, runs=(changed("a"),)))
        await asyncio.to_thread(paused.wait, 60)
        await asyncio.to_thread(wait_until, lambda: len(follower.asked) == 3, "the next question")
        moment[0] += 1.0
        assert watcher.problem == ""
        watcher.close()

    asyncio.run(act())


def test_a_problem_of_a_time_when_nobody_looked_is_not_told_later(
    follower: ScriptedFollower,
) -> None:
    async def act() -> None:
        broadcast = Broadcast()
        local = LocalChanges(no_project, "local")  # type: ignore[arg-type]
        watcher = ChangeWatcher(broadcast, local, lambda: follower, lambda: {1}, "local")
        stream = broadcast.open(1, frozenset({"runs"}))
        watcher.start()
        follower.answers.put(Changes(1))
        await until(stream, lambda: stream.is_reload)
        follower.answers.put(
            Changes(1, silence=Silence(datetime(2026, 11, 29, tzinfo=UTC), "it is down"))
        )
        await until(stream, lambda: watcher.problem == "it is down")
        broadcast.leave(stream)
        follower.answers.put(
            Changes(1, silence=Silence(datetime(2026, 11, 29, tzinfo=UTC), "it is down"))
        )
        await asyncio.to_thread(wait_until, lambda: watcher.problem == "", "nobody to tell")
        watcher.close()

    asyncio.run(act())
