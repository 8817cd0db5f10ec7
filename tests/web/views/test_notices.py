"""Notices that were put away come back when they say something else."""

from __future__ import annotations

import pytest

from headrace.project_status.verdict import Finding
from headrace.web.views.notices import Notices, notice_key


def lost(text: str) -> Finding:
    return Finding("look", "runs", text)


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        ("12 runs failed in the last day", "12 runs failed in the last day", True),
        ("12 runs failed in the last day", "13 runs failed in the last day", False),
        ("the web is dead, heard of 3:20 ago", "the web is dead, heard of 1:03:21 ago", True),
        ("data: 3.1 GB free, 6.0 % left", "data: 2.9 GB free, 5.7 % left", True),
        ("data: 9.9 GB free", "data: 0 B free", False),
        ("data: 9.9 GB free", "data: 900 MB free", False),
        (
            "the web is dead, heard of 23:59:00 ago",
            "the web is dead, heard of 1 d 00:01:00 ago",
            True,
        ),
        ("data: 3.1 GB free", "scratch: 3.1 GB free", False),
        ("late since 2026-11-29T10:00:01+00:00", "late since 2026-11-29T10:00:31+00:00", True),
    ],
)
def test_counts_are_news_and_times_are_not(before: str, after: str, is_same: bool) -> None:
    assert (notice_key(lost(before)) == notice_key(lost(after))) is is_same


@pytest.mark.parametrize("part", ["1", "1.", "1,", "1:11", "1 d ", "2026-01-01"])
def test_numbers_of_many_digits_hold_nothing_up(part: str) -> None:
    # Looked at from each of its digits, such a number would take hours.
    many = part * 200_000
    assert notice_key(lost(f"{many} runs failed")) != notice_key(lost(f"{many}7 runs were lost"))


def test_a_size_beyond_all_measure_is_a_text() -> None:
    assert notice_key(lost(f"{'9' * 400} B free")) != notice_key(lost(f"{'8' * 400} B free"))


def test_a_question_of_another_run_is_news() -> None:
    first, second = (
        Finding("act", "waiting", f"scan {time} waits for you", f"headrace web-input {run}")
        for time, run in (("2026-11-29T01:02", "a"), ("2026-11-30T04:05", "b"))
    )
    assert notice_key(first) != notice_key(second)


def test_a_graver_word_is_news() -> None:
    assert notice_key(Finding("act", "runs", "1 asks")) != notice_key(lost("1 asks"))


def test_what_is_left_says_how_things_stand() -> None:
    grave, small = Finding("act", "endpoints", "one is down"), lost("2 runs failed")
    every = Notices.of([grave, small], frozenset())
    assert (every.word, every.dismissed) == ("act", 0)
    rest = Notices.of([grave, small], {notice_key(grave)})
    assert (rest.word, rest.shown, rest.dismissed) == ("look", (small,), 1)
    assert Notices.of([small], {notice_key(small)}).word == "well"
