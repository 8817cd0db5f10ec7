"""A value that takes long to read is read by a thread of its own while anybody looks at it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from headrace.web.changes.broadcast import Broadcast
from headrace.web.current_value import CurrentValue
from tests.support.waiting import wait_until


class Reading:
    """A value whose reading a test holds up; its clock is moved by the test alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.count = 0
        self.error: Exception | None = None
        self.may_end = threading.Event()
        self.may_end.set()
        self.broadcast = Broadcast()
        self.value = CurrentValue(
            self.read, ("runs",), "status", self.broadcast, clock=lambda: self.now
        )

    def read(self) -> int:
        self.count += 1
        number = self.count
        assert self.may_end.wait(30)
        if self.error is not None:
            raise self.error
        return number

    def wait_for_reading(self, number: int) -> None:
        wait_until(lambda: self.count == number, f"reading {number}")


@pytest.fixture
def reading() -> Iterator[Reading]:
    reading = Reading()
    yield reading
    # Its thread ends.
    reading.may_end.set()
    reading.now += 1_000.0


def test_only_the_first_one_waits(reading: Reading) -> None:
    assert reading.value.get() == 1
    reading.may_end.clear()
    reading.now = 3.0
    reading.wait_for_reading(2)
    assert [reading.value.get(), reading.value.get()] == [1, 1]
    reading.may_end.set()
    wait_until(lambda: reading.value.get() == 2, "the second value")


def test_one_that_is_too_old_is_waited_for(reading: Reading) -> None:
    assert reading.value.get() == 1
    reading.now = 100.0
    assert reading.value.get() == 2


def test_nobody_reads_it_when_nobody_has_asked_for_a_while(reading: Reading) -> None:
    before = set(threading.enumerate())
    assert reading.value.get() == 1
    [thread] = set(threading.enumerate()) - before
    reading.now = 16.0
    thread.join(30)
    assert not thread.is_alive()
    assert reading.count == 1


def test_what_was_done_is_in_it_for_whoever_asks_afterwards(reading: Reading) -> None:
    assert reading.value.get() == 1
    reading.may_end.clear()
    reading.now = 3.0
    reading.wait_for_reading(2)
    # The reading has begun, and may not see it.
    reading.now = 3.5
    reading.value.forget()
    reading.may_end.set()
    assert reading.value.get() == 3


def test_its_topic_is_published_when_it_was_read(reading: Reading) -> None:
    before = reading.broadcast.last_change(("status",))
    reading.value.get()
    wait_until(lambda: reading.broadcast.last_change(("status",)) > before, "the topic")


def test_what_reading_raises_is_raised_and_read_again(reading: Reading) -> None:
    reading.error = LookupError("gone")
    with pytest.raises(LookupError, match="gone"):
        reading.value.get()
    reading.error = None
    reading.now = 50.0
    assert reading.value.get() == 2


def test_a_change_has_it_read_before_its_time(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Broadcast, "has_streams", property(lambda self: True))
    assert reading.value.get() == 1
    reading.now = 3.0
    reading.broadcast.publish(("runs",))
    reading.wait_for_reading(2)
    reading.now = 6.0
    assert reading.value.get() == 2
    assert reading.count == 2
