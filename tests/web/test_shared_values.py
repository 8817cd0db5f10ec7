"""Values that many requests show are read once for all of them."""

from __future__ import annotations

import threading

import pytest

from headrace.web.shared_values import SharedValues


def test_a_value_is_read_again_when_it_is_too_old() -> None:
    now = 0.0
    shared = SharedValues(lambda: now)
    asked: list[int | None] = []

    def read(before: int | None) -> int:
        asked.append(before)
        return len(asked)

    assert [shared.get("a", 2.0, read) for _ in range(3)] == [1, 1, 1]
    now = 2.5
    assert shared.get("a", 2.0, read) == 2
    assert asked == [None, 1]
    assert shared.get("b", 2.0, lambda before: 7) == 7


def test_what_fails_is_kept_by_nobody() -> None:
    shared = SharedValues(lambda: 0.0)

    def fail(before: object) -> int:
        raise LookupError("gone")

    with pytest.raises(LookupError):
        shared.get("a", 2.0, fail)
    assert shared.get("a", 2.0, lambda before: 1) == 1


def test_many_threads_have_it_read_once() -> None:
    shared = SharedValues(lambda: 0.0)
    reads: list[int] = []
    begin = threading.Barrier(8)

    def ask() -> None:
        begin.wait()
        shared.get("a", 2.0, lambda before: reads.append(1) or 1)  # type: ignore[func-returns-value]

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reads) == 1
