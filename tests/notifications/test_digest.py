"""Several notifications are sent as one, quietly in quiet hours, and not too many an hour."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from headrace._internal.quiet_hours import QuietHours
from headrace.notifications.digest import Choice, choose_batches
from headrace.notifications.notification import Notification
from headrace.notifications.outbox import Message
from headrace.notifications.phone.buttons import actions_of
from headrace.notifications.policy import DeliveryPolicy, delivery_policy
from tests.support.outboxes import Bench

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC).timestamp()


def message(number: int, added: float = NOON, topic: str = "", **more: Any) -> Message:
    notification = Notification(f"run {number}: FAILED", "no space", time=added, **more)
    command = "headrace run list --status FAILED --cause 'no space*'"
    return Message(number, added, notification, topic, f"run {number}", command)


def choose(messages: list[Message], now: float, **policy: Any) -> Choice:
    return choose_batches(messages, DeliveryPolicy(zone=UTC, **policy), now)


def test_twelve_failures_of_one_cause_are_one_notification() -> None:
    failures = [message(n, NOON + n, "{count} runs failed: no space") for n in range(12)]
    assert choose(failures, NOON + 60) == Choice((), NOON + 120)
    [batch] = choose(failures, NOON + 120).batches
    assert batch.numbers == tuple(range(12))
    told = batch.notification
    assert told.subject == "12 runs failed: no space"
    assert told.message.splitlines()[0] == "run 0, run 1, run 2, run 3, run 4 and 7 more"
    assert told.link == "headrace run list --status FAILED --cause 'no space*'"


def test_a_digest_has_no_button_that_answers_one_of_its_runs_alone() -> None:
    failures = [message(n, topic="{count} failed", key=f"run/r{n}/FAILED") for n in range(2)]
    [batch] = choose(failures, NOON + 120).batches
    assert not actions_of(batch.notification)


def test_failures_of_other_causes_are_told_apart() -> None:
    failures = [message(n, topic=f"{{count}} runs failed: cause {n % 2}") for n in range(4)]
    subjects = [b.notification.subject for b in choose(failures, NOON + 120).batches]
    assert subjects == ["2 runs failed: cause 0", "2 runs failed: cause 1"]


def test_one_that_stays_alone_is_sent_as_it_is_after_the_wait() -> None:
    alone = message(1, topic="{count} runs failed: x", severity="error")
    [batch] = choose([alone], NOON + 120).batches
    assert batch.notification == alone.notification


def test_without_a_wait_each_is_sent_at_once() -> None:
    failures = [message(n, topic="{count} failed") for n in range(1)]
    assert len(choose(failures, NOON, digest_seconds=0.0).batches) == 1


def test_urgent_ones_wait_for_nothing() -> None:
    quiet = QuietHours.parse(["11:00-13:00"], "UTC")
    urgent = message(1, topic="{count} things", severity="urgent")
    mild = message(2)
    found = choose([mild, urgent], NOON, quiet=quiet, per_hour=1)
    assert [batch.numbers for batch in found.batches] == [(1,)]
    assert found.next_time == datetime(2027, 1, 15, 13, tzinfo=UTC).timestamp()


def test_what_came_in_quiet_hours_is_one_digest_after_them(bench: Bench) -> None:
    bench.settings |= {"quiet_hours": ["22:00-07:00"], "timezone": "Europe/Berlin"}
    bench.now = datetime(2027, 1, 15, 23, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    for number in range(3):
        bench.add(f"run {number}: FAILED", severity="error")
        bench.pass_time(1800)
    bench.add("the disk is full", severity="urgent")
    bench.pass_time(1)
    assert bench.subjects() == ["p: the disk is full"]
    bench.now = datetime(2027, 1, 16, 6, 59, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    bench.pass_time(0)
    assert len(bench.subjects()) == 1
    bench.pass_time(61)
    [_, digest] = bench.channels["one"].sent
    assert digest.subject == "p: 3 notifications, late: 3 error"
    assert "23:00 run 0: FAILED" in digest.message
    assert digest.severity == "error"


@pytest.mark.parametrize(("day", "hours"), [((2027, 3, 27), 8), ((2027, 10, 30), 10)])
def test_quiet_hours_are_those_of_the_clock_on_the_wall(
    bench: Bench, day: tuple[int, int, int], hours: int
) -> None:
    """In these nights clocks go forward, and back."""
    bench.settings |= {"quiet_hours": ["22:00-07:00"], "timezone": "Europe/Berlin"}
    begin = datetime(*day, 22, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    bench.now = begin
    bench.add("a")
    bench.pass_time(hours * 3600 - 1)
    assert bench.subjects() == []
    bench.pass_time(1)
    assert bench.subjects() == ["p: a"]


def test_more_than_the_limit_of_an_hour_wait_and_are_one(bench: Bench) -> None:
    bench.settings |= {"per_hour": 3}
    for number in range(10):
        bench.add(f"message {number}")
        bench.pass_time(60)
    assert bench.subjects() == ["p: message 0", "p: message 1", "p: message 2"]
    bench.pass_time(3600)
    assert bench.subjects()[3:] == ["p: 7 notifications, late: 7 info"]


def test_a_sender_that_is_started_again_does_not_begin_a_new_hour(bench: Bench) -> None:
    bench.settings |= {"per_hour": 3}
    for number in range(5):
        bench.add(f"message {number}")
        bench.pass_time(60)
        bench.close()
        bench.open()
    assert bench.subjects() == ["p: message 0", "p: message 1", "p: message 2"]
    bench.pass_time(3600)
    assert bench.subjects()[3:] == ["p: 2 notifications, late: 2 info"]


def test_many_at_once_are_one(bench: Bench) -> None:
    for number in range(100):
        bench.add(f"message {number}", severity="warning" if number % 2 else "info")
    bench.sender.send_due()
    [digest] = bench.channels["one"].sent
    assert digest.subject == "p: 100 notifications: 50 warning, 50 info"
    assert digest.message.splitlines()[-1] == "and 80 more"
    assert digest.link == "headrace notify list"


def test_one_that_comes_late_says_so() -> None:
    [batch] = choose([message(1)], NOON + 3 * 3600 + 300).batches
    assert batch.notification.message == "no space\n(late: since 12:00, 3:05 h ago)"


def test_a_clock_that_is_set_back_holds_nothing_for_ever() -> None:
    later = message(1, NOON + 86_400, "{count} failed")
    assert len(choose([later], NOON).batches) == 1


def test_the_settings_are_read() -> None:
    policy = delivery_policy(
        {"quiet_hours": ["22:00-07:00"], "digest": "0s", "repeat": "1d", "per_hour": 5}
    )
    assert (policy.digest_seconds, policy.repeat_seconds, policy.per_hour) == (0.0, 86_400.0, 5)
    assert policy.quiet.end(datetime(2027, 1, 15, 23).astimezone()) is not None
