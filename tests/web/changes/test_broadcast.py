"""Topics that change are told to the streams that want them, each once, and after a pause too."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection

import pytest

from headrace.web.changes.broadcast import MOST_STREAMS, Broadcast, Stream, TooManyStreams


def on_loop(act: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(act(), 60)

    asyncio.run(limited())


async def told(stream: Stream) -> set[str]:
    """Return what a stream is told next."""
    while not (stream.changed or stream.is_reload or stream.is_over):
        await stream.wake.wait()
        stream.wake.clear()
    changed, stream.changed = stream.changed, set()
    return changed


def published(broadcast: Broadcast, topics: Collection[str]) -> None:
    """Publish from another thread, as watchers do."""
    thread = threading.Thread(target=broadcast.publish, args=(topics,))
    thread.start()
    thread.join()


def test_a_stream_is_told_of_its_topics_alone() -> None:
    async def act() -> None:
        broadcast = Broadcast()
        runs = broadcast.open(1, frozenset({"runs", "run:a"}))
        other = broadcast.open(2, frozenset({"triggers"}))
        published(broadcast, ["runs", "run:b", "triggers"])
        assert await told(runs) == {"runs"}
        assert await told(other) == {"triggers"}

    on_loop(act)


def test_changes_that_come_quickly_are_told_together() -> None:
    async def act() -> None:
        broadcast = Broadcast()
        stream = broadcast.open(1, frozenset({"runs"}))
        published(broadcast, ["runs"])
        await told(stream)
        for _ in range(1000):
            published(broadcast, ["runs"])
        wakes = 0
        while stream.number < broadcast.number:
            await told(stream)
            wakes += 1
        assert wakes <= 3

    on_loop(act)


def test_who_comes_again_is_told_what_changed_meanwhile() -> None:
    async def act() -> None:
        broadcast = Broadcast()
        topics = frozenset({"runs", "triggers", "campaigns"})
        stream = broadcast.open(1, topics)
        published(broadcast, ["runs"])
        await told(stream)
        last = broadcast.id(stream.number)
        broadcast.leave(stream)
        published(broadcast, ["triggers"])
        again = broadcast.open(1, topics, last)
        assert again.changed == {"triggers"}
        assert not again.is_reload
        # From another process, or from nowhere: all may have changed.
        for unknown in (f"7.{stream.number}.another", "what", "1.2.3.4", "-1"):
            assert broadcast.open(2, topics, unknown).is_reload, unknown

    on_loop(act)


def test_after_a_gap_all_may_have_changed() -> None:
    async def act() -> None:
        broadcast = Broadcast()
        stream = broadcast.open(1, frozenset({"run:a"}))
        before = broadcast.id(broadcast.number)
        broadcast.publish_all(7)
        await told(stream)
        assert stream.is_reload
        assert broadcast.id(stream.number).startswith("7.")
        assert broadcast.open(2, frozenset({"run:a"}), before).changed == {"run:a"}

    on_loop(act)


def test_a_session_has_six_streams_and_its_end_ends_them() -> None:
    async def act() -> None:
        broadcast = Broadcast()
        streams = [broadcast.open(1, frozenset({"runs"})) for _ in range(MOST_STREAMS)]
        with pytest.raises(TooManyStreams):
            broadcast.open(1, frozenset())
        stays = broadcast.open(2, frozenset({"runs"}))
        broadcast.keep_sessions({2})
        for stream in streams:
            await told(stream)
            assert stream.is_over
        assert not stays.is_over
        broadcast.close()
        await told(stays)
        assert stays.is_over
        broadcast.leave(streams[0])
        assert broadcast.open(1, frozenset()).is_over

    on_loop(act)


def test_what_nobody_asks_for_is_not_kept() -> None:
    broadcast = Broadcast()
    for number in range(30_000):
        broadcast.publish([f"run:{number}"])
    assert broadcast.last_change(["run:29999"]) == 30_000
    # One that was forgotten counts as changed: it is asked for once too often, never too seldom.
    assert 0 < broadcast.last_change(["run:1"]) <= 30_000


def test_a_run_that_may_have_changed_before_it_was_followed_is_asked_for() -> None:
    async def act() -> None:
        broadcast = Broadcast()
        page = broadcast.id(broadcast.number)
        published(broadcast, ["runs"])
        # Whatever was made of it until now is no more current.
        before = broadcast.number
        stream = broadcast.open(1, frozenset({"run:a", "triggers"}), page)
        assert await told(stream) == {"run:a"}
        assert broadcast.last_change(["run:a"]) > before
        again = broadcast.open(1, frozenset({"run:a"}), broadcast.id(broadcast.number))
        assert not again.changed

    on_loop(act)
