from __future__ import annotations

from headrace._internal.backoff import backoff_seconds


def test_pauses_double_up_to_the_longest() -> None:
    assert [backoff_seconds(number, 0.5, 3.0) for number in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_any_number_of_failures_is_taken() -> None:
    assert backoff_seconds(1_000_000, 0.5, 60.0) == 60.0
