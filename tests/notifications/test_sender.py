"""What waits in the outbox is sent, once, whatever happens to channels and processes."""

from __future__ import annotations

import itertools
import sqlite3
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


def test_the_same_words_about_two_runs_are_both_told(bench: Bench) -> None:
    for run in ("r1", "r2"):
        bench.add("a run: INACTIVE", "a run waits for you", key=f"run/{run}/INACTIVE")
    bench.pass_time(60)
    assert len(bench.subjects()) == 2


def test_what_is_true_last_is_told_though_it_was_told_before(bench: Bench) -> None:
    def tell(subject: str) -> None:
        bench.add(subject, key="fault/store")
        bench.pass_time(30)

    tell("it is broken")
    tell("it is well")
    # It comes and goes: not each time.
    for _ in range(3):
        tell("it is broken")
        tell("it is well")
    tell("it is broken")
    assert bench.subjects() == ["p: it is broken", "p: it is well"]
    bench.pass_time(300)
    assert bench.subjects()[-1] == "p: it is broken"
    assert len(bench.subjects()) == 3
    tell("it is well")
    assert bench.subjects()[-1] == "p: it is well"
    assert not bench.outbox.has_new()


def test_what_was_sent_and_cannot_be_marked_is_not_sent_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(*given: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    bench.add("a")
    with monkeypatch.context() as full:
        full.setattr(bench.outbox, "mark", is_full)
        for _ in range(3):
            with pytest.raises(sqlite3.OperationalError):
                bench.pass_time(10)
    bench.pass_time(10)
    assert bench.subjects() == ["p: a"]
    assert bench.outbox.count_waiting() == 0


def test_the_same_fault_of_the_outbox_is_reported_once_an_hour(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        bench.sender._failed(sqlite3.OperationalError("disk is full"))
    assert bench.reports == ["notifications: OperationalError: disk is full"]
    bench.now += 3600
    bench.sender._failed(sqlite3.OperationalError("disk is full"))
    assert len(bench.reports) == 2


def test_the_words_of_a_service_are_kept_short(bench: Bench) -> None:
    bench.channels["one"].error = "x" * 100_000
    bench.add("a")
    bench.sender.send_due()
    assert len(bench.outbox.records(1)[0].deliveries[0].error) <= 501


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


def test_a_topic_is_one_line_of_plain_letters(bench: Bench) -> None:
    for number in range(2):
        bench.add("a", str(number), topic="{count} runs failed: a\0b\n\ud800" + "c" * 10_000)
    bench.pass_time(200)
    [sent] = bench.channels["one"].sent
    assert sent.subject.startswith("p: 2 runs failed: a\\x00b\\n\\ud800c")
    assert len(sent.subject) <= 220


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
