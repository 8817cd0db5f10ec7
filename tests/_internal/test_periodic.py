"""Work that is run every few seconds, whatever it raises; no test waits for a clock."""

from __future__ import annotations

import threading

from headrace._internal.periodic import PeriodicWork


class Pauses:
    """Stands in the place of waiting: counts the pauses, and stops the work after some."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.seconds: list[float] = []

    def __call__(self, seconds: float) -> bool:
        self.seconds.append(seconds)
        return len(self.seconds) > self.number


def test_work_that_raises_is_done_again() -> None:
    faults: list[Exception] = [RuntimeError("not foreseen"), OSError("no answer")]
    raised, expected = [], [*reversed(faults)]
    done = []

    def work() -> None:
        if faults:
            raise faults.pop()
        done.append(1)

    PeriodicWork(work, 2.0, raised.append, wait=Pauses(4)).run()
    assert raised == expected
    assert done == [1, 1]


def test_there_is_a_pause_before_each_time() -> None:
    pauses = Pauses(3)
    PeriodicWork(lambda: None, 2.0, lambda error: None, wait=pauses).run()
    assert pauses.seconds == [2.0] * 4


def test_work_may_say_when_it_is_due_again() -> None:
    due = [60.0, None, 30.0]
    pauses = Pauses(3)
    PeriodicWork(lambda: due.pop(), 2.0, lambda error: None, wait=pauses).run()
    assert pauses.seconds == [2.0, 30.0, 2.0, 60.0]


def test_after_a_fault_the_pause_is_the_usual_one() -> None:
    def work() -> float:
        if len(pauses.seconds) == 1:
            return 60.0
        raise OSError("no answer")

    pauses = Pauses(3)
    PeriodicWork(work, 2.0, lambda error: None, wait=pauses).run()
    assert pauses.seconds == [2.0, 60.0, 2.0, 2.0]


def test_a_thread_ends_when_it_is_stopped() -> None:
    working = threading.Event()
    threads: list[threading.Thread] = []

    def work() -> None:
        threads.append(threading.current_thread())
        working.set()

    periodic = PeriodicWork(work, 0.001, lambda error: None, name="tested")
    periodic.start()
    assert working.wait(120)
    periodic.stop(None)
    assert threads[0].name == "tested"
    assert not threads[0].is_alive()


def test_work_may_stop_itself_and_work_that_never_started_is_stopped_too() -> None:
    raised: list[Exception] = []
    periodic = PeriodicWork(lambda: periodic.stop(None), 0.0, raised.append)
    periodic.start()
    periodic._thread.join(120)
    assert not periodic._thread.is_alive()
    assert raised == []
    PeriodicWork(lambda: None, 1.0, raised.append).stop(None)


def test_work_that_is_woken_is_done_at_once() -> None:
    done = threading.Semaphore(0)
    periodic = PeriodicWork(done.release, 3600.0, lambda error: None)
    periodic.start()
    for _ in range(2):
        periodic.wake()
        assert done.acquire(timeout=120)
    periodic.stop(None)
