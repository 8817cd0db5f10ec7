"""What waits in the outbox is sent, once, whatever happens to channels and processes."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import pytest

from headrace.notifications import outbox
from headrace.notifications.outbox import Outbox
from headrace.notifications.sender import NotificationSender
from tests.support.outboxes import START, Bench
from tests.support.waiting import wait_until


def test_it_is_sent_once_with_the_projects_name(bench: Bench) -> None:
    bench.add("a run: FAILED", "it is full", severity="error", link="headrace run show r1")
    bench.sender.send_due()
    bench.pass_time(60)
    [sent] = bench.channels["one"].sent
    assert sent.subject == "p: a run: FAILED"
    assert sent.text == "it is full\nsee: headrace run show r1"
    [record] = bench.outbox.records(10)
    assert record.document()["state"] == "sent"
    assert [(each.channel, each.state) for each in record.deliveries] == [("one", "sent")]


def test_the_same_source_is_added_once(bench: Bench) -> None:
    assert bench.add("a", source="run/1")
    assert not bench.add("b", source="run/1")
    bench.sender.send_due()
    assert bench.subjects() == ["p: a"]


def test_the_same_words_are_not_sent_twice_within_a_while(bench: Bench) -> None:
    for _ in range(3):
        bench.add("it is down", "the endpoint is down")
        bench.pass_time(60)
    assert bench.subjects() == ["p: it is down"]
    assert [each.state for each in bench.outbox.records(3)] == ["repeated", "repeated", "planned"]
    bench.pass_time(3600)
    bench.add("it is down", "the endpoint is down")
    bench.sender.send_due()
    assert len(bench.subjects()) == 2


def test_a_channel_that_fails_gets_it_later_and_keeps_no_other_back(bench: Bench) -> None:
    bench.settings = {"one": "x", "two": "y"}
    bench.channels["one"].error = "notify.one: away"
    for number in range(3):
        bench.add(f"run {number}: FAILED")
        bench.pass_time(700)
    assert bench.subjects("two") == [f"p: run {number}: FAILED" for number in range(3)]
    assert bench.reports == ["notify.one: away"]
    assert bench.outbox.records(1)[0].document()["state"] == "waiting"
    bench.channels["one"].error = ""
    bench.pass_time(3600)
    [late] = bench.channels["one"].sent
    assert late.subject == "p: 3 notifications, late: 3 info"
    assert "run 0: FAILED" in late.message
    assert "run 2: FAILED" in late.message
    assert bench.outbox.count_waiting() == 0


def test_attempts_come_after_growing_pauses(bench: Bench) -> None:
    bench.channels["one"].error = "notify.one: away"
    attempts = []
    send = bench.channels["one"].send
    bench.channels["one"].send = lambda *given: (attempts.append(bench.now), send(*given))[1]  # type: ignore[method-assign]
    bench.add("a")
    for _ in range(3600):
        bench.pass_time(10)
    pauses = [round(b - a) for a, b in itertools.pairwise(attempts)]
    assert pauses[:5] == [10, 20, 40, 80, 160]
    assert max(pauses) == 3600


def test_one_that_cannot_be_sent_for_a_week_is_given_up(bench: Bench) -> None:
    bench.channels["one"].error = "notify.one: away"
    bench.add("a")
    for _ in range(8 * 24):
        bench.pass_time(3601)
    [record] = bench.outbox.records(1)
    assert record.document()["state"] == "given up"
    assert record.deliveries[0].error == "notify.one: away"


def test_a_channel_that_hangs_keeps_back_neither_the_other_nor_whoever_adds(bench: Bench) -> None:
    bench.settings = {"one": "x", "two": "y"}
    bench.channels["one"].hanging = threading.Event()
    bench.sender.start()
    for number in range(5):
        bench.add(f"message {number}")
        bench.sender.wake()
        wait_until(lambda n=number: len(bench.subjects("two")) > n, "the other channel")
    assert bench.subjects("one") == []
    bench.channels["one"].hanging.set()
    wait_until(lambda: bench.outbox.count_waiting() == 0, "the channel that hung")
    assert len(bench.subjects("one")) == 5


def test_what_waits_is_sent_by_the_next_process(bench: Bench) -> None:
    bench.channels["one"].error = "notify.one: away"
    bench.add("a")
    bench.sender.send_due()
    bench.close()
    bench.channels["one"].error = ""
    bench.open()
    bench.sender.send_due()
    assert bench.subjects() == ["p: a"]


def test_only_one_process_sends_and_another_takes_over(bench: Bench) -> None:
    bench.sender.send_due()
    second = Outbox(bench.path)
    other = NotificationSender(
        second, "p", lambda: bench.settings, bench.reports.append, lambda: bench.now
    )
    bench.add("a")
    other.send_due()
    assert bench.subjects() == []
    bench.sender.stop()
    other.send_due()
    other.stop()
    second.close()
    assert bench.subjects() == ["p: a"]


def test_what_raises_is_an_error_of_its_channel(bench: Bench) -> None:
    def fail(*given: object) -> str:
        raise RuntimeError("no signal")

    bench.channels["one"].send = fail  # type: ignore[method-assign]
    bench.add("a")
    bench.sender.send_due()
    assert bench.reports == ["notify.one: RuntimeError: no signal"]
    assert bench.outbox.count_waiting() == 1


def test_without_a_channel_it_is_kept_and_sent_to_nobody(bench: Bench) -> None:
    bench.settings = {}
    bench.add("a")
    bench.sender.send_due()
    assert bench.outbox.records(1)[0].document()["state"] == "nobody"


def test_what_waits_for_a_channel_that_is_not_set_any_more_is_given_up(bench: Bench) -> None:
    bench.settings = {"one": "x", "two": "y"}
    bench.channels["two"].error = "notify.two: away"
    bench.add("a")
    bench.sender.send_due()
    bench.settings = {"one": "x"}
    bench.pass_time(10)
    assert bench.outbox.count_waiting() == 0


def test_letters_that_steer_a_terminal_or_a_mail_are_written_out(bench: Bench) -> None:
    bench.add("a\nBcc: all\x1b[2J", "b\x1b]0;c\x07\nd")
    bench.sender.send_due()
    [sent] = bench.channels["one"].sent
    assert sent.subject == "p: a\\nBcc: all\\x1b[2J"
    assert sent.message == "b\\x1b]0;c\\x07\nd"


def test_a_year_does_not_grow_it_beyond_bounds(bench: Bench) -> None:
    sizes = []
    for day in range(365):
        for number in range(8):
            bench.add(f"run {day}.{number}: FAILED", "x" * 500, topic="{count} runs failed")
        bench.pass_time(3700)
        bench.pass_time(86_400 - 3700)
        sizes.append(bench.path.stat().st_size)
    assert len(bench.channels["one"].sent) == 365
    assert bench.outbox.count_waiting() == 0
    assert len(bench.outbox.records(20_000)) <= 91 * 8
    # It has its size after the time for which records are kept, and keeps it.
    assert sizes[-1] <= sizes[110] * 1.05
    assert bench.now - START == 365 * 86_400


def test_a_channel_that_is_away_for_ever_keeps_so_many_waiting(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_WAITING", 100)
    bench.channels["one"].error = "notify.one: away"
    for number in range(130):
        bench.add(f"message {number}")
    for _ in range(3):
        bench.pass_time(3601)
    assert bench.outbox.count_waiting() == 100
    first = bench.outbox.waiting("one")[0]
    assert first.notification.subject == "message 30"


@pytest.mark.parametrize("mode", [0o077])
def test_others_cannot_read_it(bench: Bench, mode: int) -> None:
    assert Path(bench.path).stat().st_mode & mode == 0
